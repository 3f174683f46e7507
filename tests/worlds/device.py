"""A meter of flesh and blood: it rolls over, is exchanged, begins anew, falls silent and talks nonsense.

Beside its registers stands what really flowed, which no program is told. Energy in Wh, times in ms.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from custom_components.energy_marketplace.meter.readings import Sample

SPAN = 10**6
"""After so many Wh the registers begin at zero again."""
LOOKS = (5, 10, 15, 20)
"""At how many twentieths of a slot the meter is looked at; the last is the slot's end."""
type Both = tuple[int, int]


@dataclass
class Look:
    """One look at the meter: what it showed, if anything, and what was done to it before.

    `exchange`: (begins, ended) where somebody said so; `restarted`: Home Assistant was, right after it.
    """

    sample: Sample | None
    exchange: tuple[Both, Both] | None = None
    restarted: bool = False


class Device:
    """The meter of one home, and its fate."""

    def __init__(self, random: Random, slot_ms: int, seen: Callable[[str], None]) -> None:
        self.random = random
        self.slot_ms = slot_ms
        self.seen = seen
        self.shows = [SPAN - random.randint(1, 600) if random.random() < 0.5 else SPAN // 2, SPAN // 3]
        self.true: dict[int, Both] = defaultdict(lambda: (0, 0))
        self.forgot = False
        """Whether it began anew: one that does so twice within a few Wh may hide some, and never adds any."""
        self._quiet = 0
        self._heard = False

    def lives(self, slot: int) -> list[Look]:
        """Let a slot pass; return what a look at each twentieth would have found."""
        flows = [self.random.choice([0, self.random.randint(0, 12)]) for _ in range(2 * len(LOOKS))]
        self.true[slot] = sum(flows[::2]), sum(flows[1::2])
        looks = []
        for number, place in enumerate(LOOKS):
            exchange = self._fate()
            self._count(*flows[2 * number : 2 * number + 2])
            looks.append(self._look(slot * self.slot_ms + place * self.slot_ms // 20, exchange))
        return looks

    def _count(self, imported_wh: int, exported_wh: int) -> None:
        for place, wh in enumerate((imported_wh, exported_wh)):
            if self.shows[place] + wh >= SPAN:
                self.seen("rolled over")
            self.shows[place] = (self.shows[place] + wh) % SPAN

    def _fate(self) -> tuple[Both, Both] | None:
        """Let the meter be exchanged, with or without a word, or begin anew; rarely."""
        chance = self.random.random()
        if chance > 0.04:
            return None
        ended = self.shows[0], self.shows[1]
        if chance > 0.02:
            self.shows = [self.random.randint(10_000, SPAN // 4), self.random.randint(10_000, SPAN // 4)]
            self.seen("exchanged and told")
            return (self.shows[0], self.shows[1]), ended
        self.shows = [0, 0] if chance > 0.01 else [self.random.randint(0, SPAN - 1) for _ in range(2)]
        self.forgot = self.forgot or chance > 0.01
        self.seen("began anew" if chance > 0.01 else "exchanged without a word")
        return None

    def _look(self, at: int, exchange: tuple[Both, Both] | None) -> Look:
        sample = Sample(at, self.shows[0], self.shows[1], spans_wh=(SPAN, SPAN))
        chance = self.random.random()
        heard, self._heard = self._heard, False
        self._quiet = self.random.randint(1, 6) if chance < 0.02 else max(0, self._quiet - 1)
        if self._quiet:
            self.seen("silent")
            return Look(None, exchange)
        if chance < 0.05:
            self.seen("talked nonsense")
            return Look(Sample(at, self.random.randint(0, SPAN), self.random.randint(0, SPAN)), exchange)
        if chance < 0.07 and heard:  # a clock that is wrong from the start shows only by its later jump
            self.seen("clock set back")
            return Look(Sample(at - self.slot_ms // 2, self.shows[0], self.shows[1]), exchange)
        self._heard = True
        if restarted := chance < 0.15:
            self.seen("restarted")
        return Look(sample, exchange, restarted)
