"""`tokens`: shows who holds a token of a node that does not run, and replaces one that was lost."""

import json
from argparse import ArgumentParser, Namespace
from contextlib import closing
from typing import Final

from energy_ledger.api.auth import hashed
from energy_ledger.commands.options import add_data, add_json, directory
from energy_ledger.commands.output import CommandError, result, result_json
from energy_ledger.node import configuration
from energy_ledger.storage import database
from energy_ledger.storage.directory import DataDirectory, DirectoryLock, new_token
from energy_ledger.storage.reader import Reader
from energy_ledger.storage.writer import Writer

NAME = "tokens"
HELP = "show who holds a token, or give one anew so that the one before opens nothing"

_OPERATOR: Final = "operator"
_INVITE: Final = "invite "


def configure(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_data(parser)
    parser.add_argument(
        "--renew",
        metavar="HOLDER",
        help="give this holder a new token; the one before is worth nothing from the node's next start on",
    )
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Print the holders, or the new token."""
    place = directory(arguments)
    lock = DirectoryLock.take(place)
    try:
        if not place.database.exists():
            raise CommandError(f"there is no ledger in {place.path} yet, so nobody holds a token")
        if database.open_or_set_aside(place.database).set_aside is not None:
            raise CommandError(
                f"the ledger in {place.path} was damaged and is set aside; start the node first"
            )
        with closing(Reader(place.database)) as reader:
            if arguments.renew is None:
                _show(_holders(reader), as_json=arguments.json)
            else:
                _tell(_renewed(place, reader, arguments.renew), as_json=arguments.json)
    finally:
        lock.release()
    return 0


def _holders(reader: Reader) -> dict[str, str]:
    """Return who holds a token, and the member's name where the holder became one by an invite."""
    found = {_OPERATOR: "reads setup.token"}
    for holder in sorted(reader.tokens()):
        used = reader.one("invites", holder.removeprefix(_INVITE)) if holder.startswith(_INVITE) else None
        member = None if used is None else reader.one("accounts", json.loads(used)["account"])
        found[holder] = "" if member is None else json.loads(member)["name"]
    return found


def _renewed(place: DataDirectory, reader: Reader, holder: str) -> str:
    """Give a holder a new token, also in what a backup keeps; return it."""
    if holder == _OPERATOR:
        return place.renew_setup_token()
    if holder not in reader.tokens():
        raise CommandError(
            f"nobody called {holder!r} holds a token; `tokens` without --renew shows who does", 2
        )
    token = new_token()
    with closing(Writer(place.database)) as writer:
        writer.set_token(holder, hashed(token))
    configuration.of(reader).write(place)
    return token


def _show(holders: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        result_json([{"holder": holder, "who": who} for holder, who in holders.items()])
    else:
        result("\n".join(f"{holder}  {who}".rstrip() for holder, who in holders.items()))


def _tell(token: str, *, as_json: bool) -> None:
    if as_json:
        result_json({"token": token})
    else:
        result(token)
