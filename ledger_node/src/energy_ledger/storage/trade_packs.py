"""Trades on the disk: those of one round and slot together in a pack.

A round makes them all at once, from then on they start, are metered and settled together, and those who ask
want an account's, an order's or a slot's. So a pack is the unit that is written: what the round agreed, once
and in columns, and beside it what has become of each trade, once its slot has started. What a pack is found
by is noted per round (whose trades are in it) and per pack (slot and states), and the rest is looked up
inside. A trade's place `n`, which pages go by, counts all trades of all rounds from 1.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain, islice
from typing import Any, Final, NamedTuple

from msgspec import Struct, convert, json
from msgspec.structs import replace

from energy_ledger.ledger.events import canonical
from energy_ledger.ledger.matches import Matches, RoundSides, Side, gathered
from energy_ledger.ledger.states import TradeState
from energy_ledger.ledger.tables import Change
from energy_ledger.ledger.trading_rows import Trade
from energy_ledger.storage.packs import Run, pack, unpack

TABLES: Final = """
CREATE TABLE trade_packs (
  first INTEGER PRIMARY KEY, size INTEGER NOT NULL, round INTEGER NOT NULL, slot INTEGER NOT NULL,
  number INTEGER NOT NULL, wh INTEGER NOT NULL, live TEXT NOT NULL, body BLOB NOT NULL, progress BLOB,
  commit_n INTEGER NOT NULL);
CREATE UNIQUE INDEX trade_packs_round ON trade_packs (round, number);
CREATE INDEX trade_packs_slot ON trade_packs (slot, round);
CREATE INDEX trade_packs_live ON trade_packs (first) WHERE live LIKE '%1%';
CREATE TABLE trade_states (
  state TEXT NOT NULL, first INTEGER NOT NULL, PRIMARY KEY (state, first)) WITHOUT ROWID;
