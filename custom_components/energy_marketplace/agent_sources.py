"""What Home Assistant knows that the agent should: its recorder's history, its solar forecast."""

import math
from collections.abc import Iterable, Mapping
from datetime import timedelta

from homeassistant.components.energy.data import async_get_manager
from homeassistant.components.energy.websocket_api import async_get_energy_platforms
from homeassistant.components.recorder.statistics import StatisticsRow, statistics_during_period
from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT, UnitOfTemperature
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_conversion import TemperatureConverter

from .const import DOMAIN
from .trading.forecast import spread_hours

_HISTORY = timedelta(days=28)
_HOUR_S, _ROW_S = 3600, 300
type Hours = dict[int, float]
"""Wh by the start of the hour (ms since the epoch)."""


async def async_history(hass: HomeAssistant, subentry_ids: Iterable[str]) -> dict[str, tuple[Hours, Hours]]:
    """Return what assets imported and exported in each hour of the last weeks, by their subentry's id."""
    names = {
        (subentry_id, key): entity_id
        for subentry_id in subentry_ids
        for key in ("imported_energy", "exported_energy")
        if (entity_id := _sensor(hass, f"{subentry_id}_{key}"))
    }
    if not names or "recorder" not in hass.config.components:
        return {}
    rows = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        dt_util.utcnow() - _HISTORY,
        None,
        set(names.values()),
        "hour",
        {"energy": "Wh"},
        {"change"},
    )
    return {
        subentry_id: (
            _hours(rows.get(names.get((subentry_id, "imported_energy"), ""), [])),
            _hours(rows.get(names.get((subentry_id, "exported_energy"), ""), [])),
        )
        for subentry_id in {subentry_id for subentry_id, _ in names}
    }


async def async_heat_history(
    hass: HomeAssistant, subentry_id: str, thermometer: str, slot_s: int
) -> tuple[dict[int, float], dict[int, float]]:
    """Return by slot what an asset took (Wh), and how warm its tank was at the slot's start (°C).

    The recorder's five minutes tell it, some ten days back; slots that are not made of them stay unknown.
    """
    energy = _sensor(hass, f"{subentry_id}_imported_energy")
    if energy is None or slot_s % _ROW_S or "recorder" not in hass.config.components:
        return {}, {}
    rows = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        dt_util.utcnow() - _HISTORY,
        None,
        {energy, thermometer},
        "5minute",
        {"energy": "Wh", "temperature": UnitOfTemperature.CELSIUS},
        {"change", "mean"},
    )
    slots: dict[int, list[float]] = {}
    for row in rows.get(energy, []):
        if (change := row.get("change")) is not None:
            slots.setdefault(int(row["start"]) // slot_s, []).append(change)
    taken = {slot: sum(parts) for slot, parts in slots.items() if len(parts) == slot_s // _ROW_S}
    starts = {
        int(row["start"]) // slot_s: mean
        for row in rows.get(thermometer, [])
        if int(row["start"]) % slot_s == 0 and (mean := row.get("mean")) is not None
    }
    return taken, starts


async def async_solar_forecast(hass: HomeAssistant, slot_s: int) -> dict[int, float] | None:
    """Return what the solar forecasts of the Energy dashboard promise by slot (Wh), None without any."""
    hours: Hours = {}
    for entry_id, forecast in (await _forecasts(hass)).items():
        for moment, wh in forecast.items():
            start = dt_util.parse_datetime(moment) if entry_id else None
            if start is not None:
                hour = int(start.timestamp()) // _HOUR_S * _HOUR_S * 1000
                hours[hour] = hours.get(hour, 0.0) + wh
    return dict(spread_hours(hours, slot_s)) if hours else None


async def _forecasts(hass: HomeAssistant) -> Mapping[str, Mapping[str, float]]:
    """Return the forecasts of the sources that people chose, Wh by ISO time, by config entry."""
    if "energy" not in hass.config.components:
        return {}
    manager = await async_get_manager(hass)
    sources = manager.data["energy_sources"] if manager.data else []
    chosen = {
        entry_id
        for source in sources
        if source["type"] == "solar"
        for entry_id in source.get("config_entry_solar_forecast") or []
    }
    platforms = await async_get_energy_platforms(hass)
    found: dict[str, Mapping[str, float]] = {}
    for entry in filter(None, map(hass.config_entries.async_get_entry, chosen)):
        if (ask := platforms.get(entry.domain)) is None:
            continue
        try:
            forecast = await ask(hass, entry.entry_id)
        except HomeAssistantError:
            continue
        if forecast is not None:
            found[entry.entry_id] = forecast["wh_hours"]
    return found


def temperature_c(hass: HomeAssistant, entity_id: str) -> float | None:
    """Return what a thermometer shows (°C); None for one that is silent or shows nonsense."""
    state = hass.states.get(entity_id)
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT) if state else None
    try:
        shown = float(state.state) if state else math.nan
    except ValueError:
        return None
    if not math.isfinite(shown) or unit not in TemperatureConverter.VALID_UNITS:
        return None
    return TemperatureConverter.convert(shown, unit, UnitOfTemperature.CELSIUS)


def _sensor(hass: HomeAssistant, unique_id: str) -> str | None:
    return er.async_get(hass).async_get_entity_id("sensor", DOMAIN, unique_id)


def _hours(rows: Iterable[StatisticsRow]) -> Hours:
    return {int(row["start"] * 1000): change for row in rows if (change := row.get("change")) is not None}
