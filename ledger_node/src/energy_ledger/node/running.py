"""A network at work on this node: what comes in is ordered, applied, written, and only then told."""

import asyncio
import logging
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Final

from energy_ledger.dag.block_rules import Fault
from energy_ledger.dag.blocks import Block
from energy_ledger.genesis import Genesis
from energy_ledger.mempool import Waiting
from energy_ledger.node import founding
from energy_ledger.node.chain import Chain, Incoming, Standing, Step, Word
from energy_ledger.node.checking import MANY, Checkers
from energy_ledger.node.event_log import EventLog
from energy_ledger.node.intake import Intake, Taken, Turned
from energy_ledger.node.lag import LoopLag
from energy_ledger.node.matcher import Matcher
from energy_ledger.node.problem import Problem
from energy_ledger.node.proving import Proofs
from energy_ledger.node.queries import Queries
from energy_ledger.node.shutter import Taken as State
from energy_ledger.node.snapshots import SnapshotKeeper
from energy_ledger.node.threads import Threads
from energy_ledger.storage.directory import DataDirectory, NodeKey
from energy_ledger.storage.reader import Begin, Reader
from energy_ledger.storage.writer import Writer
from energy_ledger.transactions import Envelope
from energy_ledger.units import MS_PER_S

LONGEST_SLEEP_S: Final = 5.0
"""The wall clock may be set while the node sleeps, so it looks at it this often."""
CLOCK_BEHIND_MS: Final = 60_000
LEAST_FREE_BYTES: Final = 64 * 1024 * 1024

_COUNTED: Final = ("blocks_total", "transactions_total", "transactions_refused_total")
_TIMED: Final = ("store_seconds_total", "apply_seconds_total")

_LOG = logging.getLogger(__name__)


class StoppedError(Exception):
    """The node orders nothing any more; the message says why."""


