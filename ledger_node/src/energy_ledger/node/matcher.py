"""The matcher: computes the clearing of the round being decided, and submits it as a transaction."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from energy_ledger.genesis import Genesis
from energy_ledger.keys import PublicKey
from energy_ledger.market.book import Book, Clearing
from energy_ledger.node.solver import Solver, SolverError
from energy_ledger.storage.directory import NodeKey
from energy_ledger.transactions import Envelope, sign_payload
from energy_ledger.units import MS_PER_S

type Submit = Callable[[Envelope], Awaitable[None]]
type NextSequence = Callable[[str], Awaitable[int]]

MOST_RESERVE_S: Final = 5.0
"""Time that a proposal has to be ordered: the end of the proposal window, a third of it at most."""
LEAST_S: Final = 0.3
"""Time that a clearing has in any case."""

_LOG = logging.getLogger(__name__)


class Matcher:
    """Proposes one clearing for each round, as long as the round is open."""

    def __init__(
        self,
        genesis: Genesis,
        key: NodeKey,
        submit: Submit,
        next_sequence: NextSequence,
        now: Callable[[], int],
    ) -> None:
        self._genesis = genesis
        self._key = key
        self._account = genesis.address([PublicKey(type="ed25519", public=key.public.hex())])
        self._submit = submit
        self._next_sequence = next_sequence
        self._now = now
        self._solver = Solver()
        self._round: int | None = None
        self._work: asyncio.Task[None] | None = None
        self.clearings = 0
        self.seconds = 0.0

    def see(self, open_book: tuple[int, Book] | None) -> None:
        """Take note of the round that is being decided now, if any."""
        number = open_book[0] if open_book else None
        if number == self._round:
            return
        self._round = number
        if self._work is not None:
            self._work.cancel()
            self._work = None
        if open_book is not None:
            self._work = asyncio.create_task(self._propose(*open_book))

    async def close(self) -> None:
        """Stop working."""
        if self._work is not None:
            self._work.cancel()
            with suppress(asyncio.CancelledError):
                await self._work
        await self._solver.close()

    async def _propose(self, number: int, book: Book) -> None:
        started = asyncio.get_running_loop().time()
        try:
            clearing = await self._solver.solve(book, self._seconds_for(number))
        except SolverError:
            _LOG.exception("round %d was not cleared by this node", number)
            return
        self.clearings += 1
        self.seconds += asyncio.get_running_loop().time() - started
        payload = self._payload(number, await self._next_sequence(self._account))
        await self._submit(sign_payload(payload | proposal(number, book, clearing), self._key.seed))

    def _seconds_for(self, number: int) -> float:
        """Return how long the clearing of a round may take, so that its proposal is ordered in time."""
        left = (self._ends(number) - self._now()) / MS_PER_S
        reserve = min(MOST_RESERVE_S, self._genesis.rules.proposal_window_s / 3)
        return max(LEAST_S, left - reserve)

    def _ends(self, number: int) -> int:
        """Return the ledger time (ms) at which a round's proposals end."""
        rules = self._genesis.rules
        return (number * rules.round_s + rules.proposal_window_s) * MS_PER_S

    def _payload(self, number: int, sequence: int) -> dict[str, Any]:
        return {
            "network": self._genesis.network,
            "account": self._account,
            "sequence": sequence,
            # Later the round is over, and nobody needs to hear that this proposal came too late.
            "expires": self._ends(number),
        }


def proposal(number: int, book: Book, clearing: Clearing) -> dict[str, Any]:
    """Return the fields of `clearing.propose` that say a clearing of a round's book."""
    fills = clearing.fills
    flexible = zip(book.flexible, clearing.flexible_duals, strict=True)
    return {
        "kind": "clearing.propose",
        "round": number,
        "fills": {"order": fills.rank, "slot": fills.slot, "wh": fills.wh},
        "prices": {node: clearing.prices[row] for node, row in book.nodes.items()},
        "node_duals": {node: clearing.node_duals[row] for node, row in book.nodes.items()},
        "flexible_duals": {str(rank): dual for (rank, _), dual in flexible},
    }
