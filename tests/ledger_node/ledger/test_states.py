"""The tables of states say what can happen, and nothing else can."""

import pytest

from energy_ledger.ledger import states
from energy_ledger.ledger.states import ForbiddenTransitionError, advance, may

TABLES = {
    "member": (states.MEMBER, {"left"}),
    "asset": (states.ASSET, {"retired"}),
    "order": (states.ORDER, {"filled", "cancelled", "lapsed"}),
    "round": (states.ROUND, {"cleared", "void"}),
    "trade": (states.TRADE, set()),
    "claim": (states.CLAIM, {"upheld", "rejected"}),
    "certificate": (states.CERTIFICATE, {"claimed", "withdrawn", "expired"}),
    "redemption": (states.REDEMPTION, {"paid", "returned"}),
}


@pytest.mark.parametrize("name", TABLES)
def test_everything_begins_somewhere_and_ends_only_where_it_should(name):
    table, ends = TABLES[name]
    reached = set(table.values())
    left = {state for state, _ in table if state is not None}
    assert any(state is None for state, _ in table)
    assert left <= reached
    assert reached - left == ends


def test_a_trade_is_settled_only_when_its_meters_are_judged_or_no_meter_sees_it():
    assert {pair for pair, after in states.TRADE.items() if after == "settled"} == {
        ("metered", "settle"), ("overdue", "settle"), ("disputed", "decide"), ("delivering", "keep"),
    }  # fmt: skip


def test_what_a_table_does_not_name_cannot_happen():
    assert may(states.ORDER, "open", "cancel")
    assert not may(states.ORDER, "filled", "cancel")
    with pytest.raises(ForbiddenTransitionError, match="nothing that is filled can cancel"):
        advance(states.ORDER, "filled", "cancel")
