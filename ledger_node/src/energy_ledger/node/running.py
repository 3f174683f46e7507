"""A network at work on this node: what comes in is ordered, applied, written, and only then told."""

import asyncio
import logging
import shutil
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from energy_ledger.genesis import Genesis
from energy_ledger.node.chain import Chain, Standing, Step
from energy_ledger.node.event_log import EventLog
from energy_ledger.node.intake import Intake, Taken, Turned
from energy_ledger.node.matcher import Matcher
from energy_ledger.node.proving import Proofs
from energy_ledger.node.queries import Queries
from energy_ledger.node.threads import Threads
from energy_ledger.storage.directory import NodeKey
from energy_ledger.storage.reader import Reader
from energy_ledger.storage.writer import Writer
from energy_ledger.transactions import Envelope
from energy_ledger.units import MS_PER_S

LONGEST_SLEEP_S: Final = 5.0
"""The wall clock may be set while the node sleeps, so it looks at it this often."""
CLOCK_BEHIND_MS: Final = 60_000
LEAST_FREE_BYTES: Final = 64 * 1024 * 1024

_LOG = logging.getLogger(__name__)


class StoppedError(Exception):
    """The node orders nothing any more; the message says why."""


def wall_clock() -> int:
    """Return the present by this machine's clock, ms since the Unix epoch."""
    return time.time_ns() // 1_000_000


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
        path: Path,
        now: Callable[[], int] = wall_clock,
    ) -> None:
        ledger = chain.ledger
        self.genesis: Genesis = ledger.genesis
        self.standing = Standing.of(ledger)
        self.queries = Queries(reader, threads.readers, self.genesis)
        certifier = chain.certifier
        self.proofs = Proofs(ledger.leaves(), ledger.root, certifier.states, certifier.newest)
        self.events = EventLog(ledger.cursor, ledger.time, self.queries.events)
        self.intake = Intake(ledger, threads.ledger, threads.checkers, now)
        self.figures: Counter[str] = Counter()
        self.seconds: dict[str, float] = dict.fromkeys(("store_seconds_total", "commit_seconds_total"), 0.0)
        self.matcher = (
            Matcher(self.genesis, key, self._submit_own, self._next_sequence) if with_matcher else None
        )
        self._chain = chain
        self._writer = writer
        self._threads = threads
        self._path = path
        self._now = now
        self._wake = asyncio.Event()
        self._stopped: str | None = None
        self._driving = asyncio.create_task(self._drive())

    @property
    def stopped(self) -> str | None:
        """Why nothing is ordered any more; None while all is well."""
        return self._stopped

    def problem(self) -> str | None:
        """Say what is wrong with the node and what to do, None when nothing is."""
        behind = self.standing.time - self._now()
        if self._stopped is not None:
            return f"The node has stopped: {self._stopped}."
        if behind > CLOCK_BEHIND_MS:
            return (
                f"This machine's clock is {behind // MS_PER_S} s behind the time of the ledger; set it right."
            )
        if shutil.disk_usage(self._path).free < LEAST_FREE_BYTES:
            return "The disk of this machine is almost full; make room before the node has to stop."
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
            "clearings_total": matcher.clearings if matcher else 0,
            "clearing_seconds_total": matcher.seconds if matcher else 0.0,
            "up": 0 if self._stopped else 1,
        }

    async def submit(self, envelopes: list[bytes]) -> list[Turned | Taken]:
        """Check envelopes and let the good ones wait for a block.

        Raises StoppedError when nothing is ordered any more, MempoolFullError when too much waits already.
        """
        self._check_alive()
        admissions = await self.intake.submit(envelopes)
        self._check_alive()
        self.figures["transactions_refused_total"] += sum(isinstance(one, Turned) for one in admissions)
        self._wake.set()
        return admissions

    async def close(self) -> None:
        """Stop after what is being written now."""
        if self.matcher is not None:
            await self.matcher.close()
        if not self._driving.done():
            self._end("it was asked to")
            self._wake.set()
            await self._driving

    def _check_alive(self) -> None:
        if self._stopped is not None:
            raise StoppedError(self._stopped)

    def _end(self, reason: str) -> None:
        self._stopped = reason
        self.intake.fail(StoppedError(reason))

    # --- the loop -------------------------------------------------------------------------------------------

    async def _drive(self) -> None:
        """Step whenever something came in or became due, until the node stops or fails."""
        try:
            while self._stopped is None:
                self._wake.clear()
                wake_at = await self._step()
                await self._sleep(wake_at)
        except Exception as error:
            _LOG.exception("the node stops ordering")
            self._end(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)

    async def _step(self) -> int | None:
        """Make blocks of what waits, apply and write what that brings, tell it; return when to come again."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        step = await loop.run_in_executor(
            self._threads.ledger, self._chain.advance, self.intake.take(), self._now()
        )
        applied = loop.time()
        if step.entry:
            await loop.run_in_executor(self._threads.disk, self._writer.write, step.entry)
            self.seconds["store_seconds_total"] += loop.time() - applied
            self.seconds["commit_seconds_total"] += loop.time() - started
        self._tell(step)
        if step.halted:
            self._end(f"validators {list(step.halted)} contradicted themselves; the proof is in the database")
        return step.wake_at

    def _tell(self, step: Step) -> None:
        self.standing = step.standing
        self.proofs.take(step.entry)
        self.figures["blocks_total"] += len(step.entry.blocks)
        self.figures["transactions_total"] += len(step.placed)
        if step.entry.commits:
            self.events.append(step.events, step.standing.time)
            self.intake.settle(step.placed)
        if self.matcher is not None:
            self.matcher.see(step.open_book)
        if len(self.intake):
            self._wake.set()

    async def _sleep(self, wake_at: int | None) -> None:
        until = LONGEST_SLEEP_S if wake_at is None else max(1, wake_at - self._now()) / MS_PER_S
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
