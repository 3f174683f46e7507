"""The actions that trade: offer, bid, request energy, take back an order."""

import re
from dataclasses import dataclass
from functools import partial

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.util.json import JsonValueType

from .assets import HomeAsset
from .ledger.answers import Parameters
from .ledger.orders import FixedBid, FlexibleBid, Offer, Order
from .ledger.units import slot_start_ms, slot_wh
from .orders import local_time, per_kwh
from .placing import Builder, async_place, most_to_pay
from .schema import vol
from .service_input import (
    ATTR_CONFIG_ENTRY,
    ATTR_DEVICE_ID,
    Target,
    entry_of,
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
from .trading.rules import WishError, request_energy
from .trading.timing import open_slots, slots_until

ATTR_END = "end"
ATTR_ENERGY = "energy"
ATTR_FINISH_BY = "finish_by"
ATTR_MAX_POWER = "max_power"
ATTR_ORDER = "order"
ATTR_PRICE = "price"
ATTR_PRICE_CAP = "price_cap"
ATTR_START = "start"

PLACE_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_DEVICE_ID): object,
        vol.Required(ATTR_ENERGY): object,
        vol.Optional(ATTR_START): object,
        vol.Optional(ATTR_END): object,
        vol.Optional(ATTR_PRICE): object,
    }
)
REQUEST_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_DEVICE_ID): object,
        vol.Required(ATTR_ENERGY): object,
        vol.Required(ATTR_FINISH_BY): object,
        vol.Optional(ATTR_START): object,
        vol.Optional(ATTR_MAX_POWER): object,
        vol.Optional(ATTR_PRICE_CAP): object,
    }
)
CANCEL_SCHEMA = vol.Schema({vol.Required(ATTR_ORDER): object, vol.Optional(ATTR_CONFIG_ENTRY): str})


@dataclass(frozen=True)
class Even:
    """An order that spreads its energy evenly: its kind, price limit (nano per Wh), and the rating (W)."""

    kind: type[Offer | FixedBid]
    limit: int
    rated_w: int


