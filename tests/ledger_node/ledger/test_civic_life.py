"""Whatever members decide about each other, money is conserved and nobody steps outside the tables."""

import json
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.ledger.states import MEMBER
from tests.ledger_node.ledger.civic_life import CivicLife
from tests.ledger_node.ledger.street import ADA
from tests.ledger_node.ledger.test_life import check_fills, check_holds, check_money

seeds = st.integers(0, 2**32)
MOVES = {(before, after) for (before, _), after in MEMBER.items()}


def check_members(life):
    """A member goes only where the table leads; who has left holds nothing; a founder can always act."""
    state = life.street.state
    for account in state.accounts.values():
        if account.status == "left":
            assert (account.balance, account.held, account.credit, account.roles) == (0, 0, 0, ())
            assert not any(
                one.account == account.account for one in state.redemptions.values() if not one.settled
            )
        if account.status in ("suspended", "leaving", "left"):
            mine = [order for order in state.orders.values() if order.account == account.account]
            assert all(order.id in state.totals.cancelling for order in mine)
            assert not any(one.account == account.account for one in state.flexibility.values())
    gone = {one.account for one in state.accounts.values() if one.status == "left"}
    assert not gone & {party for trade in state.trades.values() for party in (trade.seller, trade.buyer)}
    assert not gone & {side.account for side in state.waiting_sides()}
    assert all(one.state == "retired" for one in state.assets.values() if one.account in gone)
    assert any("founder" in one.roles and one.status == "active" for one in state.accounts.values())


def moves_told(life):
    """Return every change of status that the events tell, as pairs of before and after."""
    last, moves = {ADA.address: "active"}, set()
    for outcome in life.street.outcomes:
        for event in outcome.events:
            if event.type.startswith("member."):
                account, after = event.data["account"], event.data["status"]
                before = last.get(account)
                moves |= {(before, after)} if before != after else set()
                last[account] = after
    return moves


def auditors(life):
    """Return the accounts of those who audit."""
    return [account for account in life.street.state.accounts.values() if "auditor" in account.roles]


def givers(outcome):
    """Return whose money a commit may move by what they signed or traded themselves."""
    told = [json.loads(line) for line in outcome.lines]
    trades = ("trade.settled", "trade.reviewed")
    gives = {one["data"]["from"] for one in told if one["type"] == "transfer"}
    gives |= {one["data"][side] for one in told if one["type"] in trades for side in ("seller", "buyer")}
    return gives | {one["data"]["account"] for one in told if one["type"] == "voucher.paid"}


def robbed(life):
    """Return the accounts whose balance fell by what somebody else wanted."""
    balances, victims = dict[str, int](), set()
    for outcome in life.street.outcomes:
        for change in outcome.changes:
            if change.table == "accounts":
                after = change.row["balance"]
                if after < balances.get(change.key, 0) and change.key not in givers(outcome):
                    victims.add(change.key)
                balances[change.key] = after
    return victims


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 90))
def test_money_is_conserved_and_members_keep_to_the_table_after_every_step(seed, steps):
    life = CivicLife(seed)
    for _ in range(steps):
        life.step()
        money = life.street.ledger.money
        assert money.balances + money.community == money.issued
        assert all((one.balance, one.held, one.roles) == (0, 0, ("auditor",)) for one in auditors(life))
        check_money(life)
        check_holds(life)
        check_fills(life)
        check_members(life)
    assert moves_told(life) <= MOVES
    assert robbed(life) == set()


def test_civic_lives_are_rich_enough_to_prove_something():
    seen = Counter()
    for seed in range(32):
        life = CivicLife(seed)
        for _ in range(120):
            life.step()
        seen.update(event.type for outcome in life.street.outcomes for event in outcome.events)
    for what in [
        "voucher.requested", "voucher.paid", "voucher.returned", "community.paid", "member.suspended",
        "member.resumed", "member.role", "member.leaving", "member.left", "key.rotated", "asset.retired",
        "flexibility.announced", "tariff.set", "policy.set", "trade.settled", "order.cancelled",
    ]:  # fmt: skip
        assert seen[what] >= 2, (what, seen)
