"""From wishes to orders, given those that stand: what is still right stays, the rest is replaced.

An order is right while all it can still get is wanted at its limit; a small excess is let pass, so that a
forecast that moves a little does not replace orders in every round.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ..ledger.answers import PlacedOrder, Trade
from .wishes import RunWish, SlotWish, WindowWish, Wish

_EXCESS: Final = 0.1
_EXCESS_WH: Final = 10
_NEW_WH: Final = 30
_NEW: Final = 0.2
"""What is missing from the orders that stand is ordered when it is at least so many Wh, or this share."""
_PRICE_STEP: Final = 5_000
"""A limit may stay if it is no more than this (nano per Wh) worse than the wished one."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An open order and the Wh that it can still get, by slot where it names slots."""

    placed: PlacedOrder
    slots: Mapping[int, int]
    rest_wh: int


@dataclass(frozen=True, slots=True)
class Changes:
    """Wishes to order, standing orders to take back, and those that stay."""

    place: tuple[Wish, ...]
    cancel: tuple[PlacedOrder, ...]
    keep: tuple[Standing, ...]


def standing(orders: Iterable[PlacedOrder], trades: Iterable[Trade], first_open: int) -> list[Standing]:
    """Return what open orders can still get in open slots; one that gets nothing more lapses by itself."""
    filled: dict[tuple[str, int], int] = {}
    for trade in trades:
        for order in {trade.sell_order, trade.buy_order}:
            filled[order, trade.slot] = filled.get((order, trade.slot), 0) + trade.wh
    rests = [_rest(order, filled, first_open) for order in orders if order.state == "open"]
    return [rest for rest in rests if rest.rest_wh > 0]


def _rest(order: PlacedOrder, filled: Mapping[tuple[str, int], int], first_open: int) -> Standing:
    text = order.order
    if "slots" not in text:
        energy = text["energy_wh"] if "energy_wh" in text else sum(text["profile_wh"])
        is_over = int(text["deadline"]) <= first_open
        return Standing(order, {}, 0 if is_over else max(0, int(energy) - order.filled_wh))
    rests = {
        int(slot): int(wh) - filled.get((order.id, int(slot)), 0)
        for slot, wh in text["slots"].items()
        if int(slot) >= first_open
    }
    slots = {slot: wh for slot, wh in rests.items() if wh > 0}
    return Standing(order, slots, sum(slots.values()))


def beside(
    wanted: Iterable[Wish],
    orders: Iterable[PlacedOrder],
    trades: Sequence[Trade],
    own: Collection[str],
    first_open: int,
) -> list[Wish]:
    """Return what is wanted beside the orders that the people of the home placed themselves."""
    others = standing((order for order in orders if order.id not in own), trades, first_open)
    taken: dict[tuple[str, bool], dict[int, int]] = {}
    windows: dict[str, int] = {}
    for order in others:
        key = (order.placed.asset, order.placed.order["type"] == "offer")
        for slot, wh in order.slots.items():
            slots = taken.setdefault(key, {})
            slots[slot] = slots.get(slot, 0) + wh
        if not order.slots:
            windows[order.placed.asset] = windows.get(order.placed.asset, 0) + order.rest_wh
    return [rest for wish in wanted if (rest := _beside(wish, taken, windows)) is not None]


def _beside(
    wish: Wish, taken: Mapping[tuple[str, bool], Mapping[int, int]], windows: Mapping[str, int]
) -> Wish | None:
    match wish:
        case SlotWish():
            there = taken.get((wish.asset, wish.selling), {})
            slots = {slot: wh - there.get(slot, 0) for slot, wh in wish.slots.items()}
            slots = {slot: wh for slot, wh in slots.items() if wh > 0}
            return replace(wish, slots=slots) if slots else None
        case WindowWish():
            energy = wish.energy_wh - windows.get(wish.asset, 0)
            most = min(energy, wish.max_wh_per_slot)
            return replace(wish, energy_wh=energy, max_wh_per_slot=most) if energy > 0 else None
        case RunWish():
            return None if wish.asset in windows else wish


