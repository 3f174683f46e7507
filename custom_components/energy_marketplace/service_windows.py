"""The actions that look ahead: prices of the coming slots, and the best of them for something."""

from datetime import timedelta
from typing import Any

from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT, UnitOfTime
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType
from homeassistant.util.unit_conversion import DurationConverter

from .coordinator import EnergyMarketplaceConfigEntry
from .ledger.units import slot_at, slot_start_ms
from .orders import local_time, per_kwh
from .schema import vol
from .service_input import ATTR_CONFIG_ENTRY, entry_of, explained, invalid, moment_ms, price
from .windows import Direction, SlotPrice, best_window, slot_prices

ATTR_CONTIGUOUS = "contiguous"
ATTR_DIRECTION = "direction"
ATTR_DURATION = "duration"
ATTR_END = "end"
ATTR_PRICE_CAP = "price_cap"
ATTR_START = "start"

_DEFAULT_AHEAD = timedelta(hours=24)
_MOST_SLOTS = 20_000
_PERIOD: dict[Any, Any] = {
    vol.Optional(ATTR_START): object,
    vol.Optional(ATTR_END): object,
    vol.Optional(ATTR_CONFIG_ENTRY): str,
}
PRICES_SCHEMA = vol.Schema(_PERIOD)
WINDOW_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_DURATION): object,
        vol.Optional(ATTR_DIRECTION, default="import"): object,
        vol.Optional(ATTR_PRICE_CAP): object,
        vol.Optional(ATTR_CONTIGUOUS, default=True): bool,
        **_PERIOD,
    }
)


async def get_prices(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Return what energy costs and brings in the slots of a period: agreed already, or expected."""
    entry = entry_of(hass, call)
    market = entry.runtime_data.market
    prices = await _prices(entry, _period(call, market.slot_s))
    return {
        "currency": market.network.currency,
        "prices": [_shown(item, market.slot_s) for item in prices],
    }


async def find_best_window(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Return the best slots of a period for something that takes so long."""
    entry = entry_of(hass, call)
    slot_s = entry.runtime_data.market.slot_s
    slots = _period(call, slot_s)
    length = max(1, -(-_duration_s(hass, call) // slot_s))
    found = best_window(
        await _prices(entry, slots),
        length=length,
        direction=_direction(call),
        limit=price(call, ATTR_PRICE_CAP),
        contiguous=call.data[ATTR_CONTIGUOUS],
    )
    if found is None:
        return {"found": False, "slots": []}
    first, last = found.slots[0].slot, found.slots[-1].slot
    return {
        "found": True,
        "start": local_time(slot_start_ms(first, slot_s)),
        "end": local_time(slot_start_ms(last + 1, slot_s)),
        "price": per_kwh(found.price),
        "slots": [_shown(item, slot_s) for item in found.slots],
    }


async def _prices(entry: EnergyMarketplaceConfigEntry, slots: range) -> list[SlotPrice]:
    market, agent = entry.runtime_data.market, entry.runtime_data.agent
    with explained():
        known = await agent.async_prices()
    return slot_prices(slots, known=known, tariff=market.network.tariff, slot_s=market.slot_s)


def _shown(item: SlotPrice, slot_s: int) -> JsonObjectType:
    return {
        "start": local_time(slot_start_ms(item.slot, slot_s)),
        "end": local_time(slot_start_ms(item.slot + 1, slot_s)),
        "buy": per_kwh(item.buy),
        "sell": per_kwh(item.sell),
        "agreed": item.known,
    }


def _period(call: ServiceCall, slot_s: int) -> range:
    """Return the whole slots between two times: by default from the next one on, for a day.

    A slot that runs already cannot be had as a whole. Time is counted as it passes, so that the days on which
    clocks change have 23 or 25 hours.
    """
    now = int(dt_util.utcnow().timestamp() * 1000)
    slot_ms = slot_s * 1000
    start = moment_ms(call, ATTR_START)
    first = -(-(now if start is None else start) // slot_ms)
    end = moment_ms(call, ATTR_END)
    default = first + int(_DEFAULT_AHEAD.total_seconds()) // slot_s
    last = default if end is None else slot_at(end, slot_s)
    if last <= first:
        raise invalid("empty_period", earliest=local_time((first + 1) * slot_ms))
    if last - first > _MOST_SLOTS:
        raise invalid("too_many", field=ATTR_END, most=_MOST_SLOTS)
    return range(first, last)


def _direction(call: ServiceCall) -> Direction:
    asked = call.data[ATTR_DIRECTION]
    if asked == "import":
        return "import"
    if asked == "export":
        return "export"
    raise invalid("unknown_state", value=asked, known="import, export")


def _duration_s(hass: HomeAssistant, call: ServiceCall) -> int:
    """Return a length in seconds: minutes, hh:mm:ss, a duration, or what any entity says of these."""
    value: Any = call.data[ATTR_DURATION]
    unit = None
    if isinstance(value, str) and (state := hass.states.get(value)) is not None:
        value, unit = state.state, state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    seconds = _seconds(value, unit or UnitOfTime.MINUTES)
    if seconds is None or not 0 < seconds < _MOST_SLOTS * 3600:
        raise invalid("not_a_duration", field=ATTR_DURATION, value=call.data[ATTR_DURATION])
    return int(seconds + 0.5)


def _seconds(value: Any, unit: str) -> float | None:
    if isinstance(value, dict):
        try:
            return timedelta(**{key: float(part) for key, part in value.items()}).total_seconds()
        except TypeError, ValueError, OverflowError:
            return None
    if isinstance(value, str) and ":" in value:
        parsed = dt_util.parse_duration(value)
        return None if parsed is None else parsed.total_seconds()
    try:
        return DurationConverter.convert(float(value), unit, UnitOfTime.SECONDS)
    except Exception:
        return None
