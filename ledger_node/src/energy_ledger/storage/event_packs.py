"""Events on the disk: those of a commit together in packs, and which asset is concerned in which of them."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import batched, chain, islice
from typing import Final

from msgspec import Struct, json

from energy_ledger.ledger.events import Event
from energy_ledger.ledger.postings import COMMUNITY, touched
from energy_ledger.ledger.rows import Account, Totals
from energy_ledger.storage.packs import Run, pack, unpack

TABLES: Final = """
CREATE TABLE events (first INTEGER PRIMARY KEY, size INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE event_assets (
  asset TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY (asset, first)) WITHOUT ROWID;
CREATE TABLE account_events (
  account TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, time INTEGER NOT NULL,
  amount INTEGER NOT NULL, bare INTEGER NOT NULL, PRIMARY KEY (account, first)) WITHOUT ROWID;
"""
"""`first` and `last` are cursors. An asset or account is noted once per commit, not per event: `amount` is
what all of its events did to an account's money, `bare` whether there is one that did nothing to it (2: of
that history the rest is pruned, and `amount` is 0). In place of pruned events a pack has empty lines."""

COMPARED: Final = {
    "events": "first, size, unpacked(body)",
    "event_assets": "asset, first, last",
    "account_events": "account, first, last, time, amount, bare",
}
"""What the databases of two nodes with the same history have alike."""

SIZE: Final = 1_000
"""Most events in a pack: a page is read without reading much beyond it."""


class _Concerned(Struct):
    assets: tuple[str, ...]


_concerned = json.Decoder(_Concerned)
_event = json.Decoder(Event)


def write_events(run: sqlite3.Cursor, events: Sequence[Event], lines: Sequence[bytes]) -> None:
    """Write the events of a commit, `lines` being their JSON."""
    if not events:
        return
    first, last = events[0].cursor, events[-1].cursor
    packs = zip(range(first, last + 1, SIZE), batched(lines, SIZE, strict=False), strict=True)
    run.executemany(
        "INSERT INTO events VALUES (?, ?, ?)", [(at, len(group), pack(group)) for at, group in packs]
    )
    assets = sorted(set(chain.from_iterable(event.assets for event in events)))
    run.executemany("INSERT INTO event_assets VALUES (?, ?, ?)", [(asset, first, last) for asset in assets])
    amounts: dict[str, list[int]] = {}
    for event in events:
        for account, amount in touched(event).items():
            amounts.setdefault(account, []).append(amount)
    run.executemany(
        "INSERT INTO account_events VALUES (?, ?, ?, ?, ?, ?)",
        [(one, first, last, events[0].time, sum(all_), 0 in all_) for one, all_ in sorted(amounts.items())],
    )


def events_after(run: Run, after: int, limit: int) -> list[tuple[int, bytes]]:
    """Return at most `limit` events after a cursor, with their cursors."""
    packs = run(
        "SELECT first, body FROM events "
        "WHERE first >= (SELECT max(first) FROM events WHERE first <= ?) ORDER BY first",
        (after + 1,),
    )
    return list(islice((one for one in _events_in(packs) if one[0] > after), limit))


def events_of(run: Run, asset: str, after: int, limit: int) -> list[tuple[int, bytes]]:
    """Return at most `limit` events after a cursor that concern an asset, with their cursors."""
    packs = run(
        "SELECT events.first, body FROM event_assets "
        "JOIN events ON events.first BETWEEN event_assets.first AND event_assets.last "
        "WHERE asset = ? AND last > ?2 AND events.first + size > ?2 ORDER BY events.first",
        (asset, after),
    )
    needle = asset.encode("utf-8", "replace")
    found = (
        (cursor, line)
        for cursor, line in _events_in(packs)
        if cursor > after and needle in line and asset in _concerned.decode(line).assets
    )
    return list(islice(found, limit))


def events_of_account(
    run: Run, account: str, times: tuple[int, int], after: int, limit: int
) -> list[tuple[int, bytes]]:
    """Return at most `limit` events after a cursor that changed an account's money or keys.

    Only those of commits with a ledger time (ms) in [since, until); with their cursors.
    """
    packs = run(
        "SELECT events.first, body FROM account_events "
        "JOIN events ON events.first BETWEEN account_events.first AND account_events.last "
        "WHERE account = ?1 AND account_events.time >= ?2 AND account_events.time < ?3 "
        "AND last > ?4 AND events.first + size > ?4 ORDER BY events.first",
        (account, *times, after),
    )
    found = ((cursor, line) for cursor, line, _ in _touching(packs, account) if cursor > after)
    return list(islice(found, limit))


def bare_events_of_account(run: Run, account: str) -> list[bytes]:
    """Return the events of an account that did not change its money, oldest first."""
    packs = run(
        "SELECT events.first, body FROM account_events "
        "JOIN events ON events.first BETWEEN account_events.first AND account_events.last "
        "WHERE account = ? AND bare ORDER BY events.first",
        (account,),
    )
    return [line for _, line, amount in _touching(packs, account) if amount == 0]


def balance_at(run: Run, account: str, time: int) -> int | None:
    """Return an account's balance just before a ledger time (ms), None when there is no such account.

    Counted back from the present one, so that it is right though older events may be gone.
    """
    is_fund = account == COMMUNITY
    table, name = (Totals.table, COMMUNITY) if is_fund else (Account.table, "balance")
    found = run(
        f"SELECT row ->> '$.{name}' - (SELECT coalesce(sum(amount), 0) FROM account_events "  # noqa: S608
        f"WHERE account = ? AND time >= ?) FROM {table} WHERE key = ?",
        (account, time, Totals.table if is_fund else account),
    ).fetchone()
    return None if found is None else int(found[0])


def _touching(packs: Iterable[tuple[int, bytes]], account: str) -> Iterator[tuple[int, bytes, int]]:
    """Return the events that changed an account's money or keys, with the amount."""
    for cursor, line in _events_in(packs):
        if (amount := touched(_event.decode(line)).get(account)) is not None:
            yield cursor, line, amount


def _events_in(packs: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    lines = chain.from_iterable(enumerate(unpack(body), first) for first, body in packs)
    return ((cursor, line) for cursor, line in lines if line)