async def place_offer(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Sell energy of an asset, spread evenly over the slots of a period."""
    target = target_of(hass, call)
    limit = target.asset.min_sell_price
    asked = price(call, ATTR_PRICE)
    if asked is not None and limit is not None and asked < limit:
        raise invalid("below_limit", name=target.asset.name, limit=per_kwh(limit))
    least = next(
        value for value in (asked, limit, target.market.network.tariff.price_floor) if value is not None
    )
    order = Even(Offer, least, target.asset.rated_export_w)
    return await place(call, target, partial(_spread, call, target, order))


async def place_bid(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Buy energy for an asset, spread evenly over the slots of a period."""
    target = target_of(hass, call)
    most = limit_of(target, price(call, ATTR_PRICE))
    order = Even(FixedBid, most, target.asset.rated_import_w)
    return await place(call, target, partial(_spread, call, target, order))


async def request(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Buy energy for an asset any time until it must be done."""
    target = target_of(hass, call)
    return await place(call, target, partial(_flexible, call, target))


async def cancel_order(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Take back what is left of an order."""
    order = text(call, ATTR_ORDER, 64)
    if re.fullmatch("[0-9a-f]{64}", order) is None:
        raise invalid("refused_unknown_order")
    entry = entry_of(hass, call)
    with explained():
        receipt = await entry.runtime_data.market.member.cancel_order(order)
    return {"order": order, "transaction": receipt.id, "state": receipt.state}


async def place(call: ServiceCall, target: Target, build: Builder) -> ServiceResponse:
    """Place an order and answer what became of it."""
    placed_by = await target.entry.runtime_data.origins.async_of(call.context)
    with explained():
        receipt, order = await async_place(target.market, target.asset, build, placed_by)
    return {
        "order": receipt.id,
        "state": receipt.state,
        "asset": target.asset.id,
        **_summary(order, target.market.slot_s),
    }


def _summary(order: Order, slot_s: int) -> dict[str, JsonValueType]:
    """Return what was ordered, and between which times it can happen."""
    if isinstance(order, Offer | FixedBid):
        first, end, energy_wh = min(order.slots), max(order.slots) + 1, sum(order.slots.values())
    else:
        first, end = order.earliest, order.deadline
        energy_wh = order.energy_wh if isinstance(order, FlexibleBid) else sum(order.profile_wh)
    return {
        "energy": energy_wh / 1000,
        "price": per_kwh(order.price),
        "slots": end - first,
        "earliest": local_time(slot_start_ms(first, slot_s)),
        "latest": local_time(slot_start_ms(end, slot_s)),
    }


def _flexible(call: ServiceCall, target: Target, now: int) -> Order:
    rated_w = target.asset.rated_import_w
    able(target, rated_w)
    power_w = int(number(call, ATTR_MAX_POWER)) if given(call, ATTR_MAX_POWER) else rated_w
    try:
        return request_energy(
            target.asset.id,
            energy_wh=wh(call, ATTR_ENERGY),
            power_w=min(power_w, rated_w),
            price=limit_of(target, price(call, ATTR_PRICE_CAP)),
            finish_ms=required_moment_ms(call, ATTR_FINISH_BY),
            time_ms=now,
            parameters=target.market.network.parameters,
            start_ms=moment_ms(call, ATTR_START),
        ).order
    except WishError as error:
        raise wish_problem(error) from error


def able(target: Target, rated_w: int) -> None:
    """Say so when an asset gives or takes nothing at all that way."""
    if not rated_w:
        raise invalid("no_rated_power", name=target.asset.name)


def _spread(call: ServiceCall, target: Target, order: Even, now: int) -> Order:
    """Return an order for the same energy in each slot of the period; the first ones get the remainder."""
    able(target, order.rated_w)
    parameters = target.market.network.parameters
    slots = _period(call, parameters, now)
    energy_wh = wh(call, ATTR_ENERGY)
    movable = slot_wh(order.rated_w, parameters.slot_s) * len(slots)
    if energy_wh > movable:
        raise invalid("window_too_short", energy=energy_wh / 1000, movable=movable / 1000)
    each, over = divmod(energy_wh, len(slots))
    per_slot = {slot: each + (place < over) for place, slot in enumerate(slots)}
    return order.kind(price=order.limit, slots={slot: share for slot, share in per_slot.items() if share})


def _period(call: ServiceCall, parameters: Parameters, now: int) -> range:
    """Return the open slots between start and end; by default the first open one."""
    window = open_slots(now, parameters)
    slot_ms = parameters.slot_s * 1000
    start = moment_ms(call, ATTR_START) or 0
    first = max(window.start, -(-start // slot_ms))
    end = moment_ms(call, ATTR_END)
    last = min(first + 1 if end is None else slots_until(end, parameters), window.stop)
    if first >= window.stop:
        raise invalid("beyond_horizon", latest=local_time(window.stop * slot_ms))
    if last <= first:
        raise invalid("finish_too_early", earliest=local_time((first + 1) * slot_ms))
    return range(first, last)


def limit_of(target: Target, asked: int | None) -> int:
    """Return the most to pay: what was asked, the asset's limit, or what the grid costs anyway."""
    asset: HomeAsset = target.asset
    limit = asset.max_buy_price
    if asked is not None and limit is not None and asked > limit:
        raise invalid("above_limit", name=asset.name, limit=per_kwh(limit))
    return most_to_pay(asset, target.market.network.tariff) if asked is None else asked


def wish_problem(error: WishError) -> Exception:
    """Return the error for a wish that no order can fulfil."""
    if error.key == "finish_too_early":
        return invalid("finish_too_early", earliest=local_time(error.values["earliest_ms"]))
    return invalid(
        "window_too_short",
        energy=error.values["energy_wh"] / 1000,
        movable=error.values["movable_wh"] / 1000,
    )
