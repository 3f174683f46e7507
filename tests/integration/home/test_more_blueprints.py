"""The other shipped blueprints, each in an automation of a real core."""

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from tests.integration.conftest import HOME, WASHER
from tests.integration.home.waiting import until

BLUEPRINTS = Path(__file__).parents[3] / "blueprints"
MACHINE, PLUG, CONNECTION = "input_boolean.machine", "input_boolean.plug", "binary_sensor.link"


@pytest.fixture
def devices(home, member):
    entries = dr.async_entries_for_config_entry(dr.async_get(home), member.entry_id)
    return {device.name: device.id for device in entries}


@pytest.fixture
async def use(home, member):
    """Set an automation up from a blueprint."""
    await asyncio.to_thread(shutil.copytree, BLUEPRINTS, home.config.path("blueprints"))
    assert await async_setup_component(home, "homeassistant", {})
    assert await async_setup_component(home, "input_boolean", {"input_boolean": {"machine": {}, "plug": {}}})

    async def used(blueprint, **inputs):
        given = {"path": f"energy_marketplace/{blueprint}.yaml", "input": inputs}
        config = {"automation": [{"id": "run", "alias": "Run", "use_blueprint": given}]}
        assert await async_setup_component(home, "automation", config)
        await home.async_block_till_done()
        assert home.states.get("automation.run").state == "on"

    yield used
    await home.services.async_call("automation", "turn_off", {"entity_id": "automation.run"}, blocking=True)


async def turn(home, entity_id, state):
    service = {"entity_id": entity_id}
    await home.services.async_call("input_boolean", f"turn_{state}", service, blocking=True)
    await home.async_block_till_done()


async def pass_time(home, **duration):
    async_fire_time_changed(home, dt_util.utcnow() + timedelta(**duration))
    await home.async_block_till_done()


def machine(home):
    return home.states.get(MACHINE).state


async def test_the_car_asks_for_its_energy_when_it_is_plugged_in(home, node, devices, use):
    await use("charge_car", plugged=PLUG, charger=devices["Home"], energy=7, price_cap=0.2)
    await turn(home, PLUG, "on")
    await until(lambda: node.submitted)
    order = node.submitted[-1]["order"]
    assert (node.submitted[-1]["asset"], order["type"], order["energy_wh"]) == (HOME, "flexible", 7_000)
    assert order["price"] == 200_000
    due = dt_util.as_local(dt_util.utc_from_timestamp(order["deadline"] * 900))
    assert (due.hour, due.minute) == (7, 0)


async def test_the_car_keeps_to_its_own_limit_where_no_cap_is_named(home, node, devices, use):
    await use("charge_car", plugged=PLUG, charger=devices["Washer"], energy=1)
    await turn(home, PLUG, "on")
    await until(lambda: node.submitted)
    assert node.submitted[-1]["order"]["price"] == 250_000


async def test_water_is_heated_while_there_is_a_surplus(home, use):
    power = "sensor.grid"
    home.states.async_set(power, "200")
    hold = {"seconds": 30}
    await use("heat_water", power=power, heater=MACHINE, surplus=1_000, hold=hold)
    home.states.async_set(power, "-1200")
    await home.async_block_till_done()
    assert machine(home) == "off"
    await pass_time(home, seconds=31)
    assert machine(home) == "on"
    home.states.async_set(power, "300")
    await home.async_block_till_done()
    await pass_time(home, seconds=65)
    assert machine(home) == "off"


async def test_water_that_was_bought_is_heated_whatever_the_grid_shows(home, use):
    power, delivery = "sensor.grid", "binary_sensor.bought"
    home.states.async_set(power, "-1200")
    home.states.async_set(delivery, "on")
    await use("heat_water", power=power, heater=MACHINE, hold={"seconds": 1}, delivery=[delivery])
    await turn(home, MACHINE, "on")
    home.states.async_set(power, "300")
    await home.async_block_till_done()
    await pass_time(home, seconds=5)
    assert machine(home) == "on"


@pytest.mark.parametrize(("forecast", "announced"), [("12.5", 7_500), ("4", None), ("unknown", None)])
async def test_tomorrows_surplus_is_announced(home, node, devices, use, forecast, announced):
    home.states.async_set("sensor.tomorrow", forecast)
    await use("announce_surplus", roof=devices["Home"], forecast="sensor.tomorrow", own_use=5)
    node.submitted.clear()
    now = dt_util.now()
    evening = now.replace(hour=20, minute=0, second=1) + timedelta(days=now.hour >= 20)
    async_fire_time_changed(home, dt_util.as_utc(evening))
    await home.async_block_till_done()
    told = [payload for payload in node.submitted if payload["kind"] == "flexibility.announce"]
    assert [payload["energy_wh"] for payload in told] == ([announced] if announced else [])
    if told:
        start = dt_util.as_local(dt_util.utc_from_timestamp(told[0]["earliest"] * 900))
        assert (start.date(), start.hour) == ((now + timedelta(days=1)).date(), 9)
        assert (told[0]["asset"], told[0]["direction"]) == (HOME, "produce")


@pytest.mark.parametrize(("connection", "runs"), [("off", True), ("on", False)])
async def test_an_appliance_falls_back_to_its_schedule_only_without_the_network(home, use, connection, runs):
    now = dt_util.now()
    begin, end = (now - timedelta(hours=1)), (now + timedelta(hours=1))
    home.states.async_set(CONNECTION, "on")
    await use(
        "fallback_schedule",
        connection=CONNECTION,
        delivery="binary_sensor.washer_delivery",
        appliance=MACHINE,
        begin=begin.strftime("%H:%M:%S"),
        end=end.strftime("%H:%M:%S"),
        patience={"seconds": 0},
    )
    home.states.async_set(CONNECTION, "unavailable")
    home.states.async_set(CONNECTION, connection)
    await home.async_block_till_done()
    assert machine(home) == ("on" if runs else "off")
    async_fire_time_changed(home, dt_util.as_utc(end) + timedelta(seconds=1))
    await home.async_block_till_done()
    assert machine(home) == "off"


async def test_energy_for_a_load_that_can_wait_is_requested(home, node, devices, use):
    await use(
        "request_energy",
        when=[{"trigger": "state", "entity_id": PLUG, "to": "on"}],
        asset=devices["Washer"],
        energy=1.2,
        finish_within={"hours": 5},
    )
    await turn(home, PLUG, "on")
    await until(lambda: node.submitted)
    assert (node.submitted[-1]["asset"], node.submitted[-1]["order"]["energy_wh"]) == (WASHER, 1_200)
