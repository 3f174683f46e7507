"""Opening a node's SQLite file: made when missing, checked when there, set aside when damaged."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from energy_ledger.storage import schema

_BUSY_MS = 10_000
_CACHE_KIB = 16 * 1024
"""Ids come in no order, so writing touches all of their index, which fits up to some 100,000 transactions."""
_LOG_PAGES = 4_000
"""Pages of 4 KiB that the log may have before they are copied: what changes often is copied less often."""
_COMPANIONS = ("-wal", "-shm")


class StorageError(Exception):
    """The ledger's file cannot be used; the message says why and what to do."""


class DamagedError(StorageError):
    """The ledger's file is not what was written."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that is ready; `set_aside` is where a damaged one was put that lay in its place."""

    path: Path
    set_aside: Path | None


def open_or_set_aside(path: Path) -> Opened:
    """Make the file or check the one that is there; a damaged one is renamed, and an empty one made.

    Raises StorageError for a file of another program or version: that one is left alone.
    """
    aside = None
    if path.exists():
        try:
            if check(path):
                return Opened(path, None)
        except DamagedError:
            aside = set_aside(path)
    _make(path)
    return Opened(path, aside)


def check(path: Path) -> bool:
    """Tell whether the file is ours and whole; False when nobody has made the tables in it yet.

    Raises DamagedError when it is broken, StorageError when it belongs to another program or version, or
    cannot be read.
    """
    try:
        with closing(connect(path, read_only=True)) as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        raise StorageError(f"{path} cannot be read: {error}") from error
    except sqlite3.DatabaseError as error:
        raise DamagedError(f"{path} is damaged: {error}") from error
    if (application, version, tables) == (0, 0, 0):
        return False
    if application != schema.APPLICATION_ID:
        raise StorageError(f"{path} belongs to another program; move it away")
    if version != schema.VERSION:
        raise StorageError(
            f"{path} has version {version} of the tables, this program works with {schema.VERSION}; "
            "use the release of this program that wrote it"
        )
    if verdict != "ok":
        raise DamagedError(f"{path} is damaged: {verdict}")
    return True


def copy(path: Path, target: Path) -> None:
    """Copy a file as it stands at one moment, with what its log holds."""
    with closing(connect(path, read_only=True)) as source, closing(sqlite3.connect(target)) as sink:
        source.backup(sink)


def set_aside(path: Path) -> Path:
    """Rename a damaged file and what belongs to it; return its new name. Nothing is ever deleted."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for companion in ("", *_COMPANIONS):
        part = path.with_name(path.name + companion)
        if part.exists():
            part.rename(aside.with_name(aside.name + companion))
    return aside


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a connection; a writing one has every commit on the disk before it returns."""
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
    )
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    if not read_only:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new file: pruning gives its room back
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
    return connection


def _make(path: Path) -> None:
    with closing(connect(path)) as connection:
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{schema.SCRIPT}"
            f"PRAGMA application_id = {schema.APPLICATION_ID};\n"
            f"PRAGMA user_version = {schema.VERSION};\nCOMMIT;"
        )
