"""What a battery does: the best path of its charge through the coming slots, by dynamic programming.

Backwards from the horizon, each of `LEVELS` charges between reserve and capacity is worth the best of all it
can go to within a slot: what the connection point then costs, the wear of what is given, and what the
charge is worth from there on (Bellman's principle), interpolated between levels.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from ..ledger.units import slot_wh
from .daytable import Floats
from .home import Battery
from .position import Position

LEVELS: Final = 33
_STAY: Final = 1.0
"""A battery moves only for more than this (nano)."""


@dataclass(frozen=True, slots=True)
class Path:
    """What a battery takes (positive Wh at its meter) and gives per slot.

    `stored` is the charge at the end of each slot, `worth` what one Wh more of it would bring then (nano).
    """

    wh: Floats
    stored: Floats
    worth: Floats


@dataclass(frozen=True, slots=True)
class _Course:
    """A battery in its home: its limits in Wh per slot, and what the point takes without it."""

    battery: Battery
    position: Position
    net: Floats
    levels: Floats
    most_in: int
    most_out: int

    def options(self, stored: Floats, place: int) -> tuple[Floats, Floats]:
        """Return what charges (rows) can go to within a slot, and the energy each takes at the meter.

        Besides the levels: stay, as fast as possible up or down, and what makes the point meet its promises.
        """
        way = way_efficiency(self.battery)
        wanted = self.position.firm[place] - self.net[place]
        met = stored + (wanted * way if wanted > 0 else wanted / way)
        extra = np.stack([stored, stored + self.most_in * way, stored - self.most_out / way, met], axis=1)
        goals = np.concatenate([np.broadcast_to(self.levels, (len(stored), len(self.levels))), extra], axis=1)
        goals = np.clip(
            np.clip(goals, self.levels[0], self.levels[-1]),
            (stored - self.most_out / way)[:, None],
            (stored + self.most_in * way)[:, None],
        )
        change = goals - stored[:, None]
        return goals, np.where(change > 0, change / way, change * way)

    def gains(self, stored: Floats, place: int, values: Floats) -> tuple[Floats, Floats, Floats]:
        """Return goals and energies as `options`, and what each of them is worth."""
        goals, energy = self.options(stored, place)
        over = self.net[place] + energy - self.position.firm[place]
        grid = np.where(over > 0, self.position.above[place] * over, self.position.below[place] * over)
        wear = self.battery.wear * np.maximum(0.0, -energy)
        worth = np.interp(goals.ravel(), self.levels, values).reshape(goals.shape)
        gain = worth - grid - wear
        gain[:, len(self.levels)] += _STAY
        return goals, energy, gain


def best_path(battery: Battery, position: Position, net: Floats, slot_s: int, rest_worth: float) -> Path:
    """Return the cheapest path of a battery.

    Args:
        battery: how it stands.
        position: what energy costs at the connection point.
        net: what the point takes without the battery.
        slot_s: length of a slot.
        rest_worth: what a stored Wh is worth at the horizon (nano).

    """
    low = float(min(battery.reserve_wh, battery.stored_wh))
    high = float(max(battery.capacity_wh, battery.stored_wh))
    if high <= low:
        return Path(np.zeros(len(net)), np.full(len(net), low), np.full(len(net), rest_worth))
    course = _Course(
        battery,
        position,
        net,
        np.linspace(low, high, LEVELS),
        slot_wh(battery.charge_w, slot_s),
        slot_wh(battery.discharge_w, slot_s),
    )
    return _walk(course, _values(course, rest_worth))


def way_efficiency(battery: Battery) -> float:
    """Return the efficiency of one way, in or out."""
    return sqrt(battery.efficiency_pct / 100)


def _values(course: _Course, rest_worth: float) -> Floats:
    """Return what each level is worth at the start of each slot (rows) and at the horizon (last row)."""
    values = np.empty((len(course.net) + 1, LEVELS))
    values[-1] = course.levels * rest_worth
    for place in range(len(course.net) - 1, -1, -1):
        _, _, gain = course.gains(course.levels, place, values[place + 1])
        values[place] = gain.max(axis=1)
    return values


def _walk(course: _Course, values: Floats) -> Path:
    """Follow the best moves from how the battery stands."""
    count = len(course.net)
    wh, path, worth = np.zeros(count), np.zeros(count), np.zeros(count)
    stored = float(course.battery.stored_wh)
    for place in range(count):
        goals, energy, gain = course.gains(np.array([stored]), place, values[place + 1])
        best = int(np.argmax(gain[0]))
        stored, wh[place] = float(goals[0, best]), energy[0, best]
        path[place] = stored
        worth[place] = _slope(course.levels, values[place + 1], stored)
    return Path(wh, path, worth)


def _slope(levels: Floats, values: Floats, stored: float) -> float:
    """Return what one Wh more or less than a charge is worth."""
    step = (levels[-1] - levels[0]) / (len(levels) - 1)
    lower, upper = max(levels[0], stored - step), min(levels[-1], stored + step)
    ends = np.interp([lower, upper], levels, values)
    return float(ends[1] - ends[0]) / float(upper - lower)
