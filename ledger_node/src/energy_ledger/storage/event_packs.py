"""Events on the disk: those of a commit together in packs, and which asset is concerned in which of them."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import batched, chain, islice
from typing import Final

from msgspec import Struct, json

from energy_ledger.ledger.events import Event
from energy_ledger.storage.packs import Run, pack, unpack

TABLES: Final = """
CREATE TABLE events (first INTEGER PRIMARY KEY, size INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE event_assets (
  asset TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY (asset, first)) WITHOUT ROWID;
"""
"""`first` and `last` are cursors; an asset is noted once per commit, not per event."""

COMPARED: Final = {"events": "first, size, unpacked(body)", "event_assets": "asset, first, last"}
"""What the databases of two nodes with the same history have alike."""

SIZE: Final = 1_000
"""Most events in a pack: a page is read without reading much beyond it."""


class _Concerned(Struct):
    assets: tuple[str, ...]


_concerned = json.Decoder(_Concerned)


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


def _events_in(packs: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    return chain.from_iterable(enumerate(unpack(body), first) for first, body in packs)
