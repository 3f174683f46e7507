"""Tells the Supervisor that a node runs in this app, so that Home Assistant offers to connect to it.

The Supervisor takes the message at `POST /discovery`, keeps it for as long as the app is installed, and hands
it to Home Assistant now and at each of its starts. The same message again changes nothing; another address or
token replaces the one it holds.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import aiohttp

SERVICE: Final = "energy_marketplace"
"""The integration that the message is for; the app's configuration lists it under `discovery`."""

SUPERVISOR_URL: Final = "http://supervisor"

_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0

_LOGGER = logging.getLogger(__name__)


class DiscoveryError(Exception):
    """The Supervisor did not take the message; the text says why and what to do."""


class DiscoveryRefusedError(DiscoveryError):
    """The Supervisor will not take it however often it is sent."""


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Where the Supervisor listens, and the token that it gave to this app."""

    token: str = field(repr=False)
    url: str = SUPERVISOR_URL

    @classmethod
    def of(cls, environment: Mapping[str, str], url: str = SUPERVISOR_URL) -> Self:
        """Read the token from the app's environment.

        Raises DiscoveryRefusedError when there is none: then this is not an app.
        """
        token = environment.get("SUPERVISOR_TOKEN")
        if not token:
            raise DiscoveryRefusedError(
                "SUPERVISOR_TOKEN is not set, so this node does not run as an app of Home Assistant; "
                "start it without --supervisor"
            )
        return cls(token, url)


@dataclass(frozen=True, slots=True)
class Message:
    """How Home Assistant reaches the node: its name in the Supervisor's network, port and bearer token."""

    host: str
    port: int
    token: str = field(repr=False)

    def body(self) -> dict[str, Any]:
        """Return the body of the request, as the Supervisor wants it."""
        return {"service": SERVICE, "config": {"host": self.host, "port": self.port, "token": self.token}}


async def send(supervisor: Supervisor, message: Message) -> str:
    """Send the message once; return the id under which the Supervisor keeps it.

    Raises DiscoveryRefusedError when it is of no use to try again, DiscoveryError when it is.
    """
    try:
        async with (
            aiohttp.ClientSession(supervisor.url, timeout=_TIMEOUT) as session,
            session.post("/discovery", json=message.body(), headers=_headers(supervisor)) as response,
        ):
            message_id = await _read_answer(response)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise DiscoveryError(f"the Supervisor at {supervisor.url} did not answer: {error!r}") from error
    _LOGGER.info("Home Assistant knows of this node at %s:%d", message.host, message.port)
    return message_id


async def send_until_taken(
    supervisor: Supervisor, message: Message, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
) -> str:
    """Send the message until the Supervisor takes it, with growing pauses; return the id it is kept under.

    Raises DiscoveryRefusedError when it is of no use to go on.
    """
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            return await send(supervisor, message)
        except DiscoveryRefusedError:
            raise
        except DiscoveryError as error:
            _LOGGER.warning(
                "Home Assistant is not told of this node yet, next try in %g s: %s", pause_s, error
            )
        await sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


async def own_place(supervisor: Supervisor, port: int) -> str | None:
    """Return where the house's network reaches a port of this app, as `host:port`.

    None when the port is closed in the app's settings, or the Supervisor does not tell.
    """
    try:
        async with aiohttp.ClientSession(supervisor.url, timeout=_TIMEOUT) as session:
            own = await _ask(session, supervisor, "/addons/self/info")
            house = await _ask(session, supervisor, "/network/info")
    except (aiohttp.ClientError, TimeoutError, DiscoveryError) as error:
        _LOGGER.warning("the Supervisor does not say where this app is reached: %s", error)
        return None
    opened = (own.get("network") or {}).get(f"{port}/tcp")
    address = _primary_address(house)
    return f"{address}:{opened}" if opened and address else None


async def _ask(session: aiohttp.ClientSession, supervisor: Supervisor, path: str) -> dict[str, Any]:
    async with session.get(path, headers=_headers(supervisor)) as response:
        try:
            data = (await response.json())["data"]
        except (aiohttp.ContentTypeError, ValueError, KeyError, TypeError) as error:
            raise DiscoveryError(f"{path} answers status {response.status}") from error
    if not isinstance(data, dict):
        raise DiscoveryError(f"{path} answers something else")
    return data


def _primary_address(house: dict[str, Any]) -> str | None:
    """Return the machine's IPv4 address in the house: that of the interface through which it goes out."""
    for interface in house.get("interfaces") or ():
        addresses = (interface.get("ipv4") or {}).get("address") or ()
        if interface.get("primary") and addresses:
            return str(addresses[0]).partition("/")[0]
    return None


def _headers(supervisor: Supervisor) -> dict[str, str]:
    return {"Authorization": f"Bearer {supervisor.token}"}


async def _read_answer(response: aiohttp.ClientResponse) -> str:
    """Return the id from `{"result": "ok", "data": {"uuid": …}}`; the other kind has a `message` instead."""
    if response.status in (401, 403):
        raise DiscoveryRefusedError(
            f"the Supervisor refused the message with status {response.status}: "
            f"either its token for this app is wrong or the app's configuration does not list {SERVICE!r}"
        )
    try:
        answer = await response.json()
        if answer["result"] == "ok":
            return str(answer["data"]["uuid"])
        reason = answer.get("message", "no reason given")
    except (aiohttp.ContentTypeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DiscoveryError(f"the Supervisor's answer cannot be read (status {response.status})") from error
    # Also while it starts up itself, so this may pass.
    raise DiscoveryError(f"the Supervisor answered: {reason}")
