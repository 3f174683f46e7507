"""Asking one neighbour for something, one question at a time, as catching up and taking a snapshot do.

Answers come over a link in the order of the questions. One that nobody waits for any more, because it took
too long, is passed over when it comes: a slow neighbour is no liar.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final
from weakref import WeakKeyDictionary

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
        self._given_up: WeakKeyDictionary[Link, int] = WeakKeyDictionary()

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
        if overdue := self._given_up.get(link, 0):
            self._given_up[link] = overdue - 1
            return
        if link is not self._link or self._answer is None or self._answer.done():
            raise LinkFaultError(f"nobody asked for this {type(answer).__name__}")
        self._answer.set_result(answer)

    async def ask(self, link: Link, question: Frame) -> Answer:
        """Ask, and return the answer.

        Raises LinkClosedError when the link ends, TimeoutError when nothing comes.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answer = answer
        link.send(question)
        try:
            async with asyncio.timeout(ANSWER_S):
                while not answer.done():
                    if not link.is_open:
                        raise LinkClosedError("the link is over")
                    await asyncio.wait([answer], timeout=1)
        finally:
            if not answer.done():
                answer.cancel()
                self._given_up[link] = self._given_up.get(link, 0) + 1
        return answer.result()

    async def close(self) -> None:
        """Stop asking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
