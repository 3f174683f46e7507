"""The actions for energy that can be moved: a run in one piece, and telling neighbours what could be."""

from functools import partial

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse

from .ledger import transactions
from .ledger.orders import BlockBid, Order
from .ledger.units import slot_wh
from .orders import local_time
from .schema import vol
from .service_input import (
    ATTR_DEVICE_ID,
    Target,
    explained,
    given,
    invalid,
    moment_ms,
    number,
    price,
    required_moment_ms,
    target_of,
    text,
    wh,
)
from .service_orders import (
    ATTR_ENERGY,
    ATTR_FINISH_BY,
    ATTR_MAX_POWER,
    ATTR_PRICE_CAP,
    ATTR_START,
    able,
    limit_of,
    place,
)
from .trading.timing import open_slots, slots_until

ATTR_DIRECTION = "direction"
ATTR_NOTE = "note"
ATTR_RUN_TIME = "run_time"
_LONGEST_NOTE = 140
_DIRECTIONS = {"import": "consume", "export": "produce"}

BLOCK_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_DEVICE_ID): object,
        vol.Required(ATTR_ENERGY): object,
        vol.Required(ATTR_RUN_TIME): object,
        vol.Required(ATTR_FINISH_BY): object,
        vol.Optional(ATTR_START): object,
        vol.Optional(ATTR_PRICE_CAP): object,
    }
)
ANNOUNCE_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_DEVICE_ID): object,
        vol.Required(ATTR_ENERGY): object,
        vol.Required(ATTR_FINISH_BY): object,
        vol.Optional(ATTR_DIRECTION, default="import"): object,
        vol.Optional(ATTR_START): object,
        vol.Optional(ATTR_MAX_POWER): object,
        vol.Optional(ATTR_NOTE): object,
    }
)


async def request_block(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Buy energy for a run in one piece, whole or not at all, that ends by some time."""
    target = target_of(hass, call)
    return await place(call, target, partial(_block, call, target))


async def announce_flexibility(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Tell the neighbours of energy that an asset could take or give, without ordering anything."""
    target = target_of(hass, call)
    direction = _DIRECTIONS.get(str(call.data[ATTR_DIRECTION]))
    if direction is None:
        raise invalid("unknown_state", value=call.data[ATTR_DIRECTION], known=", ".join(_DIRECTIONS))
    consumes = direction == "consume"
    rated_w = target.asset.rated_import_w if consumes else target.asset.rated_export_w
    able(target, rated_w)
    power_w = min(rated_w, int(number(call, ATTR_MAX_POWER))) if given(call, ATTR_MAX_POWER) else rated_w
    window, energy_wh = _window(call, target), wh(call, ATTR_ENERGY)
    each = min(energy_wh, slot_wh(power_w, target.market.slot_s))
    if each * len(window) < energy_wh:
        raise invalid("window_too_short", energy=energy_wh / 1000, movable=each * len(window) / 1000)
    body = transactions.flexibility_announce(
        target.asset.id,
        direction=direction,
        energy_wh=energy_wh,
        earliest=window.start,
        deadline=window.stop,
        max_wh_per_slot=each,
        note=text(call, ATTR_NOTE, _LONGEST_NOTE) if given(call, ATTR_NOTE) else None,
    )
    with explained():
        receipt = await target.market.member.send(body)
    return {"announcement": receipt.id, "state": receipt.state, "slots": len(window)}


def _block(call: ServiceCall, target: Target, now: int) -> Order:
    """Return a run, its energy spread evenly over the slots that it takes."""
    able(target, target.asset.rated_import_w)
    slot_s = target.market.slot_s
    length = max(1, -(-int(number(call, ATTR_RUN_TIME) * 60) // slot_s))
    each, over = divmod(wh(call, ATTR_ENERGY), length)
    profile = tuple(each + (place_ < over) for place_ in range(length))
    window = _window(call, target, now)
    movable = slot_wh(target.asset.rated_import_w, slot_s)
    if len(window) < length or max(profile) > movable:
        energy = sum(profile) / 1000
        raise invalid("window_too_short", energy=energy, movable=movable * min(length, len(window)) / 1000)
    return BlockBid(
        price=limit_of(target, price(call, ATTR_PRICE_CAP)),
        profile_wh=tuple(share for share in profile if share),
        earliest=window.start,
        deadline=window.stop,
    )


def _window(call: ServiceCall, target: Target, now: int | None = None) -> range:
    """Return the open slots that lie wholly between start and latest finish."""
    parameters = target.market.network.parameters
    slot_ms = parameters.slot_s * 1000
    can = open_slots(target.market.now_ms() if now is None else now, parameters)
    start, finish = moment_ms(call, ATTR_START) or 0, required_moment_ms(call, ATTR_FINISH_BY)
    first = max(can.start, -(-start // slot_ms))
    window = range(first, min(slots_until(finish, parameters), can.stop))
    if not window:
        raise invalid("finish_too_early", earliest=local_time((first + 1) * slot_ms))
    return window
