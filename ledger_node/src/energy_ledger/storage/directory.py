"""The data directory of a node: who may use it, and the secrets in it.

| file | what |
|---|---|
| `lock` | held by the one process that runs here; says its process number |
| `node.key` | the node's Ed25519 seed, hex; whoever has it can sign blocks in this node's name |
| `setup.token` | the right to found a network here, and the operator's token for reading |
| `address` | where the running node listens, for the command line |
| `peer` | where the running node accepts links, for the command line |
| `ledger.db` | the ledger |
| `snapshot` | the newest certified snapshot of the ledger; `snapshot.part` is one that is being fetched |
| `ledger.start` | the snapshot from which this ledger went on, if it did not begin with the network |
| `milestones` | snapshots of the past, at one of which the ledger's history can begin |
| `configuration` | what else the node must remember: hashes of tokens, known peers, its admission |
| `voice` | which database has signed blocks with the node's key: another one must not, before it knows them |
"""

import fcntl
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from energy_ledger import crypto

_SECRET_MODE = 0o600
_SEED_BYTES = 32
LEDGER_START = "ledger.start"
_UNKNOWN = "unknown"
"""The mark of a voice whose database nobody knows any more."""


class DirectoryError(Exception):
    """The data directory cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class NodeKey:
    """The key of a node: it signs the node's blocks and the node account's transactions."""

    seed: bytes

    @property
    def public(self) -> bytes:
        """The Ed25519 public key, 32 bytes."""
        return crypto.public_key(self.seed)


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """The folder a node lives in. Making one does not touch the disk."""

    path: Path

    @property
    def database(self) -> Path:
        """Where the ledger's SQLite file lies."""
        return self.path / "ledger.db"

    @property
    def database_bytes(self) -> int:
        """How large the ledger's file is, with its log of latest changes."""
        return sum(
            path.stat().st_size
            for suffix in ("", "-wal")
            if (path := self.database.with_name(self.database.name + suffix)).exists()
        )

    @property
    def snapshot(self) -> Path:
        """Where the newest certified snapshot lies."""
        return self.path / "snapshot"

    @property
    def snapshot_part(self) -> Path:
        """Where a snapshot lies that is being fetched."""
        return self.path / "snapshot.part"

    @property
    def ledger_start(self) -> Path:
        """Where the snapshot lies with which the ledger's file begins."""
        return self.path / LEDGER_START

    @property
    def configuration(self) -> Path:
        """Where that lies which a node needs besides keys and ledger."""
        return self.path / "configuration"

    def prepare(self) -> None:
        """Make the folder where it is missing; raises DirectoryError where that is not possible."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DirectoryError(
                f"the data directory {self.path} cannot be made: {error.strerror}"
            ) from error

    @property
    def key_exists(self) -> bool:
        """Whether a node has a key here."""
        return (self.path / "node.key").exists()

    def node_key(self) -> NodeKey:
        """Return the node's key; the first call in a directory without a ledger makes it.

        Raises DirectoryError when a ledger's key is gone or broken: a node must not go on under a new one.
        """
        path = self.path / "node.key"
        if self.database.exists() and not path.exists():
            raise DirectoryError(f"{path} is missing, but its ledger is here; restore the key from a backup")
        text = _read_or_make(path, lambda: secrets.token_hex(_SEED_BYTES))
        try:
            seed = bytes.fromhex(text)
        except ValueError:
            seed = b""
        if len(seed) != _SEED_BYTES:
            raise DirectoryError(
                f"{path} does not hold a node key (64 hexadecimal digits); restore it from a backup"
            )
        return NodeKey(seed)

    def setup_token(self) -> str:
        """Return the token for setting up and reading this node; the first call makes it."""
        return _read_or_make(self.path / "setup.token", new_token)

    def renew_setup_token(self) -> str:
        """Make another such token; the one before is worth nothing from the node's next start on."""
        token = new_token()
        write_atomically(self.path / "setup.token", token + "\n")
        return token

    def voice_mark(self) -> str | None:
        """Return the mark of the database that has spoken for the node's key, None when none has."""
        with suppress(FileNotFoundError):
            return (self.path / "voice").read_text(encoding="utf-8", errors="replace").strip()
        return None

    def mark_voice(self, mark: str) -> None:
        """Note, on the disk, which database speaks for the node's key."""
        if self.voice_mark() != mark:
            write_atomically(self.path / "voice", mark + "\n")

    def doubt_voice(self) -> None:
        """Note that the key may have said more than any database here knows."""
        self.mark_voice(_UNKNOWN)

    def say_address(self, url: str) -> None:
        """Leave a note for the command line where the node listens."""
        write_atomically(self.path / "address", url + "\n")

    def say_peer(self, peer: str) -> None:
        """Leave a note for the command line where the node accepts links, as `key@host:port`."""
        write_atomically(self.path / "peer", peer + "\n")

    def peer(self) -> str | None:
        """Return where the node that runs here accepts links, None when none ever did."""
        with suppress(FileNotFoundError):
            return (self.path / "peer").read_text(encoding="utf-8", errors="replace").strip()
        return None

    def address(self) -> str | None:
        """Return where the node that runs here listens, or None when none ever did."""
        with suppress(FileNotFoundError):
            return (self.path / "address").read_text(encoding="utf-8", errors="replace").strip()
        return None


class DirectoryLock:
    """The right to be the one process that uses a data directory; lost with the process, however it ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, directory: DataDirectory) -> Self:
        """Make the directory if it is missing, and take its lock.

        Raises DirectoryError when another process holds it or the directory cannot be written.
        """
        directory.prepare()
        path = directory.path / "lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _SECRET_MODE)
        except OSError as error:
            raise DirectoryError(
                f"the data directory {directory.path} cannot be used: {error.strerror}"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise DirectoryError(
                f"another process (number {holder}) already uses {directory.path}; "
                "stop it first, or give this one a directory of its own"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Give the directory free."""
        os.close(self._descriptor)


def new_token() -> str:
    """Make a bearer token: 32 random bytes as text."""
    return secrets.token_urlsafe(32)


def write_atomically(path: Path, text: str) -> None:
    """Write a file that only its owner can read: whole and on disk, or not at all."""
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _SECRET_MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Have the names in a folder on the disk."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read_or_make(path: Path, make: Callable[[], str]) -> str:
    with suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8", errors="replace").strip()
    write_atomically(path, make() + "\n")
    return path.read_text(encoding="utf-8", errors="replace").strip()
