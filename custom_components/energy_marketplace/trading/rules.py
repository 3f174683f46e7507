"""Simple rules that turn forecasts and wishes into orders.

Each rule answers with a `Decision`: the order and one sentence why, as a key with values, so that it can be
said in any language. None means that there is nothing to do. Energies are Wh, prices nano per Wh; a bid's
price is all-in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..ledger.answers import Parameters, PlacedOrder, Trade
from ..ledger.orders import FixedBid, FlexibleBid, Offer, Order
from ..ledger.units import slot_at, slot_wh
from .sentences import Sentence
from .timing import open_slots, slots_until


@dataclass(frozen=True, slots=True)
class Decision:
    """An order for an asset, and why."""

    asset: str
    order: Order
    because: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """A battery as the rules see it: energies in Wh, powers in W."""

    stored_wh: int
    capacity_wh: int
    reserve_wh: int
    charge_w: int
    discharge_w: int


class WishError(ValueError):
    """A wish that no order can fulfil; `key` and `values` make the sentence."""

    def __init__(self, key: str, message: str, **values: int) -> None:
        super().__init__(message)
        self.key = key
        self.values = values


def sell_surplus(
    asset: str,
    surplus: Mapping[int, int],
    *,
    price: int,
    rated_export_w: int,
    ordered: Mapping[int, int],
    time_ms: int,
    parameters: Parameters,
) -> Decision | None:
    """Offer what a roof will have left and has not offered yet.

    Args:
        asset: whose energy it is.
        surplus: expected Wh by slot; negative where energy will be needed.
        price: the least to take.
        rated_export_w: the most the asset gives.
        ordered: Wh by slot that earlier offers already cover (`ordered_wh`).
        time_ms: now.
        parameters: of the network.

    """
    most = slot_wh(rated_export_w, parameters.slot_s)
    slots = _missing(surplus, ordered, most, open_slots(time_ms, parameters))
    if not slots:
        return None
    because = Sentence("sell_surplus", {"energy_wh": sum(slots.values()), "price": price})
    return Decision(asset, Offer(price=price, slots=slots), because)


def buy_consumption(
    asset: str,
    consumption: Mapping[int, int],
    *,
    price: int,
    rated_import_w: int,
    ordered: Mapping[int, int],
    time_ms: int,
    parameters: Parameters,
) -> Decision | None:
    """Bid for what a home will need anyway and has not bid for yet; arguments as for `sell_surplus`."""
    most = slot_wh(rated_import_w, parameters.slot_s)
    slots = _missing(consumption, ordered, most, open_slots(time_ms, parameters))
    if not slots:
        return None
    because = Sentence("buy_consumption", {"energy_wh": sum(slots.values()), "price": price})
    return Decision(asset, FixedBid(price=price, slots=slots), because)


def sell_stored(
    asset: str,
    battery: Battery,
    best_first: Sequence[int],
    *,
    price: int,
    ordered: Mapping[int, int],
    time_ms: int,
    parameters: Parameters,
) -> Decision | None:
    """Offer what a battery holds above its reserve, never more in all than is there.

    Args:
        asset: the battery.
        battery: how it stands.
        best_first: slots to sell in, the dearest first.
        price: the least to take.
        ordered: Wh by slot that earlier offers already cover.
        time_ms: now.
        parameters: of the network.

    """
    now = slot_at(time_ms, parameters.slot_s)
    promised = sum(wh for slot, wh in ordered.items() if slot >= now)
    left = battery.stored_wh - battery.reserve_wh - promised
    most = slot_wh(battery.discharge_w, parameters.slot_s)
    window = open_slots(time_ms, parameters)
    slots: dict[int, int] = {}
    for slot in best_first:
        wh = min(left, most - ordered.get(slot, 0))
        if slot in window and wh > 0:
            slots[slot] = wh
            left -= wh
    if not slots:
        return None
    because = Sentence("sell_stored", {"energy_wh": sum(slots.values()), "price": price})
    return Decision(asset, Offer(price=price, slots=slots), because)


def fill_battery(
    asset: str,
    battery: Battery,
    *,
    price: int,
    ordered_wh: int,
    until_slot: int,
    time_ms: int,
    parameters: Parameters,
) -> Decision | None:
    """Bid for a battery's room, any time before a slot (exclusive); `ordered_wh` is on its way already."""
    window = open_slots(time_ms, parameters)
    deadline = min(until_slot, window.stop)
    most = slot_wh(battery.charge_w, parameters.slot_s)
    room = battery.capacity_wh - battery.stored_wh - ordered_wh
    energy_wh = min(room, most * (deadline - window.start))
    if energy_wh <= 0:
        return None
    order = _any_time(price, energy_wh, range(window.start, deadline), most)
    return Decision(asset, order, Sentence("fill_battery", {"energy_wh": energy_wh, "price": price}))


