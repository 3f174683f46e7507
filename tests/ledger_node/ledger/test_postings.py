"""What events say about money adds up to what the ledger holds, whatever happens."""

from collections import Counter
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.ledger.postings import COMMUNITY, lines_of, touched
from tests.ledger_node.ledger.life import Life


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(5, 80))
def test_the_amounts_of_all_events_are_the_balances_of_the_ledger(seed, steps):
    life = Life(seed)
    for _ in range(steps):
        life.step()
    balances = Counter()
    for outcome in life.street.outcomes:
        for event in outcome.events:
            for account, amount in touched(event).items():
                balances[account] += amount
    state = life.street.state
    held = {one.account: one.balance for one in state.accounts.values()} | {COMMUNITY: state.totals.community}
    assert {account: balances[account] for account in held} == held
    assert sum(balances.values()) == state.totals.issued


TRADE = {
    "id": "7.1",
    "slot": 3,
    "fee": 5,
    "buyer": "b",
    "seller": "s",
    "buyer_price": 100,
    "seller_price": 90,
    "settled_wh": 10,
    "passed_wh": 2,
    "paid": 12 * 105,
    "received": 12 * 90,
    "seller_penalty": 30,
    "buyer_penalty": 0,
}


def test_a_trade_pays_its_energy_fee_and_penalty():
    buyer, seller, fund = lines_of("trade.settled", TRADE)
    assert (buyer.energy, buyer.fee, buyer.penalty_received, buyer.amount) == (-1200, 60, 30, -1230)
    assert (seller.energy, seller.penalty_paid, seller.amount) == (1080, 30, 1050)
    assert fund.amount == 180
    assert (buyer.wh, buyer.passed_wh, buyer.correction) == (12, 2, False)


def test_a_trade_that_is_settled_again_moves_only_the_difference():
    after = TRADE | {"settled_wh": 13, "paid": 15 * 105, "received": 15 * 90, "seller_penalty": 0}
    buyer, seller, fund = lines_of("trade.reviewed", after | {"before": TRADE})
    assert (buyer.energy, buyer.fee, buyer.penalty_received, buyer.amount) == (-300, 15, -30, -345)
    assert (seller.energy, seller.penalty_paid, seller.amount) == (270, -30, 300)
    assert (fund.amount, buyer.wh, buyer.correction) == (45, 3, True)
    assert lines_of("trade.reviewed", TRADE | {"before": TRADE}) == ()


def test_vouchers_paid_out_are_gone_and_the_fund_pays_whom_it_is_told_to():
    (gone,) = lines_of("voucher.paid", {"account": "b", "amount": 5, "reference": "bank"})
    assert (gone.account, gone.amount, gone.kind) == ("b", -5, "redeemed")
    given_, taken = lines_of("community.paid", {"from": "t", "to": "b", "amount": 5, "reference": "lamp"})
    assert (given_.account, given_.amount, taken.account, taken.amount) == (COMMUNITY, -5, "b", 5)


def test_a_change_of_keys_is_noted_though_it_moves_nothing():
    event = SimpleNamespace(type="member.joined", accounts=("b",), data={})
    assert touched(event) == {"b": 0}
    assert touched(SimpleNamespace(type="order.placed", accounts=("b",), data={})) == {}
