"""All links of a node: accepts connections on the peer port, dials wanted peers, keeps one link per node."""

import asyncio
import logging
import os
import random
import ssl
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp import web

from energy_ledger.network.frames import (
    MAX_FRAME_BYTES,
    Answer,
    Bye,
    Challenge,
    Counterproof,
    Frame,
    encode,
)
from energy_ledger.network.gate import HANDSHAKE_S, Gate
from energy_ledger.network.handshake import Meeting, caller_context, make_credentials, new_nonce
from energy_ledger.network.link import (
    HEARTBEAT_S,
    Link,
    LinkClosedError,
    LinkFaultError,
    Socket,
    receive,
)
from energy_ledger.network.peers import Bans, Peer
from energy_ledger.storage.directory import NodeKey

PATH: Final = "/link"
MAX_LINKS: Final = 128
LONGEST_PAUSE_S: Final = 30.0

_LOG = logging.getLogger(__name__)

type Serve = Callable[[Link], Awaitable[None]]
"""Speaks over a link until it is over; may raise LinkClosedError or LinkFaultError."""
type Wanted = Callable[[], Iterable[Peer]]
"""Names the peers to which there should be a link."""


@dataclass(slots=True)
class _Try:
    """How the dialling of a peer goes: when to try again (monotonic s), after how long, what went wrong."""

    again_at: float = 0.0
    pause_s: float = 0.5
    trouble: str = ""


