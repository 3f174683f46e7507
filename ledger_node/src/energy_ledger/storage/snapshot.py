"""Snapshots as files and frames carry them: a manifest, and the records in chunks of bounded size.

A file is the mark, the length of the manifest (4 bytes, big-endian), the manifest, and the chunks one after
the other. A file that ends early is one that is still being fetched: it goes on after its last whole chunk.
"""

import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, BinaryIO, Final, Self

import msgspec
from msgspec import Meta, Struct

from energy_ledger import crypto
from energy_ledger.dag.blocks import MAX_BLOCK_BYTES
from energy_ledger.ledger.events import canonical
from energy_ledger.ledger.tables import Row
from energy_ledger.proofs import Certificate
from energy_ledger.storage.directory import sync_folder

TAG: Final = crypto.tag("snapshot")
MARK: Final = b"energy-ledger/snapshot/v1\n"
CHUNK_BYTES: Final = 512 * 1024
"""When a chunk is full, before it is compressed; a single larger record still gets one."""
MAX_CHUNK_BYTES: Final = MAX_BLOCK_BYTES + 64 * 1024
MAX_CHUNKS: Final = 16_384
_LENGTH = 4
_HEAD: Final = len(MARK) + _LENGTH
_MAX_MANIFEST = 4 * 1024 * 1024

type Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]


class SnapshotError(ValueError):
    """What is given as a snapshot is none, or not a true one; the message says why."""


