"""Trades on the disk: those of one round and slot together in a pack.

A round makes them all at once, from then on they start, are metered and settled together, and those who ask
want an account's, an order's or a slot's. So a pack is the unit that is written; what it is found by is noted
per round (whose trades are in it) and per pack (slot and states), and the rest is looked up inside. A trade's
place `n`, which pages go by, counts all trades of all rounds from 1.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from operator import attrgetter
from types import MappingProxyType
from typing import Final, NamedTuple

from msgspec import Struct, convert, json

from energy_ledger.ledger.tables import Change
from energy_ledger.ledger.trading_rows import Trade
from energy_ledger.storage.packs import Run, pack, unpack

TABLES: Final = """
CREATE TABLE trade_packs (
  first INTEGER PRIMARY KEY, size INTEGER NOT NULL, round INTEGER NOT NULL, slot INTEGER NOT NULL,
  number INTEGER NOT NULL, wh INTEGER NOT NULL, live TEXT NOT NULL, body BLOB NOT NULL);
CREATE UNIQUE INDEX trade_packs_round ON trade_packs (round, number);
CREATE INDEX trade_packs_slot ON trade_packs (slot, round);
CREATE INDEX trade_packs_live ON trade_packs (first) WHERE live LIKE '%1%';
CREATE TABLE trade_states (
  state TEXT NOT NULL, first INTEGER NOT NULL, PRIMARY KEY (state, first)) WITHOUT ROWID;
CREATE TABLE trade_subjects (
  subject TEXT NOT NULL, round INTEGER NOT NULL, PRIMARY KEY (subject, round)) WITHOUT ROWID;
"""
"""`live` has a 1 or 0 for each trade: whether the ledger still needs it; `number` is the first one's place in
its round, `subject` an account, asset or order."""

COMPARED: Final = {
    "trade_packs": "first, size, round, slot, number, wh, live, unpacked(body)",
    "trade_states": "state, first",
    "trade_subjects": "subject, round",
}
"""What the databases of two nodes with the same history have alike."""

_SUBJECTS: Final[dict[str, tuple[str, ...]]] = {
    "account": ("seller", "buyer"),
    "asset": ("sell_asset", "buy_asset", "sell_point", "buy_point"),
    "order": ("sell_order", "buy_order"),
}
"""Filters by a subject, with the fields that name it."""


class _Brief(Struct):
    id: str
    state: str


class _Facts(Struct):
    """What trades are looked up by."""

    id: str
    seller: str
    buyer: str
    sell_asset: str
    buy_asset: str
    sell_point: str
    buy_point: str
    sell_order: str
    buy_order: str
    slot: int
    state: str

    def match(self, filters: Mapping[str, str | int]) -> bool:
        return all(
            any(getattr(self, field) == value for field in _SUBJECTS.get(name, (name,)))
            for name, value in filters.items()
        )


_encoder = json.Encoder()
_briefs = json.Decoder(list[_Brief])
_facts = json.Decoder(list[_Facts])


_ALL: Final[Mapping[str, str | int]] = MappingProxyType({})


class PlacedTrade(NamedTuple):
    """A trade's row with its place among all trades, and whether the ledger still needs it."""

    n: int
    id: str
    row: bytes
    live: bool


def number_of(trade: str) -> int:
    """Return a trade's place in its round, from its id."""
    return int(trade.rpartition(".")[2])


# --- writing ------------------------------------------------------------------------------------------------


def write_trades(run: sqlite3.Cursor, changes: Iterable[Change]) -> None:
    """Write trades that were made or changed; those that are made together come in their order."""
    groups: dict[tuple[int, int], list[tuple[Trade, bool]]] = {}
    for change in changes:
        trade = change.value if isinstance(change.value, Trade) else convert(change.value, Trade)
        groups.setdefault((trade.round, trade.slot), []).append((trade, not change.final))
    made: list[Trade] = []
    for place, group in groups.items():
        known = run.execute(
            "SELECT first, live, body FROM trade_packs WHERE round = ? AND slot = ?", place
        ).fetchone()
        if known is None:
            made += _add(run, group)
        else:
            _replace(run, known, group)
    _note_subjects(run, made)


