"""`join`: brings a node that does not run into the network of an invite, as an observer.

The invite names peers; one of them tells how the network began. All else the node takes from its
neighbours when it runs.
"""

import asyncio
from argparse import ArgumentParser, Namespace
from contextlib import closing

from energy_ledger.api.auth import hashed
from energy_ledger.commands.options import add_data, add_json, directory
from energy_ledger.commands.output import CommandError, result, result_json
from energy_ledger.invites import read_invite, read_invite_text
from energy_ledger.node.founding import begin, stored_genesis
from energy_ledger.node.invites import HOLDER
from energy_ledger.node.joining import Way, find_network
from energy_ledger.refusals import Refused
from energy_ledger.storage import database
from energy_ledger.storage.database import StorageError
from energy_ledger.storage.directory import DataDirectory, DirectoryError, DirectoryLock, new_token
from energy_ledger.storage.reader import Reader
from energy_ledger.storage.writer import Writer

NAME = "join"
HELP = "join a network with an invite"


def configure(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_data(parser)
    parser.add_argument("invite", metavar="INVITE", help="the text that a founder passed on")
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Print the network's id and the new member's token."""
    place = directory(arguments)
    try:
        lock = DirectoryLock.take(place)
        try:
            way, token = _join(place, arguments.invite)
        finally:
            lock.release()
    except Refused as refused:
        status = 2 if refused.code == "hybrid_unavailable" else 1
        raise CommandError(refused.message, status) from None
    except (DirectoryError, StorageError) as error:
        raise CommandError(str(error)) from None
    network, name = way.genesis.network, way.genesis.rules.name
    if arguments.json:
        result_json({"network": network, "name": name, "token": token})
    else:
        result(
            f"network {network} ({name})\ntoken {token}\nStart the node, and it takes the history from there."
        )
    return 0


def _join(place: DataDirectory, text: str) -> tuple[Way, str]:
    key = place.node_key()
    database.open_or_set_aside(place.database)
    with closing(Reader(place.database)) as reader, closing(Writer(place.database)) as writer:
        if stored_genesis(reader) is not None:
            raise CommandError("this node already has a network")
        way = asyncio.run(find_network(key, text))
        begin(writer, way.genesis, way.facts)
        token = new_token()
        invite = read_invite(read_invite_text(text).invite)
        writer.set_token(f"{HOLDER}{invite.key}", hashed(token))
        return way, token
