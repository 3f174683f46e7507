"""Whatever happens, no money is made or lost, no Wh counts twice, and a restored ledger goes on the same.

Seeds and the number of steps are drawn; a failing seed shrinks to the fewest steps that still fail.
"""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.refusals import CODES
from tests.ledger_node.ledger.life import Life, written

seeds = st.integers(0, 2**32)
steps = st.integers(1, 80)


def check_money(life):
    """Balances and the community fund are what was issued; the fund never owes."""
    money = life.street.ledger.money
    assert money.balances + money.community == money.issued
    assert money.community >= 0


def check_holds(life):
    """What is held is what open orders and unsettled trades may still cost, account by account."""
    state, held = life.street.state, Counter()
    for order in state.orders.values():
        held[order.account] += order.held
        rest = order.total_wh - order.filled_wh
        assert order.held == (0 if order.is_offer else rest * order.order.price)
    for trade in state.trades.values():
        held[trade.buyer] += trade.hold
    for account in state.accounts.values():
        assert account.held == held[account.account]


def check_fills(life):
    """No order is filled beyond what it asked for, in all or in a slot."""
    for order in life.street.state.orders.values():
        assert order.filled_wh == sum(order.fills.values()) < order.total_wh
        for slot, wh in order.fills.items():
            limit = getattr(order.order, "max_wh_per_slot", None)
            assert 0 < wh <= (limit if limit is not None else order.order.wh_by_slot[slot])


def check_meters(life):
    """Per connection point and slot, no more is settled than the meter showed."""
    sold, bought = Counter(), Counter()
    for trade in life.street.events("trade.settled"):
        assert 0 <= trade["settled_wh"] <= trade["wh"]
        assert 0 <= trade["seller_price"] <= trade["buyer_price"]
        sold[trade["sell_point"], trade["slot"]] += trade["settled_wh"]
        bought[trade["buy_point"], trade["slot"]] += trade["settled_wh"]
    for place, wh in sold.items():
        assert wh <= life.meters.get(place, (0, 0))[1]
    for place, wh in bought.items():
        assert wh <= life.meters.get(place, (0, 0))[0]


def check_trades(life):
    """A trade is matched until its slot starts, then it delivers, and it is settled when the grace ends."""
    state = life.street.state
    for trade in state.trades.values():
        assert state.timing.grace_over(trade.slot) > state.time
        assert (trade.state == "matched") == (state.timing.start(trade.slot) > state.time)
    places = {(point, t.slot) for t in state.trades.values() for point in (t.sell_point, t.buy_point)}
    assert state.index._at.keys() == places
    assert set(state.index.slots()) == {slot for _, slot in places}


@settings(max_examples=120, deadline=None)
@given(seeds, steps)
def test_money_meters_holds_and_trades_are_right_after_every_step(seed, steps):
    life = Life(seed)
    for _ in range(steps):
        life.step()
        check_money(life)
        check_holds(life)
        check_fills(life)
        check_trades(life)
    check_meters(life)
    for outcome in life.street.outcomes:
        assert all(result.code is None or result.code in CODES for result in outcome.results)


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_the_same_commits_give_the_same_ledger_and_events_without_gap(seed):
    """The twin of a life is compared commit by commit; here two whole lives are."""
    lives = [Life(seed) for _ in range(2)]
    for life in lives:
        for _ in range(40):
            life.step()
    first, second = (written(*life.street.outcomes) for life in lives)
    assert first == second
    for outcome in lives[0].street.outcomes:
        assert outcome.lines == tuple(event.encode() for event in outcome.events)
    cursors = [event.cursor for outcome in lives[0].street.outcomes for event in outcome.events]
    assert cursors == list(range(1, len(cursors) + 1))


def test_lives_are_rich_enough_to_prove_something():
    """Every event the ledger knows happens in a few long lives, penalties and feeder rents among them."""
    seen = Counter()
    for seed in range(12):
        life = Life(seed)
        for _ in range(120):
            life.step()
        for trade in life.street.events("trade.settled"):
            seen["seller penalty"] += trade["seller_penalty"] > 0
            seen["buyer penalty"] += trade["buyer_penalty"] > 0
            seen["feeder rent"] += trade["seller_price"] < trade["buyer_price"]
            seen["settled"] += trade["settled_wh"] > 0
        seen.update(event.type for outcome in life.street.outcomes for event in outcome.events)
        seen["owing"] += any(account.balance < 0 for account in life.street.state.accounts.values())
    for what in [
        "order.filled", "order.lapsed", "order.cancelled", "round.cleared", "round.void", "clearing.refused",
        "trade.metered", "trade.overdue", "seller penalty", "buyer penalty", "feeder rent", "settled",
    ]:  # fmt: skip
        assert seen[what] >= 5, (what, seen)
    assert seen["owing"]
