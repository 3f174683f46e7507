"""What a meter will probably show, and how sure that is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import hypot, inf, isfinite
from typing import Final

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Quantiles:
    """An energy (Wh) that nobody knows yet: below `low` in one case of ten, above `high` in one of ten.

    It is below `middle` in every other case.
    """

    low: float
    middle: float
    high: float

    def at(self, level: float) -> float:
        """Return the energy that is not reached with this probability (from 0.1 to 0.9)."""
        if level <= 0.5:
            return self.low + (self.middle - self.low) * max(0.0, level - 0.1) / 0.4
        return self.middle + (self.high - self.middle) * min(0.4, level - 0.5) / 0.4

    @property
    def mean(self) -> float:
        """What to expect on average, by Swanson's rule; `middle` where nothing bounds the energy."""
        return 0.3 * self.low + 0.4 * self.middle + 0.3 * self.high if isfinite(self.high) else self.middle

    def minus(self, other: Quantiles) -> Quantiles:
        """Return the difference, the errors of both being independent: their spreads add as squares."""
        middle = self.middle - other.middle
        below = hypot(self.middle - self.low, other.high - other.middle)
        above = hypot(self.high - self.middle, other.middle - other.low)
        return Quantiles(middle - below, middle, middle + above)


NOTHING: Final = Quantiles(0.0, 0.0, 0.0)
UNKNOWN: Final = Quantiles(0.0, 0.0, inf)
"""What a home might use of which nothing is known: so much that nothing is sold."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Energies (Wh) expected by slot; a slot that is left out is nothing."""

    slots: Mapping[int, Quantiles] = field(default_factory=dict)

    def __getitem__(self, slot: int) -> Quantiles:
        """Return what is expected in a slot."""
        return self.slots.get(slot, NOTHING)


def by_habit(
    history: Mapping[int, int], slots: Iterable[int], *, slot_s: int, days: int = 7
) -> dict[int, int]:
    """Return the expected energy (Wh) of slots, from what was measured in the same slots of the day.

    Args:
        history: measured Wh by slot.
        slots: the slots in question.
        slot_s: length of a slot in seconds.
        days: how many days to look back.

    Returns:
        The mean, rounded down, of the days that have a measurement; slots without any are left out.

    """
    per_day = _DAY_S // slot_s
    newest = max(history, default=0)
    expected: dict[int, int] = {}
    for slot in slots:
        seen = [history[past] for past in _same_slots(slot, per_day, days, newest) if past in history]
        if seen:
            expected[slot] = sum(seen) // len(seen)
    return expected


def base_of(point: Mapping[int, int], behind: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Return what a home used by itself (Wh) in each slot: the whole of it less the assets with meters.

    Args:
        point: imported minus exported Wh by slot, at the connection point.
        behind: the same for each asset behind it: roof, battery, car. A slot in which one of them was not
            measured is left out.

    """
    meters = list(behind)
    return {
        slot: max(0, wh - sum(meter[slot] for meter in meters))
        for slot, wh in sorted(point.items())
        if all(slot in meter for meter in meters)
    }


def spread_hours(hours: Mapping[int, float], slot_s: int) -> dict[int, float]:
    """Return energies by slot (Wh) from energies by hour, which are named by their start in ms.

    An hour is spread evenly; slots longer than an hour get the sum of theirs.
    """
    slots: dict[int, float] = {}
    parts = max(1, 3600 // slot_s)
    for start_ms, wh in sorted(hours.items()):
        first = start_ms // (slot_s * 1000)
        for slot in range(first, first + parts):
            slots[slot] = slots.get(slot, 0.0) + wh / parts
    return slots


def surplus(production: Mapping[int, int], consumption: Mapping[int, int]) -> dict[int, int]:
    """Return production minus consumption (Wh, negative for a need) of the slots in which either is known."""
    slots = production.keys() | consumption.keys()
    return {slot: production.get(slot, 0) - consumption.get(slot, 0) for slot in sorted(slots)}


def _same_slots(slot: int, per_day: int, days: int, newest: int) -> list[int]:
    """Return the slots at the same time of day, on the latest days that can have been measured."""
    back = max(1, -(-(slot - newest) // per_day))
    return [slot - per_day * day for day in range(back, back + days)]