def reconcile(wanted: Sequence[Wish], own: Iterable[Standing], *, exact: bool = False) -> Changes:
    """Hold wishes against the agent's own standing orders.

    Args:
        wanted: the whole of what is wanted beside trades.
        own: the agent's orders, oldest first.
        exact: let no excess pass, where money is short.

    """
    left = list(wanted)
    keep: list[Standing] = []
    cancel: list[PlacedOrder] = []
    for order in own:
        rest = _taken(left, order, exact=exact)
        if rest is None:
            cancel.append(order.placed)
        else:
            left = rest
            keep.append(order)
    return Changes(tuple(wish for wish in map(_worth_placing, left) if wish), tuple(cancel), tuple(keep))


def _taken(left: Sequence[Wish], order: Standing, *, exact: bool) -> list[Wish] | None:
    """Return what is left of wishes beside an order; None if the order is not right any more."""
    if "slots" in order.placed.order:
        return _slots_taken(left, order, exact=exact)
    for place, wish in enumerate(left):
        if not isinstance(wish, SlotWish) and _is_same(wish, order, exact=exact):
            return [*left[:place], *left[place + 1 :]]
    return None


def _is_same(wish: WindowWish | RunWish, order: Standing, *, exact: bool) -> bool:
    text = order.placed.order
    fits = (
        wish.asset == order.placed.asset
        and _price_stays(wish.price, int(text["price"]), selling=False)
        and int(text["deadline"]) == wish.deadline
        # That the first slots of an order are past by now does no harm.
        and int(text["earliest"]) <= wish.earliest
    )
    if isinstance(wish, RunWish):
        return fits and tuple(text.get("profile_wh", ())) == wish.profile_wh
    if not fits or "energy_wh" not in text:
        return False
    excess = 0 if exact else max(_EXCESS_WH, wish.energy_wh * _EXCESS)
    lack = max(_NEW_WH, wish.energy_wh * _NEW)
    most = int(text["max_wh_per_slot"])
    return wish.energy_wh - lack <= order.rest_wh <= wish.energy_wh + excess and most >= min(
        wish.max_wh_per_slot, order.rest_wh
    )


def _slots_taken(left: Sequence[Wish], order: Standing, *, exact: bool) -> list[Wish] | None:
    selling = order.placed.order["type"] == "offer"
    price = int(order.placed.order["price"])
    alike = [
        (place, wish)
        for place, wish in enumerate(left)
        if isinstance(wish, SlotWish)
        and (wish.asset, wish.selling) == (order.placed.asset, selling)
        and _price_stays(wish.price, price, selling=selling)
    ]
    rest = list(left)
    for slot, wh in order.slots.items():
        wanted = sum(wish.slots.get(slot, 0) for _, wish in alike)
        if wh > wanted + (0 if exact else max(_EXCESS_WH, wanted * _EXCESS)):
            return None
    covers = dict(order.slots)
    for place, wish in alike:
        used = {slot: min(wh, covers.get(slot, 0)) for slot, wh in wish.slots.items()}
        covers |= {slot: covers.get(slot, 0) - wh for slot, wh in used.items()}
        rest[place] = replace(wish, slots=_less(wish.slots, used))
    return rest


def _price_stays(wished: int, price: int, *, selling: bool) -> bool:
    """Tell whether a limit is none the worse for the home, and near enough to find a partner."""
    return 0 <= (price - wished if selling else wished - price) <= _PRICE_STEP


def _less(wanted: Mapping[int, int], taken: Mapping[int, int]) -> dict[int, int]:
    """Return what is missing, where that is enough for an order of its own."""
    missing = {slot: (wh, wh - taken.get(slot, 0)) for slot, wh in wanted.items()}
    return {
        slot: rest
        for slot, (wh, rest) in missing.items()
        if rest > 0 and (not taken.get(slot) or rest >= max(_NEW_WH, wh * _NEW))
    }


def _worth_placing(wish: Wish) -> Wish | None:
    return wish if not isinstance(wish, SlotWish) or sum(wish.slots.values()) >= _NEW_WH else None
