"""What the agent learns from the recorder and from solar forecasts."""

from types import SimpleNamespace

from homeassistant.components.recorder.statistics import async_import_statistics
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_marketplace import agent_sources
from custom_components.energy_marketplace.agent_sources import async_history, async_solar_forecast
from custom_components.energy_marketplace.const import DOMAIN
from tests.integration.conftest import HOME, show

HOUR = dt_util.utcnow().replace(minute=0, second=0, microsecond=0)


async def test_the_home_is_known_from_its_recorder_at_the_first_start(recorder_mock, home, node, entry):
    show(home)
    [point] = [one for one in entry.subentries.values() if one.unique_id == HOME]
    unique_id = f"{point.subentry_id}_imported_energy"
    registry = er.async_get(home)
    sensor = registry.async_get_or_create("sensor", DOMAIN, unique_id, config_entry=entry)
    metadata = {
        "mean_type": 0,
        "has_sum": True,
        "name": None,
        "source": "recorder",
        "statistic_id": sensor.entity_id,
        "unit_class": "energy",
        "unit_of_measurement": "kWh",
    }
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
