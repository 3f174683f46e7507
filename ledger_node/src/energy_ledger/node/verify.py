"""Checks a node's whole database from the genesis on: every signature, every commit, every row.

All stored blocks are given to a fresh consensus core and its commits to a fresh ledger, by the same code
that runs a node, and what comes out is written to a second database. Then the two must say the same. A
database that began with a snapshot, or whose older history is pruned, is checked from there on; the snapshot,
which lies beside it, is checked first.
"""

import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from energy_ledger.dag.blocks import BlockError, decode_block
from energy_ledger.dag.core import Core
from energy_ledger.dag.ordering import Position
from energy_ledger.dag.window import floor_of
from energy_ledger.genesis import Genesis
from energy_ledger.ledger.machine import Ledger
from energy_ledger.node import founding
from energy_ledger.node.certifying import Certifier
from energy_ledger.node.chain import Chain, Standing, Step
from energy_ledger.node.comparing import Since, WrongError, compare
from energy_ledger.node.epochs import Epoch
from energy_ledger.node.milestones import Milestones
from energy_ledger.node.rebuilding import read_checked
from energy_ledger.node.snapshots import take_over
from energy_ledger.proofs import Certificate, Electorate
from energy_ledger.storage import database
from energy_ledger.storage.database import DamagedError
from energy_ledger.storage.reader import Begin, CommitRecord, Reader
from energy_ledger.storage.snapshot import SnapshotError
from energy_ledger.storage.writer import Entry, Writer

type Progress = Callable[[int, int], None]
"""Told how many blocks of how many are checked."""


class Report(Struct, frozen=True):
    """What was checked, all of it good; `start` is the commit from which on the history is here."""

    network: str
    start: int
    blocks: int
    commits: int
    transactions: int
    events: int
    state_root: str


def verify(path: Path, progress: Progress) -> Report:
    """Check the database of a node, which may be running.

    Raises WrongError for the first thing that is wrong, StorageError when the file cannot be read.
    """
    if not database.check(path):
        raise WrongError("there is no network in this database yet")
    with tempfile.TemporaryDirectory(prefix="energy-ledger-verify-") as folder:
        copy, rebuilt = Path(folder, "copy.db"), Path(folder, "rebuilt.db")
        database.copy(path, copy)
        database.open_or_set_aside(rebuilt)
        with closing(Reader(copy)) as reader, closing(Writer(rebuilt, durable=False)) as writer:
            genesis = _genesis(reader)
            founding.begin(writer, genesis)
            begin = reader.start()
            start = Milestones(path.parent).start_file(begin.commit)
            chain, begun = _begin(begin, writer, genesis, start)
            root = _replay(reader, writer, chain, begun, progress)
            _check_evidence(reader)
        compare(copy, rebuilt, begun.since if begun.since.commit else None)
        return _report(copy, genesis, root)


def _genesis(reader: Reader) -> Genesis:
    try:
        genesis = founding.stored_genesis(reader)
    except DamagedError as error:
        raise WrongError(str(error)) from None
    if genesis is None:
        raise WrongError("there is no network in this database yet")
    return genesis


@dataclass(frozen=True, slots=True)
class _Begun:
    """Where the check began; older blocks do not matter."""

    since: Since

    def reaches(self, raw: bytes) -> bool:
        """Tell whether a block is one of those that are checked; what cannot be read is."""
        try:
            block = decode_block(raw)
        except BlockError:
            return True
        return (block.epoch, block.round) >= (self.since.epoch, self.since.floor)


