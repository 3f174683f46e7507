"""Checks signatures, many at a time: a few in a thread, many in processes on all cores."""

import asyncio
import logging
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from itertools import batched, chain
from typing import Final

from msgspec import Struct

from energy_ledger.keys import KeySet, is_hybrid, verify_all
from energy_ledger.node.checking_process import Lot, pack
from energy_ledger.node.helper import Helper, receive

MANY: Final = 64
"""Signatures that come together, from which on they are worth handing over to other processes."""
_LOT: Final = 128
_MOST_PROCESSES: Final = 4
_AHEAD: Final = 4
"""Lots that a process has before it, so that it need not wait for the next one."""
_IDLE_S: Final = 60.0
"""How long processes without work stay: each has 10 MB of its own."""

_LOG = logging.getLogger(__name__)


class Signed(Struct, frozen=True, gc=False):
    """A message, the keys that should have signed it, and one signature for each."""

    keys: KeySet
    message: bytes
    signatures: tuple[bytes, ...]


class _Bench:
    """One process and the lots before it. It answers in the order in which it was asked."""

    def __init__(self) -> None:
        self.helper = Helper("energy_ledger.node.checking_process")
        self.waiting = 0
        self._room = asyncio.Semaphore(_AHEAD)
        self._sending = asyncio.Lock()
        self._receiving = asyncio.Lock()

    async def check(self, lot: bytes) -> bytes:
        self.waiting += 1
        try:
            async with self._room:
                async with self._sending:
                    answers = await self.helper.send(lot)
                async with self._receiving:  # locks are given in the order in which they are asked for
                    return await receive(answers)
        except BaseException:
            await self.helper.close()  # an answer that nobody waits for would be taken for the next one's
            raise
        finally:
            self.waiting -= 1


class Checkers:
    """Tells of signed messages whether their signatures are good."""

    def __init__(self, in_threads: Executor) -> None:
        """Check few in these threads; processes start when there is much, and end some time after."""
        self._in_threads = in_threads
        cores = os.process_cpu_count() or 1
        self._benches = [_Bench() for _ in range(min(cores, _MOST_PROCESSES))] if cores > 1 else []
        self._idle: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None

    async def check(self, tag: bytes, signed: Sequence[Signed]) -> list[bool]:
        """Tell of each whether all its signatures are good."""
        if not self._benches or len(signed) < MANY:
            return await self._check_here(tag, signed)
        lots = batched(signed, _LOT, strict=False)
        try:
            parts = await asyncio.gather(*(self._check_beside(tag, lot) for lot in lots))
        finally:
            self._end_later()
        return list(chain.from_iterable(parts))

    async def close(self) -> None:
        """End all processes."""
        if self._idle is not None:
            self._idle.cancel()
        for bench in self._benches:
            await bench.helper.close()

    async def _check_beside(self, tag: bytes, signed: Sequence[Signed]) -> list[bool]:
        if any(is_hybrid(one.keys) for one in signed):
            return await self._check_here(tag, signed)
        bench = min(self._benches, key=lambda one: one.waiting)
        try:
            lot = Lot(tag, [(one.keys[0].raw, one.message, one.signatures[0]) for one in signed])
            return list(map(bool, await bench.check(pack(lot))))
        except (OSError, asyncio.IncompleteReadError) as error:
            _LOG.warning("a process that checks signatures ended, its lot is checked here: %s", error)
            return await self._check_here(tag, signed)

    async def _check_here(self, tag: bytes, signed: Sequence[Signed]) -> list[bool]:
        return await asyncio.get_running_loop().run_in_executor(self._in_threads, _check, tag, signed)

    def _end_later(self) -> None:
        """Keep the processes for a while from now on."""
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(_IDLE_S, self._end)

    def _end(self) -> None:
        if any(bench.waiting for bench in self._benches):
            self._end_later()
        else:
            self._ending = asyncio.create_task(self.close())


def _check(tag: bytes, signed: Sequence[Signed]) -> list[bool]:
    return [verify_all(one.keys, tag, one.message, one.signatures) for one in signed]
