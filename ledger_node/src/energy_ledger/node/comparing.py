"""Whether a database says the same as one that was made again from its blocks.

Where the second was made from a snapshot on, the first may say more: it can hold what is older (what was
pruned only in part, or came before a gap). So of such a database only what came since is held against the
other both ways; trades, which come in packs that may have begun before, are compared one by one.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from energy_ledger.storage import event_packs, trade_packs
from energy_ledger.storage.packs import teach
from energy_ledger.storage.schema import COLUMNS

_HISTORY: Final = {
    "blocks": "digest, epoch, round, author, fate, commit_n, raw",
    "commits": "n, time, epoch, leader, root",
    "transactions": "id, commit_n, block, place, code, field, message",
    **event_packs.COMPARED,
}
_WHOLE: Final[dict[str, str]] = {
    **_HISTORY,
    **trade_packs.COMPARED,
    **dict.fromkeys(COLUMNS, "key, live, row, commit_n"),
}
"""What both databases must have alike; the numbers of rows in the order of writing do not matter."""
_PARTLY: Final[dict[str, str]] = {
    **_HISTORY,
    "trade_subjects": "subject, round",
    **dict.fromkeys(COLUMNS, "key, live, row"),
}
_SINCE: Final[dict[str, str]] = {
    "blocks": "(epoch, round) >= (:epoch, :floor)",
    "commits": "n = 0 OR n >= :commit",
    "transactions": "commit_n > :commit",
    "trade_subjects": "FALSE",
    **dict.fromkeys(event_packs.COMPARED, "first > :cursor"),
    **dict.fromkeys(COLUMNS, "live OR commit_n > :commit"),
}
"""Which rows of a table came since the beginning."""
_REPEATED: Final = (
    "code IS NOT NULL AND NOT EXISTS "
    "(SELECT 1 FROM main.transactions AS one WHERE one.id = here.id AND one.commit_n > :commit)"
)
"""A refusal of what was ordered once before the beginning: who knew that keeps, or kept, its first place."""


class WrongError(Exception):
    """The database does not say what its blocks say; the message names the first place."""


@dataclass(frozen=True, slots=True)
class Since:
    """Where a check began: a commit, its newest event's cursor, and from which round of which epoch on."""

    commit: int
    cursor: int
    epoch: int
    floor: int


def compare(copy: Path, rebuilt: Path, since: Since | None) -> None:
    """Compare a database with what its blocks lead to, `since` a beginning or whole. Raises WrongError."""
    with closing(sqlite3.connect(copy)) as connection:
        teach(connection)
        connection.execute("ATTACH ? AS rebuilt", (str(rebuilt),))
        if since is None:
            _compare_whole(connection)
        else:
            _compare_since(connection, since)
    if since is not None:
        _compare_trades(copy, rebuilt, since)


def _compare_whole(connection: sqlite3.Connection) -> None:
    for table, columns in _WHOLE.items():
        here = f"SELECT {columns} FROM main.{table}"  # noqa: S608 -- all names are this program's
        there = f"SELECT {columns} FROM rebuilt.{table}"  # noqa: S608
        _refuse(table, "missing", connection.execute(f"{there} EXCEPT {here} LIMIT 1").fetchone())
        _refuse(table, "too much", connection.execute(f"{here} EXCEPT {there} LIMIT 1").fetchone())


def _compare_since(connection: sqlite3.Connection, since: Since) -> None:
    values = asdict(since)
    for table, columns in _PARTLY.items():
        unless = f"WHERE NOT ({_REPEATED})" if table == "transactions" else ""
        here = f"SELECT {columns} FROM main.{table}"  # noqa: S608
        there = f"SELECT {columns} FROM rebuilt.{table}"  # noqa: S608
        missing = f"{there} AS here {unless} EXCEPT {here} LIMIT 1"
        _refuse(table, "missing", connection.execute(missing, values if unless else {}).fetchone())
        too_much = f"{here} WHERE {_SINCE[table]} EXCEPT {there} LIMIT 1"
        _refuse(table, "too much", connection.execute(too_much, values).fetchone())


def _compare_trades(copy: Path, rebuilt: Path, since: Since) -> None:
    with closing(sqlite3.connect(copy)) as here, closing(sqlite3.connect(rebuilt)) as there:
        reached = {(pack.round, pack.slot) for pack in trade_packs.all_packs(there.execute)}
        for pack in trade_packs.all_packs(here.execute):
            if pack.commit > since.commit and (pack.round, pack.slot) not in reached:
                raise WrongError(f"trades of round {pack.round} in slot {pack.slot}: too much")
            if pack.noted != {one.trade.state for one in pack.trades}:
                raise WrongError(f"trades of round {pack.round} in slot {pack.slot}: other states are noted")
        for name in _missing_trades(here, there):
            raise WrongError(f"trade {name}: missing or different")


def _missing_trades(here: sqlite3.Connection, there: sqlite3.Connection) -> Iterator[str]:
    for pack in trade_packs.all_packs(there.execute):
        known = {one.trade.id: one[1:] for one in trade_packs.trades_in(here.execute, pack.round, pack.slot)}
        for one in pack.trades:
            if known.get(one.trade.id) != one[1:]:
                yield one.trade.id


def _refuse(table: str, what: str, row: tuple[object, ...] | None) -> None:
    if row is not None:
        raise WrongError(f"table {table}: {what} or different: {_readable(row)}")


def _readable(row: tuple[object, ...]) -> str:
    shown = (value.hex() if isinstance(value, bytes) else str(value) for value in row)
    return ", ".join(text if len(text) <= 100 else f"{text[:100]}…" for text in shown)
