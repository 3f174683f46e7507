"""When loads run: the cheapest slots that bring each of them what it needs in time.

A car, a boiler, a heat pump: energy that may flow any time while its running sum stays between what is needed
until then and what there is room for. The cheapest such flow is found going through time: whenever
the need is not met, the cheapest Wh that can still be had before is taken. An appliance runs in one piece,
at the cheapest of all its starts.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from .daytable import Floats
from .position import Position

_PATIENCE: Final = 1e-3
"""Of equals, a bought Wh is taken late (a neighbour may still offer one), an own one early (nano a slot)."""
_TINY_WH: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a load may take: by a slot's end between `least` and `most` in all, `power` a slot at most.

    `agreed` is what it bought already: it takes that first. All in Wh.
    """

    least: Floats
    most: Floats
    power: Floats
    agreed: Floats


@dataclass(frozen=True, slots=True)
class Flow:
    """What a load takes per slot (Wh), how much of it is own surplus, and what it lacks in the end."""

    wh: Floats
    own: Floats
    missing_wh: float = 0.0


def cheapest_flow(envelope: Envelope, position: Position, net: Floats, limit: float | None = None) -> Flow:
    """Return the cheapest flow within an envelope.

    Args:
        envelope: what the load may take.
        position: what energy costs.
        net: what the connection point takes without this load.
        limit: nothing is taken that costs more (nano per Wh); then the need may stay unmet.

    """
    wh = _fitting(np.minimum(envelope.agreed, envelope.power), envelope)
    late = np.arange(len(net)) * _PATIENCE
    prices = np.stack([position.below + late, position.above - late])
    free = np.minimum(np.maximum(0.0, position.free_wh(net) - wh), envelope.power - wh)
    widths = np.stack([free, envelope.power - wh - free])
    if limit is not None:
        widths[prices > limit] = 0.0
    search = _Search(envelope, prices, widths, wh, np.zeros(len(net)))
    for place in range(len(net)):
        search.serve(place)
    return Flow(search.wh, search.own, max(0.0, float(envelope.least[-1] - search.wh.sum())))


def _fitting(wh: Floats, envelope: Envelope) -> Floats:
    """Return what was agreed, as far as there is room for it."""
    taken = np.zeros(len(wh))
    total = 0.0
    for place, wanted in enumerate(wh):
        taken[place] = min(wanted, max(0.0, envelope.most[place:].min() - total))
        total += taken[place]
    return taken


@dataclass(slots=True)
class _Search:
    """A flow under construction: prices of own and bought energy, what is left of each, what is taken."""

    envelope: Envelope
    prices: Floats
    widths: Floats
    wh: Floats
    own: Floats

    def serve(self, place: int) -> None:
        """Take the cheapest Wh before the end of a slot until its need is met, or nothing is left."""
        while (lack := self._lack(place)) > _TINY_WH:
            room = self._room()[: place + 1]
            usable = (self.widths[:, : place + 1] > _TINY_WH) & (room > _TINY_WH)
            if not usable.any():
                return
            candidates = np.where(usable, self.prices[:, : place + 1], np.inf)
            kind, best = divmod(int(np.argmin(candidates)), place + 1)
            self._take(kind, best, min(lack, float(self.widths[kind, best]), float(room[best])))

    def _lack(self, place: int) -> float:
        return float(self.envelope.least[place] - self.wh[: place + 1].sum())

    def _room(self) -> Floats:
        """Return how much more can be taken in each slot so that no later one is too full."""
        left = self.envelope.most - np.cumsum(self.wh)
        return np.asarray(np.minimum.accumulate(left[::-1])[::-1])

    def _take(self, kind: int, place: int, wh: float) -> None:
        self.wh[place] += wh
        self.widths[kind, place] -= wh
        if kind == 0:
            self.own[place] += wh


def cheapest_start(profile: Floats, starts: range, position: Position, net: Floats) -> tuple[int, float]:
    """Return where a run in one piece starts best, and what it costs there (nano); of equals the latest."""
    before = position.cost(net)
    best, least = starts.start, np.inf
    for start in starts:
        there = slice(start, start + len(profile))
        moved = position.cost_in(net, profile, there)
        cost = float((moved - before[there]).sum())
        if cost <= least:
            best, least = start, cost
    return best, least
