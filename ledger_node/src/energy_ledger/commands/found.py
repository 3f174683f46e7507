"""`found`: founds a network on a node that does not run, from a genesis that its founder signed."""

from argparse import ArgumentParser, Namespace
from contextlib import closing

from energy_ledger.api.auth import hashed
from energy_ledger.commands.files import read_bytes
from energy_ledger.commands.options import add_data, add_json, directory
from energy_ledger.commands.output import CommandError, result, result_json
from energy_ledger.genesis import Genesis
from energy_ledger.node.founding import FOUNDER, begin, check_genesis, stored_genesis
from energy_ledger.refusals import Refused
from energy_ledger.storage import database
from energy_ledger.storage.database import StorageError
from energy_ledger.storage.directory import DataDirectory, DirectoryError, DirectoryLock, new_token
from energy_ledger.storage.reader import Reader
from energy_ledger.storage.writer import Writer
from energy_ledger.transactions import read_envelope

NAME = "found"
HELP = "found a network from a signed genesis"


def configure(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_data(parser)
    parser.add_argument(
        "--genesis", required=True, metavar="FILE", help="the signed genesis as JSON, - for standard input"
    )
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Print the network's id and the founder's token."""
    place = directory(arguments)
    data = read_bytes(arguments.genesis)
    try:
        lock = DirectoryLock.take(place)
        try:
            genesis = check_genesis(read_envelope(data), place.node_key())
            token = _found(place, genesis)
        finally:
            lock.release()
    except Refused as refused:
        raise CommandError(f"this genesis cannot be used: {refused}", 2) from None
    except (DirectoryError, StorageError) as error:
        raise CommandError(str(error)) from None
    if arguments.json:
        result_json({"network": genesis.network, "token": token})
    else:
        result(f"network {genesis.network}\ntoken {token}")
    return 0


def _found(place: DataDirectory, genesis: Genesis) -> str:
    if database.open_or_set_aside(place.database).set_aside is not None:
        raise CommandError(f"the ledger in {place.path} was damaged and is set aside; restore a backup first")
    with closing(Reader(place.database)) as reader, closing(Writer(place.database)) as writer:
        if stored_genesis(reader) is not None:
            raise CommandError("this node already has a network")
        begin(writer, genesis)
        token = new_token()
        writer.set_token(FOUNDER, hashed(token))
        return token
