"""`vote`: lets a validator vote for the next committee, named by its nodes' keys in their order.

The node must run; its vote is signed with the key in its data directory. As soon as a quorum of the present
committee wants the very same list, that list takes over.
"""

import asyncio
import time
from argparse import ArgumentParser, Namespace
from typing import Any

import aiohttp

from energy_ledger.commands.options import add_data, add_json, directory
from energy_ledger.commands.output import CommandError, result, result_json
from energy_ledger.keys import PublicKey, account_of, address_of
from energy_ledger.storage.directory import DataDirectory, DirectoryError, NodeKey
from energy_ledger.transactions import sign_payload

NAME = "vote"
HELP = "vote for the next committee"
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_VALID_MS = 3_600_000
_ATTEMPTS = 5


def configure(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_data(parser)
    parser.add_argument(
        "committee", nargs="*", metavar="KEY", help="node keys of the whole committee (default: as now)"
    )
    parser.add_argument("--add", action="append", default=[], metavar="KEY", help="a node more than named")
    parser.add_argument("--remove", action="append", default=[], metavar="KEY", help="a node less than named")
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Print the vote and what became of it; exit 1 when it was refused."""
    place = directory(arguments)
    url = place.address()
    if url is None:
        raise CommandError(f"no node has ever run in {arguments.data}")
    try:
        answer = asyncio.run(_vote(place, url, arguments))
    except DirectoryError as error:
        raise CommandError(str(error)) from None
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise CommandError(f"the node at {url} does not answer: {error or 'it takes too long'}") from None
    if arguments.json:
        result_json(answer)
    else:
        result(_sentence(answer))
    return 0 if answer["accepted"] and answer["state"] != "refused" else 1


async def _vote(place: DataDirectory, url: str, arguments: Namespace) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {place.setup_token()}"}
    async with aiohttp.ClientSession(url, timeout=_TIMEOUT, headers=headers) as session:
        network = await _ask(session, "/v1/network")
        kept = [key for key in arguments.committee or network["committee"] if key not in arguments.remove]
        committee = [*kept, *(key for key in arguments.add if key not in kept)]
        answer: dict[str, Any] = {}
        for _ in range(_ATTEMPTS):
            answer = await _submit(session, place.node_key(), network, committee)
            if answer["code"] not in (
                "sequence_used",
                "sequence_gap",
            ):  # the matcher numbers its own meanwhile
                break
        return answer | {"epoch": network["epoch"] + 1, "committee": committee}


async def _submit(
    session: aiohttp.ClientSession, key: NodeKey, network: dict[str, Any], committee: list[str]
) -> dict[str, Any]:
    keys = [PublicKey(type="ed25519", public=key.public.hex())]
    address = address_of(account_of(keys), network["test"])
    async with session.get(f"/v1/accounts/{address}") as response:
        if response.status != 200:
            raise CommandError("this node is not a validator, so it has no vote")
        sequence = (await response.json())["sequence"] + 1
    payload = {
        "network": network["network"],
        "account": address,
        "sequence": sequence,
        "expires": max(time.time_ns() // 1_000_000, network["time"]) + _VALID_MS,
        "kind": "committee.vote",
        "epoch": network["epoch"] + 1,
        "committee": committee,
    }
    envelope = sign_payload(payload, key.seed)
    return await _ask(session, "/v1/transactions", envelope.encode())


async def _ask(session: aiohttp.ClientSession, path: str, body: bytes | None = None) -> dict[str, Any]:
    async with session.request("GET" if body is None else "POST", path, data=body) as response:
        answer: dict[str, Any] = await response.json(content_type=None)
        if response.status != 200:
            raise CommandError(str(answer.get("detail", "the node refuses to answer")))
        return answer


def _sentence(answer: dict[str, Any]) -> str:
    size = len(answer["committee"])
    if not answer["accepted"] or answer["state"] == "refused":
        return f"The vote was refused: {answer['message']}"
    state = "is in the ledger" if answer["state"] == "applied" else "waits for its order"
    return f"The vote for a committee of {size} in epoch {answer['epoch']} {state}."
