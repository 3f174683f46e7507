"""A ledger's file made anew from a certified snapshot, after damage or in another place."""

import shutil
from contextlib import closing
from pathlib import Path

from energy_ledger.genesis import Genesis
from energy_ledger.node import founding
from energy_ledger.node.configuration import Configuration
from energy_ledger.node.snapshot_check import Checked, check
from energy_ledger.node.snapshots import take_over
from energy_ledger.storage import database
from energy_ledger.storage.directory import DataDirectory
from energy_ledger.storage.snapshot import SnapshotError, SnapshotFile
from energy_ledger.storage.writer import Writer


def read_checked(path: Path) -> Checked:
    """Read a snapshot and check it from its genesis on. Raises SnapshotError."""
    with SnapshotFile.open(path) as file:
        return check(file.read())


def rebuild(directory: DataDirectory, snapshot: Path, *, new_key: bool) -> Genesis:
    """Make the ledger's file from a snapshot, where there is none; it is there whole, or not at all.

    Unless the node's key is new, it may have spoken after the snapshot: it must hear from the others first.
    Raises SnapshotError.
    """
    checked, known = read_checked(snapshot), Configuration.read(directory)
    if not new_key and directory.voice_mark() is None:
        directory.doubt_voice()
    part = directory.database.with_name(directory.database.name + ".new")
    part.unlink(missing_ok=True)
    database.open_or_set_aside(part)
    with closing(Writer(part)) as writer:
        founding.begin(writer, checked.genesis, known.stored_facts())
        take_over(writer, checked)
        known.write_tokens(writer)
    if snapshot != directory.ledger_start:
        shutil.copyfile(snapshot, directory.ledger_start)
    part.replace(directory.database)
    return checked.genesis


def try_rebuild(directory: DataDirectory) -> Genesis | None:
    """Make a missing ledger's file from the snapshot beside it; None when there is none that is good."""
    if directory.database.exists() or not directory.snapshot.exists():
        return None
    try:
        return rebuild(directory, directory.snapshot, new_key=False)
    except SnapshotError:
        return None
