"""Transactions that are left of pruned history: those that the events which are kept tell of.

Each has all that was in `transactions`, the time of its commit (ms) and its envelope, which the block that
brought it held; the block itself is gone, with what else was in it.
"""

import sqlite3
from compression import zstd
from typing import Final, NamedTuple

from energy_ledger.storage.packs import Run

TABLES: Final = """
CREATE TABLE kept_transactions (
  id BLOB PRIMARY KEY, commit_n INTEGER NOT NULL, time INTEGER NOT NULL, block BLOB NOT NULL,
  place INTEGER NOT NULL, code TEXT, field TEXT, message TEXT, envelope BLOB NOT NULL) WITHOUT ROWID;
"""
_COLUMNS: Final = "commit_n, time, block, place, code, field, message"

type Record = tuple[int, int, bytes, int, str | None, str | None, str | None]
"""Commit, its time (ms), block, place in it, and why it was refused, if it was."""


class Kept(NamedTuple):
    """A kept transaction and its envelope."""

    record: Record
    envelope: bytes


def keep(run: sqlite3.Cursor, identity: bytes, kept: Kept) -> None:
    """Keep a transaction, unless it is kept already."""
    values = (identity, *kept.record, zstd.compress(kept.envelope, level=1))
    run.execute("INSERT OR IGNORE INTO kept_transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def is_kept(run: sqlite3.Cursor, identity: bytes) -> bool:
    """Tell whether a transaction is kept."""
    found = run.execute("SELECT 1 FROM kept_transactions WHERE id = ?", (identity,)).fetchone()
    return found is not None


def find(run: Run, identity: bytes) -> Kept | None:
    """Return a kept transaction by its id, None when there is none."""
    found = run(f"SELECT {_COLUMNS}, envelope FROM kept_transactions WHERE id = ?", (identity,)).fetchone()  # noqa: S608
    return None if found is None else Kept(found[:-1], zstd.decompress(found[-1]))
