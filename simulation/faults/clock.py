"""A virtual clock: events in the order of their times, those of one time in the order in which they came."""

import heapq
from collections.abc import Callable
from random import Random

START = 1_700_000_000_000
"""Milliseconds since the Unix epoch at which every run begins."""


class Clock:
    """The time of a run (ms), its events, and its chance."""

    def __init__(self, seed: int) -> None:
        self.now = START
        self.random = Random(seed)
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, time: int, event: Callable[[], None]) -> None:
        """Let something happen at a time; what is in the past happens next."""
        self._count += 1
        heapq.heappush(self._events, (max(time, self.now), self._count, event))

    def after(self, milliseconds: int, event: Callable[[], None]) -> None:
        """Let something happen in a while."""
        self.at(self.now + milliseconds, event)

    def run(self, milliseconds: int) -> None:
        """Let so much time pass."""
        end = self.now + milliseconds
        while self._events and self._events[0][0] <= end:
            self.now, _, event = heapq.heappop(self._events)
            event()
        self.now = end
