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


def check_moves(life):
    """Each status that an event tells follows from the one before."""
    last = {ADA.address: "active"}
    for outcome in life.street.outcomes:
        for event in outcome.events:
            if event.type.startswith("member."):
                account, after = event.data["account"], event.data["status"]
                before = last.get(account)
                assert (before, after) in MOVES or before == after
                last[account] = after


def check_auditors(life):
    """Who audits owns nothing."""
    for account in life.street.state.accounts.values():
        if "auditor" in account.roles:
            assert (account.balance, account.held, account.roles) == (0, 0, ("auditor",))


def check_wallets(life):
    """A balance falls by what its owner signed or traded, never by what anybody else wants."""
    balances = dict[str, int]()
    for outcome in life.street.outcomes:
        told = [json.loads(line) for line in outcome.lines]
        gives = {one["data"]["from"] for one in told if one["type"] == "transfer"}
        trades = ("trade.settled", "trade.reviewed")
        gives |= {one["data"][side] for one in told if one["type"] in trades for side in ("seller", "buyer")}
        gives |= {one["data"]["account"] for one in told if one["type"] == "voucher.paid"}
        for change in outcome.changes:
            if change.table == "accounts":
                after = change.row["balance"]
                assert after >= balances.get(change.key, 0) or change.key in gives
                balances[change.key] = after


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 90))
def test_money_is_conserved_and_members_keep_to_the_table_after_every_step(seed, steps):
    life = CivicLife(seed)
    for _ in range(steps):
        life.step()
        check_money(life)
        check_holds(life)
        check_fills(life)
        check_members(life)
        check_auditors(life)
    check_moves(life)
    check_wallets(life)


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
