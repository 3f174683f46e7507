"""Warm water as a store of electricity: its band of temperatures, and what its thermometer teaches.

Between the low and the high end of its band a tank holds what it took for every kelvin. All energies here are
Wh of electricity, as the meter shows them; how many of heat a heat pump makes of each matters only where the
tank is known by its litres.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any, Final, Literal, Self

from .daytable import DayTable
from .habit import usual

WATER_WH: Final = 1.163
"""What a litre of water holds per kelvin (Wh): 4,186 J."""
SPARE: Final = 0.1
"""The plan stays this share of the band away from both ends, for draws that come otherwise than expected."""
_HELD_MS: Final = 3_600_000
"""A thermometer that is silent is believed for an hour."""
_SLOTS_TO_LEARN: Final = 8
_HEATS, _RESTS = 0.5, 0.05
"""A slot counts as heating, as resting, from or up to these shares of the most that a slot ever took."""
_LEAST_RISE_K: Final = 0.5

type Edge = Literal["cold", "hot"]
"""Which end of its band a tank has come to, and has not yet left again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Between which temperatures (°C) a tank is kept.

    `litres`: what it holds, 0 where that is to be learned. `cop`: Wh of heat for each Wh of electricity.
    """

    low_c: float
    high_c: float
    litres: float = 0.0
    cop: float = 1.0

    @property
    def spare_k(self) -> float:
        """How far from an end the tank has to be again before that end is left behind."""
        return SPARE * (self.high_c - self.low_c)

    def edge(self, temperature_c: float, before: Edge | None) -> Edge | None:
        """Return which end the tank is at, so that a thermometer's flicker switches nothing."""
        if temperature_c < self.low_c + (self.spare_k if before == "cold" else 0.0):
            return "cold"
        if temperature_c >= self.high_c - (self.spare_k if before == "hot" else 0.0):
            return "hot"
        return None


