"""How late the event loop comes to what is due, while the node has something to do.

Work that holds the loop, or the interpreter's lock in another thread, lets every client and neighbour wait.
An idle node is not looked at: looking would be most of what it does.
"""

import asyncio
from typing import Final

STEP_S: Final = 0.005
"""Time between two looks: a delay is seen less this at worst."""
LINGER_S: Final = 0.4
"""How long the loop is watched after the last sign of work."""


class LoopLag:
    """The greatest delay of the running event loop.

    A timer that sets itself anew looks for it: a task that sleeps would cost twice as much, in every node.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._until = 0.0
        self._greatest = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def note_work(self) -> None:
        """Watch the loop for a while from now on."""
        self._until = self._loop.time() + LINGER_S
        if self._timer is None:
            self._look_later()

    def take(self) -> float:
        """Return the greatest delay since the last call, in seconds."""
        greatest, self._greatest = self._greatest, 0.0
        return greatest

    def close(self) -> None:
        """Stop watching."""
        self._until = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_later(self) -> None:
        self._timer = self._loop.call_at(self._loop.time() + STEP_S, self._look)

    def _look(self) -> None:
        now, timer = self._loop.time(), self._timer
        if timer is not None:
            self._greatest = max(self._greatest, now - timer.when())
        if now + STEP_S < self._until:
            self._look_later()
        else:
            self._timer = None
