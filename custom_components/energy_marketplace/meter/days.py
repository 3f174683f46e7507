"""Whole days of a meter, from midnight to midnight UTC: what a district adds up, and nothing finer."""

from dataclasses import dataclass
from typing import Any, Self

from .readings import Registers

DAY_MS = 86_400_000
BRIDGED_MS = 900_000
"""Looks this far apart still tell what the registers showed at a midnight between them."""


@dataclass(frozen=True, slots=True)
class DayCount:
    """What a meter counted in a day (since the epoch), in Wh."""

    day: int
    imported_wh: int
    exported_wh: int


@dataclass(slots=True)
class DayMeter:
    """Cuts a meter's looks into days. `start` holds the registers at the last midnight, None if missed."""

    last: Registers | None = None
    start: Registers | None = None

    def feed(self, now: Registers) -> DayCount | None:
        """Go on from another look; return the day that ended since the one before, if it is known whole."""
        last, self.last = self.last, now
        if last is None or now.at < last.at or _fell(last, now):
            self.start = None
            return None
        day = now.at // DAY_MS
        if day == last.at // DAY_MS:
            return None
        start, self.start = self.start, _at_midnight(last, now, day)
        if start is None or self.start is None or start.at != (day - 1) * DAY_MS:
            return None
        return DayCount(
            day - 1,
            self.start.imported_wh - start.imported_wh,
            self.start.exported_wh - start.exported_wh,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return where it stands, as it is stored."""
        parts = {"last": self.last, "start": self.start}
        return {name: list(part.as_tuple()) for name, part in parts.items() if part is not None}

    @classmethod
    def from_dict(cls, data: dict[str, Any] | None) -> Self:
        """Go on from where an earlier run stood."""
        return cls(**{name: Registers(*part) for name, part in (data or {}).items()})


def _fell(last: Registers, now: Registers) -> bool:
    """Tell whether a register fell: a meter that began anew, so the day is not known."""
    return now.imported_wh < last.imported_wh or now.exported_wh < last.exported_wh


def _at_midnight(last: Registers, now: Registers, day: int) -> Registers | None:
    """Return the registers when a day began, between two looks that are near enough; rounded down."""
    midnight, apart = day * DAY_MS, now.at - last.at
    if apart > BRIDGED_MS:
        return None

    def at(before: int, after: int) -> int:
        return before + (after - before) * (midnight - last.at) // apart

    return Registers(midnight, at(last.imported_wh, now.imported_wh), at(last.exported_wh, now.exported_wh))
