"""`snapshot`: writes, checks or takes up a certified snapshot of the ledger.

A snapshot holds all that the ledger needs to go on, at a commit that a quorum of the validators signed.
Whoever takes it up checks it from the genesis on, so it can come from anybody. It holds no key, token or
older history.
"""

import shutil
import tempfile
from argparse import ArgumentParser, Namespace
from contextlib import closing
from pathlib import Path

from energy_ledger.commands.options import add_data, add_json, directory
from energy_ledger.commands.output import CommandError, result, result_json
from energy_ledger.node import founding
from energy_ledger.node.rebuilding import read_checked, rebuild
from energy_ledger.node.shutter import Shutter
from energy_ledger.node.snapshot_check import Checked
from energy_ledger.node.snapshots import make
from energy_ledger.storage import database
from energy_ledger.storage.directory import DataDirectory, DirectoryLock
from energy_ledger.storage.reader import Reader
from energy_ledger.storage.snapshot import SnapshotError, SnapshotFile

NAME = "snapshot"
HELP = "write, check or take up a certified snapshot of the ledger"


def configure(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_data(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--output", type=Path, metavar="FILE", help="write the node's snapshot to this file")
    what.add_argument("--check", type=Path, metavar="FILE", help="check a snapshot from its genesis on")
    what.add_argument(
        "--restore", type=Path, metavar="FILE", help="begin the ledger of an empty data directory with it"
    )
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Print what the snapshot is of; exit 1 when it is not good."""
    place = directory(arguments)
    try:
        if arguments.output is not None:
            _write(place, arguments.output)
        if arguments.restore is not None:
            _restore(place, arguments.restore)
        path = arguments.output or arguments.check or arguments.restore
        checked = read_checked(path)
    except SnapshotError as error:
        raise CommandError(f"no good snapshot: {error}") from None
    said = _fields(checked, path)
    if arguments.json:
        result_json(said)
    else:
        result(
            f"Snapshot of {said['name']} ({said['network']}) at commit {said['commit']}, state root "
            f"{said['state_root']}, signed by {said['votes']} validators of epoch {said['epoch']}: "
            f"{said['rows']} rows, {said['bytes']} bytes"
        )
    return 0


def _fields(checked: Checked, path: Path) -> dict[str, object]:
    state = checked.certificate.state
    return {
        "network": checked.genesis.network,
        "name": checked.genesis.rules.name,
        "epoch": checked.certificate.epoch,
        "commit": state.commit,
        "time": state.time,
        "state_root": state.root.hex(),
        "votes": len(checked.certificate.votes),
        "rows": len(checked.rows),
        "bytes": path.stat().st_size,
    }


def _write(place: DataDirectory, output: Path) -> None:
    """Write a snapshot of the present state; where that is not certified yet, the node's newest one."""
    if not place.database.exists():
        raise CommandError(f"there is no ledger in {place.path}", 2)
    with tempfile.TemporaryDirectory(prefix="energy-ledger-snapshot-") as folder:
        copy = Path(folder, "copy.db")
        database.copy(place.database, copy)
        with closing(Reader(copy)) as reader:
            if _write_present(reader, output):
                return
    with SnapshotFile.open(place.snapshot):
        shutil.copyfile(place.snapshot, output)


def _write_present(reader: Reader, output: Path) -> bool:
    genesis = founding.stored_genesis(reader)
    if genesis is None:
        raise CommandError("this node has no network yet", 2)
    chain, shutter = founding.restore(reader, genesis, None), Shutter()
    shutter.wanted = True
    taken = shutter.look(chain.ledger, chain.certifier.newest, ())
    if taken is not None:
        make(reader, genesis, taken, output)
    return taken is not None


def _restore(place: DataDirectory, snapshot: Path) -> None:
    lock = DirectoryLock.take(place)
    try:
        if place.database.exists():
            raise CommandError(f"there is a ledger in {place.path} already; nothing was changed")
        is_new = not place.key_exists
        place.node_key()
        rebuild(place, snapshot, new_key=is_new)
    finally:
        lock.release()
