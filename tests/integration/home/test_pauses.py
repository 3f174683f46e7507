"""While nothing is traded the reason says why, and not what the plan would do."""

import json
import time

import pytest

from custom_components.energy_marketplace.agent_pause import _STANDS, pause_of
from custom_components.energy_marketplace.complaints import PROBLEMS
from custom_components.energy_marketplace.ledger.client import NodeUnreachableError
from custom_components.energy_marketplace.ledger.transactions import Envelope
from custom_components.energy_marketplace.outbox import Sent
from custom_components.energy_marketplace.trading.agent import Plan, Schedule
from custom_components.energy_marketplace.trading.sentences import Sentence
from tests.integration.conftest import HOME, asset
from tests.integration.home.test_agent_runner import TRANSLATIONS, slot_now
from tests.integration.home.waiting import until

ROOF, CAR = "d4" * 32, "f6" * 32
TRADES = {"behind": HOME, "settings": {"automatic": True}}
WINDOW = {"energy_wh": 600, "start_ms": 0, "end_ms": 900_000}
OFFERS = Sentence("offers_surplus", WINDOW | {"price": 90_000, "outside": 80_000})
TAKES = Sentence("takes_sunshine", WINDOW)


@pytest.fixture
def assets():
    roof = {"asset_type": "solar", "rated_import_w": 0, "rated_export_w": 5_000}
    return [
        asset(HOME, "Home"),
        asset(ROOF, "Roof", **roof, **TRADES),
        asset(CAR, "Car", asset_type="charger", **TRADES),
    ]


@pytest.fixture
def market(member):
    return member.runtime_data.market


@pytest.fixture
async def reasons(home, member, market, planned):
    """Plan, and return the reasons of the roof, the car, and the home, which does not trade by itself."""
    said = {ROOF: OFFERS, CAR: TAKES, HOME: Sentence("switched_off")}
    planned.answer = Plan(0, schedules={one: Schedule(one, slot_now(), (0,), said[one]) for one in said})

    async def shown():
        await market.async_refresh()
        await member.runtime_data.agent.async_run()
        return [home.states.get(f"sensor.{name}_reason").state for name in ("roof", "car", "home")]

    return shown


async def expect(reasons, pause):
    """The roof's plan is about orders, and not said; what the car takes by itself is."""
    roof, car, home = await reasons()
    assert roof == pause
    assert car.startswith(f"{pause} Takes 0.60 kWh")
    assert home.startswith("Does not trade by itself")


async def test_while_all_is_well_the_plan_is_told(reasons):
    roof, car, _ = await reasons()
    assert roof.startswith("Offers 0.60 kWh")
    assert car.startswith("Takes 0.60 kWh")


async def test_a_node_that_is_away(home, node, market, reasons):
    await node.hang_up()
    market.member.client._base = market.member.client._base.with_port(9)
    await until(lambda: not market.connected)
    await expect(reasons, "Trades nothing now, because the node cannot be reached.")


async def test_a_meter_that_is_silent(home, member, reasons, monkeypatch):
    meter = next(one for one in member.runtime_data.meters.values() if one.asset.id == HOME)
    monkeypatch.setattr(type(meter), "is_silent", property(lambda one: one is meter))
    await expect(reasons, "Trades nothing now, because the meter of the connection point is silent.")


async def test_before_the_node_said_anything_nothing_is_said_of_it(member, market):
    market.data = None
    assert pause_of(market, next(iter(member.runtime_data.meters.values()))) is None


async def test_a_membership_that_is_not_active(node, member, reasons):
    node.accounts[member.data["address"]]["status"] = "suspended"
    await expect(reasons, "Trades nothing now, because the membership is not active.")


@pytest.mark.parametrize("code", sorted(PROBLEMS))
async def test_a_network_that_agrees_on_nothing(node, reasons, code):
    node.network_more = {"problem": "Something.", "problem_code": code, "in_sync": False}
    if code in _STANDS:
        await expect(reasons, "Trades nothing now, because the network agrees on nothing at present.")
    else:
        assert (await reasons())[0].startswith("Offers")


async def test_an_order_of_which_nobody_knows_what_became(market, reasons, monkeypatch):
    async def nobody_knows():
        raise NodeUnreachableError("no answer")

    monkeypatch.setattr(market.outbox, "async_clear", nobody_knows)
    market.outbox._sent["0d"] = Sent(Envelope("{}", ()), insist=False)
    await expect(reasons, "Trades nothing new now, because it is not known yet what became of an order.")


async def test_a_reason_that_would_be_too_long_for_a_state_says_the_pause_and_the_warmth(
    member, reasons, planned
):
    await reasons()
    agent = member.runtime_data.agent
    car = next(one.asset for one in member.runtime_data.meters.values() if one.asset.id == CAR)
    agent._sentences = {"component.energy_marketplace.exceptions.because_takes_sunshine.message": "x" * 200}
    agent._warmth[CAR] = Sentence("blind")
    agent._market.away_node.async_note(int(time.time() * 1000), "here")
    assert agent.because(car) == (
        "Trades nothing now, because the node cannot be reached. "
        "Its temperature could not be read for an hour; until it can, it is left to its own control."
    )


def test_a_pause_with_a_temperature_fits_into_a_state_in_every_language():
    words = Sentence("", {"energy_wh": 99_990, "end_ms": 0, "low_c": 45, "high_c": 60}).placeholders()
    for path in TRANSLATIONS.glob("*.json"):
        texts = json.loads(path.read_text("utf-8"))["exceptions"]
        said = {key: one["message"] for key, one in texts.items() if key.startswith("because_")}
        pause = max((said[key] for key in said if key.startswith("because_pauses")), key=len)
        for tail in ("kept_warm", "no_temperature", "learns_heat", "blind"):
            assert len(f"{pause} {said[f'because_{tail}'].format(**words)}") <= 255, path.name
