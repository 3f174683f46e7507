"""Writing to a node's SQLite file: everything that one step of the node brought about, in one transaction."""

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from energy_ledger.dag.blocks import Block
from energy_ledger.dag.ordering import Fate, Kept
from energy_ledger.ledger.events import Event
from energy_ledger.ledger.matches import Matches, RoundSides
from energy_ledger.ledger.state import Leaf
from energy_ledger.ledger.tables import Change, Row
from energy_ledger.ledger.trading_rows import Trade
from energy_ledger.proofs import Certificate
from energy_ledger.storage.database import connect
from energy_ledger.storage.event_packs import write_events
from energy_ledger.storage.schema import CERTIFICATE, COLUMNS, PASSING
from energy_ledger.storage.trade_packs import drop_live, write_trades


class Ordered(Struct, frozen=True, gc=False):
    """A transaction that got its place: its block and number there, and why it was refused, if it was."""

    id: bytes
    block: bytes
    place: int
    code: str | None = None
    field: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class CommitEntry:
    """A commit with all its effects; blocks are named by their digests, `time` is in ms."""

    index: int
    time: int
    epoch: int
    leader: bytes
    root: bytes
    blocks: tuple[bytes, ...] = ()
    losers: tuple[bytes, ...] = ()
    ordered: tuple[Ordered, ...] = ()
    events: tuple[Event, ...] = ()
    lines: tuple[bytes, ...] = ()
    """The events as canonical JSON."""
    changes: tuple[Change, ...] = ()
    leaves: tuple[Leaf, ...] = ()
    """What changed under the root; it stands in the rows already and is not written again."""


@dataclass(slots=True)
class Entry:
    """What goes to the disk at once: new blocks, commits in their order, contradictions of validators.

    `certificate` is the newest, if there is a new one; only that one is kept.
    """

    blocks: list[Block] = field(default_factory=list)
    commits: list[CommitEntry] = field(default_factory=list)
    evidence: list[tuple[Block, Block]] = field(default_factory=list)
    certificate: Certificate | None = None

    def __bool__(self) -> bool:
        """Tell whether there is anything to write."""
        return bool(self.blocks or self.commits or self.evidence)


@dataclass(frozen=True, slots=True)
class Start:
    """A certified state in the middle of history, to go on from.

    `epoch` is that of the commit's leader (its digest, empty: the epoch that follows has none yet), `final`
    are rows of the past that are still asked for.
    """

    commit: int
    time: int
    epoch: int
    leader: bytes
    root: bytes
    rows: tuple[Row, ...]
    final: tuple[Row, ...]
    kept: tuple[Kept, ...]
    facts: dict[str, bytes]


