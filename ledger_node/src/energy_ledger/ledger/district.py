"""District figures: how far a neighbourhood lives on the energy it makes itself.

All energy in Wh. For a span of whole days, from what members totalled and what was settled:

    consumption C = imported + self-consumed          production P
    local L = self-consumed + traded among neighbours + allotted to them
    self-sufficiency L / C          self-consumption L / P          balance = exported - imported

A Wh that a battery kept counts when it is consumed, by the meters that saw it; electricity only.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from energy_ledger.ledger.trading_rows import DayTotal, Order, Reading, Trade
from energy_ledger.order_terms import FlexibleTerms

MILLION: Final = 1_000_000


class Energy(Struct, frozen=True, gc=False):
    """What a district made, took and kept in a span of days, Wh."""

    produced_wh: int
    consumed_wh: int
    self_consumed_wh: int
    traded_wh: int
    shared_wh: int
    imported_wh: int
    exported_wh: int

    @property
    def local_wh(self) -> int:
        """What was consumed in the slot in which it was made, by whomever."""
        return self.self_consumed_wh + self.traded_wh + self.shared_wh

    @property
    def balance_wh(self) -> int:
        """What the district gave more than it took; negative if it took more."""
        return self.exported_wh - self.imported_wh


class Peak(Struct, frozen=True, gc=False):
    """The slot in which the district took most from outside, net of what its members gave, Wh."""

    slot: int
    imported_wh: int


class Moved(Struct, frozen=True, gc=False):
    """Flexible energy that was traded, and how much of it not at once, Wh."""

    flexible_wh: int
    moved_wh: int


def add_up(totals: Iterable[DayTotal], trades: Iterable[Trade], shared_wh: int) -> Energy:
    """Add up the members' days and the settled trades of the same days."""
    days = list(totals)
    imported, self_consumed = _sum(days, "imported_wh"), _sum(days, "self_consumed_wh")
    return Energy(
        produced_wh=_sum(days, "produced_wh"),
        consumed_wh=imported + self_consumed,
        self_consumed_wh=self_consumed,
        traded_wh=sum(trade.settled_wh or 0 for trade in trades),
        shared_wh=shared_wh,
        imported_wh=imported,
        exported_wh=_sum(days, "exported_wh"),
    )


def _sum(totals: Iterable[DayTotal], field: str) -> int:
    return sum(getattr(total, field) for total in totals)


def ppm(part: int, whole: int) -> int | None:
    """Return a share in parts per million, rounded down; None where there is no whole."""
    return part * MILLION // whole if whole else None


def net_imports(readings: Iterable[Reading]) -> dict[int, int]:
    """Return what the district took from outside per slot: imports less exports of all members."""
    by_slot: dict[int, int] = {}
    for reading in readings:
        by_slot[reading.slot] = by_slot.get(reading.slot, 0) + reading.imported_wh - reading.exported_wh
    return by_slot


def peak(by_slot: Mapping[int, int]) -> Peak | None:
    """Return the slot with the greatest import, of equals the first."""
    if not by_slot:
        return None
    slot = min(by_slot, key=lambda one: (-by_slot[one], one))
    return Peak(slot, by_slot[slot])


def unshifted(
    by_slot: Mapping[int, int], orders: Sequence[Order], taken: Mapping[str, Mapping[int, int]]
) -> dict[int, int]:
    """Return the same imports as if nothing had been shifted: the baseline of the peak's reduction.

    In the baseline each flexible load takes the energy it was delivered (`taken`: Wh by order and slot) from
    its earliest slot on, at the power it stated. Slots without readings are left out.
    """
    baseline = dict(by_slot)
    for order in orders:
        delivered = taken.get(order.id, {})
        for slot, wh in delivered.items():
            _add(baseline, slot, -wh)
        for slot, wh in _at_once(order, sum(delivered.values())).items():
            _add(baseline, slot, wh)
    return baseline


def _add(by_slot: dict[int, int], slot: int, wh: int) -> None:
    if slot in by_slot:
        by_slot[slot] += wh


def moved(orders: Iterable[Order], taken: Mapping[str, Mapping[int, int]]) -> Moved:
    """Return how much flexible energy was taken in other slots than the first it could have been taken in."""
    flexible = shifted = 0
    for order in orders:
        delivered = taken.get(order.id, {})
        at_once = _at_once(order, sum(delivered.values()))
        flexible += sum(delivered.values())
        shifted += sum(max(0, wh - at_once.get(slot, 0)) for slot, wh in delivered.items())
    return Moved(flexible, shifted)


def _at_once(order: Order, wh: int) -> dict[int, int]:
    """Return when a flexible order would have taken so much without waiting."""
    terms = order.order
    if not isinstance(terms, FlexibleTerms):
        return {}
    full, rest = divmod(wh, terms.max_wh_per_slot)
    slots = {terms.earliest + place: terms.max_wh_per_slot for place in range(full)}
    return slots | ({terms.earliest + full: rest} if rest else {})