def request_energy(
    asset: str,
    *,
    energy_wh: int,
    power_w: int,
    price: int,
    finish_ms: int,
    time_ms: int,
    parameters: Parameters,
    start_ms: int | None = None,
) -> Decision:
    """Bid for a load that may run any time until it must be done: a car, a washing machine, a boiler.

    Args:
        asset: the load.
        energy_wh: how much it needs.
        power_w: the most it takes.
        price: the most to pay, all-in.
        finish_ms: when it must be done.
        time_ms: now.
        parameters: of the network.
        start_ms: when it may begin; default as soon as possible.

    Raises:
        WishError: `finish_too_early` or `window_too_short`.

    """
    window = _wished_window(open_slots(time_ms, parameters), start_ms or 0, finish_ms, parameters)
    most = slot_wh(power_w, parameters.slot_s)
    if (movable := most * len(window)) < energy_wh:
        raise WishError(
            "window_too_short",
            f"{power_w} W move {movable} Wh in that time, {energy_wh} Wh are wanted",
            movable_wh=movable,
            energy_wh=energy_wh,
        )
    finish_ms = window.stop * parameters.slot_s * 1000
    because = Sentence("request_energy", {"energy_wh": energy_wh, "price": price, "finish_ms": finish_ms})
    return Decision(asset, _any_time(price, energy_wh, window, most), because)


def _any_time(price: int, energy_wh: int, window: range, most: int) -> FlexibleBid:
    """Return a bid for an energy in any slots of a window, in none of them for more than `most`."""
    return FlexibleBid(
        price=price,
        energy_wh=energy_wh,
        earliest=window.start,
        deadline=window.stop,
        max_wh_per_slot=min(most, energy_wh),
    )


def _wished_window(can: range, start_ms: int, finish_ms: int, parameters: Parameters) -> range:
    """Return the open slots that lie wholly between two times; raises `WishError` if there is none."""
    slot_ms = parameters.slot_s * 1000
    earliest = max(can.start, -(-start_ms // slot_ms))
    window = range(earliest, min(slots_until(finish_ms, parameters), can.stop))
    if not window:
        raise WishError(
            "finish_too_early",
            "no slot can still be bought before then",
            earliest_ms=(earliest + 1) * slot_ms,
        )
    return window


def ordered_wh(orders: Iterable[PlacedOrder], trades: Iterable[Trade], *, selling: bool) -> dict[int, int]:
    """Return Wh by slot that an asset's orders cover: what open ones may still get, and what was traded.

    Args:
        orders: the asset's.
        trades: the asset's.
        selling: offers, or else bids; flexible bids cover no slot until they are traded.

    """
    covered: dict[int, int] = {}
    still_open = {order.id: order for order in orders if order.state == "open"}
    for order in still_open.values():
        if (order.order["type"] == "offer") == selling:
            for slot, wh in order.order.get("slots", {}).items():
                covered[int(slot)] = covered.get(int(slot), 0) + wh
    for trade in trades:
        order_id = trade.sell_order if selling else trade.buy_order
        per_slot = order_id in still_open and "slots" in still_open[order_id].order
        if not per_slot:
            covered[trade.slot] = covered.get(trade.slot, 0) + trade.wh
    return covered


def _missing(
    wanted: Mapping[int, int], ordered: Mapping[int, int], most: int, window: range
) -> dict[int, int]:
    """Return per slot what is wanted, up to the most that is possible, and not ordered yet."""
    missing = {
        slot: min(wanted[slot], most) - ordered.get(slot, 0) for slot in sorted(wanted) if slot in window
    }
    return {slot: wh for slot, wh in missing.items() if wh > 0}
