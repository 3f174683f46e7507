"""The node's own certified snapshot: kept fresh on the disk, given to newcomers."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from energy_ledger.dag.blocks import decode_block
from energy_ledger.dag.window import floor_of
from energy_ledger.genesis import Genesis
from energy_ledger.network.frames import AskSnapshot, SnapshotPart
from energy_ledger.node import handovers
from energy_ledger.node.shutter import Taken
from energy_ledger.node.snapshot_check import Checked
from energy_ledger.node.threads import Threads
from energy_ledger.proofs import NO_LEADER
from energy_ledger.storage.directory import DataDirectory
from energy_ledger.storage.reader import Begin, Reader
from energy_ledger.storage.schema import CERTIFICATE, START
from energy_ledger.storage.snapshot import SnapshotError, SnapshotFile, records_of, write
from energy_ledger.storage.writer import Start, Writer

EVERY_S: Final = 3_600.0
"""How old the snapshot may become while the ledger changes."""
STALE_COMMITS: Final = 100
"""A newcomer that asks gets one at most so many commits behind, or waits for it."""
PAUSE_S: Final = 10.0
"""Between two that are made because somebody asks."""

_LOG = logging.getLogger(__name__)


def make(reader: Reader, genesis: Genesis, taken: Taken, path: Path) -> None:
    """Write a certified state as a snapshot, with what is on the disk of the blocks around and above it."""
    certificate = taken.certificate
    state, epoch = certificate.state, certificate.epoch
    lowest = 0
    if state.leader != NO_LEADER:
        leader = reader.block(state.leader)
        if leader is None:
            raise SnapshotError(f"the leader block of commit {state.commit} is not on the disk")
        lowest = floor_of(decode_block(leader.raw).ref)
    rows = taken.frozen.rows(state.commit, state.time)
    blocks = (record.raw for record in reader.blocks_from(epoch, lowest))
    records = records_of(rows, handovers.records(reader, epoch), blocks)
    write(path, genesis.envelope.encode(), certificate, records)


def take_over(writer: Writer, checked: Checked) -> None:
    """Have a database with this network's beginning go on from a snapshot that was checked."""
    writer.start_at(start_of(checked))


def start_of(checked: Checked) -> Start:
    """Return what a snapshot that was checked lets a database go on from."""
    state, epoch = checked.certificate.state, checked.certificate.epoch
    floor = floor_of(checked.leader) if checked.leader else 0
    facts = {
        CERTIFICATE: checked.certificate.encode(),
        START: msgspec.msgpack.encode(Begin(state.commit, state.time, checked.cursor, epoch, floor)),
    }
    final = []
    for record in checked.committees:
        name, fact, row = handovers.facts_and_row(record)
        facts[name] = fact
        final.append(row)
    in_epoch = checked.leader is not None
    return Start(
        commit=state.commit,
        time=state.time,
        epoch=epoch if in_epoch else epoch - 1,
        leader=state.leader if in_epoch else b"",
        root=state.root,
        rows=checked.rows,
        final=tuple(final),
        kept=checked.kept,
        facts=facts,
    )


def _part(file: SnapshotFile, number: int) -> bytes:
    """Return the manifest (0) or a chunk; nothing when the disk has lost it."""
    try:
        return file.chunk(number - 1) if number else file.manifest_bytes
    except SnapshotError as error:
        _LOG.warning("%s", error)
        return b""


class SnapshotKeeper:
    """Has a fresh snapshot on the disk, and answers who asks for it."""

    def __init__(self, reader: Reader, genesis: Genesis, directory: DataDirectory, threads: Threads) -> None:
        """Go on with the snapshot that lies there, if it is one of this network."""
        self._reader = reader
        self._genesis = genesis
        self._path = directory.snapshot
        self._threads = threads
        self._writing: asyncio.Task[None] | None = None
        self._newest: SnapshotFile | None = None
        self._before: SnapshotFile | None = None
        self._due_at = 0.0
        self._commit = 0
        self.want: Callable[[], None] = lambda: None
        with suppress(SnapshotError):
            found = SnapshotFile.open(self._path)
            if found.manifest.genesis == genesis.envelope.encode():
                self._newest = found

    @property
    def commit(self) -> int:
        """The commit of the snapshot on the disk, 0 when there is none."""
        return self._newest.commit if self._newest else 0

    def see(self, commit: int, taken: Taken | None) -> None:
        """Look at where the ledger stands after a step, and take a state that was asked for."""
        self._commit = commit
        if taken is not None:
            self._due_at = asyncio.get_running_loop().time() + EVERY_S
            if self._is_writing or self._is_old_news(taken):
                return
            self._writing = asyncio.create_task(self._write(taken))
        elif self.commit < commit and not self._is_writing and self._is_due():
            self.want()

    def _has_paused(self) -> bool:
        return asyncio.get_running_loop().time() >= self._due_at - EVERY_S + PAUSE_S

    def _is_due(self) -> bool:
        return asyncio.get_running_loop().time() >= self._due_at

    def _is_old_news(self, taken: Taken) -> bool:
        """Tell whether the snapshot on the disk is of the same rows and not far behind."""
        if self._newest is None:
            return False
        before, state = self._newest.manifest.certificate.state, taken.certificate.state
        return before.root == state.root and state.commit - before.commit <= STALE_COMMITS

    @property
    def _is_writing(self) -> bool:
        return self._writing is not None and not self._writing.done()

    async def _write(self, taken: Taken) -> None:
        try:
            loop = asyncio.get_running_loop()
            file = await loop.run_in_executor(self._threads.readers, self._make, taken)
        except (OSError, SnapshotError) as error:
            _LOG.warning("no snapshot of commit %d: %s", taken.certificate.state.commit, error)
            return
        if self._before is not None:
            self._before.close()
        self._before, self._newest = self._newest, file

    def _make(self, taken: Taken) -> SnapshotFile:
        make(self._reader, self._genesis, taken, self._path)
        return SnapshotFile.open(self._path)

    def give(self, asked: AskSnapshot) -> SnapshotPart:
        """Return the part that was asked for (0: the manifest), an empty one if there is none.

        Without an id the newest is meant; where that is old a fresh one is made, and the asker comes again.
        """
        if not asked.id:
            return self._give_newest()
        for file in (self._newest, self._before):
            if file is not None and file.id == asked.id and asked.part <= len(file.manifest.chunks):
                return SnapshotPart(asked.id, asked.part, _part(file, asked.part))
        return SnapshotPart(asked.id, asked.part, b"")

    def _give_newest(self) -> SnapshotPart:
        newest = self._newest
        if newest is None or (self._commit - newest.commit > STALE_COMMITS and self._has_paused()):
            if not self._is_writing:
                self.want()
            return SnapshotPart(b"", 0, b"")
        return SnapshotPart(newest.id, 0, newest.manifest_bytes)

    async def close(self, taken: Taken | None) -> None:
        """Write a last snapshot, if there is a newer state, and let go of the files."""
        if self._writing is not None:
            await self._writing
        if taken is not None and taken.certificate.state.commit > self.commit:
            await self._write(taken)
        for file in (self._newest, self._before):
            if file is not None:
                file.close()
