"""The tables of a node's SQLite file.

History (`blocks`, `commits`, `transactions`, `events`) only grows, but for what the operator has pruned: then
`kept_transactions` has those, with their envelopes, that the events left tell of. Each kind of current value
has one table:
the row as canonical JSON under its key, and beside it the columns by which the API looks things up, which
SQLite computes from the row itself, so that they cannot disagree with it. `event_assets` finds the events of
an asset, `account_events` those that changed an account's money (by `amount`) or keys. A row that is not
`live` any more is kept for those who ask; the ledger never needs it again. `commit_n` is the commit that
wrote a row last.
"""

from typing import Final

from energy_ledger.storage import event_packs, kept, trade_packs

APPLICATION_ID: Final = 0x454C4E31
"""Marks the file as one of ours (`ELN1`)."""
VERSION: Final = 9
"""Of the tables below; a file of another version is not opened."""

CERTIFICATE: Final = "certificate"
"""The fact that holds the newest commit certificate."""

START: Final = "start"
"""The fact that says from which snapshot on this database knows everything."""
PRUNED: Final = "pruned"
"""The fact that says up to where everything older was deleted."""
PRUNING: Final = "pruning"
"""The fact that is there while that is still being done."""
COMMITTEE: Final = "committee/"
"""The facts that keep the votes for the committees of epochs before that; the epoch's number follows."""

_HISTORY: Final = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE tokens (holder TEXT PRIMARY KEY, hash BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks (
  n INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, epoch INTEGER NOT NULL, round INTEGER NOT NULL,
  author INTEGER NOT NULL, fate TEXT NOT NULL, commit_n INTEGER, raw BLOB NOT NULL);
CREATE INDEX blocks_round ON blocks (epoch, round, digest);
CREATE INDEX blocks_author ON blocks (epoch, author, round);
CREATE TABLE outbox (n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, envelope BLOB NOT NULL);
CREATE TABLE evidence (epoch INTEGER NOT NULL, first BLOB NOT NULL, second BLOB NOT NULL);
CREATE TABLE commits (
  n INTEGER PRIMARY KEY, time INTEGER NOT NULL, epoch INTEGER NOT NULL, leader BLOB NOT NULL,
  root BLOB NOT NULL);
CREATE TABLE transactions (
  n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, commit_n INTEGER NOT NULL, block BLOB NOT NULL,
  place INTEGER NOT NULL, code TEXT, field TEXT, message TEXT);
"""

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "accounts": ("public", "status"),
    "assets": ("account",),
    "audits": (),
    "orders": ("account", "asset", "state", "number"),
    "readings": ("asset", "slot"),
    "claims": ("account", "owner", "asset", "slot", "state"),
    "certificates": ("holder", "asset", "consumer", "slot", "state"),
    "tallies": (),
    "day_totals": ("asset", "account", "day"),
    "rounds": ("first_slot",),
    "closed_orders": (),
    "proposals": (),
    "invites": (),
    "used": (),
    "handovers": (),
    "work": (),
    "redemptions": ("account", "state"),
    "flexibility": ("account", "earliest", "deadline"),
    "tariffs": (),
    "policy": (),
    "totals": (),
}
"""The tables of current values, each with the fields of its rows that are indexed; trades come in packs."""

_PATHS: Final = {"public": "keys[0].public"}
"""Where a row has what a column is to show, where it is not the field of its name."""

PASSING: Final = frozenset({"closed_orders", "proposals", "flexibility"})
"""Tables of what counts only now: what the ledger is done with is not kept."""


def _state_table(name: str, columns: tuple[str, ...]) -> str:
    computed = "".join(
        f", {column} GENERATED ALWAYS AS (row ->> '$.{_PATHS.get(column, column)}') VIRTUAL"
        for column in columns
    )
    indexes = "".join(f"CREATE INDEX {name}_{column} ON {name} ({column});\n" for column in columns)
    return (
        f"CREATE TABLE {name} (n INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, live INTEGER NOT NULL, "
        f"row TEXT NOT NULL, commit_n INTEGER NOT NULL DEFAULT 0{computed});\n"
        f"CREATE INDEX {name}_live ON {name} (n) WHERE live;\n{indexes}"
    )


SCRIPT: Final = "".join(
    (
        _HISTORY,
        kept.TABLES,
        event_packs.TABLES,
        trade_packs.TABLES,
        *(_state_table(*one) for one in COLUMNS.items()),
    )
)