CREATE TABLE trade_sides (round INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE trade_subjects (
  subject TEXT NOT NULL, round INTEGER NOT NULL, PRIMARY KEY (subject, round)) WITHOUT ROWID;
"""
"""`body` of a pack is `Matches`, that of a round's sides `RoundSides`. `progress` has a line per
trade, NULL while all are matched, `live` a 1 or 0 for each: whether the ledger still needs it. `number` is
the first one's place in its round, `subject` an account, asset or order, `commit_n` the commit that wrote
the pack last."""

COMPARED: Final = {
    "trade_packs": "first, size, round, slot, number, wh, live, unpacked(body), "
    "iif(progress IS NULL, NULL, unpacked(progress))",
    "trade_states": "state, first",
    "trade_sides": "round, unpacked(body)",
    "trade_subjects": "subject, round",
}
"""What the databases of two nodes with the same history have alike."""

_SUBJECTS: Final[dict[str, tuple[str, ...]]] = {
    "account": ("seller", "buyer"),
    "asset": ("sell_asset", "buy_asset", "sell_point", "buy_point"),
    "order": ("sell_order", "buy_order"),
}
"""Filters by a subject, with the fields that name it."""


class Progress(Struct, frozen=True, array_like=True, gc=False):
    """What has become of a trade since it was matched."""

    state: TradeState = "matched"
    delivered_wh: int | None = None
    taken_wh: int | None = None
    settled_wh: int | None = None
    passed_wh: int | None = None
    paid: int | None = None
    received: int | None = None
    seller_penalty: int | None = None
    buyer_penalty: int | None = None

    @classmethod
    def of(cls, trade: Trade) -> Progress:
        """Take it from a trade."""
        return cls(*[getattr(trade, name) for name in cls.__struct_fields__])

    def added_to(self, trade: Trade) -> Trade:
        """Return a trade as it is now."""
        return replace(trade, **{name: getattr(self, name) for name in self.__struct_fields__})


_encode = json.Encoder().encode
_matches = json.Decoder(Matches)
_sides = json.Decoder(RoundSides)
_progress = json.Decoder(list[Progress])

_MATCHED: Final = Progress()


class PlacedTrade(NamedTuple):
    """A trade with its place among all trades, and whether the ledger still needs it."""

    n: int
    trade: Trade
    live: bool

    @property
    def row(self) -> str:
        """The trade as JSON."""
        return _encode(self.trade).decode()


# --- writing ------------------------------------------------------------------------------------------------


def write_trades(
    run: sqlite3.Cursor,
    commit: int,
    sides: Iterable[Change],
    made: Iterable[Change],
    changes: Iterable[Change],
) -> None:
    """Write what rounds made (`RoundSides`, `Matches`), in its order, and trades that changed since.

    What waits no more is not taken away: it comes again, trade by trade.
    """
    for one in sides:
        if one.value is not None:
            _put_sides(run, _as(RoundSides, one.value), one.text)
    for one in made:
        if one.value is not None:
            matches = _as(Matches, one.value)
            size = len(matches.number)
            _add(run, commit, (matches, one.text), [_MATCHED] * size, "1" * size)
    for place, group in _by_pack(changes).items():
        known = run.execute(
            "SELECT first, live, body, progress FROM trade_packs WHERE round = ? AND slot = ?", place
        ).fetchone()
        if known is not None:
            _replace(run, commit, known, group)
        else:
            _add_started(run, commit, group)


def _as[T](kind: type[T], value: object) -> T:
    return value if isinstance(value, kind) else convert(value, kind)


def _by_pack(changes: Iterable[Change]) -> dict[tuple[int, int], list[tuple[Trade, bool]]]:
    """Give every round and slot its trades, each with whether the ledger still needs it."""
    groups: dict[tuple[int, int], list[tuple[Trade, bool]]] = {}
    for change in changes:
        trade = _as(Trade, change.value)
        groups.setdefault((trade.round, trade.slot), []).append((trade, not change.final))
    return groups


def drop_live(run: sqlite3.Cursor) -> None:
    """Forget the packs with trades that the ledger still needed: what became of them is not known."""
    live = "SELECT first FROM trade_packs WHERE live LIKE '%1%'"
    run.execute(f"DELETE FROM trade_states WHERE first IN ({live})")  # noqa: S608 -- nothing comes from outside
    run.execute("DELETE FROM trade_packs WHERE live LIKE '%1%'")


def _add(
    run: sqlite3.Cursor, commit: int, stored: tuple[Matches, bytes], progress: Sequence[Progress], live: str
) -> None:
    """Add a pack: what was matched, with its JSON, and what has become of it."""
    matches, text = stored
    (first,) = run.execute("SELECT coalesce(max(first + size), 1) FROM trade_packs").fetchone()
    values = (
        first,
        len(matches.number),
        matches.round,
        matches.slot,
        matches.number[0],
        sum(matches.wh),
        live,
        pack([text]),
        _packed(progress),
        commit,
    )
    run.execute("INSERT INTO trade_packs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    _note_states(run, first, set(), {one.state for one in progress})


def _add_started(run: sqlite3.Cursor, commit: int, group: Sequence[tuple[Trade, bool]]) -> None:
    """Add trades of one round and slot of which nothing was known before."""
    trades = [trade for trade, _ in group]
    known = run.execute("SELECT body FROM trade_sides WHERE round = ?", (trades[0].round,)).fetchone()
    before = _sides.decode(unpack(known[0])[0]).sides if known else ()
    matches, sides = gathered(trades, before)
    _put_sides(run, sides, canonical(sides))
    progress = [Progress.of(trade) for trade in trades]
    _add(run, commit, (matches, canonical(matches)), progress, _flags(live for _, live in group))


def _put_sides(run: sqlite3.Cursor, sides: RoundSides, text: bytes) -> None:
    """Write the sides of a round, and note whose they are."""
    run.execute("INSERT OR REPLACE INTO trade_sides VALUES (?, ?)", (sides.round, pack([text])))
    run.executemany("INSERT OR IGNORE INTO trade_subjects VALUES (?, ?)", _subjects(sides))


def _subjects(sides: RoundSides) -> list[tuple[str, int]]:
    """Return whose the sides of a round are, each with the round."""
    found = {
        subject for side in sides.sides for subject in (side.account, side.order, side.asset, side.point)
    }
    return [(subject, sides.round) for subject in sorted(found)]


def subjects_in(packed: bytes) -> list[tuple[str, int]]:
    """Return whose the sides in a stored value are, each with the round."""
    return _subjects(_sides.decode(unpack(packed)[0]))


def _replace(
    run: sqlite3.Cursor, commit: int, known: tuple[Any, ...], group: Iterable[tuple[Trade, bool]]
) -> None:
    """Put what became of trades in the place of their earlier states."""
    first, live, body, packed = known
    matches, flags = _matches.decode(unpack(body)[0]), list(live)
    progress = _progress_in(packed, len(flags))
    before = {one.state for one in progress}
    places = {number: place for place, number in enumerate(matches.number)}
    for trade, is_live in group:
        place = places[trade.place[1]]
        progress[place], flags[place] = Progress.of(trade), _flags([is_live])
    run.execute(
        "UPDATE trade_packs SET live = ?, progress = ?, commit_n = ? WHERE first = ?",
        ("".join(flags), _packed(progress), commit, first),
    )
    _note_states(run, first, before, {one.state for one in progress})


def _packed(progress: Sequence[Progress]) -> bytes | None:
    return None if all(one.state == "matched" for one in progress) else pack([_encode(progress)])


def _progress_in(packed: bytes | None, size: int) -> list[Progress]:
    return [_MATCHED] * size if packed is None else _progress.decode(unpack(packed)[0])


def _flags(lives: Iterable[bool]) -> str:
    return "".join("1" if live else "0" for live in lives)


def _note_states(run: sqlite3.Cursor, first: int, before: Set[str], after: Set[str]) -> None:
    left, reached = sorted(before - after), sorted(after - before)
    run.executemany("DELETE FROM trade_states WHERE state = ? AND first = ?", [(one, first) for one in left])
    run.executemany("INSERT INTO trade_states VALUES (?, ?)", [(one, first) for one in reached])


# --- reading ------------------------------------------------------------------------------------------------


def one_trade(run: Run, key: str) -> str | None:
    """Return a trade's row by its id."""
    round_, _, number = key.partition(".")
    if not (round_.isdecimal() and number.isdecimal()):
        return None
    packs = run(
        f"SELECT {_PACK} FROM trade_packs WHERE round = ? AND number <= ? ORDER BY number DESC LIMIT 1",  # noqa: S608
        (int(round_), int(number)),
    )
    return next((one.row for one in _trades_in(run, packs) if one.trade.id == key), None)


def page_of_trades(run: Run, filters: Mapping[str, str | int], after: int, limit: int) -> list[PlacedTrade]:
    """Return at most `limit` trades that match all filters, in ledger order, those after place `after`."""
    values: list[str | int]
    conditions, values = ["first + size > ?1 + 1", "first >= ?2"], [after, _pack_of(run, after + 1)]
    for name, value in filters.items():
        values.append(value)
        conditions.append(_CONDITIONS[name].format(f"?{len(values)}"))
    packs = run(
        f"SELECT {_PACK} FROM trade_packs WHERE {' AND '.join(conditions)} ORDER BY first",  # noqa: S608
        tuple(values),
    )
    found = (one for one in _trades_in(run, packs) if one.n > after and _is_wanted(one.trade, filters))
    return list(islice(found, limit))


_PACK: Final = "first, round, live, body, progress"
_BY_SUBJECT: Final = "round IN (SELECT round FROM trade_subjects WHERE subject = {})"
_CONDITIONS: Final = dict.fromkeys(_SUBJECTS, _BY_SUBJECT) | {
    "slot": "slot = {}",
    "state": "first IN (SELECT first FROM trade_states WHERE state = {})",
}
"""In which packs to look, by filter."""


def _is_wanted(trade: Trade, filters: Mapping[str, str | int]) -> bool:
    return all(
        any(getattr(trade, field) == value for field in _SUBJECTS.get(name, (name,)))
        for name, value in filters.items()
    )


def _pack_of(run: Run, n: int) -> int:
    (first,) = run("SELECT max(first) FROM trade_packs WHERE first <= ?", (n,)).fetchone()
    return first or 0


def trades_of(run: Run, orders: Iterable[str]) -> Iterator[Trade]:
    """Return all trades of any of these orders."""
    wanted = set(orders)
    rounds = {
        round_
        for order in sorted(wanted)
        for (round_,) in run("SELECT round FROM trade_subjects WHERE subject = ?", (order,))
    }
    for round_ in sorted(rounds):
        packs = run(f"SELECT {_PACK} FROM trade_packs WHERE round = ? ORDER BY first", (round_,))  # noqa: S608
        for _, trade, _ in _trades_in(run, packs):
            if trade.sell_order in wanted or trade.buy_order in wanted:
                yield trade


def subjects_trades(run: Run, subject: str, first_slot: int, end_slot: int) -> Iterator[Trade]:
    """Return all trades of an account, asset or order in slots from `first_slot` up to `end_slot`."""
    packs = run(
        f"SELECT {_PACK} FROM trade_packs WHERE slot >= ?1 AND slot < ?2 "  # noqa: S608
        "AND round IN (SELECT round FROM trade_subjects WHERE subject = ?3) ORDER BY first",
        (first_slot, end_slot, subject),
    )
    wanted = list(chain.from_iterable(_SUBJECTS.values()))
    return (
        trade
        for _, trade, _ in _trades_in(run, packs)
        if any(getattr(trade, field) == subject for field in wanted)
    )


def trades_between(run: Run, first: int, end: int) -> Iterator[Trade]:
    """Return the trades of the slots from `first` up to, and without, `end`, slot by slot."""
    packs = run(
        f"SELECT {_PACK} FROM trade_packs WHERE slot >= ? AND slot < ? ORDER BY slot, round",  # noqa: S608
        (first, end),
    )
    return (trade for _, trade, _ in _trades_in(run, packs))


class StoredPack(NamedTuple):
    """A pack as it lies on the disk: the commit that wrote it last, its trades, and what states are noted."""

    round: int
    slot: int
    commit: int
    noted: set[str]
    trades: list[PlacedTrade]


def all_packs(run: Run) -> Iterator[StoredPack]:
    """Return all packs, in the order in which they came."""
    for first, round_, slot, commit in run(
        "SELECT first, round, slot, commit_n FROM trade_packs ORDER BY first", ()
    ).fetchall():
        noted = {
            state for (state,) in run("SELECT state FROM trade_states WHERE first = ?", (first,)).fetchall()
        }
        yield StoredPack(round_, slot, commit, noted, trades_in(run, round_, slot))


def trades_in(run: Run, round_: int, slot: int) -> list[PlacedTrade]:
    """Return the trades that a round made in a slot."""
    packs = run(
        f"SELECT {_PACK} FROM trade_packs WHERE round = ? AND slot = ? ORDER BY first",  # noqa: S608
        (round_, slot),
    )
    return list(_trades_in(run, packs))


def live_trades(run: Run) -> Iterator[tuple[str, str]]:
    """Return the trades that the ledger still needs, but those that wait for their slot, in ledger order.

    Each comes with its key.
    """
    packs = run(
        f"SELECT {_PACK} FROM trade_packs WHERE live LIKE '%1%' AND progress IS NOT NULL ORDER BY first",  # noqa: S608
        (),
    )
    return ((one.trade.id, one.row) for one in _trades_in(run, packs) if one.live)


def live_sides(run: Run) -> Iterator[tuple[str, str]]:
    """Return the sides of rounds of which something waits for its slot, with their keys."""
    waiting = "SELECT round FROM trade_packs WHERE live LIKE '%1%' AND progress IS NULL"
    rows = run(f"SELECT round, body FROM trade_sides WHERE round IN ({waiting}) ORDER BY round", ())  # noqa: S608
    return ((str(round_), unpack(body)[0].decode()) for round_, body in rows)


def live_matches(run: Run) -> Iterator[tuple[str, str]]:
    """Return what waits for its slot, with keys, in ledger order."""
    packs = run(
        "SELECT round, slot, body FROM trade_packs WHERE live LIKE '%1%' AND progress IS NULL ORDER BY first",
        (),
    )
    return ((f"{round_}/{slot}", unpack(body)[0].decode()) for round_, slot, body in packs)


def traded(run: Run, slot: int) -> tuple[int, int, int | None]:
    """Return the Wh and the number of a slot's trades, and the last round that made one (None: none did)."""
    found: tuple[int, int, int | None] = run(
        "SELECT coalesce(sum(wh), 0), coalesce(sum(size), 0), max(round) FROM trade_packs WHERE slot = ?",
        (slot,),
    ).fetchone()
    return found


def _trades_in(run: Run, packs: Iterable[tuple[int, int, str, bytes, bytes | None]]) -> Iterator[PlacedTrade]:
    sides: dict[int, tuple[Side, ...]] = {}
    for first, round_, live, body, packed in packs:
        if round_ not in sides:
            (text,) = run("SELECT body FROM trade_sides WHERE round = ?", (round_,)).fetchone()
            sides[round_] = _sides.decode(unpack(text)[0]).sides
        trades = _matches.decode(unpack(body)[0]).trades(sides[round_])
        if packed is not None:
            progress = _progress.decode(unpack(packed)[0])
            trades = [one.added_to(trade) for trade, one in zip(trades, progress, strict=True)]
        for place, (trade, flag) in enumerate(zip(trades, live, strict=True)):
            yield PlacedTrade(first + place, trade, flag == "1")
