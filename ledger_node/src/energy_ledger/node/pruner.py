"""Keeps a node's history as long as its operator wants it, and no longer."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec

from energy_ledger.genesis import Genesis
from energy_ledger.node.founding import FOUNDER
from energy_ledger.node.invites import HOLDER
from energy_ledger.node.milestones import Keeping, Milestone, Milestones, chosen, due, superfluous
from energy_ledger.node.rebuilding import read_checked
from energy_ledger.node.running import Running
from energy_ledger.node.snapshots import start_of
from energy_ledger.node.threads import Threads
from energy_ledger.storage.directory import DataDirectory
from energy_ledger.storage.pruning import Cut, CutError, Sweep, move_start
from energy_ledger.storage.reader import Begin, Reader
from energy_ledger.storage.schema import PRUNING
from energy_ledger.storage.snapshot import SnapshotError
from energy_ledger.storage.writer import Start, Writer
from energy_ledger.units import MS_PER_S

LOOK_S: Final = 5.0
"""How often a node looks whether something has become too old."""
REST_S: Final = 0.1
"""Between two pieces of work the disk belongs to the others."""
_MOST_ASSETS: Final = 100_000

_LOG = logging.getLogger(__name__)


def own_accounts(reader: Reader, genesis: Genesis) -> Iterator[str]:
    """Return the accounts of those who read their ledger here: who has a token of this node."""
    for holder in reader.tokens():
        if holder == FOUNDER:
            yield genesis.founder
        elif holder.startswith(HOLDER):
            row = reader.one("invites", holder.removeprefix(HOLDER))
            if row is not None:
                yield msgspec.json.decode(row)["account"]


def own_assets(reader: Reader, genesis: Genesis) -> frozenset[str]:
    """Return the assets, retired ones too, whose audit trail stays."""
    return frozenset(
        msgspec.json.decode(one.row)["id"]
        for account in own_accounts(reader, genesis)
        for one in reader.page("assets", {"account": account}, None, _MOST_ASSETS)
    )


def cut_of(reader: Reader, genesis: Genesis) -> Cut | None:
    """Return what is still to be deleted, None when nothing is."""
    if reader.fact(PRUNING) is None:
        return None
    rules = genesis.rules
    return Cut(reader.start(), rules.horizon_slots * rules.slot_s * MS_PER_S, own_assets(reader, genesis))


class Pruner:
    """Looks after one node's history while it runs."""

    def __init__(
        self,
        running: Running,
        reader: Reader,
        writer: Writer,
        threads: Threads,
        *,
        directory: DataDirectory,
        keeping: Keeping,
    ) -> None:
        self._running = running
        self._reader = reader
        self._writer = writer
        self._threads = threads
        self._snapshot = directory.snapshot
        self._milestones = Milestones(directory.path)
        self._keeping = keeping
        self._seen = 0
        self._looking: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    def begin(self) -> None:
        """Begin to look; what was being deleted when the node ended goes on, also where no more is pruned."""
        self._looking = asyncio.create_task(self._keep_looking())

    async def close(self) -> None:
        """Stop after the piece that is being done."""
        self._over.set()
        if self._looking is not None:
            await self._looking

    async def _keep_looking(self) -> None:
        while not self._is_over:
            try:
                await self.look()
            except Exception:
                _LOG.exception("older history is not pruned this time")
            await self._rest(LOOK_S)

    @property
    def _is_over(self) -> bool:
        return self._over.is_set() or self._running.stopped is not None

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()

    async def look(self) -> None:
        """Set a milestone if one is due, and prune what is too old or too much."""
        await self._in_thread(self._milestones.begin_at, self._running.start.commit)
        await self._sweep()
        if not self._keeping.prunes:
            return
        await self._set_milestone()
        while not self._is_over and (milestone := await self._in_thread(self._choose)) is not None:
            await self._cut(milestone)
            await self._sweep()

    async def _in_thread[**P, T](self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads.readers, partial(work, *args, **kwargs))

    async def _on_disk[T](self, work: Callable[[sqlite3.Cursor], T], *, durable: bool = False) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads.disk, partial(self._writer.prune, work, durable=durable)
        )

    def _begun(self) -> int:
        """Return the ledger time (ms) from which on history is known."""
        return self._running.start.time or self._running.genesis.rules.created

    async def _set_milestone(self) -> None:
        """Put the node's snapshot aside when there is a new one and it is time."""
        newest = self._running.snapshots.commit
        if newest <= max(self._seen, self._running.start.commit):
            return
        self._seen = newest
        await self._in_thread(self._add_milestone)

    def _add_milestone(self) -> None:
        milestones, begun = self._milestones.all(), self._begun()
        if due(self._keeping, milestones, self._running.standing.time, begun):
            self._milestones.add(self._snapshot)
            for one in superfluous(self._keeping, self._milestones.all(), begun):
                self._milestones.remove(one)

    def _choose(self) -> Milestone | None:
        running = self._running
        return chosen(
            self._keeping,
            self._milestones.all(),
            running.standing.time,
            self._reader.space().used,
            running.start.commit,
        )

    async def _cut(self, milestone: Milestone) -> None:
        """Let history begin at a milestone. One that is not good is taken away, and another will do."""
        try:
            start = await self._in_thread(self._start_at, milestone)
            await self._on_disk(partial(move_start, start=start), durable=True)
        except (SnapshotError, CutError) as error:
            _LOG.warning("history cannot begin with commit %d: %s", milestone.commit, error)
            await self._in_thread(self._milestones.remove, milestone)
            return
        begin = await self._in_thread(self._reader.start)
        self._running.begin_at(begin)
        await self._in_thread(self._milestones.begin_at, begin.commit)
        _LOG.info("history now begins with commit %d", begin.commit)

    def _start_at(self, milestone: Milestone) -> Start:
        return start_of(read_checked(self._milestones.path(milestone)))

    async def _sweep(self) -> None:
        """Delete what lies before the beginning, with rests in between."""
        cut = await self._in_thread(cut_of, self._reader, self._running.genesis)
        if cut is None:
            return
        sweep = Sweep(cut)
        while not await self._on_disk(sweep.work):
            await self._rest(REST_S)
            if self._is_over:
                return
        await self._in_thread(self._say, cut.begin)

    def _say(self, begin: Begin) -> None:
        space = self._reader.space()
        _LOG.info(
            "what was older than commit %d is deleted: the database has %d bytes, %d of them in use",
            begin.commit,
            space.file,
            space.used,
        )
