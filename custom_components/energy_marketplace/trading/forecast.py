"""What a meter will probably show, and how sure that is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import hypot

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Quantiles:
    """An energy (Wh) that nobody knows yet: below `low` in one case of ten, above `high` in one of ten."""

    low: float
    middle: float
    high: float

    def at(self, level: float) -> float:
        """Return the energy that is not reached with a probability of `level` (0.1 to 0.9; beyond: its end)."""
        if level <= 0.5:
            return self.low + (self.middle - self.low) * max(0.0, level - 0.1) / 0.4
        return self.middle + (self.high - self.middle) * min(0.4, level - 0.5) / 0.4

    def minus(self, other: Quantiles) -> Quantiles:
        """Return the difference, the errors of both being independent: their spreads add as squares."""
        middle = self.middle - other.middle
        below = hypot(self.middle - self.low, other.high - other.middle)
        above = hypot(self.high - self.middle, other.middle - other.low)
        return Quantiles(middle - below, middle, middle + above)


NOTHING = Quantiles(0.0, 0.0, 0.0)


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


def surplus(production: Mapping[int, int], consumption: Mapping[int, int]) -> dict[int, int]:
    """Return production minus consumption (Wh, negative for a need) of the slots in which either is known."""
    slots = production.keys() | consumption.keys()
    return {slot: production.get(slot, 0) - consumption.get(slot, 0) for slot in sorted(slots)}


def _same_slots(slot: int, per_day: int, days: int, newest: int) -> list[int]:
    """Return the slots at the same time of day, on the latest days that can have been measured."""
    back = max(1, -(-(slot - newest) // per_day))
    return [slot - per_day * day for day in range(back, back + days)]
