"""What a home uses by habit: by weekday and time of day, what was lately counting most."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from .daytable import DayTable, Floats
from .forecast import UNKNOWN, Forecast, Quantiles

_HALF_LIFE_DAYS: Final = 10.0
_MEAN_HALF_LIFE_DAYS: Final = 2.0
"""Heat follows the weather, which is more like yesterday's than like the same weekday's."""
_SAME_WEEKDAY: Final = 3.0
_SAME_KIND: Final = 1.5
_OTHER_KIND: Final = 0.2
_RECENT: Final = 4
_FADES: Final = 0.8
"""Per slot, what the last hour differed from habit counts so much less."""
_LEVELS: Final = (0.1, 0.5, 0.9)


def base_forecast(table: DayTable, slots: Sequence[int], now: int) -> Forecast:
    """Return what to expect of slots, from what was measured before the slot `now`."""
    places = {slot: table.place(slot) for slot in slots}
    habits = {day: _habit(table, day) for day in sorted({day for day, _ in places.values()})}
    drift = _drift(table, now)
    return Forecast(
        {slot: _drifted(habits[day][place], drift, slot - now) for slot, (day, place) in places.items()}
    )


def usual(table: DayTable, slots: Sequence[int]) -> dict[int, float]:
    """Return the mean of the same time of day, the last days counting most and the slots beside it half.

    Unlike a quantile it adds up to what a day takes, however rare and large the single draws are. A slot is
    left out if nothing was ever measured at its time of day.
    """
    places = {slot: table.place(slot) for slot in slots}
    means = {day: _mean(table, day) for day in sorted({day for day, _ in places.values()})}
    expected = {slot: float(means[day][place]) for slot, (day, place) in places.items()}
    return {slot: mean for slot, mean in expected.items() if not np.isnan(mean)}


def _mean(table: DayTable, day: int) -> Floats:
    """Return the mean of each place of the days before a day, NaN where nothing is known."""
    days, rows = table.before(day)
    weights = 0.5 ** ((day - days) / _MEAN_HALF_LIFE_DAYS)[:, None] * ~np.isnan(rows)
    total, known = (weights * np.nan_to_num(rows)).sum(axis=0), weights.sum(axis=0)
    total, known = (2.0 * side + np.roll(side, 1) + np.roll(side, -1) for side in (total, known))
    return np.asarray(np.divide(total, known, out=np.full(len(known), np.nan), where=known > 0))


def weekday_weights(days: np.ndarray, day: int) -> Floats:
    """Return how much each past day says about a day: recency times likeness of the weekday."""
    recency = 0.5 ** ((day - days) / _HALF_LIFE_DAYS)
    # Ordinal 1 is a Monday.
    weekdays, weekday = (days - 1) % 7, (day - 1) % 7
    alike = np.where((weekdays >= 5) == (weekday >= 5), _SAME_KIND, _OTHER_KIND)
    return np.asarray(recency * np.where(weekdays == weekday, _SAME_WEEKDAY, alike))


def _habit(table: DayTable, day: int) -> list[Quantiles]:
    """Return what to expect of each place of a day."""
    days, rows = table.before(day)
    if not len(days):
        return [UNKNOWN] * table.per_day
    samples = np.concatenate([np.roll(rows, 1, axis=1), rows, np.roll(rows, -1, axis=1)])
    weights = np.tile(weekday_weights(days, day), 3)[:, None] * ~np.isnan(samples)
    weights[: len(days)] *= 0.5
    weights[2 * len(days) :] *= 0.5
    low, middle, high = weighted_quantiles(samples, weights, _LEVELS)
    total = weights.sum(axis=0)
    few = 1.0 / (1.0 + np.count_nonzero(~np.isnan(rows), axis=0))
    low = np.minimum(low, middle * (1.0 - few))
    high = np.maximum(high, middle * (1.0 + 2.0 * few))
    return [
        Quantiles(float(a), float(b), float(c)) if known > 0 else UNKNOWN
        for a, b, c, known in zip(low, middle, high, total, strict=True)
    ]


def weighted_quantiles(samples: Floats, weights: Floats, levels: Sequence[float]) -> list[Floats]:
    """Return weighted quantiles of each column; samples that are NaN must weigh nothing."""
    order = np.argsort(samples, axis=0, kind="stable")
    ordered = np.take_along_axis(np.nan_to_num(samples), order, axis=0)
    cumulated = np.cumsum(np.take_along_axis(weights, order, axis=0), axis=0)
    total = cumulated[-1]
    columns = np.arange(samples.shape[1])
    return [ordered[np.argmax(cumulated >= level * total, axis=0), columns] for level in levels]


def _drift(table: DayTable, now: int) -> float:
    """Return by how much (Wh a slot) the last hour differed from habit."""
    recent = range(now - _RECENT, now)
    places = {slot: table.place(slot) for slot in recent}
    habits = {day: _habit(table, day) for day in {day for day, _ in places.values()}}
    seen = [
        (measured, habits[day][place])
        for slot, (day, place) in places.items()
        if (measured := table.get(slot)) is not None
    ]
    known = [measured - habit.mean for measured, habit in seen if habit is not UNKNOWN]
    return sum(known) / len(known) if known else 0.0


def _drifted(habit: Quantiles, drift: float, ahead: int) -> Quantiles:
    """Move a habit by what is left of the drift."""
    shift = drift * _FADES ** max(1, ahead + 1)
    return Quantiles(
        max(0.0, habit.low + min(shift, 0.0)),
        max(0.0, habit.middle + shift),
        max(0.0, habit.high + max(shift, 0.0)),
    )
