"""Asking one neighbour for something, one question at a time, as catching up and taking a snapshot do."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from energy_ledger.network.frames import Frame
from energy_ledger.network.link import Link, LinkClosedError, LinkFaultError

ANSWER_S: Final = 30.0


class Asking[Answer]:
    """One conversation at a time, with one neighbour; after a cut another one may begin."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._task: asyncio.Task[None] | None = None
        self._link: Link | None = None
        self._answer: asyncio.Future[Answer] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether somebody is being asked now."""
        return self._task is not None and not self._task.done()

    def begin(self, link: Link, converse: Callable[[Link], Coroutine[Any, Any, None]]) -> None:
        """Converse with a neighbour, unless that is being done with somebody."""
        if not self.is_busy:
            self._link = link
            self._task = asyncio.create_task(converse(link))

    def take(self, link: Link, answer: Answer) -> None:
        """Take an answer that came; raises LinkFaultError when nobody asked for it."""
        if link is not self._link or self._answer is None or self._answer.done():
            raise LinkFaultError(f"nobody asked for this {type(answer).__name__}")
        self._answer.set_result(answer)

    async def ask(self, link: Link, question: Frame) -> Answer:
        """Ask, and return the answer.

        Raises LinkClosedError when the link ends, TimeoutError when nothing comes.
        """
        self._answer = asyncio.get_running_loop().create_future()
        link.send(question)
        async with asyncio.timeout(ANSWER_S):
            while not self._answer.done():
                if not link.is_open:
                    raise LinkClosedError("the link is over")
                await asyncio.wait([self._answer], timeout=1)
        return self._answer.result()

    async def close(self) -> None:
        """Stop asking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
