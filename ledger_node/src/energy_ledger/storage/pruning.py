"""Deleting history that is older than a node wants to keep, in pieces that take a moment each.

First the start moves (`move_start`): from then on the database says that it begins with a certified commit in
the middle, as one does that was made from a snapshot. Then a `Sweep` deletes what lies before it: events,
transactions, blocks, finished rows, trades, commits. Every piece is a transaction of its own and can be
repeated, so that a sweep that was cut, at whatever moment, goes on after the next start.

Left of older history are the events of some assets and those that gave accounts their keys, with the
transactions they tell of: what an audit log needs to prove itself.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec

from energy_ledger.dag.blocks import decode_block
from energy_ledger.dag.ordering import Fate
from energy_ledger.ledger.postings import KEY_EVENTS
from energy_ledger.ledger.states import TRADE
from energy_ledger.storage import kept
from energy_ledger.storage.packs import pack, unpack
from energy_ledger.storage.reader import Begin
from energy_ledger.storage.schema import CERTIFICATE, PRUNED, PRUNING, START
from energy_ledger.storage.trade_packs import subjects_in
from energy_ledger.storage.writer import Start

FINISHED: Final = (
    "orders",
    "readings",
    "claims",
    "certificates",
    "day_totals",
    "rounds",
    "redemptions",
)
"""Tables whose finished rows grow old; of the others rows never finish, or everybody needs them for good."""
BUDGET_S: Final = 0.008
"""How long a piece goes on taking in more."""
_STATES: Final = tuple(dict.fromkeys(TRADE.values()))
_PACKS: Final = 2
_ROWS: Final = 250
_BLOCK_BYTES: Final = 256 * 1024
_FREE_SHARE: Final = 8
"""One in so many pages may stay free for what comes next; what is more goes back to the disk."""
_VACUUMED: Final = 16


class CutError(ValueError):
    """History cannot begin where it was to begin; the message says why."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where history is to begin, and what stays of what is older.

    `horizon_ms` is how long before that rows must have been finished to go: rounds that come later may have
    them in their books. `assets` are those whose events stay.
    """

    begin: Begin
    horizon_ms: int
    assets: frozenset[str]


def move_start(run: sqlite3.Cursor, start: Start) -> None:
    """Let a database begin with a certified commit that it has. Raises CutError for another one."""
    found = run.execute("SELECT root FROM commits WHERE n = ?", (start.commit,)).fetchone()
    if found is None or found[0] != start.root:
        raise CutError(f"commit {start.commit} of the snapshot is not that of the database")
    marks = [(start.commit, one.block.ref.digest) for one in start.kept if one.fate is not Fate.OPEN]
    run.executemany("UPDATE blocks SET commit_n = ? WHERE digest = ?", marks)
    facts = {name: value for name, value in start.facts.items() if name != CERTIFICATE}
    facts[PRUNING] = start.facts[START]
    run.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts.items())


class _Concern(msgspec.Struct):
    """What decides whether an event stays."""

    type: str
    accounts: tuple[str, ...]
    assets: tuple[str, ...]
    transaction: str | None


_concern = msgspec.json.Decoder(_Concern)

type _Place = int | str
"""Where a phase of a sweep is in its table."""
type _Phase = Callable[[sqlite3.Cursor, _Place], _Place | None]
"""Does a little from a place on; returns where to go on, None at the end."""


class Sweep:
    """Deletes what is older than a cut, piece by piece."""

    def __init__(self, cut: Cut) -> None:
        self._cut = cut
        self._envelopes: dict[bytes, tuple[bytes, ...]] = {}
        self._finished_by: int | None = None
        self._phases = self._all_phases()
        self._phase = next(self._phases)
        self._place: _Place | None = None

    def work(self, run: sqlite3.Cursor) -> bool:
        """Do a piece, within one transaction; tell whether that was the last."""
        until = time.monotonic() + BUDGET_S
        is_over = False
        while not is_over:
            is_over = self._go_on(run)
            if time.monotonic() >= until:
                break
        return is_over

    def _go_on(self, run: sqlite3.Cursor) -> bool:
        """Do a little; tell whether all is done."""
        first, phase = self._phase
        self._place = phase(run, first if self._place is None else self._place)
        if self._place is not None:
            return False
        following = next(self._phases, None)
        if following is None:
            self._finish(run)
            return True
        self._phase = following
        return False

    def _all_phases(self) -> Iterator[tuple[_Place, _Phase]]:
        """Name the phases in their order, each with its first place; commits go last, for they tell times."""
        yield 0, self._events
        yield "", partial(self._noted, "event_assets", "asset", "")
        yield "", partial(self._noted, "account_events", "account", "AND bare < 2")
        yield 0, self._transactions
        yield 0, self._blocks
        for table in FINISHED:
            yield 0, partial(self._rows, table)
        yield 0, self._trades
        yield 0, self._commits
        yield 0, _give_back

    def _finish(self, run: sqlite3.Cursor) -> None:
        begin = msgspec.msgpack.encode(self._cut.begin)
        run.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (PRUNED, begin))
        run.execute("DELETE FROM facts WHERE name = ?", (PRUNING,))

    # --- events -------------------------------------------------------------------------------------------

    def _events(self, run: sqlite3.Cursor, after: _Place) -> _Place | None:
        after = max(int(after), _pruned(run).cursor)
        packs = run.execute(
            "SELECT first, body FROM events WHERE first > ? AND first <= ? ORDER BY first LIMIT ?",
            (after, self._cut.begin.cursor, _PACKS),
        ).fetchall()
        for first, body in packs:
            self._thin_out(run, first, unpack(body))
        return packs[-1][0] if packs else None

    def _thin_out(self, run: sqlite3.Cursor, first: int, lines: list[bytes]) -> None:
        """Leave of a pack what stays, the others' places empty."""
        left = [line if self._stays(run, first + place, line) else b"" for place, line in enumerate(lines)]
        if not any(left):
            run.execute("DELETE FROM events WHERE first = ?", (first,))
        elif left != lines:
            run.execute("UPDATE events SET body = ? WHERE first = ?", (pack(left), first))

    def _stays(self, run: sqlite3.Cursor, cursor: int, line: bytes) -> bool:
        """Tell whether an event stays; if so, see to it that what proves it does."""
        if not line:
            return False
        event = _concern.decode(line)
        gives_keys = event.type in KEY_EVENTS
        if not gives_keys and self._cut.assets.isdisjoint(event.assets):
            return False
        if gives_keys:
            run.executemany(
                "UPDATE account_events SET amount = 0, bare = 2 "
                "WHERE account = ?1 AND first = (SELECT max(first) FROM account_events "
                "WHERE account = ?1 AND first <= ?2) AND last >= ?2",
                [(account, cursor) for account in event.accounts],
            )
        if event.transaction is not None:
            self._keep(run, bytes.fromhex(event.transaction))
        return True

    def _keep(self, run: sqlite3.Cursor, identity: bytes) -> None:
        """Keep a transaction with its envelope; what this node never had cannot be kept."""
        if kept.is_kept(run, identity):
            return
        found = run.execute(
            "SELECT commit_n, time, block, place, code, field, message FROM transactions "
            "JOIN commits ON commits.n = commit_n WHERE id = ?",
            (identity,),
        ).fetchone()
        envelopes = self._envelopes_of(run, found[2]) if found is not None else None
        if envelopes is not None:
            kept.keep(run, identity, kept.Kept(found, envelopes[found[3]]))

    def _envelopes_of(self, run: sqlite3.Cursor, digest: bytes) -> tuple[bytes, ...] | None:
        if digest not in self._envelopes:
            found = run.execute("SELECT raw FROM blocks WHERE digest = ?", (digest,)).fetchone()
            if found is None:
                return None
            self._envelopes = {digest: decode_block(found[0]).envelopes}
        return self._envelopes[digest]

    def _noted(
        self, table: str, column: str, unless: str, run: sqlite3.Cursor, after: _Place
    ) -> _Place | None:
        """Forget in which of the older commits one asset or account was concerned."""
        (name,) = run.execute(f"SELECT min({column}) FROM {table} WHERE {column} > ?", (after,)).fetchone()  # noqa: S608
        if name is None or name in self._cut.assets:
            return None if name is None else str(name)
        older = f"FROM {table} WHERE {column} = ?1 AND first <= ?2 {unless}"
        gone = run.execute(
            f"DELETE FROM {table} WHERE {column} = ?1 AND first IN (SELECT first {older} LIMIT {_ROWS}) "  # noqa: S608
            f"{unless}",
            (name, self._cut.begin.cursor),
        ).rowcount
        return after if gone == _ROWS else str(name)

    # --- the order ----------------------------------------------------------------------------------------

    def _transactions(self, run: sqlite3.Cursor, after: _Place) -> _Place | None:
        return _delete_rows(run, "transactions", "", self._cut.begin.commit, after)

    def _blocks(self, run: sqlite3.Cursor, after: _Place) -> _Place | None:
        begin, gone, room = self._cut.begin, [], _BLOCK_BYTES
        older = run.execute(
            "SELECT n, length(raw) FROM blocks WHERE (epoch, round) < (?, ?) ORDER BY epoch, round LIMIT ?",
            (begin.epoch, begin.round, _ROWS),
        ).fetchall()
        for n, size in older:
            gone.append((n,))
            room -= size
            if room <= 0:
                break
        run.executemany("DELETE FROM blocks WHERE n = ?", gone)
        return after if gone else None

    def _commits(self, run: sqlite3.Cursor, after: _Place) -> _Place | None:
        older = "SELECT n FROM commits WHERE n > 0 AND n < ? ORDER BY n LIMIT ?"
        sql = f"DELETE FROM commits WHERE n IN ({older})"  # noqa: S608
        return after if run.execute(sql, (self._cut.begin.commit, _ROWS)).rowcount else None

    # --- rows ---------------------------------------------------------------------------------------------

    def _up_to(self, run: sqlite3.Cursor) -> int:
        """Return the commit up to which rows must have been finished to go."""
        if self._finished_by is None:
            found = run.execute(
                "SELECT n FROM commits WHERE n <= ? AND time <= ? ORDER BY n DESC LIMIT 1",
                (self._cut.begin.commit, self._cut.begin.time - self._cut.horizon_ms),
            ).fetchone()
            self._finished_by = int(found[0]) if found is not None else 0
        return self._finished_by

    def _rows(self, table: str, run: sqlite3.Cursor, after: _Place) -> _Place | None:
        return _delete_rows(run, table, "AND NOT live", self._up_to(run), after)

    def _trades(self, run: sqlite3.Cursor, after: _Place) -> _Place | None:
        """Forget packs of which nothing is needed; the last stays, as the next one counts on from it."""
        packs = run.execute(
            "SELECT first, round, commit_n, instr(live, '1') FROM trade_packs "
            "WHERE first > ? AND first < (SELECT max(first) FROM trade_packs) ORDER BY first LIMIT ?",
            (after, _ROWS // 10),
        ).fetchall()
        until = self._up_to(run)
        gone = [(first, round_) for first, round_, commit, live in packs if commit <= until and not live]
        for first, _ in gone:
            run.execute("DELETE FROM trade_packs WHERE first = ?", (first,))
            run.executemany(
                "DELETE FROM trade_states WHERE state = ? AND first = ?", [(one, first) for one in _STATES]
            )
        _forget_sides(run, sorted({round_ for _, round_ in gone}))
        return packs[-1][0] if any(commit <= until for _, _, commit, _ in packs) else None


def _delete_rows(run: sqlite3.Cursor, table: str, condition: str, until: int, after: _Place) -> _Place | None:
    """Delete rows that were written last by a commit up to `until`; what came later has a later place."""
    rows = run.execute(
        f"SELECT n, commit_n FROM {table} WHERE n > ? ORDER BY n LIMIT ?",  # noqa: S608 -- the schema's names
        (after, _ROWS),
    ).fetchall()
    if not any(commit <= until for _, commit in rows):
        return None
    last = int(rows[-1][0])
    sql = f"DELETE FROM {table} WHERE n > ? AND n <= ? AND commit_n <= ? {condition}"  # noqa: S608
    run.execute(sql, (after, last, until))
    return last


def _forget_sides(run: sqlite3.Cursor, rounds: Iterable[int]) -> None:
    """Forget who traded in rounds of which no trade is left."""
    for round_ in rounds:
        (left,) = run.execute("SELECT count(*) FROM trade_packs WHERE round = ?", (round_,)).fetchone()
        sides = run.execute("SELECT body FROM trade_sides WHERE round = ?", (round_,)).fetchone()
        if not left and sides is not None:
            run.executemany(
                "DELETE FROM trade_subjects WHERE subject = ? AND round = ?", subjects_in(sides[0])
            )
            run.execute("DELETE FROM trade_sides WHERE round = ?", (round_,))


def _give_back(run: sqlite3.Cursor, place: _Place) -> _Place | None:
    """Give room back to the disk, but for what the ledger soon fills again."""
    (free,) = run.execute("PRAGMA freelist_count").fetchone()
    (pages,) = run.execute("PRAGMA page_count").fetchone()
    if free * _FREE_SHARE <= pages:
        return None
    run.execute(f"PRAGMA incremental_vacuum({_VACUUMED})").fetchall()
    (left,) = run.execute("PRAGMA freelist_count").fetchone()
    return place if left < free else None


def _pruned(run: sqlite3.Cursor) -> Begin:
    found = run.execute("SELECT value FROM facts WHERE name = ?", (PRUNED,)).fetchone()
    return Begin(0, 0, 0) if found is None else msgspec.msgpack.decode(found[0], type=Begin)
