"""`status`: asks a running node how it does."""

import asyncio
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from energy_ledger.commands.options import add_json
from energy_ledger.commands.output import CommandError, result, result_json
from energy_ledger.storage.directory import DataDirectory

NAME = "status"
HELP = "show how a running node does"
_TIMEOUT = aiohttp.ClientTimeout(total=10)


def configure(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="data directory of a node on this machine")
    parser.add_argument("--url", help="address of a node elsewhere")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="file with the token for it")
    add_json(parser)


def run(arguments: Namespace) -> int:
    """Print the node's state; exit 1 when it does not answer or is not in sync."""
    url, token = _where(arguments)
    status = asyncio.run(_ask(url, token))
    if arguments.json:
        result_json(status)
    else:
        result(_sentences(status))
    network = status["network"]
    return 0 if status["health"].get("status") != "stopped" and (network is None or network["in_sync"]) else 1


def _where(arguments: Namespace) -> tuple[str, str]:
    if arguments.data is not None:
        url = DataDirectory(arguments.data).address()
        if url is None:
            raise CommandError(f"no node has ever run in {arguments.data}")
        return url, DataDirectory(arguments.data).setup_token()
    if arguments.url is None or arguments.token_file is None:
        raise CommandError("say where the node is: --data DIR, or --url URL with --token-file FILE", 2)
    try:
        return arguments.url.rstrip("/"), arguments.token_file.read_text(
            encoding="utf-8", errors="replace"
        ).strip()
    except OSError as error:
        raise CommandError(f"{arguments.token_file} cannot be read: {error.strerror}", 2) from None


async def _ask(url: str, token: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers) as session:
            health = await _get(session, f"{url}/health")
            ready = health.get("status", "not_set_up") != "not_set_up"
            return {
                "url": url,
                "health": health,
                "network": await _get(session, f"{url}/v1/network") if ready else None,
                "peers": (await _get(session, f"{url}/v1/peers"))["items"] if ready else [],
            }
    except aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError:
        raise CommandError(
            f"{url} is no address of a node; one looks like http://192.168.1.5:8710", 2
        ) from None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise CommandError(f"the node at {url} does not answer: {error or 'it takes too long'}") from None


async def _get(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with session.get(url) as response:
        if response.status in (401, 403):
            raise CommandError(f"the node at {url} does not take this token")
        try:
            body = await response.json(content_type=None)
        except ValueError:
            body = None
        if not isinstance(body, dict) or not (response.status == 200 or "version" in body):
            raise CommandError(f"what answers at {url} (status {response.status}) is no node of this kind")
        return body


def _sentences(status: dict[str, Any]) -> str:
    network = status["network"]
    if network is None:
        return f"The node at {status['url']} has no network yet."
    time = datetime.fromtimestamp(network["time"] / 1000, UTC).isoformat(timespec="seconds")
    money = ", ".join(f"{name} {amount}" for name, amount in network["money"].items())
    return "\n".join(
        (
            f"{network['name']} ({network['network']})",
            f"commit {network['commit']} of {time}, state root {network['state_root']}",
            f"{network['members']} members",
            *_committee(network, status["peers"]),
            f"money in nano-{network['currency']}: {money}",
            _history(network),
            network["problem"] or "in sync",
        )
    )


def _history(network: dict[str, Any]) -> str:
    start, size = network["known_from"], f"{network['database_bytes'] / 1_000_000:.1f} MB"
    if not start["commit"]:
        return f"the whole history in {size}"
    time = datetime.fromtimestamp(start["time"] / 1000, UTC).isoformat(timespec="seconds")
    return f"history from commit {start['commit']} of {time} on in {size}"


def _committee(network: dict[str, Any], peers: list[dict[str, Any]]) -> list[str]:
    size, spare = len(network["committee"]), network["may_fail"]
    outlook = f"{-spare} too few are here" if spare < 0 else f"{spare} more may fail"
    return [f"{size} validators in epoch {network['epoch']}, {outlook}", *map(_peer, peers)]


def _peer(peer: dict[str, Any]) -> str:
    role = f"validator {peer['validator']}" if peer["validator"] else "observer"
    name = f"  {role} {peer['node_key'][:8]}"
    if not peer["linked"]:
        return f"{name} is not linked: {peer['problem'] or 'it was not reached yet'}"
    return f"{name} is linked at {peer['address']}, at commit {peer['commit']}"
