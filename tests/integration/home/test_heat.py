"""A boiler with a thermometer: a store of heat, never too cold, and safe where nobody says how warm it is."""

import json
from pathlib import Path

import pytest
from homeassistant.const import UnitOfTemperature
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.energy_marketplace import agent_runner
from custom_components.energy_marketplace.agent_sources import temperature_c
from custom_components.energy_marketplace.assets import async_set
from custom_components.energy_marketplace.trading.agent import Plan, Schedule
from custom_components.energy_marketplace.trading.heat import WATER_WH
from custom_components.energy_marketplace.trading.home import Car, HeatStore
from custom_components.energy_marketplace.trading.sentences import Sentence
from tests.integration.conftest import HOME, asset
from tests.integration.home.test_agent_runner import closed, slot_now
from tests.integration.home.test_control import SWITCH, by_hand, value

BOILER, THERMOMETER = "c7" * 32, "sensor.tank"
TANK = {"temperature": THERMOMETER, "low_c": 45, "high_c": 60, "litres": 200}
RESTS = Sentence("rests")


@pytest.fixture
def tank():
    return TANK


@pytest.fixture
def assets(tank):
    boiler = {"asset_type": "boiler", "behind": HOME, "rated_import_w": 2_000, "rated_export_w": 0}
    boiler |= {"settings": {"automatic": True, "energy_wh": 4_800}, "control": {"entity": SWITCH}}
    return [asset(HOME, "Home"), asset(BOILER, "Boiler", **boiler, heat=tank)]


@pytest.fixture
def agent(running):
    return running.runtime_data.agent


@pytest.fixture
def show_c(home):
    async def shown(temperature, unit=UnitOfTemperature.CELSIUS):
        home.states.async_set(THERMOMETER, str(temperature), {"unit_of_measurement": unit})
        await home.async_block_till_done()

    return shown


def scheduled(wh, because=RESTS):
    return Plan(0, schedules={BOILER: Schedule(BOILER, slot_now(), (wh,), because)})


def issues(home):
    """Return what people are told of silent thermometers."""
    found = ir.async_get(home).issues.values()
    return [one for one in found if one.translation_key == "thermometer_silent" and one.active]


def reason(home):
    return home.states.get("sensor.boiler_reason").state


async def test_the_planner_is_told_how_warm_the_water_is(agent, planned, show_c):
    await show_c(50)
    await agent.async_run()
    [boiler] = planned.told["home"].loads
    assert isinstance(boiler, HeatStore)
    kelvin = 200 * WATER_WH
    assert boiler.stored_wh == round(5 * kelvin)
    assert (boiler.low_wh, boiler.high_wh) == (round(1.5 * kelvin), round(13.5 * kelvin))
    assert (boiler.power_w, boiler.settings.automatic) == (2_000, True)
    assert set(boiler.draw_wh.values()) == {50}


async def test_what_the_meter_counts_and_the_thermometer_shows_is_what_people_draw(
    running, agent, planned, show_c
):
    await show_c(50)
    meter = next(one for one in running.runtime_data.meters.values() if one.asset.id == BOILER)
    point = next(one for one in running.runtime_data.meters.values() if one.asset.id == HOME)
    slot = slot_now() - 1
    history = agent._learned[HOME].heat_of(BOILER)
    history.read(slot * 900_000, 51.0)
    closed(point, slot, 700)
    closed(meter, slot, 300)
    await agent.async_run()
    [boiler] = planned.told["home"].loads
    place = slot + 96
    assert boiler.draw_wh[place] == round(300 + 200 * WATER_WH)
    assert boiler.draw_wh[place + 4] == 50