class Chunk(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One chunk: the digest of its bytes as they travel, and how many they are."""

    digest: Digest
    size: Annotated[int, Meta(gt=0, le=MAX_CHUNK_BYTES)]


class Manifest(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a snapshot begins with: the genesis (an envelope), the certificate of its commit, its chunks."""

    genesis: Annotated[bytes, Meta(max_length=262_144)]
    certificate: Certificate
    chunks: Annotated[tuple[Chunk, ...], Meta(max_length=MAX_CHUNKS)]

    @property
    def size(self) -> int:
        """The bytes of all chunks."""
        return sum(chunk.size for chunk in self.chunks)


class RowRecord(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="row", gc=False):
    """A current row of the ledger, in canonical JSON."""

    table: str
    key: str
    row: bytes


class CommitteeRecord(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="committee"):
    """The committee of an epoch, and the envelopes by which a quorum of the one before voted it in."""

    epoch: int
    committee: tuple[str, ...]
    votes: tuple[bytes, ...]


class BlockRecord(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="block", gc=False):
    """A block of the depth window or above."""

    raw: bytes


type Record = RowRecord | CommitteeRecord | BlockRecord

_records = msgspec.msgpack.Decoder(list[Record])
_manifest = msgspec.msgpack.Decoder(Manifest)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All of a snapshot, read but not checked."""

    genesis: bytes
    certificate: Certificate
    committees: tuple[CommitteeRecord, ...]
    rows: tuple[Row, ...]
    blocks: tuple[bytes, ...]


def snapshot_id(manifest: bytes) -> bytes:
    """Return what names a snapshot: the digest of its manifest."""
    return crypto.digest(TAG, manifest)


def read_manifest(data: bytes) -> Manifest:
    """Read a manifest. Raises SnapshotError."""
    try:
        return _manifest.decode(data)
    except msgspec.MsgspecError as error:
        raise SnapshotError(f"this is no manifest of a snapshot: {error}") from error


def is_chunk(chunk: Chunk, data: bytes) -> bool:
    """Tell whether these are the bytes of a chunk."""
    return len(data) == chunk.size and crypto.digest(TAG, data) == chunk.digest


# --- writing ------------------------------------------------------------------------------------------------


def records_of(
    rows: Iterable[Row], committees: Iterable[Record], blocks: Iterable[bytes]
) -> Iterator[Record]:
    """Return the records of a snapshot in the order in which they are written."""
    yield from committees
    for row in rows:
        yield RowRecord(row.table, row.key, canonical(row.row))
    for raw in blocks:
        yield BlockRecord(raw)


def write(path: Path, genesis: bytes, certificate: Certificate, records: Iterable[Record]) -> None:
    """Write a snapshot: whole and on the disk, or not at all."""
    body = path.with_name(path.name + ".body")
    with body.open("wb") as file:
        chunks = [_put(file, packed) for packed in _packed(records)]
    manifest = msgspec.msgpack.encode(Manifest(genesis, certificate, tuple(chunks)))
    part = path.with_name(path.name + ".new")
    with part.open("wb") as file, body.open("rb") as source:
        file.write(head(manifest))
        while data := source.read(1 << 20):
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
    body.unlink()
    part.replace(path)
    sync_folder(path.parent)


def head(manifest: bytes) -> bytes:
    """Return how the file of a snapshot with this manifest begins."""
    return MARK + len(manifest).to_bytes(_LENGTH, "big") + manifest


def _put(file: BinaryIO, data: bytes) -> Chunk:
    file.write(data)
    return Chunk(crypto.digest(TAG, data), len(data))


def _packed(records: Iterable[Record]) -> Iterator[bytes]:
    full: list[Record] = []
    size = 0
    for record in records:
        length = len(record.raw if isinstance(record, BlockRecord) else msgspec.msgpack.encode(record))
        if full and size + length > CHUNK_BYTES:
            yield _pack(full)
            full, size = [], 0
        full.append(record)
        size += length
    if full:
        yield _pack(full)


def _pack(records: list[Record]) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(records), 1)


def unpack(data: bytes) -> list[Record]:
    """Read the records of a chunk. Raises SnapshotError."""
    limit = 2 * MAX_CHUNK_BYTES
    try:
        plain = zlib.decompressobj().decompress(data, limit)
        return _records.decode(plain)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise SnapshotError(f"a chunk of the snapshot cannot be read: {error}") from error


# --- reading ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """A snapshot on the disk, whole or not; readable until `close`, whatever takes its place."""

    path: Path
    manifest_bytes: bytes
    manifest: Manifest
    _file: int

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read the beginning of a file. Raises SnapshotError, also when there is no file."""
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise SnapshotError(f"{path} cannot be read: {error.strerror}") from error
        try:
            manifest = _manifest_in(file, path)
            return cls(path, manifest, read_manifest(manifest), file)
        except SnapshotError:
            os.close(file)
            raise

    def __enter__(self) -> Self:
        """Keep it open for a while."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    @property
    def id(self) -> bytes:
        """What names the snapshot."""
        return snapshot_id(self.manifest_bytes)

    @property
    def commit(self) -> int:
        """The commit that it is of."""
        return self.manifest.certificate.state.commit

    def start_of(self, number: int) -> int:
        """Return where a chunk, counted from 0, begins in the file."""
        before = sum(chunk.size for chunk in self.manifest.chunks[:number])
        return _HEAD + len(self.manifest_bytes) + before

    def chunk(self, number: int) -> bytes:
        """Return the bytes of a chunk, counted from 0. Raises SnapshotError when it is not what it was."""
        wanted = self.manifest.chunks[number]
        data = os.pread(self._file, wanted.size, self.start_of(number))
        if not is_chunk(wanted, data):
            raise SnapshotError(f"{self.path} is damaged or not complete (chunk {number + 1})")
        return data

    def read(self) -> Snapshot:
        """Read all of it. Raises SnapshotError."""
        committees: list[CommitteeRecord] = []
        rows: list[Row] = []
        blocks: list[bytes] = []
        for number in range(len(self.manifest.chunks)):
            for record in unpack(self.chunk(number)):
                match record:
                    case CommitteeRecord():
                        committees.append(record)
                    case RowRecord(table, key, row):
                        rows.append(Row(table, key, _json(row)))
                    case BlockRecord(raw):
                        blocks.append(raw)
        return Snapshot(
            self.manifest.genesis, self.manifest.certificate, tuple(committees), tuple(rows), tuple(blocks)
        )


def _manifest_in(file: int, path: Path) -> bytes:
    start = os.pread(file, _HEAD, 0)
    length = int.from_bytes(start[len(MARK) :], "big")
    if len(start) != _HEAD or not start.startswith(MARK) or length > _MAX_MANIFEST:
        raise SnapshotError(f"{path} is no snapshot of a ledger")
    return os.pread(file, length, _HEAD)


def _json(row: bytes) -> dict[str, object]:
    try:
        return msgspec.json.decode(row, type=dict[str, object])
    except msgspec.MsgspecError as error:
        raise SnapshotError(f"a row of the snapshot cannot be read: {error}") from error


# --- while it comes -----------------------------------------------------------------------------------------


class PartialFile:
    """A snapshot that is being fetched, chunk after chunk; what came survives a stop."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._manifest: Manifest | None = None
        self._have = 0

    @property
    def wanted(self) -> int | None:
        """The number of the next chunk, None when all are here."""
        if self._manifest is None or self._have == len(self._manifest.chunks):
            return None
        return self._have

    @property
    def commit(self) -> int:
        """The commit that it is of."""
        return self._manifest.certificate.state.commit if self._manifest else 0

    @property
    def percent(self) -> int:
        """How much of it is here."""
        if self._manifest is None:
            return 0
        have = sum(chunk.size for chunk in self._manifest.chunks[: self._have])
        return 100 * have // max(1, self._manifest.size)

    def resume(self) -> bytes | None:
        """Take up what came before; return the snapshot's id, None when there is nothing."""
        self._manifest, self._have = None, 0
        try:
            with SnapshotFile.open(self.path) as file:
                self._manifest = file.manifest
                self._have = _good_chunks(file)
                end, identity = file.start_of(self._have), file.id
        except SnapshotError:
            return None
        os.truncate(self.path, end)
        return identity

    def begin(self, manifest: bytes) -> None:
        """Start anew. Raises SnapshotError for what is no manifest."""
        self._manifest, self._have = read_manifest(manifest), 0
        self.path.write_bytes(head(manifest))

    def add(self, data: bytes) -> None:
        """Add the next chunk. Raises SnapshotError when it is not the one of the manifest."""
        if self._manifest is None or not is_chunk(self._manifest.chunks[self._have], data):
            raise SnapshotError("a chunk is not the one that the manifest names")
        with self.path.open("ab") as file:
            file.write(data)
        self._have += 1

    def discard(self) -> None:
        """Give up what came."""
        self._manifest, self._have = None, 0
        self.path.unlink(missing_ok=True)


def _good_chunks(file: SnapshotFile) -> int:
    """Return how many chunks from the first on are whole."""
    for number in range(len(file.manifest.chunks)):
        try:
            file.chunk(number)
        except SnapshotError:
            return number
    return len(file.manifest.chunks)
