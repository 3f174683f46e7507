"""Values of metering: all energy in Wh as integers, all times in ms since the epoch."""

from dataclasses import dataclass, field, replace
from typing import Any


class MeterError(Exception):
    """A meter that could not be read, and why."""


class MeterUnreachableError(MeterError):
    """No answer: the link is down, the address is wrong, or the meter is off."""


class MeterNonsenseError(MeterError):
    """The meter answers, but not with what the profile says it should."""


@dataclass(frozen=True, slots=True)
class Registers:
    """A meter's cumulative registers at one time."""

    at: int
    imported_wh: int
    exported_wh: int

    def as_tuple(self) -> tuple[int, int, int]:
        """Return the three numbers, in the order in which they are stored and committed to."""
        return self.at, self.imported_wh, self.exported_wh


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at a meter: power in W (positive is import; None where unknown) and its registers.

    `spans_wh` says of the imported and the exported register after how many Wh it begins at zero again; None
    where that is not known.
    """

    at: int
    imported_wh: int
    exported_wh: int
    power_w: float | None = None
    spans_wh: tuple[int | None, int | None] = field(default=(None, None), compare=False)

    @property
    def registers(self) -> Registers:
        """The cumulative part."""
        return Registers(self.at, self.imported_wh, self.exported_wh)

    def turned(self) -> Sample:
        """Return the same look with import and export exchanged: the meter is wired the other way round."""
        power_w = None if self.power_w is None else -self.power_w
        return replace(
            self,
            imported_wh=self.exported_wh,
            exported_wh=self.imported_wh,
            power_w=power_w,
            spans_wh=self.spans_wh[::-1],
        )


@dataclass(frozen=True, slots=True)
class SlotReading:
    """A slot whose registers are known at both ends: what it imported and exported is certain."""

    slot: int
    start: Registers
    end: Registers

    @property
    def imported_wh(self) -> int:
        """Energy taken from the grid in the slot."""
        return self.end.imported_wh - self.start.imported_wh

    @property
    def exported_wh(self) -> int:
        """Energy given to the grid in the slot."""
        return self.end.exported_wh - self.start.exported_wh

    def as_dict(self) -> dict[str, Any]:
        """Return the reading as it is stored."""
        return {"slot": self.slot, "start": list(self.start.as_tuple()), "end": list(self.end.as_tuple())}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> SlotReading:
        """Return the reading as it was stored."""
        return cls(int(data["slot"]), Registers(*data["start"]), Registers(*data["end"]))


@dataclass(frozen=True, slots=True)
class Gap:
    """Slots [first, end) of which no reading can be given, and what is known of their energy together.

    `reasons` are of `started`, `silent`, `jumped_back`, `restarted`, `implausible`, `clock`,
    `exchanged`. If `complete`,
    the two sums are all the energy from the start of the first slot (or of metering) to the end; otherwise
    registers were lost in between and the sums are only what was seen. `proven` are the parts of these slots
    that were watched: their registers lie within the slot, so it took and gave at least that much.
    """

    first: int
    end: int
    imported_wh: int
    exported_wh: int
    reasons: tuple[str, ...]
    complete: bool
    proven: tuple[SlotReading, ...] = field(default=(), compare=False)
