"""How late the event loop comes to what is due, while the node has something to do.

Work that holds the loop, or the interpreter's lock in another thread, lets every client and neighbour wait.
An idle node is not looked at: looking would be most of what it does.
"""

import asyncio
from contextlib import suppress
from typing import Final

STEP_S: Final = 0.005
"""Time between two looks: a delay is seen less this at worst."""
LINGER_S: Final = 0.4
"""How long the loop is watched after the last sign of work."""


class LoopLag:
    """The greatest delay of the running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._work = asyncio.Event()
        self._until = 0.0
        self._greatest = 0.0
        self._watching = asyncio.create_task(self._watch())

    def note_work(self) -> None:
        """Watch the loop for a while from now on."""
        self._until = self._loop.time() + LINGER_S
        self._work.set()

    def take(self) -> float:
        """Return the greatest delay since the last call, in seconds."""
        greatest, self._greatest = self._greatest, 0.0
        return greatest

    async def close(self) -> None:
        """Stop watching."""
        self._watching.cancel()
        with suppress(asyncio.CancelledError):
            await self._watching

    async def _watch(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while (due := self._loop.time() + STEP_S) < self._until:
                await asyncio.sleep(STEP_S)
                self._greatest = max(self._greatest, self._loop.time() - due)
