"""Asks the solver process for clearings; starts it with the first book."""

import asyncio
from collections.abc import AsyncIterator

from energy_ledger.market.book import Book, Clearing
from energy_ledger.node.helper import Helper, receive
from energy_ledger.node.solver_process import pack, unpack

_LONGEST_S = 300


class SolverError(Exception):
    """The solver process gave no clearing."""


class Solver:
    """A process of its own that computes one clearing at a time."""

    def __init__(self) -> None:
        self._helper = Helper("energy_ledger.node.solver_process")
        self._turn = asyncio.Lock()

    async def solve(self, book: Book, within_s: float = _LONGEST_S) -> Clearing:
        """Compute the clearing of a book: the best, or else the best that is found in time.

        Raises SolverError when the process fails or has nothing yet; the next book starts a new one.
        """
        found: list[Clearing] = []
        async with self._turn:
            try:
                async with asyncio.timeout(within_s):
                    async for clearing in self._ask(book):
                        found = [clearing]
            except (asyncio.IncompleteReadError, ConnectionError, TimeoutError) as error:
                await self.close()
                if not found:
                    reason = str(error) or "it took too long"
                    raise SolverError(f"the solver gave no clearing: {reason}") from error
            except asyncio.CancelledError:
                await self.close()  # a clearing that nobody waits for would be taken for the next one's
                raise
            return found[0]

    async def close(self) -> None:
        """End the process, if it runs."""
        await self._helper.close()

    async def _ask(self, book: Book) -> AsyncIterator[Clearing]:
        """Give clearings of a book, each better than the one before."""
        answers = await self._helper.send(pack(book))
        while (clearing := unpack(await receive(answers))) is not None:
            if not isinstance(clearing, Clearing):
                raise SolverError("the solver answered something else than a clearing")
            yield clearing