def _begin(begin: Begin, writer: Writer, genesis: Genesis, start: Path) -> tuple[Chain, _Begun]:
    """Return a chain at the beginning of what the database knows, and write that."""
    if begin.commit:
        try:
            checked = read_checked(start)
        except SnapshotError as error:
            raise WrongError(f"the snapshot with which this database began is not good: {error}") from None
        if (checked.genesis.network, checked.certificate.state.commit) != (genesis.network, begin.commit):
            raise WrongError(f"{start} is not the snapshot with which this database began")
        take_over(writer, checked)
        with closing(Reader(writer.path)) as rebuilt:
            floor = floor_of(checked.leader) if checked.leader else 0
            chain = founding.restore(rebuilt, genesis, None)
            return chain, _Begun(Since(begin.commit, begin.cursor, chain.epoch, floor))
    ledger, epoch = Ledger.found(genesis), Epoch.first(genesis)
    core = Core(epoch.settings(None), Position(time=genesis.rules.created))
    return Chain(core, ledger, Certifier(epoch.electorate(), None)), _Begun(Since(0, 0, 0, 0))


def _replay(reader: Reader, writer: Writer, chain: Chain, begun: _Begun, progress: Progress) -> bytes:
    """Run all blocks through a core and a ledger; return the last root."""
    stored = {commit.n: commit for commit in reader.commits()}
    certificate, total = reader.certificate(), reader.count("blocks")
    if any(commit > chain.ledger.commit for commit in stored):
        writer.write(chain.advance((), chain.ledger.time).entry)  # what the snapshot's own blocks lead to
    for number, record in enumerate(reader.all_blocks(), 1):
        if not begun.reaches(record.raw):
            continue
        if certificate is not None and certificate.epoch == chain.epoch:
            _check_certificate(certificate, chain.certifier.electorate, stored)
            certificate = None
        step = _accept(chain, record.raw, number)
        for commit in step.entry.commits:
            _check_commit(stored.get(commit.index), commit.index, commit.time, commit.root)
        writer.write(step.entry)
        progress(number, total)
    if certificate is not None:
        raise WrongError(f"there is a commit certificate of epoch {certificate.epoch}, which never began")
    return chain.ledger.root


def _accept(chain: Chain, raw: bytes, number: int) -> Step:
    try:
        block = decode_block(raw)
    except BlockError as error:
        raise WrongError(f"block {number} cannot be read: {error}") from None
    if block.epoch < chain.epoch:  # came together with the one that ended its epoch, and stays open
        return Step(Standing.of(chain.ledger), Entry(blocks=[block]))
    step = chain.accept(block)
    for _, fault in step.refused:
        raise WrongError(f"block {number} ({block.ref.digest.hex()}) is not good: {fault}")
    return step


def _check_commit(stored: CommitRecord | None, index: int, time: int, root: bytes) -> None:
    if stored is None:
        raise WrongError(f"the blocks lead to commit {index}, which is not in the database")
    if (stored.time, stored.root) != (time, root):
        raise WrongError(
            f"commit {index} of the database has time {stored.time} and root {stored.root.hex()}, "
            f"its blocks lead to time {time} and root {root.hex()}"
        )


def _check_certificate(
    certificate: Certificate, electorate: Electorate, stored: Mapping[int, CommitRecord]
) -> None:
    """Check the newest certificate; the commit it names is checked with all others."""
    if not electorate.certifies(certificate):
        raise WrongError("the commit certificate does not hold the good votes of a quorum")
    state = certificate.state
    named = stored.get(state.commit)
    if named is None or (named.time, named.root) != (state.time, state.root):
        raise WrongError(f"the certificate of commit {state.commit} is for another state than that commit's")


def _check_evidence(reader: Reader) -> None:
    """Check what is kept against validators; the blocks in it need not be part of the order."""
    for first, second in (map(decode_block, pair) for pair in reader.all_evidence()):
        if first.ref.slot != second.ref.slot or first.epoch != second.epoch or first == second:
            raise WrongError(f"what is kept against validator {first.author} does not contradict itself")


def _report(copy: Path, genesis: Genesis, root: bytes) -> Report:
    with closing(Reader(copy)) as reader:
        return Report(
            network=genesis.network,
            start=reader.start().commit,
            blocks=reader.count("blocks"),
            commits=reader.count("commits") - 1,
            transactions=reader.count("transactions"),
            events=reader.last_cursor(),
            state_root=root.hex(),
        )
