"""The agent at work: what it is told, what it orders, and what it keeps."""

import json
import string
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.energy_marketplace import agent_runner
from custom_components.energy_marketplace.assets import async_set
from custom_components.energy_marketplace.ledger.orders import FixedBid, Offer
from custom_components.energy_marketplace.meter.readings import Registers, SlotReading
from custom_components.energy_marketplace.trading.agent import Cancellation, Plan, Schedule
from custom_components.energy_marketplace.trading.rules import Decision
from custom_components.energy_marketplace.trading.sentences import ENGLISH, Sentence
from tests.integration.conftest import HOME, WASHER, asset
from tests.integration.home.stand_in import trade
from tests.integration.home.waiting import until

ROOF, BATTERY, CAR = "d4" * 32, "e5" * 32, "f6" * 32
RESTS = Sentence("rests")
TRANSLATIONS = Path(agent_runner.__file__).parent / "translations"


@pytest.fixture
def assets():
    behind = {"behind": HOME}
    return [
        asset(HOME, "Home"),
        asset(WASHER, "Washer", asset_type="appliance", rated_export_w=0, **behind),
        asset(ROOF, "Roof", asset_type="solar", rated_import_w=0, rated_export_w=5_000, **behind),
        asset(BATTERY, "Battery", asset_type="battery", control={"level": "sensor.level"}, **behind),
        asset(CAR, "Car", asset_type="charger", control={"plugged": "input_boolean.plug"}, **behind),
    ]


@pytest.fixture
def agent(member):
    return member.runtime_data.agent


def slot_now():
    return int(time.time()) // 900


def set_setting(home, member, title, **settings):
    [subentry] = [one for one in member.subentries.values() if one.title == title]
    async_set(home, member, subentry.subentry_id, **settings)


async def test_the_planner_is_told_what_is_in_the_home_and_how_it_stands(home, member, agent, planned):
    home.states.async_set("sensor.level", "60")
    home.states.async_set("input_boolean.plug", "off")
    set_setting(home, member, "Battery", capacity_wh=8_000, reserve_percent=25, automatic=True)
    set_setting(home, member, "Car", energy_wh=9_000)
    set_setting(home, member, "Home", daily_limit=3_000_000_000)
    await agent.async_run()
    model = planned.told["home"]
    assert (model.point.id, [roof.id for roof in model.roofs]) == (HOME, [ROOF])
    [battery] = model.batteries
    assert (battery.stored_wh, battery.capacity_wh, battery.reserve_wh) == (4_800, 8_000, 2_000)
    assert battery.settings.automatic
    [car] = model.loads
    assert (car.id, car.needs_wh, car.plugged_in) == (CAR, 9_000, False)
    assert 0 < car.ready_ms / 1000 - time.time() <= 86_400 + 3_600
    assert planned.told["settings"].daily_limit == 3_000_000_000
    assert planned.told["settings"].available == 15_000_000_000


async def test_a_battery_of_which_nobody_says_how_full_it_is_stays_out(home, agent, planned):
    home.states.async_set("sensor.level", "unavailable")
    await agent.async_run()
    assert planned.told["home"].batteries == ()


async def test_what_a_car_got_is_taken_off_until_its_next_need(home, member, agent, planned):
    await agent.async_run()
    needs = agent._learned[HOME].needs
    ready_ms, since_wh = needs[CAR]
    needs[CAR] = (ready_ms, since_wh - 400)
    await agent.async_run()
    assert planned.told["home"].loads[0].needs_wh == 600
    set_setting(home, member, "Car", ready_by="03:00:00")
    await agent.async_run()
    assert planned.told["home"].loads[0].needs_wh == 1_000


async def test_orders_are_placed_and_taken_back_as_the_plan_says(home, node, member, agent, planned):
    slot = slot_now() + 3
    offer = Offer(price=100_000, slots={slot: 500})
    planned.answer = Plan(0, place=(Decision(HOME, offer, RESTS),))
    await agent.async_run()
    order = node.submitted[-1]
    assert (order["kind"], order["asset"], order["order"]["price"]) == ("order.place", HOME, 100_000)
    book = member.runtime_data.market.book
    await until(lambda: book.open_orders(HOME))
    [placed] = book.open_orders(HOME)
    assert book.placed_by[placed.id] == "automatic_trading"
    planned.answer = Plan(0, cancel=(Cancellation(placed.id, HOME, RESTS),))
    await agent.async_run()
    assert planned.told["own"] == {placed.id}
    assert planned.told["orders"] == [placed]
    await until(lambda: book.open_orders(HOME) == [])


async def test_a_refused_order_does_not_keep_the_others_from_being_placed(node, agent, planned):
    slot = slot_now() + 3
    bid = Decision(HOME, FixedBid(price=1, slots={slot: 1}), RESTS)
    planned.answer = Plan(0, place=(bid, bid))
    node.refuse_once["order.place"] = ("not_enough_money", "too poor")
    await agent.async_run()
    assert len(node.submitted) == 1


async def test_an_order_whose_answer_got_lost_is_known_as_its_own(node, member, agent, planned, monkeypatch):
    monkeypatch.setattr("custom_components.energy_marketplace.ledger.member._FIRST_WAIT_S", 0)
    planned.answer = Plan(0, place=(Decision(HOME, FixedBid(price=1, slots={slot_now() + 3: 1}), RESTS),))
    node.lose_answers = ("order.place",)
    await agent.async_run()
    assert list(member.runtime_data.market.book.placed_by.values()) == ["automatic_trading"]
    assert set(member.runtime_data.market.book.placed_by) <= set(node.orders)


