"""Questions to a node's SQLite file. Each thread that asks has a connection of its own."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from energy_ledger.ledger.matches import Matches, RoundSides
from energy_ledger.ledger.trading_rows import Trade
from energy_ledger.proofs import Certificate, read_certificate
from energy_ledger.storage import event_packs, kept, trade_packs
from energy_ledger.storage.database import connect
from energy_ledger.storage.schema import CERTIFICATE, START

HISTORY_BYTES: Final = 1024 * 1024
"""When a page of blocks is full; a single larger one still comes alone."""

_CONDITIONS: Final[dict[tuple[str, str], str]] = {
    ("accounts", "key"): "public = ?",
    ("claims", "account"): "? IN (account, owner)",
    ("flexibility", "slot"): "? BETWEEN earliest AND deadline - 1",
}
"""Filters that ask for something else than the value of the column of their name."""


@dataclass(frozen=True, slots=True)
class Found:
    """A row with its place in its table."""

    n: int
    row: str


@dataclass(frozen=True, slots=True)
class TransactionRecord:
    """An ordered transaction: where it stands and, if it was refused, why. Time in ms."""

    commit: int
    time: int
    block: bytes
    place: int
    code: str | None
    field: str | None
    message: str | None
    envelope: bytes | None = None
    """What was signed, where the block that held it is pruned."""


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """A stored block, what came of it, and the commit that put it out."""

    raw: bytes
    fate: str
    commit: int | None


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """A commit: its number, ledger time (ms), epoch, leader's digest and state root."""

    n: int
    time: int
    epoch: int
    leader: bytes
    root: bytes


class Begin(msgspec.Struct, frozen=True, array_like=True):
    """From where on a database knows all: a commit, its ledger time (ms), its newest event's cursor.

    `epoch` and `round` are those of the oldest blocks that belong to it.
    """

    commit: int
    time: int
    cursor: int
    epoch: int = 0
    round: int = 0


@dataclass(frozen=True, slots=True)
class Space:
    """How large a database's file is, and how much of it is in use, in bytes."""

    file: int
    used: int


_BEGINNING: Final = Begin(0, 0, 0)


type PartyKind = Literal["account", "asset"]

_CONSUMED: Final = """
SELECT asset, row ->> '$.source', sum(row ->> '$.wh') FROM certificates
WHERE {column} = ? AND slot BETWEEN ? AND ? AND row ->> '$.consumer' IS NOT NULL AND state = 'cancelled'
GROUP BY 1, 2 ORDER BY 1, 2"""
_USER: Final[dict[PartyKind, str]] = {"account": "holder", "asset": "consumer"}


@dataclass(frozen=True, slots=True)
class Party:
    """Whom a question about energy is about: one account, or one asset."""

    kind: PartyKind
    name: str


