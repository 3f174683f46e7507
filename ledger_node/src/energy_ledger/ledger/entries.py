"""What an order's terms ask for: the checks on entry, its cost, what is left of it, and until when."""

from collections.abc import Iterable, Mapping

from energy_ledger.ledger.rows import Asset
from energy_ledger.ledger.timing import Timing
from energy_ledger.ledger.trading_rows import Order, total_wh
from energy_ledger.member_payloads import FlexibilityAnnounce
from energy_ledger.order_terms import BlockTerms, FlexibleTerms, OfferTerms, OrderTerms, SlotTerms
from energy_ledger.refusals import Refused
from energy_ledger.units import INT64_MAX, most_wh, within_rating


def cost(terms: OrderTerms) -> int:
    """Return energy times price of the whole order, nano-units: what a bid holds. Raises Refused."""
    total = total_wh(terms) * terms.price
    if total > INT64_MAX:
        raise Refused("bad_value", "order.price", "Energy times price is more than any ledger can hold.")
    return total


def check_slots(timing: Timing, terms: OrderTerms, time: int) -> None:
    """Refuse slots that no round can trade any more or yet, and windows too short for their energy."""
    if isinstance(terms, FlexibleTerms | BlockTerms):
        check_window(timing, terms, time, "order.")
    else:
        _check_range(timing, map(int, terms.slots), "order.slots", time)


def check_window(
    timing: Timing, terms: FlexibleTerms | BlockTerms | FlexibilityAnnounce, time: int, place: str = ""
) -> None:
    """Refuse a window that its energy does not fit into or that is not traded any more or yet."""
    _check_room(terms, f"{place}deadline")
    _check_range(timing, [terms.earliest], f"{place}earliest", time)
    _check_range(timing, [terms.deadline - 1], f"{place}deadline", time)


def _check_range(timing: Timing, slots: Iterable[int], field: str, time: int) -> None:
    first = timing.first_open_slot(time)
    end = first + timing.horizon
    for slot in slots:
        if slot < first:
            message = f"Slot {slot} is not traded any more; the first open slot is {first}."
            raise Refused("slot_closed", field, message)
        if slot >= end:
            message = f"Slot {slot} is not traded yet; the last open slot is {end - 1}."
            raise Refused("beyond_horizon", field, message)


def _check_room(terms: FlexibleTerms | BlockTerms | FlexibilityAnnounce, field: str) -> None:
    """Refuse a window into which the energy does not fit."""
    length = max(0, terms.deadline - terms.earliest)
    if isinstance(terms, BlockTerms):
        if len(terms.profile_wh) > length:
            message = f"The profile has {len(terms.profile_wh)} slots, the window only {length}."
            raise Refused("window_too_short", field, message)
    elif terms.energy_wh > length * terms.max_wh_per_slot:
        most = length * terms.max_wh_per_slot
        message = f"{terms.energy_wh} Wh do not fit: {length} slots take {most} Wh at most."
        raise Refused("window_too_short", field, message)


def check_rating(terms: OrderTerms, asset: Asset, slot_s: int) -> None:
    """Refuse more Wh in a slot than the asset can move: its export for offers, its import for bids."""
    rated = asset.rated_export_w if isinstance(terms, OfferTerms) else asset.rated_import_w
    field, wh = _peak(terms)
    check_rated(wh, rated, slot_s, field)


def check_rated(wh: int, rated: int, slot_s: int, field: str) -> None:
    """Refuse more Wh in a slot than a rating (W) can move."""
    if not within_rating(wh, rated, slot_s):
        message = f"{wh} Wh in a slot: this asset moves {most_wh(rated, slot_s)} Wh at most ({rated} W)."
        raise Refused("exceeds_rating", field, message)


def _peak(terms: OrderTerms) -> tuple[str, int]:
    """Return the field that names the most energy in one slot, and that energy."""
    match terms:
        case FlexibleTerms():
            return "order.max_wh_per_slot", terms.max_wh_per_slot
        case BlockTerms():
            return "order.profile_wh", max(terms.profile_wh)
        case _:
            return "order.slots", max(terms.slots.values())


def rest_by_slot(terms: SlotTerms, fills: Mapping[int, int], first: int = 0) -> dict[int, int]:
    """Return what an order that names its slots still asks for, from slot `first` on."""
    asked = zip(map(int, terms.slots), terms.slots.values(), strict=True)
    return {slot: rest for slot, wh in asked if slot >= first and (rest := wh - fills.get(slot, 0))}


def lapse_time(order: Order, timing: Timing) -> int:
    """Return the last moment (ledger time, ms) at which the close of a round can fill part of an order."""
    end = timing.last_close(_last_start(order))
    expires = order.order.expires
    return min(end, expires) if isinstance(expires, int) else end


def _last_start(order: Order) -> int:
    """Return the last slot with which a round may begin that can still fill something of the order."""
    terms = order.order
    match terms:
        case BlockTerms():
            return terms.deadline - len(terms.profile_wh)
        case FlexibleTerms(min_fill="all"):
            return terms.deadline - -(-terms.energy_wh // terms.max_wh_per_slot)
        case FlexibleTerms():
            slot = terms.deadline - 1
            while order.fills.get(slot, 0) >= terms.max_wh_per_slot:
                slot -= 1
            return slot
        case _:
            latest = sorted(map(int, terms.slots), reverse=True)
            return next(slot for slot in latest if terms.slots[str(slot)] != order.fills.get(slot))