@dataclass(frozen=True, slots=True)
class Turn:
    """Since when (ms) something that heats runs, or rests."""

    runs: bool
    since_ms: int

    def turned(self, runs: bool, time_ms: int) -> Turn:
        """Return how it stands after it was seen running or resting at a time."""
        return self if runs == self.runs else Turn(runs, time_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How long it runs at least once it began, and rests at least once it ended (s).

    Each start wears a compressor, and one that starts against the pressure of its last run may fail.
    """

    run_s: int = 0
    rest_s: int = 0

    def wait_ms(self, runs: bool, turn: Turn | None, time_ms: int, edge: Edge | None) -> int:
        """Return how long (ms) it has to stay as it is before it may run, or rest; 0: it may at once.

        A tank that is too warm ends a run early; nothing ends a rest, be the tank too cold.

        Args:
            runs: whether it is to run.
            turn: how it stands, None where nobody knows.
            time_ms: now.
            edge: the end of its band that the tank is at.

        """
        if turn is None or turn.runs == runs or (edge == "hot" and not runs):
            return 0
        least_s = self.rest_s if runs else self.run_s
        return max(0, turn.since_ms + least_s * 1000 - time_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tank:
    """A tank as it stands, in Wh above the low end of its band, and what will be drawn from it by slot.

    The plan keeps it between `least_wh` and `most_wh`.
    """

    stored_wh: int
    least_wh: int
    most_wh: int
    draw_wh: Mapping[int, int]


class HeatHistory:
    """What a tank took and how warm it was, slot by slot, over the last weeks."""

    def __init__(self, slot_s: int, zone: tzinfo = UTC) -> None:
        self._slot_s = slot_s
        self._taken = DayTable(slot_s, zone)
        self._warmed = DayTable(slot_s, zone)
        self._start: tuple[int, float] | None = None
        self._seen: tuple[int, float] | None = None
        self._missed_since: int | None = None

    def take(self, slot: int, wh: float) -> None:
        """Note what the meter showed for a slot."""
        self._taken.put(slot, wh)

    def seed(self, taken: Mapping[int, float], starts_c: Mapping[int, float]) -> None:
        """Learn from what a recorder kept: Wh by slot, and how warm it was (°C) at the start of slots."""
        for slot, wh in taken.items():
            self.take(slot, wh)
        for slot, start_c in starts_c.items():
            if slot + 1 in starts_c:
                self._warmed.put(slot, starts_c[slot + 1] - start_c)

    def read(self, time_ms: int, temperature_c: float) -> None:
        """Note a temperature; the first of a slot counts as that of its start."""
        self._seen = (time_ms, temperature_c)
        self._missed_since = None
        slot = time_ms // (self._slot_s * 1000)
        if self._start is None or slot != self._start[0]:
            if self._start is not None and slot == self._start[0] + 1:
                self._warmed.put(slot - 1, temperature_c - self._start[1])
            self._start = (slot, temperature_c)

    def miss(self, time_ms: int) -> None:
        """Note that the thermometer says nothing."""
        if self._missed_since is None:
            self._missed_since = time_ms

    def is_blind(self, time_ms: int) -> bool:
        """Return whether it was asked in vain for so long that nothing may be done to the tank any more."""
        return self._missed_since is not None and time_ms - self._missed_since >= _HELD_MS

    def temperature_c(self, time_ms: int) -> float | None:
        """Return the last temperature, None where it is too old to go by."""
        if self._seen is None or time_ms - self._seen[0] > _HELD_MS:
            return None
        return self._seen[1]

    def wh_per_k(self, band: Band) -> float | None:
        """Return what a kelvin takes: by the litres, or else as learned; None while neither is known."""
        if band.litres > 0:
            return band.litres * WATER_WH / band.cop
        return self._learned_wh_per_k()

    def _learned_wh_per_k(self) -> float | None:
        """Return what heating slots took for each kelvin that they rose, and did not fall as others did."""
        taken, warmed = self._taken.values_with(self._warmed)
        most = float(taken.max(initial=0.0))
        heats, rests = taken > _HEATS * most, taken <= _RESTS * most
        if min(heats.sum(), rests.sum()) < _SLOTS_TO_LEARN:
            return None
        rise = float(warmed[heats].mean() - warmed[rests].mean())
        return float(taken[heats].mean()) / rise if rise >= _LEAST_RISE_K else None

    def tank(self, band: Band, time_ms: int, slots: Sequence[int], daily_wh: int) -> Tank | None:
        """Return how the tank stands and what will be drawn; None while temperature or size are unknown.

        Args:
            band: between which temperatures it is kept.
            time_ms: now.
            slots: the slots that are planned.
            daily_wh: what it needs a day, as long as nothing was measured.

        """
        temperature_c, wh_per_k = self.temperature_c(time_ms), self.wh_per_k(band)
        if temperature_c is None or wh_per_k is None:
            return None
        drawn = usual(self._taken.minus(self._warmed, wh_per_k), slots)
        unknown = daily_wh / self._taken.per_day
        whole_wh = (band.high_c - band.low_c) * wh_per_k
        return Tank(
            stored_wh=round((temperature_c - band.low_c) * wh_per_k),
            least_wh=round(SPARE * whole_wh),
            most_wh=round((1.0 - SPARE) * whole_wh),
            draw_wh={slot: max(0, round(drawn.get(slot, unknown))) for slot in slots},
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {
            "taken": self._taken.as_list(),
            "warmed": self._warmed.as_list(),
            "start": self._start,
            "seen": self._seen,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], slot_s: int, zone: tzinfo = UTC) -> Self:
        """Return it as it was stored; slots of another length are forgotten."""
        history = cls(slot_s, zone)
        history._taken.load(data["taken"])
        history._warmed.load(data["warmed"])
        start, seen = data["start"], data["seen"]
        history._start = (start[0], start[1]) if start else None
        history._seen = (seen[0], seen[1]) if seen else None
        return history
