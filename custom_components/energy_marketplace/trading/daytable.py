"""Measured energy by local day and time of day: what habits are read from.

Slots run in UTC, habits in local time; on the days of a clock change an hour is missing or measured twice,
and of the latter the second stays.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]

KEPT_DAYS: Final = 28
_DAY_S: Final = 86_400


class DayTable:
    """Energies (Wh, NaN where nothing is known) of the last `KEPT_DAYS` local days."""

    def __init__(self, slot_s: int, zone: tzinfo, days: dict[int, Floats] | None = None) -> None:
        self._slot_s = slot_s
        self._zone = zone
        self.per_day = max(1, _DAY_S // slot_s)
        self._days = days or {}

    def put(self, slot: int, wh: float) -> None:
        """Note what was measured in a slot; days that are too old are dropped."""
        day, place = self.place(slot)
        row = self._days.setdefault(day, np.full(self.per_day, np.nan))
        row[place] = wh
        for old in [known for known in self._days if known <= max(self._days) - KEPT_DAYS]:
            del self._days[old]

    def get(self, slot: int) -> float | None:
        """Return what was measured in a slot."""
        day, place = self.place(slot)
        value = self._days[day][place] if day in self._days else np.nan
        return None if np.isnan(value) else float(value)

    def place(self, slot: int) -> tuple[int, int]:
        """Return a slot's local day (a number that rises by one a day) and its place in that day."""
        local = datetime.fromtimestamp(slot * self._slot_s, self._zone)
        second = local.hour * 3600 + local.minute * 60 + local.second
        return local.toordinal(), min(second // self._slot_s, self.per_day - 1)

    def before(self, day: int) -> tuple[NDArray[np.int64], Floats]:
        """Return the days before a day and their energies, one row each, oldest first."""
        days = sorted(known for known in self._days if known < day)
        rows = [self._days[known] for known in days]
        return np.array(days, dtype=np.int64), np.array(rows).reshape(len(days), self.per_day)

    def minus(self, other: Self, factor: float) -> Self:
        """Return these values less `factor` times another table's, where both are known."""
        days = {day: row - factor * others for day, row, others in self._common(other)}
        return type(self)(self._slot_s, self._zone, days)

    def values_with(self, other: Self) -> tuple[Floats, Floats]:
        """Return the values of all slots of which both tables know one, oldest first."""
        pairs = [np.stack([row, others]) for _, row, others in self._common(other)]
        both = np.concatenate([np.empty((2, 0)), *pairs], axis=1)
        mine, theirs = both[:, ~np.isnan(both).any(axis=0)]
        return mine, theirs

    def as_list(self) -> list[Any]:
        """Return the table as it is stored."""
        return [[day, [None if np.isnan(wh) else round(wh, 1) for wh in row]] for day, row in self._rows()]

    def load(self, stored: Iterable[Any]) -> None:
        """Take up a stored table; rows for slots of another length are left out."""
        for day, row in stored:
            if len(row) == self.per_day:
                self._days[day] = np.array([np.nan if wh is None else wh for wh in row], dtype=np.float64)

    def _common(self, other: Self) -> Iterator[tuple[int, Floats, Floats]]:
        """Return the days that both tables know, with their rows."""
        return ((day, row, other._days[day]) for day, row in self._rows() if day in other._days)

    def _rows(self) -> list[tuple[int, Floats]]:
        return sorted(self._days.items(), key=lambda item: item[0])