def wall_clock() -> int:
    """Return the present by this machine's clock, ms since the Unix epoch."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True, eq=False)
class _Delivery:
    """What came over a link, and what will tell which rules its blocks break, once it is dealt with."""

    incoming: Incoming
    done: asyncio.Future[list[Fault]]


def _joined(deliveries: Sequence[_Delivery]) -> Incoming:
    parts = [delivery.incoming for delivery in deliveries]
    return Incoming(
        [block for part in parts for block in part.blocks],
        [one for part in parts for one in part.checked],
        [word for part in parts for word in part.heard],
    )


class Running:
    """Drives the chain of one network, and keeps what it brings."""

    def __init__(
        self,
        chain: Chain,
        key: NodeKey,
        reader: Reader,
        writer: Writer,
        threads: Threads,
        *,
        with_matcher: bool,
        directory: DataDirectory,
        now: Callable[[], int] = wall_clock,
    ) -> None:
        """Begin at once; `on_step` is called with each step when it is on the disk."""
        ledger = chain.ledger
        self.genesis: Genesis = ledger.genesis
        self.standing = Standing.of(ledger)
        self.lag = LoopLag()
        self.queries = Queries(reader, threads.readers, self.genesis, self.lag.note_work)
        certifier = chain.certifier
        self.proofs = Proofs(ledger.leaves(), ledger.root, certifier.states, certifier.newest)
        self.start = reader.start()
        self.events = EventLog(ledger.cursor, ledger.time, self.queries.events, self.start.cursor)
        self._checkers = Checkers(threads.checkers)
        self.intake = Intake(ledger, threads.ledger, threads.checkers, self._checkers, now)
        self.figures = dict.fromkeys(_COUNTED, 0)
        self.seconds = dict.fromkeys(_TIMED, 0.0)
        self.matcher = (
            Matcher(self.genesis, key, self._submit_own, self._next_sequence, now) if with_matcher else None
        )
        self._chain = chain
        self._writer = writer
        self._threads = threads
        self._key = key
        self._reader = reader
        self._directory = directory
        self._marked = False
        self.snapshots = SnapshotKeeper(reader, self.genesis, directory, threads)
        self.snapshots.want = self._want_snapshot
        self._deliveries: list[_Delivery] = []
        self._in_work: list[_Delivery] = []
        self._regaining = False
        self.now = now
        self.on_step: Callable[[Step], None] = lambda _: None
        self._wake = asyncio.Event()
        self._stopped: str | None = None
        self._made = self._kept = 0  # steps, in memory and on the disk
        self._on_disk = asyncio.Event()
        self._written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._written.set_result(None)
        self._driving = asyncio.create_task(self._drive())

    def begin_at(self, begin: Begin) -> None:
        """Let everybody know that older history is not here any more."""
        self.start = begin
        self.events.forget(begin.cursor)

    @property
    def stopped(self) -> str | None:
        """Why nothing is ordered any more; None while all is well."""
        return self._stopped

    def problem(self) -> Problem | None:
        """Say what is wrong with the node and what to do, None when nothing is."""
        behind = self.standing.time - self.now()
        if self._stopped is not None:
            return Problem("stopped", f"The node has stopped: {self._stopped}.")
        if behind > CLOCK_BEHIND_MS:
            seconds = behind // MS_PER_S
            return Problem(
                "clock", f"This machine's clock is {seconds} s behind the time of the ledger; set it right."
            )
        if shutil.disk_usage(self._directory.path).free < LEAST_FREE_BYTES:
            text = "The disk of this machine is almost full; make room before the node has to stop."
            return Problem("disk", text)
        return None

    def metrics(self) -> dict[str, int | float]:
        """Return the figures for Prometheus, by metric name."""
        matcher = self.matcher
        return {
            **self.figures,
            **self.seconds,
            "commits_total": self.standing.commit,
            "events_total": self.standing.cursor,
            "mempool_transactions": len(self.intake),
            "ledger_time_seconds": self.standing.time / MS_PER_S,
            "history_start_seconds": self.start.time / MS_PER_S,
            "database_bytes": self._directory.database_bytes,
            "clearings_total": matcher.clearings if matcher else 0,
            "clearing_seconds_total": matcher.seconds if matcher else 0.0,
            "loop_lag_seconds_max": self.lag.take(),
            "up": 0 if self._stopped else 1,
        }

    async def submit(self, envelopes: list[bytes]) -> list[Turned | Taken]:
        """Check envelopes and let the good ones wait for a block.

        Raises StoppedError when nothing is ordered any more, MempoolFullError when too much waits already.
        """
        self._check_alive()
        self.lag.note_work()
        admissions = await self.intake.submit(envelopes)
        self._check_alive()
        self.figures["transactions_refused_total"] += sum(isinstance(one, Turned) for one in admissions)
        self._wake.set()
        return admissions

    async def prepared(self, blocks: Sequence[Block]) -> Incoming:
        """Return blocks for delivery, many transactions' signatures in them checked on all cores."""
        self._check_alive()
        ours = [block.envelopes for block in blocks if block.epoch == self.standing.epoch]
        envelopes = list(chain.from_iterable(ours))
        return Incoming(blocks, await self.intake.check(envelopes) if len(envelopes) >= MANY else ())

    async def deliver(self, incoming: Incoming) -> list[Fault]:
        """Give the chain what came over a link; return, when that is done, which rules its blocks break.

        Raises StoppedError when nothing is ordered any more.
        """
        self._check_alive()
        delivery = _Delivery(incoming, asyncio.get_running_loop().create_future())
        self._deliveries.append(delivery)
        self._wake.set()
        return await delivery.done

    async def in_ledger[T](self, question: Callable[[Chain], T]) -> T:
        """Ask the chain something in the thread it belongs to.

        The answer comes when all that it may speak of is on the disk, as own blocks must be before others see
        them. Raises StoppedError when that will never be.
        """
        loop = asyncio.get_running_loop()
        answer, made = await loop.run_in_executor(
            self._threads.ledger, lambda: (question(self._chain), self._made)
        )
        while self._kept < made:
            self._check_alive()
            await self._on_disk.wait()
        return answer

    def regain_voice(self, words: list[Word]) -> None:
        """Let a validator that lost its memory speak again; `words` is what all others know of it."""
        self._regaining = True
        done: asyncio.Future[list[Fault]] = asyncio.get_running_loop().create_future()
        self._deliveries.append(_Delivery(Incoming(heard=words), done))
        self._wake.set()

    async def doubt_voice(self) -> None:
        """Note on the disk that this database does not hold all that was said with the node's key."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads.disk, self._directory.doubt_voice)

    async def keep(self, taken: list[Taken]) -> None:
        """Have transactions that are not ordered yet on the disk, before anybody hears they are accepted."""
        waiting = [(bytes.fromhex(one.id), one.waiting.data) for one in taken]
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads.disk, self._writer.keep, waiting)

    async def remember(self, name: str, value: bytes) -> None:
        """Keep a fact of this node on the disk."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads.disk, self._writer.set_fact, name, value)

    async def take_up(self) -> None:
        """Take up the transactions that were accepted before a restart and are not ordered yet."""
        kept = await asyncio.get_running_loop().run_in_executor(self._threads.disk, self._reader.outbox)
        if not kept:
            return
        admissions = await self.submit(list(kept.values()))
        gone = [one for one, said in zip(kept, admissions, strict=True) if isinstance(said, Turned)]
        await asyncio.get_running_loop().run_in_executor(self._threads.disk, self._writer.drop, gone)

    async def close(self) -> None:
        """Stop after what is being written now."""
        if self.matcher is not None:
            await self.matcher.close()
        orderly = not self._driving.done()
        if orderly:
            self._end("it was asked to")
            self._wake.set()
            await self._driving
        await self._checkers.close()
        self.lag.close()
        await self.snapshots.close(await self._last_state() if orderly else None)

    def _want_snapshot(self) -> None:
        self._chain.shutter.wanted = True
        self._wake.set()

    async def _last_state(self) -> State | None:
        """Return the state at the end, if it is certified."""

        def look(chain: Chain) -> State | None:
            chain.shutter.wanted = True
            return chain.shutter.look(chain.ledger, chain.certifier.newest, ())

        return await self.in_ledger(look)

    def _check_alive(self) -> None:
        if self._stopped is not None:
            raise StoppedError(self._stopped)

    def _end(self, reason: str) -> None:
        self._stopped = reason
        self._on_disk.set()
        self.intake.fail(StoppedError(reason))
        for delivery in (*self._in_work, *self._deliveries):
            if not delivery.done.done():
                delivery.done.set_exception(StoppedError(reason))
                delivery.done.exception()  # so that the log does not complain where nobody waits any more

    # --- the loop -------------------------------------------------------------------------------------------

    async def _drive(self) -> None:
        """Step whenever something came in or became due, until the node stops or fails.

        A write that failed ends it too: nothing after it is told.
        """
        try:
            while self._stopped is None:
                self._wake.clear()
                wake_at = await self._step()
                await self._sleep(wake_at)
            await self._written
        except Exception as error:
            _LOG.exception("the node stops ordering")
            self._end(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)

    async def _step(self) -> int | None:
        """Make blocks of what waits and apply what that brings; return when to come again.

        The step is written, and then told, while the next one is made already: one behind the other.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        self.lag.note_work()
        if self._written.done():
            self._written.result()
        if self._regaining:
            await self._written
            await loop.run_in_executor(self._threads.ledger, self._regain)
        deliveries, self._deliveries = self._deliveries, []
        self._in_work += deliveries
        step = await loop.run_in_executor(
            self._threads.ledger, self._advance, self.intake.take(), self.now(), _joined(deliveries)
        )
        self.seconds["apply_seconds_total"] += loop.time() - started
        await self._written
        self._written = asyncio.create_task(self._keep(step, deliveries))
        self._written.add_done_callback(self._on_written)
        return step.wake_at

    def _advance(self, waiting: list[Waiting], now: int, incoming: Incoming) -> Step:
        step = self._chain.advance(waiting, now, incoming)
        self._made += 1
        return step

    async def _keep(self, step: Step, deliveries: Sequence[_Delivery]) -> None:
        """Write what a step brought about, and tell it."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        if step.entry:
            await loop.run_in_executor(self._threads.disk, self._writer.write, step.entry)
            self.seconds["store_seconds_total"] += loop.time() - started
        if step.sent and not self._marked:
            await loop.run_in_executor(self._threads.disk, self._mark_voice)
        self._kept += 1
        self._on_disk.set()
        self._on_disk = asyncio.Event()
        self._tell(step)
        self._answer(step, deliveries)
        if step.halted:
            self._end(f"validators {list(step.halted)} contradicted themselves; the proof is in the database")

    def _on_written(self, written: asyncio.Task[None]) -> None:
        """Let the loop find out at once that it must not go on."""
        if self._stopped is not None or written.cancelled() or written.exception() is not None:
            self._wake.set()

    def _regain(self) -> None:
        """Take up the voice that the node's key has, from what is on the disk."""
        self._regaining = False
        self._chain.take_voice(founding.restore(self._reader, self.genesis, self._key))

    def _mark_voice(self) -> None:
        """Note outside the database that this database has spoken for the node's key."""
        self._directory.mark_voice(founding.identity(self._reader))
        self._marked = True

    def _tell(self, step: Step) -> None:
        self.standing = step.standing
        self.proofs.take(step.entry)
        self.snapshots.see(step.standing.commit, step.taken)
        self.figures["blocks_total"] += len(step.entry.blocks)
        self.figures["transactions_total"] += len(step.placed)
        if step.entry.commits:
            self.events.append(step.events, step.lines, step.standing.time)
            self.intake.settle(step.placed)
        if self.matcher is not None and self._key.public.hex() in step.standing.committee:
            self.matcher.see(step.open_book)
        if len(self.intake) or self._deliveries:
            self._wake.set()
        self.on_step(step)

    def _answer(self, step: Step, deliveries: Sequence[_Delivery]) -> None:
        """Tell who delivered blocks which rules these break."""
        for delivery in deliveries:
            self._in_work.remove(delivery)
            if not delivery.done.done():
                given = set(delivery.incoming.blocks)
                delivery.done.set_result([fault for block, fault in step.refused if block in given])

    async def _sleep(self, wake_at: int | None) -> None:
        until = LONGEST_SLEEP_S if wake_at is None else max(1, wake_at - self.now()) / MS_PER_S
        with suppress(TimeoutError):
            async with asyncio.timeout(min(until, LONGEST_SLEEP_S)):
                await self._wake.wait()

    # --- the matcher's own transactions ---------------------------------------------------------------------

    async def _submit_own(self, envelope: Envelope) -> None:
        (admission,) = await self.submit([envelope.encode()])
        if isinstance(admission, Turned):
            _LOG.warning("the proposed clearing was not taken: %s", admission.refused)

    async def _next_sequence(self, account: str) -> int:
        last = await asyncio.get_running_loop().run_in_executor(
            self._threads.ledger, self._chain.ledger.last_sequence, account
        )
        return last + 1
