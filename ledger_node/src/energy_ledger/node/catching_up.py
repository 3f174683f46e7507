"""Catching up: takes the blocks of the past from one neighbour, page by page, through the ordinary rule."""

import asyncio
import logging
from typing import Final

from energy_ledger.dag.blocks import Block, BlockError, BlockRef, decode_block
from energy_ledger.dag.linearizer import DEPTH
from energy_ledger.network.frames import AskHistory, History
from energy_ledger.network.link import Link, LinkClosedError, LinkFaultError
from energy_ledger.node.asking import Asking
from energy_ledger.node.chain import Chain, Incoming
from energy_ledger.node.running import Running, StoppedError

FAR_ROUNDS: Final = 20
"""Who is further behind than this takes pages instead of waiting for what is missing block by block."""

AHEAD: Final = 4
"""Pages that are checked while those before are worked through."""

type _Pages = asyncio.Queue[asyncio.Task[Incoming]]

_LOG = logging.getLogger(__name__)


class PrunedError(Exception):
    """The neighbour's history does not go back far enough."""


class CatchingUp:
    """Asks one neighbour at a time for missing history; after a cut it goes on where it was."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._asking = Asking[History]()
        self.target = 0
        """The commit that the neighbour who is asked has reached."""
        self._starts: dict[bytes, int] = {}

    @property
    def is_busy(self) -> bool:
        """Whether history is being taken now."""
        return self._asking.is_busy

    def begin(self, link: Link, commit: int) -> None:
        """Take history from a neighbour that has reached this commit, unless that is being done."""
        self.target = max(self.target, commit)
        self._asking.begin(link, self._follow)

    def start_of(self, key: bytes) -> int:
        """Return from which commit on a neighbour said it keeps history, as far as that is known."""
        return self._starts.get(key, 0)

    def take(self, link: Link, page: History) -> None:
        """Take a page that came; raises LinkFaultError when nobody asked for it."""
        self._asking.take(link, page)

    async def close(self) -> None:
        """Stop asking."""
        await self._asking.close()

    async def _follow(self, link: Link) -> None:
        try:
            await self._take_pages(link)
        except* (LinkClosedError, StoppedError, TimeoutError) as group:
            _LOG.info("catching up from node %s was cut: %s", link.key.hex()[:8], group.exceptions[0])
        except* LinkFaultError as group:
            fault = group.exceptions[0]
            link.end(str(fault))
            _LOG.warning("node %s gave a wrong history: %s", link.key.hex()[:8], fault)
        except* PrunedError:
            start = self._starts[link.key]
            _LOG.info("node %s keeps history from commit %d on only", link.key.hex()[:8], start)

    async def _take_pages(self, link: Link) -> None:
        """Take page after page; some are fetched and checked while those before are worked through."""
        epoch, round_ = await self._running.in_ledger(_resume_at)
        page = await self._asking.ask(link, AskHistory(epoch, round_, b""))
        if page.start > self._running.standing.commit:
            self._starts[link.key] = page.start
            raise PrunedError
        async with asyncio.TaskGroup() as tasks:
            pages: _Pages = asyncio.Queue(AHEAD)
            working = tasks.create_task(self._work_through(pages, tasks))
            while page.blocks:
                blocks = decode_blocks(page.blocks)
                last = blocks[-1].ref
                await pages.put(tasks.create_task(self._running.prepared(blocks)))
                page = await self._asking.ask(link, AskHistory(epoch, last.round, last.digest))
                if not page.blocks:
                    await pages.join()
                    question = self._next_question(epoch, last)
                    epoch, page = question.epoch, await self._asking.ask(link, question)
            working.cancel()

    async def _work_through(self, pages: _Pages, tasks: asyncio.TaskGroup) -> None:
        """Have pages worked through in their order: one is applied while the one before is written."""
        before: asyncio.Task[None] | None = None
        while True:
            given = tasks.create_task(self._give(await (await pages.get()), pages))
            if before is not None:
                await before
            before = given

    async def _give(self, incoming: Incoming, pages: _Pages) -> None:
        """Have blocks worked through. Raises LinkFaultError when one breaks a rule."""
        faults = await self._running.deliver(incoming)
        if faults:
            raise LinkFaultError(f"a block is not good: {faults[0]}")
        pages.task_done()

    def _next_question(self, epoch: int, last: BlockRef) -> AskHistory:
        """Ask for what came meanwhile, or for the next epoch's beginning once this one is over."""
        present = self._running.standing.epoch
        return AskHistory(epoch, last.round, last.digest) if present == epoch else AskHistory(present, 0, b"")


def _resume_at(chain: Chain) -> tuple[int, int]:
    """Return the epoch and the round from which on history is wanted; what is known already does no harm."""
    return chain.epoch, max(0, max(chain.core.frontier()) - DEPTH)


def decode_blocks(raw: tuple[bytes, ...]) -> list[Block]:
    """Read blocks that came over a link. Raises LinkFaultError."""
    try:
        return [decode_block(one) for one in raw]
    except BlockError as error:
        raise LinkFaultError(str(error)) from None