class Writer:
    """The one connection that writes. Every method is one transaction, on the disk when it returns.

    What is not `durable` may be gone after a power failure: for files that can be made again.
    """

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        self.path = path
        self._connection = connect(path)
        if not durable:
            self._connection.execute("PRAGMA synchronous = OFF")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def begin(self, facts: dict[str, bytes], root: bytes, time: int, rows: Iterable[Change]) -> None:
        """Write a network's beginning: its facts, the state of commit 0 and that commit."""
        with self._transaction() as run:
            run.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())
            run.execute("INSERT INTO commits VALUES (0, ?, 0, x'', ?)", (time, root))
            _write_changes(run, 0, rows)

    def start_at(self, start: Start) -> None:
        """Go on from a state further ahead; the history so far stays, what lies between is not known."""
        with self._transaction() as run:
            for table in COLUMNS:
                run.execute(f"DELETE FROM {table} WHERE live")  # noqa: S608 -- the schema names its tables
            drop_live(run)
            for rows, final in ((start.final, True), (start.rows, False)):
                changes = (Change(row.table, row.key, row.row, final=final) for row in rows)
                _write_changes(run, start.commit, changes)
            values = (start.commit, start.time, start.epoch, start.leader, start.root)
            run.execute("INSERT INTO commits VALUES (?, ?, ?, ?, ?)", values)
            for one in start.kept:
                commit = None if one.fate is Fate.OPEN else start.commit
                _write_block(run, one.block, one.fate, commit)
                marks = (one.fate, commit, one.block.ref.digest)
                run.execute("UPDATE blocks SET fate = ?, commit_n = ? WHERE digest = ?", marks)
            run.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", start.facts.items())

    def write(self, entry: Entry) -> None:
        """Write what a step brought about."""
        with self._transaction() as run:
            _write_blocks(run, entry)
            for pair in entry.evidence:
                values = (pair[0].epoch, pair[0].raw, pair[1].raw)
                run.execute("INSERT INTO evidence VALUES (?, ?, ?)", values)
            for commit in entry.commits:
                _write_commit(run, commit)
            if entry.certificate is not None:
                fact = (CERTIFICATE, entry.certificate.encode())
                run.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", fact)

    def keep(self, waiting: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep envelopes (with their transaction ids) until they are ordered."""
        with self._transaction() as run:
            run.executemany("INSERT OR IGNORE INTO outbox (id, envelope) VALUES (?, ?)", waiting)

    def drop(self, ids: Iterable[bytes]) -> None:
        """Forget envelopes that were kept and will never be ordered."""
        with self._transaction() as run:
            run.executemany("DELETE FROM outbox WHERE id = ?", [(one,) for one in ids])

    def set_fact(self, name: str, value: bytes) -> None:
        """Keep a fact of the node, in place of the one of this name."""
        with self._transaction() as run:
            run.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def set_token(self, holder: str, token_hash: bytes) -> None:
        """Give a holder a token; the one it had before is no longer good."""
        with self._transaction() as run:
            run.execute("INSERT OR REPLACE INTO tokens VALUES (?, ?)", (holder, token_hash))

    def prune[T](self, work: Callable[[sqlite3.Cursor], T], *, durable: bool = False) -> T:
        """Do work on older history in one transaction.

        What is not durable may be undone by a power failure, and is then done again.
        """
        self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        try:
            with self._transaction() as run:
                return work(run)
        finally:
            self._connection.execute("PRAGMA synchronous = FULL")

    def _transaction(self) -> _Transaction:
        return _Transaction(self._connection)


class _Transaction:
    """All or nothing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> sqlite3.Cursor:
        return self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if error is None:
                self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


def _write_blocks(run: sqlite3.Cursor, entry: Entry) -> None:
    """Write new blocks with what the same entry's commits make of them, and mark the older ones."""
    fates: dict[bytes, tuple[str, int]] = {}
    for commit in entry.commits:
        fates |= dict.fromkeys(commit.blocks, (Fate.ORDERED, commit.index))
        fates |= dict.fromkeys(commit.losers, (Fate.LOST, commit.index))
    for block in entry.blocks:
        fate, commit_n = fates.pop(block.ref.digest, (Fate.OPEN, None))
        _write_block(run, block, fate, commit_n)
    marks = [(fate, commit_n, digest) for digest, (fate, commit_n) in fates.items()]
    run.executemany("UPDATE blocks SET fate = ?, commit_n = ? WHERE digest = ?", marks)


def _write_block(run: sqlite3.Cursor, block: Block, fate: str, commit_n: int | None) -> None:
    run.execute(
        "INSERT OR IGNORE INTO blocks (digest, epoch, round, author, fate, commit_n, raw) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (block.ref.digest, block.epoch, block.round, block.author, fate, commit_n, block.raw),
    )


_ADD_TRANSACTION = """
INSERT INTO transactions (id, commit_n, block, place, code, field, message) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
  commit_n = excluded.commit_n, block = excluded.block, place = excluded.place, code = NULL, field = NULL,
  message = NULL
WHERE code IS NOT NULL AND excluded.code IS NULL"""
"""What comes twice keeps its first place, unless it was refused there and applied later."""


def _write_commit(run: sqlite3.Cursor, commit: CommitEntry) -> None:
    values = (commit.index, commit.time, commit.epoch, commit.leader, commit.root)
    run.execute("INSERT INTO commits VALUES (?, ?, ?, ?, ?)", values)
    run.executemany(
        _ADD_TRANSACTION,
        [
            (one.id, commit.index, one.block, one.place, one.code, one.field, one.message)
            for one in commit.ordered
        ],
    )
    if run.execute("SELECT 1 FROM outbox LIMIT 1").fetchone() is not None:
        run.executemany("DELETE FROM outbox WHERE id = ?", [(one.id,) for one in commit.ordered])
    write_events(run, commit.events, commit.lines)
    _write_changes(run, commit.index, commit.changes)


def _write_changes(run: sqlite3.Cursor, commit: int, changes: Iterable[Change]) -> None:
    by_table = _by_table(changes)
    write_trades(run, commit, *(by_table.pop(kind.table, ()) for kind in (RoundSides, Matches, Trade)))
    for table, group in by_table.items():
        kept = [one for one in group if _is_kept(one)]
        run.executemany(
            f"INSERT INTO {table} (key, live, row, commit_n) VALUES (?, ?, ?, ?) "  # noqa: S608 -- the ledger names its tables
            "ON CONFLICT (key) DO UPDATE SET live = excluded.live, row = excluded.row, "
            "commit_n = excluded.commit_n",
            [(one.key, not one.final, one.text.decode(), commit) for one in kept],
        )
        gone = [(one.key,) for one in group if not _is_kept(one)]
        run.executemany(f"DELETE FROM {table} WHERE key = ?", gone)  # noqa: S608


def _is_kept(change: Change) -> bool:
    return change.value is not None and not (change.final and change.table in PASSING)


def _by_table(changes: Iterable[Change]) -> dict[str, list[Change]]:
    groups: dict[str, list[Change]] = {}
    for change in changes:
        groups.setdefault(change.table, []).append(change)
    return groups
