"""What an agent remembers of its home: habits, the roof's clear days, prices, and how right it was."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, Final, Self

from ..ledger.units import slot_at
from .daytable import DayTable
from .forecast import Forecast, spread_hours
from .habit import base_forecast
from .sunshine import Sky, production_forecast

_SCORED: Final = 672
"""Errors are means over so many slots, a week of quarter hours."""
_PRICE_DAYS: Final = 7
_GATE_SLOTS: Final = 2
"""A forecast counts as it stood when its slot could last be traded."""
_DARK_WH: Final = 5.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a home's people and roofs will probably use and give, by slot."""

    base: Forecast
    production: Forecast
    solar: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class ErrorFigures:
    """How wrong forecasts were, over the last `slots` slots; a positive bias: less came than was expected."""

    slots: int = 0
    mean_absolute_wh: float = 0.0
    bias_wh: float = 0.0

    def with_error(self, error_wh: float) -> Self:
        """Add an error (expected minus measured); the oldest ones fade."""
        count = min(self.slots + 1, _SCORED)
        return type(self)(
            count,
            self.mean_absolute_wh + (abs(error_wh) - self.mean_absolute_wh) / count,
            self.bias_wh + (error_wh - self.bias_wh) / count,
        )


@dataclass(frozen=True, slots=True)
class Errors:
    """Past errors of the two forecasts."""

    base: ErrorFigures = ErrorFigures()
    production: ErrorFigures = ErrorFigures()


class Memory:
    """Learns from closed slots and looks ahead; all that it keeps is bounded."""

    def __init__(self, slot_s: int, zone: tzinfo = UTC) -> None:
        self._slot_s = slot_s
        self._base = DayTable(slot_s, zone)
        self._production = DayTable(slot_s, zone)
        self._prices: dict[int, int] = {}
        self._expected: dict[int, tuple[float, float, float | None]] = {}
        self._solar_ratios: deque[float] = deque(maxlen=_SCORED)
        self.errors = Errors()

    def note(self, slot: int, base_wh: float | None, production_wh: float | None) -> None:
        """Learn what a slot brought; None is what was not measured."""
        base, production, solar = self._expected.pop(slot, (None, None, None))
        of_base, of_production = self.errors.base, self.errors.production
        if base_wh is not None:
            self._base.put(slot, base_wh)
            of_base = of_base if base is None else of_base.with_error(base - base_wh)
        if production_wh is not None:
            self._production.put(slot, production_wh)
            of_production = (
                of_production if production is None else of_production.with_error(production - production_wh)
            )
            if solar is not None and solar > _DARK_WH:
                self._solar_ratios.append(production_wh / solar)
        self.errors = Errors(of_base, of_production)
        self._expected = {later: kept for later, kept in self._expected.items() if later > slot}

    def seed_hours(self, base: Mapping[int, float], production: Mapping[int, float] | None = None) -> None:
        """Learn from what a recorder kept: Wh by the start of the hour (ms); what is known already stays."""
        for table, hours in ((self._base, base), (self._production, production or {})):
            for slot, wh in spread_hours(hours, self._slot_s).items():
                if table.get(slot) is None:
                    table.put(slot, wh)

    def learn_prices(self, prices: Mapping[int, int]) -> None:
        """Keep slot prices (nano per Wh) of the last week."""
        self._prices |= prices
        newest = max(self._prices, default=0)
        kept = _PRICE_DAYS * self._base.per_day
        self._prices = {slot: price for slot, price in self._prices.items() if slot > newest - kept}

    @property
    def prices(self) -> Mapping[int, int]:
        """The slot prices of the last week and those known already of coming slots."""
        return self._prices

    def outlook(
        self, time_ms: int, slots: Iterable[int], solar: Mapping[int, float] | None = None
    ) -> Outlook:
        """Return what to expect of slots.

        Args:
            time_ms: now.
            slots: the slots in question.
            solar: Wh by slot that a solar forecast promises, None without one.

        """
        wanted = list(slots)
        now = slot_at(time_ms, self._slot_s)
        sky = Sky(self._production, solar, tuple(self._solar_ratios))
        return Outlook(
            base_forecast(self._base, wanted, now),
            production_forecast(sky, wanted, now),
            solar or {},
        )

    def remember(self, outlook: Outlook, time_ms: int) -> None:
        """Keep what is expected of slots that can still be traded, to hold it against what comes."""
        first = slot_at(time_ms, self._slot_s) + _GATE_SLOTS
        for slot in sorted(outlook.base.slots.keys() | outlook.production.slots.keys()):
            if slot >= first:
                base, production = outlook.base[slot].mean, outlook.production[slot].mean
                self._expected[slot] = (base, production, outlook.solar.get(slot))

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as it is stored."""
        return {
            "slot_s": self._slot_s,
            "base": self._base.as_list(),
            "production": self._production.as_list(),
            "prices": sorted(self._prices.items()),
            "expected": [[slot, *values] for slot, values in sorted(self._expected.items())],
            "solar_ratios": list(self._solar_ratios),
            "errors": [
                [figures.slots, figures.mean_absolute_wh, figures.bias_wh]
                for figures in (self.errors.base, self.errors.production)
            ],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], slot_s: int, zone: tzinfo = UTC) -> Self:
        """Return a memory as it was stored; one of slots of another length starts anew."""
        memory = cls(slot_s, zone)
        if data.get("slot_s") != slot_s:
            return memory
        memory._load(data)
        return memory

    def _load(self, data: Mapping[str, Any]) -> None:
        self._base.load(data["base"])
        self._production.load(data["production"])
        self._prices = dict(data["prices"])
        self._expected = {slot: (base, roof, solar) for slot, base, roof, solar in data["expected"]}
        self._solar_ratios.extend(data["solar_ratios"])
        self.errors = Errors(*(ErrorFigures(*figures) for figures in data["errors"]))
