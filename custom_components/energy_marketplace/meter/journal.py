"""The journal: a connection point's readings, kept at home until they are attested, and their secrets after.

It is append-only: each record is written before anything else happens with it, so that a crash loses
nothing that was promised. With each reading goes the random salt of its commitment; salt and registers
never leave the home unless its people open a reading to an auditor.
"""

import asyncio
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from ..ledger.commitment import SALT_BYTES, commit, registers_text
from .readings import SlotReading

type Mode = Literal["traded", "net"]
type Record = dict[str, Any]


class Storage(Protocol):
    """Where a journal lives. `FileStorage` is one; Home Assistant's own store can be another."""

    async def load(self) -> list[Record]:
        """Return all records, oldest first."""

    async def append(self, record: Record) -> None:
        """Keep one more record; on disk when this returns."""

    async def replace(self, records: list[Record]) -> None:
        """Keep these records instead of all others."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A reading of one's own meter, with the salt of its commitment and the transaction that attested it."""

    reading: SlotReading
    salt: bytes
    transaction: str | None = None


@dataclass(frozen=True, slots=True)
class Traded:
    """What a connection point sold and bought in one slot (Wh)."""

    sold_wh: int = 0
    bought_wh: int = 0


@dataclass(frozen=True, slots=True)
class Attestation:
    """What is to be attested for a slot."""

    asset: str
    slot: int
    imported_wh: int
    exported_wh: int
    commitment: str


class Journal:
    """The readings of one connection point (asset id).

    Make it with `Journal.open`. Not to be used by two tasks at once for the same slot.
    """

    def __init__(self, asset: str, storage: Storage, entries: Mapping[int, JournalEntry]) -> None:
        self.asset = asset
        self._storage = storage
        self._entries = dict(entries)

    @classmethod
    async def open(cls, asset: str, storage: Storage) -> Journal:
        """Return the journal as it was left."""
        entries: dict[int, JournalEntry] = {}
        for record in await storage.load():
            _apply(entries, record)
        return cls(asset, storage, entries)

    @property
    def entries(self) -> Mapping[int, JournalEntry]:
        """All entries by slot."""
        return self._entries

    async def add(
        self, reading: SlotReading, *, random: Callable[[int], bytes] = secrets.token_bytes
    ) -> JournalEntry:
        """Keep a reading; a slot that is there already stays as it is."""
        if (known := self._entries.get(reading.slot)) is not None:
            return known
        salt = random(SALT_BYTES)
        await self._write({"do": "read", **reading.as_dict(), "salt": salt.hex()})
        return self._entries[reading.slot]

    async def attested(self, slot: int, transaction: str) -> None:
        """Note that a slot's reading is on the ledger."""
        await self._write({"do": "attested", "slot": slot, "transaction": transaction})

    async def unattested(self, slot: int) -> None:
        """Note that the ledger does not know a slot's reading any more."""
        await self._write({"do": "attested", "slot": slot, "transaction": None})

    async def forget_before(self, slot: int) -> None:
        """Drop the entries of slots before this one, for good: their commitments can no longer be opened."""
        kept = {key: entry for key, entry in self._entries.items() if key >= slot}
        if len(kept) == len(self._entries):
            return
        await self._storage.replace([record for entry in kept.values() for record in _records(entry)])
        self._entries = kept

    def due(self, traded: Mapping[int, Traded], mode: Mode) -> list[Attestation]:
        """Return what is to be attested now, oldest first.

        Args: traded: the point's trades by slot, at least of the slots that are over and not settled. mode:
        the network's `readings`. With `traded`, only slots with trades are attested, and no more energy
        than was traded: the home's load curve stays at home. With `net`, every slot in full.

        """
        return [
            self._attestation(entry, traded.get(slot, Traded()), mode)
            for slot, entry in sorted(self._entries.items())
            if entry.transaction is None and (mode == "net" or slot in traded)
        ]

    def attestation(self, slot: int, traded: Traded, mode: Mode) -> Attestation | None:
        """Return what is or would have been right to attest for a slot; None if there is no reading of it."""
        entry = self._entries.get(slot)
        return None if entry is None else self._attestation(entry, traded, mode)

    def commitment(self, slot: int) -> str:
        """Return the commitment to a slot's registers; KeyError if there is no reading of it."""
        entry = self._entries[slot]
        return commit(entry.salt, self.registers_text(slot))

    def registers_text(self, slot: int) -> str:
        """Return the text behind the commitment: with the salt it opens the reading to an auditor."""
        reading = self._entries[slot].reading
        return registers_text(self.asset, slot, reading.start.as_tuple(), reading.end.as_tuple())

    def _attestation(self, entry: JournalEntry, traded: Traded, mode: Mode) -> Attestation:
        reading = entry.reading
        full = mode == "net"
        return Attestation(
            asset=self.asset,
            slot=reading.slot,
            imported_wh=reading.imported_wh if full else min(reading.imported_wh, traded.bought_wh),
            exported_wh=reading.exported_wh if full else min(reading.exported_wh, traded.sold_wh),
            commitment=self.commitment(reading.slot),
        )

    async def _write(self, record: Record) -> None:
        await self._storage.append(record)
        _apply(self._entries, record)


class FileStorage:
    """Records as JSON lines in a file of their own; written through to the disk, outside the event loop.

    A line that a crash cut short is the last one and was never promised to anybody: it is dropped.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = asyncio.Lock()

    async def load(self) -> list[Record]:
        """Return all whole records."""
        async with self._lock:
            return await asyncio.to_thread(self._load)

    async def append(self, record: Record) -> None:
        """Write one record through to the disk."""
        async with self._lock:
            await asyncio.to_thread(self._append, record)

    async def replace(self, records: list[Record]) -> None:
        """Write a new file and put it in the place of the old one."""
        async with self._lock:
            await asyncio.to_thread(self._replace, records)

    def _load(self) -> list[Record]:
        if not self._path.exists():
            return []
        content = self._path.read_bytes()
        whole, _, cut = content.rpartition(b"\n")
        if cut:
            with self._path.open("r+b") as file:
                file.truncate(len(content) - len(cut))
        return [json.loads(line) for line in whole.splitlines()]

    def _append(self, record: Record) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(_line(record))
            file.flush()
            os.fsync(file.fileno())

    def _replace(self, records: Iterable[Record]) -> None:
        new = self._path.with_suffix(".new")
        with new.open("wb") as file:
            file.writelines(_line(record) for record in records)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)


def _line(record: Record) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def _records(entry: JournalEntry) -> list[Record]:
    read = {"do": "read", **entry.reading.as_dict(), "salt": entry.salt.hex()}
    if entry.transaction is None:
        return [read]
    return [read, {"do": "attested", "slot": entry.reading.slot, "transaction": entry.transaction}]


def _apply(entries: dict[int, JournalEntry], record: Record) -> None:
    if record["do"] == "read":
        reading = SlotReading.from_dict(record)
        entries[reading.slot] = JournalEntry(reading, bytes.fromhex(record["salt"]))
    elif (entry := entries.get(record["slot"])) is not None:
        entries[record["slot"]] = replace(entry, transaction=record["transaction"])
