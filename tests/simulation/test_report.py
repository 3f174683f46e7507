"""The report holds the ledger's word against the meters' own registers, and counts every unit of money."""

from typing import Any

import pytest

from custom_components.energy_marketplace.ledger.answers import Trade
from custom_components.energy_marketplace.meter.readings import Registers
from simulation.registers import Recorder
from simulation.report import Balances, Witness, states_of

ADA = "tkwh1ada"
BOUGHT = Trade(
    id="7.1",
    round=7,
    slot=100,
    wh=11,
    seller_price=90,
    buyer_price=95,
    fee=5,
    state="settled",
    seller="tkwh1rosa",
    buyer=ADA,
    sell_order="s1",
    buy_order="b1",
    sell_asset="roof",
    buy_asset="machine",
    sell_point="p1",
    buy_point="p2",
    settled_wh=10,
    paid=1_000,
    received=900,
)


class Home:
    """Answers like Home Assistant."""

    async def call(self, action: str, data: Any, *, answers: bool) -> Any:
        assert (action, answers) == ("energy_marketplace.get_trades", True)
        return {"trades": [{"order": "b1", "placed_by": "automation.wash"}]}

    async def get(self, path: str) -> Any:
        assert path == "/api/states"
        attributes = {"unit_of_measurement": "W"}
        return [{"entity_id": "sensor.power", "state": "12", "attributes": attributes}]


@pytest.fixture
def witness() -> Witness:
    recorder = Recorder({"Machine": (1, "sdm120")}, slot_s=20)
    registers = {100: (5, 0), 101: (17, 0), 102: (17, 0), 104: (40, 0)}
    recorder.seen["Machine"] = {slot: Registers(slot * 20_000, *values) for slot, values in registers.items()}
    return Witness(Home(), None, ADA, {"Machine": "machine"}, recorder)


async def test_a_trade_is_reported_with_its_origin_and_the_registers_at_both_ends_of_its_slot(
    witness: Witness,
):
    [row] = await witness.trade_rows([BOUGHT])
    assert row == {
        "trade": "7.1",
        "order": "b1",
        "asset": "Machine",
        "slot": 100,
        "wh_agreed": 11,
        "wh_settled": 10,
        "price": 95,
        "fee": 5,
        "amount": 1_000,
        "state": "settled",
        "placed_by": "automation.wash",
        "registers": {
            "Machine": {
                "start": {"at": 2_000_000, "imported_wh": 5, "exported_wh": 0},
                "end": {"at": 2_020_000, "imported_wh": 17, "exported_wh": 0},
            }
        },
    }


def test_slots_without_a_trade_are_reported_too_and_unseen_ones_are_left_out(witness: Witness):
    assert witness.asset_slots("Machine", [BOUGHT]) == [
        {"slot": 100, "wh_agreed": 11, "wh_measured": 12},
        {"slot": 101, "wh_agreed": 0, "wh_measured": 0},
    ]


def test_the_registers_of_a_slot_that_was_not_seen_are_not_made_up(witness: Witness):
    assert witness.recorder.slot("Machine", 102) is None
    assert witness.recorder.slot("Machine", 104) is None


def test_the_total_is_all_accounts_and_the_community_fund():
    accounts = {"Ada": {"balance": -3, "held": 0}, "Rosa": {"balance": 10, "held": 4}}
    balances = Balances(accounts, community=2, issued=9)
    assert balances.total == balances.issued
    assert balances.as_dict()["community fund"] == {"balance": 2, "held": 0}


async def test_states_are_reported_with_their_units_and_missing_ones_left_out():
    states = await states_of(Home(), ["sensor.power", "sensor.gone"])
    assert states == {"sensor.power": {"state": "12", "unit": "W"}}