async def test_without_a_thermometers_word_it_gets_an_energy_by_a_time(home, agent, planned, show_c):
    await show_c("unavailable")
    planned.answer = scheduled(0)
    await agent.async_run()
    [boiler] = planned.told["home"].loads
    assert isinstance(boiler, Car)
    assert boiler.needs_wh == 4_800
    assert reason(home) == (
        "Rests, because nothing is worth doing. "
        "Its temperature cannot be read; until it can, it gets 4.80 kWh by 07:00."
    )
    await show_c(50)
    await agent.async_run()
    assert isinstance(planned.told["home"].loads[0], HeatStore)
    assert reason(home).endswith("It is kept between 45 °C and 60 °C.")
    await show_c("unknown")
    await agent.async_run()
    assert isinstance(planned.told["home"].loads[0], HeatStore), "a silence of a moment changes nothing"


async def test_what_was_learned_of_a_tank_lasts_over_a_restart(home, running, agent, planned, show_c):
    await show_c(50)
    await agent.async_run()
    await show_c("unavailable")
    await home.config_entries.async_reload(running.entry_id)
    await running.runtime_data.agent.async_run()
    assert isinstance(planned.told["home"].loads[0], HeatStore)


async def test_of_a_home_that_trades_by_hand_nothing_is_promised(home, running, agent, planned, show_c):
    [boiler] = [one for one in running.subentries.values() if one.title == "Boiler"]
    async_set(home, running, boiler.subentry_id, automatic=False)
    await show_c(40)
    planned.answer = scheduled(0)
    await agent.async_run()
    assert reason(home) == "Rests, because nothing is worth doing."
    assert value(home, SWITCH) == "off"


class TestUnknownSize:
    @pytest.fixture
    def tank(self):
        return TANK | {"litres": 0}

    async def test_until_its_size_is_learned_it_gets_an_energy_by_a_time(self, home, agent, planned, show_c):
        await show_c(50)
        planned.answer = scheduled(0)
        await agent.async_run()
        assert isinstance(planned.told["home"].loads[0], Car)
        assert "still being learned; until then it gets 4.80 kWh by" in reason(home)


async def test_water_that_is_too_cold_is_heated_until_it_is_clearly_warm_again(home, running, show_c):
    await show_c(50)
    assert value(home, SWITCH) == "off"
    await show_c(44.9)
    assert value(home, SWITCH) == "on"
    await show_c(46.4)
    assert value(home, SWITCH) == "on"
    await show_c(46.6)
    assert value(home, SWITCH) == "off"


async def test_water_that_is_too_warm_is_not_heated_whatever_was_planned(home, agent, planned, show_c):
    await show_c(50)
    planned.answer = scheduled(500)
    await agent.async_run()
    await home.async_block_till_done()
    assert value(home, SWITCH) == "on"
    await show_c(60)
    assert value(home, SWITCH) == "off"
    await show_c(59)
    assert value(home, SWITCH) == "off"
    await show_c(58)
    assert value(home, SWITCH) == "on"


async def test_who_switches_off_cold_water_has_it(home, running, show_c):
    await show_c(44)
    await by_hand(home, "input_boolean.turn_off", SWITCH)
    await show_c(43)
    assert value(home, SWITCH) == "off"


async def test_a_tank_of_which_nobody_knows_how_warm_it_is_is_left_to_its_own_control(
    home, agent, planned, show_c, freezer
):
    await show_c(50)
    planned.answer = scheduled(500)
    await agent.async_run()
    await home.async_block_till_done()
    assert value(home, SWITCH) == "on"
    await show_c("unavailable")
    await agent.async_run()
    freezer.tick(3_601)
    planned.answer = scheduled(500)
    await agent.async_run()
    await home.async_block_till_done()
    assert planned.told["home"].loads == ()
    assert value(home, SWITCH) == "off"
    assert reason(home).endswith("for an hour; until it can, it is left to its own control.")
    assert [one.translation_placeholders["name"] for one in issues(home)] == ["Boiler"]
    await by_hand(home, "input_boolean.turn_on", SWITCH)
    await agent.async_run()
    assert value(home, SWITCH) == "on", "what the household does with it now is its own"
    await by_hand(home, "input_boolean.turn_off", SWITCH)
    await show_c(50)
    await agent.async_run()
    await home.async_block_till_done()
    assert value(home, SWITCH) == "on"
    assert reason(home).endswith("It is kept between 45 °C and 60 °C.")
    assert issues(home) == []