class Links:
    """The links of one node. `serve` and `wanted` say what they are for."""

    def __init__(self, key: NodeKey, serve: Serve, wanted: Wanted) -> None:
        self.bans = Bans(time.monotonic)
        self._key = key
        self._serve = serve
        self._wanted = wanted
        self._links: dict[bytes, Link] = {}
        self._tries: dict[bytes, _Try] = {}
        self._ends: OrderedDict[bytes, str] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._context = caller_context()
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self._gate: Gate | None = None
        self._dial_now = asyncio.Event()
        self._closing = False

    # --- beginning and end ----------------------------------------------------------------------------------

    async def listen(self, host: str, port: int) -> int:
        """Accept connections; return the port, which the system chose when port 0 was asked for."""
        credentials = make_credentials()
        app = web.Application()

        async def accept(request: web.Request) -> web.StreamResponse:
            return await self._accept(request, credentials.certificate)

        app.router.add_get(PATH, accept)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        if self._runner.server is None:
            raise RuntimeError("a runner that is set up has a server")
        self._gate = Gate(self._runner.server, credentials.context)
        return self._gate.open(host, port)

    def dial(self) -> None:
        """Begin to keep links to the wanted peers."""
        self._session = aiohttp.ClientSession()
        self._start(self._keep_dialling())

    async def close(self) -> None:
        """End all links and stop accepting and dialling."""
        self._closing = True
        await asyncio.gather(*(link.close("this node stops") for link in self.all()))
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._gate is not None:
            await self._gate.close()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    # --- what there is --------------------------------------------------------------------------------------

    def all(self) -> list[Link]:
        """Return the open links."""
        return [link for link in self._links.values() if link.is_open]

    def get(self, key: bytes) -> Link | None:
        """Return the open link to a node."""
        link = self._links.get(key)
        return link if link is not None and link.is_open else None

    def trouble(self, key: bytes) -> str:
        """Return why there is no link to a node, as far as that is known: "" when it could be reached."""
        banned = self.bans.reason(key)
        if banned is not None:
            return f"kept out for a while: {banned}"
        known = self._tries.get(key)
        return (known.trouble if known else "") or self._ends.get(key, "")

    def keep_out(self, link: Link, reason: str) -> None:
        """End the link to a node that does harm, and take none from it for a while."""
        if link.is_open:
            _LOG.warning("node %s is kept out: %s", link.key.hex()[:8], reason)
            self.bans.add(link.key, reason)
            link.end(reason)

    def look_again(self) -> None:
        """Look at once whether a wanted peer is not linked, as when a new address came to be known."""
        self._dial_now.set()

    # --- accepting ------------------------------------------------------------------------------------------

    async def _accept(self, request: web.Request, certificate: bytes) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=MAX_FRAME_BYTES, heartbeat=HEARTBEAT_S, compress=False)
        if self._closing or not self._has_room():
            return web.Response(status=503, text="too many connections")
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                await socket.prepare(request)
                key = await self._meet_caller(socket, certificate)
        except (LinkClosedError, LinkFaultError, TimeoutError, ConnectionError) as error:
            await _turn_away(socket, str(error) or "it took you too long to say who you are")
            return socket
        if self._gate is not None:
            self._gate.welcome(request.transport)
        await self._converse(Link(socket, key, request.remote or "", dialled=False))
        return socket

    def _has_room(self) -> bool:
        """Tell whether there may be one more link; the oldest that nobody vouches for makes room."""
        links = self.all()
        if len(links) < MAX_LINKS:
            return True
        doubtful = next((link for link in links if not link.vouched_for), None)
        if doubtful is not None:
            doubtful.end("too many connections")
        return doubtful is not None

    async def _meet_caller(self, socket: web.WebSocketResponse, certificate: bytes) -> bytes:
        nonce = new_nonce()
        await _say(socket, Challenge(self._key.public, nonce))
        answer = await _hear(socket, Answer)
        meeting = Meeting(self._key.public, answer.key, nonce, answer.nonce, certificate)
        if not meeting.proves("caller", answer.signature):
            raise LinkFaultError("your signature does not prove your node key over this connection")
        self._check_welcome(answer.key)
        await _say(socket, Counterproof(meeting.sign("acceptor", self._key.seed)))
        return answer.key

    def _check_welcome(self, key: bytes) -> None:
        reason = self.bans.reason(key)
        if reason is not None:
            raise LinkFaultError(f"you are kept out for a while: {reason}")
        if key == self._key.public:
            raise LinkFaultError("you have my own node key")

    # --- dialling -------------------------------------------------------------------------------------------

    async def _keep_dialling(self) -> None:
        while True:
            now = time.monotonic()
            for peer in self._wanted():
                attempt = self._tries.setdefault(peer.key, _Try())
                if self.get(peer.key) is None and attempt.again_at <= now and not self.bans.reason(peer.key):
                    attempt.again_at = now + HANDSHAKE_S + attempt.pause_s
                    self._start(self._dial(peer, attempt))
            self._dial_now.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._dial_now.wait()

    async def _dial(self, peer: Peer, attempt: _Try) -> None:
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                link = await self.connect(peer)
        except (LinkClosedError, LinkFaultError, TimeoutError, OSError, aiohttp.ClientError) as error:
            attempt.trouble = _why(error)
            attempt.pause_s = min(2 * attempt.pause_s, LONGEST_PAUSE_S)
        else:
            attempt.trouble = ""
            began = time.monotonic()
            await self._converse(link)
            lasted = time.monotonic() - began > LONGEST_PAUSE_S
            attempt.pause_s = 0.5 if lasted else min(2 * attempt.pause_s, LONGEST_PAUSE_S)
        attempt.again_at = time.monotonic() + attempt.pause_s * (0.5 + random.random())  # noqa: S311

    async def connect(self, peer: Peer) -> Link:
        """Make a connection to a node and prove both keys; whoever calls this ends the link.

        Raises LinkClosedError, LinkFaultError, TimeoutError, OSError or aiohttp.ClientError.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession()
        socket = await self._session.ws_connect(
            f"https://{peer.place}{PATH}",
            ssl=self._context,
            max_msg_size=MAX_FRAME_BYTES,
            heartbeat=HEARTBEAT_S,
        )
        try:
            await self._meet_acceptor(socket, peer.key)
        except BaseException:
            await socket.close()
            raise
        return Link(socket, peer.key, peer.place, dialled=True)

    async def _meet_acceptor(self, socket: aiohttp.ClientWebSocketResponse, expected: bytes) -> None:
        tls = socket.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if isinstance(tls, ssl.SSLObject) else None
        if not certificate:
            raise LinkFaultError("the connection is not encrypted")
        challenge = await _hear(socket, Challenge)
        if challenge.key != expected:
            raise LinkFaultError(f"another node answers there, with the key {challenge.key.hex()}")
        meeting = Meeting(expected, self._key.public, challenge.nonce, new_nonce(), certificate)
        signature = meeting.sign("caller", self._key.seed)
        await _say(socket, Answer(self._key.public, meeting.caller_nonce, signature))
        proof = await _hear(socket, Counterproof)
        if not meeting.proves("acceptor", proof.signature):
            raise LinkFaultError("its signature does not prove its node key over this connection")

    # --- conversation ---------------------------------------------------------------------------------------

    async def _converse(self, link: Link) -> None:
        """Speak over a link until it is over, unless there is a better one to the same node."""
        if not self._take(link):
            await link.close("there is another link between us already")
            return
        reason = "the conversation is over"
        try:
            await self._serve(link)
        except LinkClosedError as closed:
            reason = link.ended or str(closed)
            _LOG.info("link to node %s ended: %s", link.key.hex()[:8], reason)
        except LinkFaultError as fault:
            reason = str(fault)
            if fault.ban:
                self.bans.add(link.key, reason)
            _LOG.warning("link to node %s ended: %s", link.key.hex()[:8], reason)
        finally:
            if self._links.get(link.key) is link:
                del self._links[link.key]
            link.end(reason)
        self._remember_end(link.key, reason)
        await link.close(reason)

    def _remember_end(self, key: bytes, reason: str) -> None:
        """Keep why the last link to a node ended, of the latest nodes."""
        self._ends[key] = reason
        self._ends.move_to_end(key)
        if len(self._ends) > MAX_LINKS:
            self._ends.popitem(last=False)

    def _take(self, link: Link) -> bool:
        """Keep the new link, or the old one to the same node: both ends choose alike.

        Of two that were dialled from both ends, the one from the node with the lower key stays; of two from
        the same end the newer, as that end thinks the older one is lost.
        """
        old = self.get(link.key)
        if old is not None:
            if old.dialled != link.dialled and old.dialled == (self._key.public < link.key):
                return False
            old.end("there is another link between us now")
        self._links[link.key] = link
        return True

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _why(error: Exception) -> str:
    """Say in words for a person why no link came about."""
    match error:
        case aiohttp.ClientSSLError() | aiohttp.WSServerHandshakeError():
            return "what answers there is no node"
        case aiohttp.ClientConnectorDNSError():
            return f"no machine is known by the name {error.host}"
        case aiohttp.ClientConnectorError(os_error=OSError(errno=int(number))):
            return f"{error.host}:{error.port} cannot be reached: {os.strerror(number)}"
        case _:
            return str(error) or "it does not answer"


async def _say(socket: Socket, frame: Frame) -> None:
    await socket.send_bytes(encode(frame))


async def _hear[F](socket: Socket, kind: type[F]) -> F:
    frame, _ = await receive(socket)
    if isinstance(frame, kind):
        return frame
    if isinstance(frame, Bye):
        raise LinkClosedError(frame.reason)
    raise LinkFaultError(f"{type(frame).__name__} is not what belongs here")


async def _turn_away(socket: web.WebSocketResponse, reason: str) -> None:
    with suppress(ConnectionError, RuntimeError, TimeoutError):
        async with asyncio.timeout(2):
            await _say(socket, Bye(reason[:300]))
            await socket.close()