def drop_live(run: sqlite3.Cursor) -> None:
    """Forget the packs with trades that the ledger still needed: what became of them is not known."""
    live = "SELECT first FROM trade_packs WHERE live LIKE '%1%'"
    run.execute(f"DELETE FROM trade_states WHERE first IN ({live})")  # noqa: S608 -- nothing comes from outside
    run.execute("DELETE FROM trade_packs WHERE live LIKE '%1%'")


def _add(run: sqlite3.Cursor, group: Sequence[tuple[Trade, bool]]) -> list[Trade]:
    (first,) = run.execute("SELECT coalesce(max(first + size), 1) FROM trade_packs").fetchone()
    trades = [trade for trade, _ in group]
    values = (
        first,
        len(trades),
        trades[0].round,
        trades[0].slot,
        number_of(trades[0].id),
        sum(trade.wh for trade in trades),
        _flags(live for _, live in group),
        pack(map(_encoder.encode, trades)),
    )
    run.execute("INSERT INTO trade_packs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    _note_states(run, first, set(), {trade.state for trade in trades})
    return trades


def _replace(run: sqlite3.Cursor, known: tuple[int, str, bytes], group: Iterable[tuple[Trade, bool]]) -> None:
    """Put trades in the place of their earlier states."""
    first, live, body = known
    lines, flags = unpack(body), list(live)
    briefs = _decode(_briefs, lines)
    before = {brief.state for brief in briefs}
    places = {brief.id: place for place, brief in enumerate(briefs)}
    for trade, is_live in group:
        place = places[trade.id]
        briefs[place].state = trade.state
        lines[place], flags[place] = _encoder.encode(trade), _flags([is_live])
    values = ("".join(flags), pack(lines), first)
    run.execute("UPDATE trade_packs SET live = ?, body = ? WHERE first = ?", values)
    _note_states(run, first, before, {brief.state for brief in briefs})


def _flags(lives: Iterable[bool]) -> str:
    return "".join("1" if live else "0" for live in lives)


def _note_states(run: sqlite3.Cursor, first: int, before: set[str], after: set[str]) -> None:
    left, reached = sorted(before - after), sorted(after - before)
    run.executemany("DELETE FROM trade_states WHERE state = ? AND first = ?", [(one, first) for one in left])
    run.executemany("INSERT INTO trade_states VALUES (?, ?)", [(one, first) for one in reached])


def _note_subjects(run: sqlite3.Cursor, made: Sequence[Trade]) -> None:
    """Note whose trades are in the rounds that made them."""
    found = {
        (subject, round_)
        for field in chain.from_iterable(_SUBJECTS.values())
        for subject, round_ in set(map(attrgetter(field, "round"), made))
    }
    run.executemany("INSERT OR IGNORE INTO trade_subjects VALUES (?, ?)", sorted(found))


# --- reading ------------------------------------------------------------------------------------------------


def one_trade(run: Run, key: str) -> str | None:
    """Return a trade's row by its id."""
    round_, _, number = key.partition(".")
    if not (round_.isdecimal() and number.isdecimal()):
        return None
    packs = run(
        "SELECT first, live, body FROM trade_packs WHERE round = ? AND number <= ? "
        "ORDER BY number DESC LIMIT 1",
        (int(round_), int(number)),
    )
    return next((one.row.decode() for one in _trades_in(packs) if one.id == key), None)


def page_of_trades(run: Run, filters: Mapping[str, str | int], after: int, limit: int) -> list[PlacedTrade]:
    """Return at most `limit` trades that match all filters, in ledger order, those after place `after`."""
    values: list[str | int]
    conditions, values = ["first + size > ?1 + 1", "first >= ?2"], [after, _pack_of(run, after + 1)]
    for name, value in filters.items():
        values.append(value)
        conditions.append(_CONDITIONS[name].format(f"?{len(values)}"))
    packs = run(
        f"SELECT first, live, body FROM trade_packs WHERE {' AND '.join(conditions)} ORDER BY first",  # noqa: S608
        tuple(values),
    )
    return list(islice((one for one in _trades_in(packs, filters) if one.n > after), limit))


_BY_SUBJECT: Final = "round IN (SELECT round FROM trade_subjects WHERE subject = {})"
_CONDITIONS: Final = dict.fromkeys(_SUBJECTS, _BY_SUBJECT) | {
    "slot": "slot = {}",
    "state": "first IN (SELECT first FROM trade_states WHERE state = {})",
}
"""In which packs to look, by filter."""


def _pack_of(run: Run, n: int) -> int:
    (first,) = run("SELECT max(first) FROM trade_packs WHERE first <= ?", (n,)).fetchone()
    return first or 0


def trades_of(run: Run, orders: Iterable[str]) -> Iterator[bytes]:
    """Return all trades of any of these orders."""
    wanted = set(orders)
    rounds = {
        round_
        for order in sorted(wanted)
        for (round_,) in run("SELECT round FROM trade_subjects WHERE subject = ?", (order,))
    }
    for round_ in sorted(rounds):
        packs = run("SELECT first, live, body FROM trade_packs WHERE round = ? ORDER BY first", (round_,))
        for _, _, body in packs:
            lines = unpack(body)
            yield from (
                line
                for line, facts in zip(lines, _decode(_facts, lines), strict=True)
                if facts.sell_order in wanted or facts.buy_order in wanted
            )


def subjects_trades(run: Run, subject: str, first_slot: int, end_slot: int) -> list[bytes]:
    """Return all trades of an account, asset or order in slots from `first_slot` up to `end_slot`."""
    packs = run(
        "SELECT first, live, body FROM trade_packs WHERE slot >= ?1 AND slot < ?2 "
        "AND round IN (SELECT round FROM trade_subjects WHERE subject = ?3) ORDER BY first",
        (first_slot, end_slot, subject),
    )
    wanted = list(chain.from_iterable(_SUBJECTS.values()))
    found: list[bytes] = []
    for _, _, body in packs:
        lines = unpack(body)
        facts = _decode(_facts, lines)
        found += (
            line
            for line, one in zip(lines, facts, strict=True)
            if any(getattr(one, field) == subject for field in wanted)
        )
    return found


def trades_between(run: Run, first: int, end: int) -> Iterator[bytes]:
    """Return the trades of the slots from `first` up to, and without, `end`, slot by slot."""
    packs = run(
        "SELECT body FROM trade_packs WHERE slot >= ? AND slot < ? ORDER BY slot, round", (first, end)
    )
    return chain.from_iterable(unpack(body) for (body,) in packs)


def live_trades(run: Run) -> Iterator[PlacedTrade]:
    """Return the trades that the ledger still needs, in ledger order."""
    packs = run("SELECT first, live, body FROM trade_packs WHERE live LIKE '%1%' ORDER BY first", ())
    return (one for one in _trades_in(packs) if one.live)


def traded(run: Run, slot: int) -> tuple[int, int, int | None]:
    """Return the Wh and the number of a slot's trades, and the last round that made one (None: none did)."""
    found: tuple[int, int, int | None] = run(
        "SELECT coalesce(sum(wh), 0), coalesce(sum(size), 0), max(round) FROM trade_packs WHERE slot = ?",
        (slot,),
    ).fetchone()
    return found


def _trades_in(
    packs: Iterable[tuple[int, str, bytes]], filters: Mapping[str, str | int] = _ALL
) -> Iterator[PlacedTrade]:
    for first, live, body in packs:
        lines = unpack(body)
        for place, (line, facts) in enumerate(zip(lines, _decode(_facts, lines), strict=True)):
            if facts.match(filters):
                yield PlacedTrade(first + place, facts.id, line, live[place] == "1")


def _decode[T](decoder: json.Decoder[list[T]], lines: Iterable[bytes]) -> list[T]:
    return decoder.decode(b"[" + b",".join(lines) + b"]")
