"""`keys`: shows the node's public key."""

from argparse import ArgumentParser, Namespace

from energy_ledger.commands.options import add_data, add_json, directory
from energy_ledger.commands.output import result, result_json

NAME = "keys"
HELP = "show the node's public key; a genesis names it in its committee"


def configure(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_data(parser)
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Print the public key, made now where there is none yet."""
    place = directory(arguments)
    place.prepare()
    public = place.node_key().public.hex()
    if arguments.json:
        result_json({"node_key": public})
    else:
        result(public)
    return 0