async def test_while_the_node_is_away_it_plans_and_orders_nothing(node, member, agent, planned):
    planned.answer = Plan(0, place=(Decision(HOME, FixedBid(price=1, slots={slot_now() + 3: 1}), RESTS),))
    member.runtime_data.market.connected = False
    await agent.async_run()
    assert planned.told is not None
    assert node.submitted == []


async def test_the_reason_is_shown_on_the_asset(home, agent, planned):
    slot = slot_now()
    because = Sentence("takes_agreed", {"energy_wh": 600, "start_ms": slot * 900_000, "end_ms": 0})
    schedule = Schedule(asset=CAR, first=slot, slots_wh=(300,), because=because)
    planned.answer = Plan(0, schedules={CAR: schedule})
    assert home.states.get("sensor.car_reason").state == "unknown"
    await agent.async_run()
    assert home.states.get("sensor.car_reason").state.startswith("Takes 0.60 kWh from ")


async def test_what_is_planned_counts_only_where_trading_is_automatic(home, member, agent, planned):
    schedule = Schedule(asset=CAR, first=slot_now(), slots_wh=(300,), because=RESTS)
    planned.answer = Plan(0, schedules={CAR: schedule})
    await agent.async_run()
    car = next(meter.asset for meter in member.runtime_data.meters.values() if meter.asset.name == "Car")
    assert agent.planned_w(car) == 0
    assert agent.planned_w(replace(car, settings=replace(car.settings, automatic=True))) == 1_200


def closed(meter, slot, imported_wh, exported_wh=0):
    start, end = slot * 900_000, (slot + 1) * 900_000
    meter.closed.append(SlotReading(slot, Registers(start, 0, 0), Registers(end, imported_wh, exported_wh)))


async def test_base_load_is_the_home_less_what_is_metered_behind_it(member, agent, planned):
    meters = {meter.asset.name: meter for meter in member.runtime_data.meters.values()}
    slot = slot_now() - 2
    for name, imported_wh, exported_wh in (
        ("Home", 700, 0),
        ("Washer", 100, 0),
        ("Roof", 0, 400),
        ("Battery", 50, 0),
        ("Car", 600, 0),
    ):
        closed(meters[name], slot, imported_wh, exported_wh)
    await agent.async_run()
    memory = agent._learned[HOME].memory
    assert memory._base.get(slot) == 350
    assert memory._production.get(slot) == 400
    await agent.async_run()
    assert memory._base.get(slot) == 350


async def test_a_slot_in_which_a_meter_was_silent_teaches_nothing_about_the_home(member, agent, planned):
    meters = {meter.asset.name: meter for meter in member.runtime_data.meters.values()}
    closed(meters["Home"], slot_now() - 2, 700)
    await agent.async_run()
    assert agent._learned[HOME].memory._base.get(slot_now() - 2) is None


async def test_what_was_learned_lasts_over_a_restart(home, member, agent, planned):
    agent._learned[HOME].memory.learn_prices({slot_now(): 123_000})
    await home.config_entries.async_reload(member.entry_id)
    assert member.runtime_data.agent is not agent
    assert member.runtime_data.agent._learned[HOME].memory.prices == {slot_now(): 123_000}


async def test_an_appliance_runs_when_somebody_asked_until_then(home, member, agent, planned):
    set_setting(home, member, "Washer", automatic=True, energy_wh=1_000, run_minutes=40)
    await agent.async_run()
    assert WASHER not in [load.id for load in planned.told["home"].loads]
    button = {"entity_id": "button.washer_run_when_cheapest"}
    await home.services.async_call("button", "press", button, blocking=True)
    [run] = [load for load in planned.told["home"].loads if load.id == WASHER]
    assert run.profile_wh == (334, 333, 333)
    assert run.ready_ms > time.time() * 1000
    agent._learned[HOME].runs[WASHER] = int(dt_util.utcnow().timestamp() * 1000) - 1
    await agent.async_run()
    assert WASHER not in [load.id for load in planned.told["home"].loads]


async def test_trades_of_the_home_are_firm_for_the_plan(node, member, agent, planned):
    mine = {"buyer": member.data["address"], "buy_asset": CAR, "buy_point": HOME}
    await node.push_trade(trade("1.0", slot_now() + 1, **mine))
    book = member.runtime_data.market.book
    await until(lambda: book.trades)
    await agent.async_run()
    assert [one.id for one in planned.told["trades"]] == ["1.0"]


async def test_it_works_by_itself_once_a_round(home, member, agent, planned):
    async_fire_time_changed(home, dt_util.utcnow() + timedelta(minutes=6))
    told = await until(lambda: planned.told)
    assert told["home"].point.id == HOME


def test_every_translated_reason_has_the_values_of_its_sentence():
    texts = json.loads((TRANSLATIONS / "en.json").read_text("utf-8"))["exceptions"]
    reasons = {
        key.removeprefix("because_"): text for key, text in texts.items() if key.startswith("because_")
    }
    assert {"takes_agreed", "gives_agreed", "rests", "switched_off"} <= reasons.keys() <= ENGLISH.keys()
    for key, text in reasons.items():
        fields = {name for _, name, _, _ in string.Formatter().parse(text["message"]) if name}
        assert fields == {name for _, name, _, _ in string.Formatter().parse(ENGLISH[key]) if name}, key


async def test_the_reason_is_told_in_the_language_of_the_home(home, member, planned):
    home.config.language = "de"
    await home.config_entries.async_reload(member.entry_id)
    planned.answer = Plan(0, schedules={CAR: Schedule(CAR, slot_now(), (0,), RESTS)})
    await member.runtime_data.agent.async_run()
    assert home.states.get("sensor.car_reason").state == "Ruht, weil sich nichts lohnt."
