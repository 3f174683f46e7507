"""What the agent learns from the recorder and from solar forecasts."""

from types import SimpleNamespace

import pytest
from homeassistant.components.recorder.db_schema import StatisticsShortTerm
from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_marketplace import agent_sources
from custom_components.energy_marketplace.agent_sources import (
    async_heat_history,
    async_history,
    async_solar_forecast,
)
from custom_components.energy_marketplace.const import DOMAIN
from tests.integration.conftest import HOME, asset, show

BOILER = "c7" * 32
HOUR = dt_util.utcnow().replace(minute=0, second=0, microsecond=0)


def statistic(statistic_id, unit, unit_class, *, has_sum):
    return {
        "mean_type": 0 if has_sum else 1,
        "has_sum": has_sum,
        "name": None,
        "source": "recorder",
        "statistic_id": statistic_id,
        "unit_class": unit_class,
        "unit_of_measurement": unit,
    }


async def test_the_home_is_known_from_its_recorder_at_the_first_start(recorder_mock, home, node, entry):
    show(home)
    [point] = [one for one in entry.subentries.values() if one.unique_id == HOME]
    unique_id = f"{point.subentry_id}_imported_energy"
    registry = er.async_get(home)
    sensor = registry.async_get_or_create("sensor", DOMAIN, unique_id, config_entry=entry)
    metadata = statistic(sensor.entity_id, "kWh", "energy", has_sum=True)
    start = HOUR.timestamp() - 5 * 3600
    rows = [
        {"start": dt_util.utc_from_timestamp(start + number * 3600), "state": total, "sum": total}
        for number, total in enumerate((1.0, 1.8, 2.2))
    ]
    async_import_statistics(home, metadata, rows)
    await get_instance(home).async_block_till_done()
    imported, exported = (await async_history(home, [point.subentry_id]))[point.subentry_id]
    assert [round(wh) for wh in imported.values()][-2:] == [800, 400]
    assert exported == {}
    await home.config_entries.async_setup(entry.entry_id)
    memory = entry.runtime_data.agent._learned[HOME].memory
    slot = int(start + 3600) // 900
    assert [round(memory._base.get(slot + step)) for step in range(8)] == [200] * 4 + [100] * 4
    await home.config_entries.async_unload(entry.entry_id)


async def test_without_a_recorder_there_is_no_history(home, member):
    assert await async_history(home, list(member.subentries)) == {}


async def test_the_forecasts_of_the_energy_dashboard_are_spread_over_the_slots(home, monkeypatch):
    sunny = MockConfigEntry(domain="sunny")
    cloudy = MockConfigEntry(domain="cloudy")
    for one in (sunny, cloudy):
        one.add_to_hass(home)
    chosen = [sunny.entry_id, cloudy.entry_id, "gone"]
    sources = [{"type": "solar", "config_entry_solar_forecast": chosen}, {"type": "grid"}]

    async def manager(hass):
        return SimpleNamespace(data={"energy_sources": sources})

    async def forecast(hass, entry_id):
        return {"wh_hours": {HOUR.isoformat(): 600.0, f"{HOUR:%Y-%m-%dT%H}:30:00+00:00": 400.0, "soon": 9}}

    async def platforms(hass):
        return {"sunny": forecast}

    monkeypatch.setattr(agent_sources, "async_get_manager", manager)
    monkeypatch.setattr(agent_sources, "async_get_energy_platforms", platforms)
    assert await async_solar_forecast(home, 900) is None
    home.config.components.add("energy")
    first = int(HOUR.timestamp()) // 900
    assert await async_solar_forecast(home, 900) == {first + step: 250.0 for step in range(4)}


async def test_a_forecast_that_fails_leaves_the_others(home, monkeypatch):
    found = [MockConfigEntry(domain=domain) for domain in ("broken", "sunny")]
    for one in found:
        one.add_to_hass(home)
    chosen = {"type": "solar", "config_entry_solar_forecast": [one.entry_id for one in found]}

    async def manager(hass):
        return SimpleNamespace(data={"energy_sources": [chosen]})

    async def fails(hass, entry_id):
        raise HomeAssistantError("no answer from the weather")

    async def forecast(hass, entry_id):
        return {"wh_hours": {HOUR.isoformat(): 400.0}}

    async def platforms(hass):
        return {"broken": fails, "sunny": forecast}

    monkeypatch.setattr(agent_sources, "async_get_manager", manager)
    monkeypatch.setattr(agent_sources, "async_get_energy_platforms", platforms)
    home.config.components.add("energy")
    assert sum((await async_solar_forecast(home, 900)).values()) == 400.0


class TestTank:
    """A boiler that hangs behind the home, with a thermometer of which the recorder kept some minutes."""

    @pytest.fixture
    def assets(self):
        heat = {"temperature": "sensor.tank", "low_c": 45, "high_c": 60, "litres": 0}
        boiler = {"asset_type": "boiler", "behind": HOME, "rated_export_w": 0, "heat": heat}
        return [asset(HOME, "Home"), asset(BOILER, "Boiler", **boiler)]

    async def test_a_tank_is_known_from_its_recorder_at_the_first_start(
        self, recorder_mock, home, node, entry
    ):
        show(home)
        [boiler] = [one for one in entry.subentries.values() if one.unique_id == BOILER]
        sensor = er.async_get(home).async_get_or_create(
            "sensor", DOMAIN, f"{boiler.subentry_id}_imported_energy", config_entry=entry
        )
        start = (HOUR.timestamp() // 900 - 8) * 900
        rows = [dt_util.utc_from_timestamp(start + number * 300) for number in range(8)]
        energy = [
            {"start": at, "state": total, "sum": total}
            for at, total in zip(rows, (0, 0.1, 0.2, 0.3, 0.5, 0.5, 0.5, 0.6), strict=True)
        ]
        warmth = [{"start": at, "mean": 50.0 + place} for place, at in enumerate(rows)]
        recorder = get_instance(home)
        kwh = statistic(sensor.entity_id, "kWh", "energy", has_sum=True)
        recorder.async_import_statistics(kwh, energy, StatisticsShortTerm)
        celsius = statistic("sensor.tank", "°C", "temperature", has_sum=False)
        recorder.async_import_statistics(celsius, warmth, StatisticsShortTerm)
        await recorder.async_block_till_done()
        slot = int(start) // 900
        taken, starts = await async_heat_history(home, boiler.subentry_id, "sensor.tank", 900)
        assert {key - slot: round(wh) for key, wh in taken.items()} == {0: 200, 1: 300}
        assert {key - slot: degrees for key, degrees in starts.items()} == {0: 50.0, 1: 53.0, 2: 56.0}
        assert await async_heat_history(home, boiler.subentry_id, "sensor.tank", 60) == ({}, {})
        await home.config_entries.async_setup(entry.entry_id)
        history = entry.runtime_data.agent._learned[HOME].heat[BOILER]
        assert [history._warmed.get(slot), history._taken.get(slot)] == [3.0, 200.0]
        await home.config_entries.async_unload(entry.entry_id)
