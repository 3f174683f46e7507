"""`invite`: makes an invite to the network of a node, signed with the founder's wallet.

The phrase of that wallet is read from standard input, used for this one signature, and kept nowhere.
"""

import json
import secrets
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from contextlib import closing

from energy_ledger import crypto
from energy_ledger.commands.options import add_data, add_json, directory, whole_number
from energy_ledger.commands.output import CommandError, result, result_json
from energy_ledger.commands.wallet import Wallet, ask_for_wallet
from energy_ledger.genesis import Genesis
from energy_ledger.invites import INVITE_TAG, InviteText, write_invite_text
from energy_ledger.node.founding import stored_genesis
from energy_ledger.node.invites import founder_of
from energy_ledger.storage.database import StorageError, check
from energy_ledger.storage.reader import Reader
from energy_ledger.units import DAY_MS

NAME = "invite"
HELP = "invite somebody to the network"


def configure(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_data(parser)
    parser.add_argument(
        "--node",
        action="append",
        metavar="URL",
        help="address under which the new member reaches the node; several are fine",
    )
    parser.add_argument(
        "--peer",
        action="append",
        metavar="KEY@HOST:PORT",
        help="a node to which the new member's node may link; several are fine (default: this one)",
    )
    parser.add_argument(
        "--days", type=whole_number(1, 3650), default=7, help="how many days it counts (default: %(default)s)"
    )
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Print the invite."""
    genesis = _genesis(arguments)
    wallet = ask_for_wallet()
    with closing(Reader(directory(arguments).database)) as reader:
        inviter = founder_of(reader, wallet.key.public)
    if inviter is None:
        raise CommandError("this phrase is not that of a founder of this network")
    expires = time.time_ns() // 1_000_000 + arguments.days * DAY_MS
    nodes = arguments.node or list(filter(None, [directory(arguments).address()]))
    peers = arguments.peer or list(filter(None, [directory(arguments).peer()]))
    places = {"nodes": nodes, "peers": peers}
    text = write_invite_text(make_invite(genesis, inviter, wallet, expires, places))
    if arguments.json:
        result_json({"invite": text, "expires": expires, **places})
    else:
        result(text)
    return 0


def make_invite(
    genesis: Genesis, inviter: str, wallet: Wallet, expires: int, places: Mapping[str, list[str]]
) -> InviteText:
    """Make an invite with a key of its own; `expires` in ms, `places` are nodes and peers."""
    seed = secrets.token_bytes(32)
    payload = json.dumps(
        {
            "network": genesis.network,
            "name": genesis.rules.name,
            "inviter": inviter,
            "key": crypto.public_key(seed).hex(),
            "expires": expires,
            **places,
        },
        ensure_ascii=False,
    )
    return InviteText(payload, crypto.sign(wallet.seed, INVITE_TAG, payload.encode()).hex(), seed.hex())


def _genesis(arguments: Namespace) -> Genesis:
    path = directory(arguments).database
    try:
        if path.exists() and check(path):
            with closing(Reader(path)) as reader:
                genesis = stored_genesis(reader)
                if genesis is not None:
                    return genesis
    except StorageError as error:
        raise CommandError(str(error)) from None
    raise CommandError(f"the node in {arguments.data} has no network yet; found one first")
