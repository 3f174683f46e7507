"""From a home's plan to all that it wants from the market, within what may be spent."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from ..ledger.answers import PlacedOrder, Trade
from .buying import base_bids, battery_bids, load_bids
from .selling import battery_offers, roof_offers
from .want import LEAST_WH, Want
from .wishes import RunWish, SlotWish, WindowWish, Wish


def wishes(want: Want) -> list[Wish]:
    """Return what the home wants beside what is agreed, the most urgent bids first.

    In no slot does it want both to sell and to buy: its one meter shows only the difference.
    """
    offers = [*roof_offers(want), *battery_offers(want)]
    selling = want.terms.by_place(want.firm.sold_at()) > 0
    for offer in offers:
        selling |= want.terms.by_place(offer.slots) > 0
    taking = ~selling
    taking[: want.terms.closed] = False
    bids: list[Wish] = []
    for load in want.home.loads:
        bids += load_bids(want, load, taking)
    for battery in want.home.batteries:
        bids += battery_bids(want, battery, taking)
    return [*offers, *bids, *base_bids(want, taking)]


@dataclass(slots=True)
class Budget:
    """What may still be committed (nano): on a local day up to `daily`, in all up to `total`; None: any."""

    daily: int | None
    total: int | None
    slot_s: int
    zone: tzinfo
    spent: dict[int, int]

    @classmethod
    def of(
        cls,
        daily: int | None,
        total: int | None,
        *,
        slot_s: int,
        zone: tzinfo,
        trades: Iterable[Trade],
        others: Iterable[PlacedOrder],
        point: str,
    ) -> Budget:
        """Start with what trades cost already, and orders of others in this home may cost."""
        budget = cls(daily, total, slot_s, zone, {})
        for trade in trades:
            if trade.buy_point == point:
                budget.spend(range(trade.slot, trade.slot + 1), trade.wh * (trade.buyer_price + trade.fee))
        for order in others:
            if order.order["type"] != "offer":
                budget.spend(_slots_of(order), order.held)
        budget.total = total
        return budget

    def left(self, slots: range) -> float:
        """Return what may still be spent on energy of these slots."""
        most = float("inf") if self.total is None else float(self.total)
        if self.daily is not None:
            most = min([most, *(self.daily - self.spent.get(day, 0) for day in self._days(slots))])
        return max(0.0, most)

    def spend(self, slots: range, money: int) -> None:
        """Commit money to energy of these slots; it counts on every day that it might fall on."""
        for day in self._days(slots):
            self.spent[day] = self.spent.get(day, 0) + money
        if self.total is not None:
            self.total -= money

    def _days(self, slots: range) -> list[int]:
        ends = (slots.start, slots.stop - 1)
        first, last = (datetime.fromtimestamp(end * self.slot_s, self.zone).toordinal() for end in ends)
        return list(range(first, last + 1))


def affordable(wanted: Iterable[Wish], budget: Budget) -> list[Wish]:
    """Return the wishes that the budget allows, cut down where it ends."""
    allowed: list[Wish] = []
    for wish in wanted:
        cut = wish if isinstance(wish, SlotWish) and wish.selling else _cut(wish, budget)
        if cut is not None:
            allowed.append(cut)
    return allowed


def _cut(wish: Wish, budget: Budget) -> Wish | None:
    match wish:
        case SlotWish():
            return _cut_slots(wish, budget)
        case WindowWish():
            window = range(wish.earliest, wish.deadline)
            energy = int(min(wish.energy_wh, budget.left(window) // max(1, wish.price)))
            if energy < min(wish.energy_wh, LEAST_WH):
                return None
            budget.spend(window, energy * wish.price)
            return replace(wish, energy_wh=energy, max_wh_per_slot=min(energy, wish.max_wh_per_slot))
        case RunWish():
            window = range(wish.earliest, wish.deadline)
            cost = wish.price * sum(wish.profile_wh)
            if cost > budget.left(window):
                return None
            budget.spend(window, cost)
            return wish


def _cut_slots(wish: SlotWish, budget: Budget) -> SlotWish | None:
    slots: dict[int, int] = {}
    for slot, wh in sorted(wish.slots.items()):
        here = range(slot, slot + 1)
        energy = int(min(wh, budget.left(here) // max(1, wish.price)))
        if energy > 0:
            slots[slot] = energy
            budget.spend(here, energy * wish.price)
    return replace(wish, slots=slots) if slots else None


def _slots_of(order: PlacedOrder) -> range:
    text = order.order
    if "slots" in text:
        slots = [int(slot) for slot in text["slots"]]
        return range(min(slots), max(slots) + 1)
    return range(int(text["earliest"]), int(text["deadline"]))
