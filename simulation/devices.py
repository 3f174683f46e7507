"""Physical things that draw or give power, and meters that count it.

Watts drawn are positive, watts given negative.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from simulation.day import QuickDay
from simulation.habits import Household
from simulation.weather import Weather

SECONDS_PER_HOUR = 3600
STEP_S = 0.5


class Device(Protocol):
    """Anything behind a meter."""

    def power_w(self, at_s: float) -> float:
        """Watts drawn (positive) or given (negative) at that second of the real clock."""
        ...


@dataclass(frozen=True)
class Home:
    """The ordinary load of a household."""

    household: Household
    day: QuickDay

    def power_w(self, at_s: float) -> float:
        """Return what the people at home use."""
        return self.household.watts(self.day.hour(at_s))


@dataclass(frozen=True)
class Roof:
    """Solar panels of ``peak_w`` watts."""

    peak_w: float
    weather: Weather
    day: QuickDay

    def power_w(self, at_s: float) -> float:
        """Return what the sun gives, as negative watts."""
        return -self.peak_w * self.weather.sunshine(self.day.hour(at_s))


@dataclass
class Switched:
    """A machine that draws ``on_w`` while its switch is on, ``standby_w`` otherwise."""

    on_w: float
    standby_w: float = 0.0
    is_on: bool = False

    def power_w(self, at_s: float) -> float:
        """Return what the switch says; the hour does not matter."""
        return self.on_w if self.is_on else self.standby_w


@dataclass
class Store:
    """A battery or a car: keeps ``level_wh`` between 0 and ``capacity_wh``, follows a plan of watts per slot.

    Losses count on the way in: of what is drawn, ``efficiency`` reaches the store.
    """

    capacity_wh: float
    level_wh: float
    slot_s: int
    efficiency: float = 0.92
    plan_w: dict[int, float] = field(default_factory=dict)

    def power_w(self, at_s: float) -> float:
        """Return the slot's planned watts, as far as the store can still take or give them for one step."""
        planned = self.plan_w.get(int(at_s) // self.slot_s, 0.0)
        room_w = (self.capacity_wh - self.level_wh) / self.efficiency * SECONDS_PER_HOUR / STEP_S
        rest_w = self.level_wh * SECONDS_PER_HOUR / STEP_S
        return max(-rest_w, min(planned, room_w))

    def elapse(self, power_w: float, seconds: float) -> None:
        """Let energy flow in or out for that long."""
        wh = power_w * seconds / SECONDS_PER_HOUR
        self.level_wh += wh * self.efficiency if wh > 0 else wh


@dataclass
class Meter:
    """A bidirectional meter with cumulative registers, as they hang in every fuse box.

    Import and export are counted apart, step by step, so that cloud and kettle within one slot both show.
    """

    devices: Sequence[Device]
    read_s: float
    imported_wh: float = 0.0
    exported_wh: float = 0.0
    power_w: float = 0.0

    def advance(self, at_s: float) -> None:
        """Count everything up to ``at_s``; an earlier moment changes nothing."""
        for start, seconds in _steps(self.read_s, at_s):
            self._count(start, seconds)
        self.read_s = max(self.read_s, at_s)

    def _count(self, at_s: float, seconds: float) -> None:
        powers = [device.power_w(at_s) for device in self.devices]
        for device, power in zip(self.devices, powers, strict=True):
            if isinstance(device, Store):
                device.elapse(power, seconds)
        self.power_w = sum(powers)
        wh = self.power_w * seconds / SECONDS_PER_HOUR
        self.imported_wh += max(0.0, wh)
        self.exported_wh += max(0.0, -wh)


def _steps(start_s: float, end_s: float) -> Iterator[tuple[float, float]]:
    """Cut a span into (start, length) pieces at every multiple of the step, so that slot ends are exact."""
    while start_s < end_s:
        stop = min(end_s, (start_s // STEP_S + 1) * STEP_S)
        yield start_s, stop - start_s
        start_s = stop


@dataclass(frozen=True)
class FuseBox:
    """All meters of one house; they are read and switched at one moment, so they never disagree."""

    meters: Sequence[Meter]

    def advance(self, at_s: float) -> None:
        """Count everything up to ``at_s`` on every meter."""
        for meter in self.meters:
            meter.advance(at_s)

    def switch(self, machine: Switched, is_on: bool, at_s: float) -> None:
        """Turn a machine on or off at that moment; what it drew until then is counted first."""
        self.advance(at_s)
        machine.is_on = is_on