class Reader:
    """Answers questions about what is on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []

    def close(self) -> None:
        """Close the connections of all threads."""
        while self._connections:
            self._connections.pop().close()

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Let the questions of this thread within be answered as of one moment."""
        self._run("BEGIN")
        try:
            yield
        finally:
            self._run("COMMIT")

    # --- current values -----------------------------------------------------------------------------------

    def one(self, table: str, key: str) -> str | None:
        """Return a row by its key, None when there is none."""
        if table == Trade.table:
            return trade_packs.one_trade(self._run, key)
        found = self._run(f"SELECT row FROM {table} WHERE key = ?", (key,)).fetchone()  # noqa: S608
        return None if found is None else str(found[0])

    def page(
        self,
        table: str,
        filters: Mapping[str, str | int],
        after: int | None,
        limit: int,
        *,
        newest_first: bool = False,
    ) -> list[Found]:
        """Return at most `limit` rows that match all filters, those after the row at place `after`."""
        if table == Trade.table:
            trades = trade_packs.page_of_trades(self._run, filters, after or 0, limit)
            return [Found(one.n, one.row) for one in trades]
        conditions = [_CONDITIONS.get((table, name), f"{name} = ?") for name in filters]
        values: list[str | int] = [*filters.values()]
        if after is not None:
            conditions.append(f"n {'<' if newest_first else '>'} ?")
            values.append(after)
        where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        order = f"ORDER BY n {'DESC' if newest_first else 'ASC'} LIMIT ?"
        rows = self._run(f"SELECT n, row FROM {table} {where}{order}", (*values, limit))  # noqa: S608
        return [Found(*row) for row in rows]

    def live(self, table: str) -> Iterable[tuple[str, str]]:
        """Return key and row of everything the ledger needs to go on, in the order in which it came."""
        if table == Trade.table:
            yield from trade_packs.live_trades(self._run)
        elif table == Matches.table:
            yield from trade_packs.live_matches(self._run)
        elif table == RoundSides.table:
            yield from trade_packs.live_sides(self._run)
        else:
            yield from self._run(f"SELECT key, row FROM {table} WHERE live ORDER BY n")  # noqa: S608

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        (number,) = self._run(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
        return int(number)

    def rounds_covering(self, slot: int, horizon: int) -> Iterator[str]:
        """Return the rounds that traded and whose book reached the slot, latest first.

        No book is longer than the horizon.
        """
        found = self._run(
            "SELECT row FROM rounds WHERE first_slot BETWEEN ? AND ? AND row ->> '$.state' = 'cleared' "
            "AND row ->> '$.volume_wh' > 0 AND row ->> '$.slots' > ? - first_slot "
            "ORDER BY first_slot DESC, n DESC",
            (slot - horizon, slot, slot),
        )
        return (str(row) for (row,) in found)

    def latest_round(self, slot: int, horizon: int) -> str | None:
        """Return the latest round that made a trade in a slot, else the latest decided one that could have.

        No book is longer than the horizon.
        """
        _, _, traded = trade_packs.traded(self._run, slot)
        if traded is not None:
            return self.one("rounds", str(traded))
        found = self._run(
            "SELECT row FROM rounds WHERE first_slot BETWEEN ? AND ? AND row ->> '$.slots' > ? - first_slot "
            "AND row ->> '$.state' != 'open' ORDER BY first_slot DESC, n DESC LIMIT 1",
            (slot - horizon, slot, slot),
        ).fetchone()
        return None if found is None else str(found[0])

    def orders_numbered(self, first: int, last: int) -> list[str]:
        """Return the orders whose numbers lie in a span, in ledger order."""
        found = self._run(
            "SELECT row FROM orders WHERE number BETWEEN ? AND ? ORDER BY number", (first, last)
        )
        return [row for (row,) in found]

    def trades_of(self, orders: Iterable[str]) -> Iterator[Trade]:
        """Return all trades of any of these orders."""
        return trade_packs.trades_of(self._run, orders)

    def trades_between(self, first: int, end: int) -> Iterator[Trade]:
        """Return the trades of the slots from `first` up to, and without, `end`."""
        return trade_packs.trades_between(self._run, first, end)

    def between(self, table: str, column: str, first: int, end: int) -> Iterator[str]:
        """Return the rows whose indexed column lies from `first` up to, and without, `end`, in its order."""
        found = self._run(
            f"SELECT row FROM {table} WHERE {column} >= ? AND {column} < ? ORDER BY {column}, n",  # noqa: S608
            (first, end),
        )
        return (str(row) for (row,) in found)

    def traded(self, slot: int) -> tuple[int, int]:
        """Return the Wh and the number of a slot's trades."""
        wh, number, _ = trade_packs.traded(self._run, slot)
        return wh, number

    def trades_at(self, point: str, slot: int) -> list[Trade]:
        """Return all trades of a connection point in a slot, in ledger order."""
        return self.subjects_trades(point, slot, slot + 1)

    def subjects_trades(self, subject: str, first: int, end: int) -> list[Trade]:
        """Return all trades of an account or asset in slots from `first` up to `end`, in ledger order."""
        return list(trade_packs.subjects_trades(self._run, subject, first, end))

    def consumed(self, party: Party, first: int, end: int) -> list[tuple[str, str | None, int]]:
        """Return what was cancelled for the use of an account's assets or one asset, in slots up to `end`.

        Each line is a producing asset, the source, and the Wh.
        """
        question = _CONSUMED.format(column=_USER[party.kind])
        return self._run(question, (party.name, first, end - 1)).fetchall()

    # --- history ------------------------------------------------------------------------------------------

    def events(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Return at most `limit` events after a cursor, with their cursors."""
        return event_packs.events_after(self._run, after, limit)

    def events_of(self, asset: str, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Return at most `limit` events after a cursor that concern an asset, with their cursors."""
        return event_packs.events_of(self._run, asset, after, limit)

    def last_cursor(self) -> int:
        """Return the cursor of the newest event, 0 when there is none."""
        (last,) = self._run("SELECT coalesce(max(first + size - 1), 0) FROM events").fetchone()
        return max(int(last), self.start().cursor)

    def events_of_account(
        self, account: str, since: int, until: int, after: int, limit: int
    ) -> list[tuple[int, bytes]]:
        """Return at most `limit` events after a cursor that changed an account's money or keys.

        Only those of commits with a ledger time (ms) in [since, until); with their cursors.
        """
        return event_packs.events_of_account(self._run, account, (since, until), after, limit)

    def bare_events_of_account(self, account: str) -> list[bytes]:
        """Return the events of an account that did not change its money, oldest first."""
        return event_packs.bare_events_of_account(self._run, account)

    def balance_at(self, account: str, time: int) -> int | None:
        """Return an account's balance just before a ledger time (ms), None when there is no such account."""
        return event_packs.balance_at(self._run, account, time)

    def transaction(self, identity: bytes) -> TransactionRecord | None:
        """Return an ordered transaction by its id; of pruned history those that are kept."""
        left = kept.find(self._run, identity)
        if left is not None:
            return TransactionRecord(*left.record, left.envelope)
        found = self._run(
            "SELECT commit_n, commits.time, block, place, code, field, message "
            "FROM transactions JOIN commits ON commits.n = commit_n WHERE id = ?",
            (identity,),
        ).fetchone()
        return None if found is None else TransactionRecord(*found)

    def block(self, digest: bytes) -> BlockRecord | None:
        """Return a block by its digest."""
        found = self._run("SELECT raw, fate, commit_n FROM blocks WHERE digest = ?", (digest,)).fetchone()
        return None if found is None else BlockRecord(*found)

    def blocks_from(self, epoch: int, round_: int) -> Iterable[BlockRecord]:
        """Return the blocks of an epoch from a round on, in the order in which they were accepted."""
        rows = self._run(
            "SELECT raw, fate, commit_n FROM blocks WHERE epoch = ? AND round >= ? ORDER BY n",
            (epoch, round_),
        )
        return (BlockRecord(*row) for row in rows)

    def all_blocks(self) -> Iterable[BlockRecord]:
        """Return the blocks of all epochs, in the order in which they were accepted."""
        return (BlockRecord(*row) for row in self._run("SELECT raw, fate, commit_n FROM blocks ORDER BY n"))

    def history(self, epoch: int, round_: int, digest: bytes, limit: int) -> list[bytes]:
        """Return at most `limit` blocks of an epoch after (round, digest), in that order: ancestors first.

        A page of `HISTORY_BYTES` is full.
        """
        rows = self._run(
            "SELECT raw FROM blocks WHERE epoch = ? AND (round, digest) > (?, ?) "
            "ORDER BY round, digest LIMIT ?",
            (epoch, round_, digest, limit),
        )
        page: list[bytes] = []
        room = HISTORY_BYTES
        for (raw,) in rows:
            page.append(bytes(raw))
            room -= len(raw)
            if room <= 0:
                break
        return page

    def newest_by(self, epoch: int, author: int) -> bytes | None:
        """Return the block of the highest round that an author made in an epoch."""
        found = self._run(
            "SELECT raw FROM blocks WHERE epoch = ? AND author = ? ORDER BY round DESC LIMIT 1",
            (epoch, author),
        ).fetchone()
        return None if found is None else bytes(found[0])

    def latest_blocks(self, limit: int) -> list[BlockRecord]:
        """Return the newest blocks, newest first."""
        rows = self._run("SELECT raw, fate, commit_n FROM blocks ORDER BY n DESC LIMIT ?", (limit,))
        return [BlockRecord(*row) for row in rows]

    def evidence(self, epoch: int) -> list[tuple[bytes, bytes]]:
        """Return the pairs of blocks by which validators of an epoch contradicted themselves."""
        return self._run("SELECT first, second FROM evidence WHERE epoch = ?", (epoch,)).fetchall()

    def all_evidence(self) -> list[tuple[bytes, bytes]]:
        """Return the pairs of blocks by which validators contradicted themselves in any epoch."""
        return self._run("SELECT first, second FROM evidence").fetchall()

    def latest_commits(self, limit: int) -> list[CommitRecord]:
        """Return the newest commits, newest first."""
        rows = self._run("SELECT n, time, epoch, leader, root FROM commits ORDER BY n DESC LIMIT ?", (limit,))
        return [CommitRecord(*row) for row in rows]

    def commits(self) -> Iterable[CommitRecord]:
        """Return all commits, oldest first."""
        return (
            CommitRecord(*row)
            for row in self._run("SELECT n, time, epoch, leader, root FROM commits ORDER BY n")
        )

    # --- what the node itself keeps -----------------------------------------------------------------------

    def fact(self, name: str) -> bytes | None:
        """Return a fact of the node, None when it is not known."""
        found = self._run("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if found is None else bytes(found[0])

    def certificate(self) -> Certificate | None:
        """Return the newest commit certificate; raises MsgspecError when it is none."""
        data = self.fact(CERTIFICATE)
        return None if data is None else read_certificate(data)

    def start(self) -> Begin:
        """Return from where on everything is known; raises MsgspecError when that cannot be read."""
        data = self.fact(START)
        return _BEGINNING if data is None else msgspec.msgpack.decode(data, type=Begin)

    def space(self) -> Space:
        """Return how much room the database takes."""
        size, pages, free = (
            int(self._run(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_size", "page_count", "freelist_count")
        )
        return Space(size * pages, size * (pages - free))

    def outbox(self) -> dict[bytes, bytes]:
        """Return the envelopes, by transaction id, that were taken but are not ordered yet."""
        return dict(self._run("SELECT id, envelope FROM outbox ORDER BY n").fetchall())

    def tokens(self) -> dict[str, bytes]:
        """Return the hash of each holder's token."""
        return dict(self._run("SELECT holder, hash FROM tokens").fetchall())

    def _run(self, sql: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self._path, read_only=True)
            self._connections.append(connection)
        return connection.execute(sql, values)