class TestHeatPump:
    """A compressor that started runs, and one that stopped rests, for ten minutes."""

    @pytest.fixture
    def assets(self):
        pump = {"asset_type": "heat_pump", "behind": HOME, "rated_import_w": 2_000, "rated_export_w": 0}
        pump |= {"settings": {"automatic": True}, "control": {"entity": SWITCH}}
        return [asset(HOME, "Home"), asset(BOILER, "Boiler", **pump, heat=TANK)]

    @pytest.fixture
    def wait(self, home, freezer):
        async def waited(seconds):
            freezer.tick(seconds)
            async_fire_time_changed(home)
            await home.async_block_till_done()

        return waited

    async def test_it_rests_though_the_tank_is_cold_and_runs_though_it_is_warm_again(
        self, home, running, show_c, wait
    ):
        await show_c(44)
        assert value(home, SWITCH) == "off"
        await wait(601)
        assert value(home, SWITCH) == "on"
        await show_c(47)
        await wait(500)
        assert value(home, SWITCH) == "on"
        await wait(101)
        assert value(home, SWITCH) == "off"
        await show_c(44)
        await wait(500)
        assert value(home, SWITCH) == "off"
        await wait(101)
        assert value(home, SWITCH) == "on"

    async def test_it_stops_at_once_where_the_tank_is_too_warm(self, home, running, show_c, wait):
        await show_c(44)
        await wait(601)
        assert value(home, SWITCH) == "on"
        await show_c(60)
        assert value(home, SWITCH) == "off"

    async def test_a_wish_that_passed_while_it_had_to_wait_switches_nothing(
        self, home, running, show_c, wait
    ):
        await show_c(44)
        await show_c(50)
        await wait(601)
        assert value(home, SWITCH) == "off"

    async def test_since_when_it_rests_is_known_after_a_restart(self, home, running, show_c, wait):
        await wait(601)
        home.states.async_set(SWITCH, "off", force_update=True)
        await home.config_entries.async_reload(running.entry_id)
        await show_c(44)
        assert value(home, SWITCH) == "on"


async def test_a_silent_thermometer_switches_nothing(home, running, show_c):
    await show_c("unavailable")
    assert value(home, SWITCH) == "off"
    await show_c("nonsense")
    assert value(home, SWITCH) == "off"


async def test_a_thermometer_may_count_otherwise(home, show_c):
    assert temperature_c(home, THERMOMETER) is None
    await show_c(122, UnitOfTemperature.FAHRENHEIT)
    assert temperature_c(home, THERMOMETER) == pytest.approx(50)
    for silent in ("nan", "unavailable"):
        await show_c(silent)
        assert temperature_c(home, THERMOMETER) is None
    await show_c(50, "%")
    assert temperature_c(home, THERMOMETER) is None


def test_a_reason_with_its_temperatures_fits_into_a_state():
    values = {"energy_wh": 99_990, "start_ms": 0, "end_ms": 0, "price": 300_000, "missing_wh": 99_990}
    values |= {"low_c": 45, "high_c": 60, "outside": 300_000, "money": 10**10, "finish_ms": 0}
    words = Sentence("", values).placeholders()
    for path in (Path(agent_runner.__file__).parent / "translations").glob("*.json"):
        texts = json.loads(path.read_text("utf-8"))["exceptions"]
        said = {
            key: one["message"].format(**words) for key, one in texts.items() if key.startswith("because_")
        }
        longest = max(said.values(), key=len)
        for tail in ("kept_warm", "no_temperature", "learns_heat"):
            assert len(f"{longest} {said[f'because_{tail}']}") <= 255, path.name
