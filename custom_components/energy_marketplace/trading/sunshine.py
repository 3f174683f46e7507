"""What roofs will give: from a solar forecast, or from their own clear days and the sky of the last hours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from .daytable import DayTable, Floats
from .forecast import NOTHING, Forecast, Quantiles

_CLEAR: Final = 0.95
_CLEAR_DAYS: Final = 14
_RECENT: Final = 4
_LASTS_SLOTS: Final = 10.0
"""The present sky says less and less about later ones: by a factor e after so many slots."""
_UNSURE: Final = (0.4, 1.0, 1.4)
"""What to expect of a solar forecast before it was ever held against a meter."""
_ENOUGH: Final = 24
_DARK_WH: Final = 5.0


@dataclass(frozen=True, slots=True)
class Sky:
    """What is known of a home's sunshine: measured energy, a forecast (Wh by slot), how right it was."""

    measured: DayTable
    solar: Mapping[int, float] | None
    ratios: tuple[float, ...]


def production_forecast(sky: Sky, slots: Sequence[int], now: int) -> Forecast:
    """Return what to expect of slots, from what was measured before the slot `now`."""
    if sky.solar is not None:
        return _from_forecast(sky.solar, sky, slots, now)
    return _from_clear_days(sky.measured, slots, now)


def _from_forecast(solar: Mapping[int, float], sky: Sky, slots: Sequence[int], now: int) -> Forecast:
    usual = _spread(sky.ratios)
    lately = _ratio(sky.measured, solar, now)
    return Forecast(
        {slot: _scaled(solar.get(slot, 0.0), _blend(usual, lately, slot - now)) for slot in slots}
    )


def _from_clear_days(table: DayTable, slots: Sequence[int], now: int) -> Forecast:
    today, _ = table.place(now)
    days, rows = table.before(today)
    if not len(days):
        return Forecast(dict.fromkeys(slots, NOTHING))
    clear = clear_day(rows[-_CLEAR_DAYS:])
    lit = clear > _DARK_WH
    shares = (rows[-_CLEAR_DAYS:][:, lit] / clear[lit]).ravel()
    usual = _spread(tuple(shares[~np.isnan(shares)].tolist()))
    recent = {slot: float(clear[table.place(slot)[1]]) for slot in range(now - _RECENT, now)}
    lately = _ratio(table, recent, now)
    return Forecast(
        {
            slot: _scaled(float(clear[table.place(slot)[1]]), _blend(usual, lately, slot - now))
            for slot in slots
        }
    )


def clear_day(rows: Floats) -> Floats:
    """Return what each place of a day gives under a clear sky, from measured days (NaN: unknown)."""
    known = np.where(np.isnan(rows), 0.0, rows)
    return np.asarray(np.quantile(known, _CLEAR, axis=0))


def _ratio(table: DayTable, expected: Mapping[int, float], now: int) -> float | None:
    """Return what the last hour gave of what was expected; None in the dark."""
    pairs = [
        (measured, expected.get(slot, 0.0))
        for slot in range(now - _RECENT, now)
        if (measured := table.get(slot)) is not None
    ]
    whole = sum(wh for _, wh in pairs)
    return min(1.5, sum(measured for measured, _ in pairs) / whole) if whole > _DARK_WH * _RECENT else None


def _spread(ratios: Sequence[float]) -> Quantiles:
    """Return how measured energy is spread around the expected; cautious while little is known."""
    if len(ratios) < _ENOUGH:
        return Quantiles(*_UNSURE)
    low, high = np.quantile(ratios, (0.1, 0.9))
    return Quantiles(float(low), float(np.mean(ratios)), float(high))


def _blend(usual: Quantiles, lately: float | None, ahead: int) -> Quantiles:
    """Return what to expect between the sky of the last hour and the usual one."""
    if lately is None:
        return usual
    now = float(np.exp(-max(0, ahead) / _LASTS_SLOTS))
    # Even the next quarter of an hour can cloud over or clear up.
    spread = 1.0 - 0.6 * now
    middle = now * lately + (1.0 - now) * usual.middle
    return Quantiles(
        max(0.0, middle - spread * (usual.middle - usual.low)),
        middle,
        middle + spread * (usual.high - usual.middle),
    )


def _scaled(wh: float, share: Quantiles) -> Quantiles:
    return Quantiles(wh * share.low, wh * share.middle, wh * share.high)
