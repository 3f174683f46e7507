"""The gate of the port for links: takes so many strangers at a time, each for so long.

A TLS connection costs some 300 KB from its first byte on, so what nobody has proven a key over yet is bounded
in number and in time. Where there are too many strangers the one that has stood there longest goes: a flood
of half-open connections costs bounded memory, and who means it is through before its turn comes.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Final

MAX_STRANGERS: Final = 32
"""Most connections over which nobody has proven a key yet."""
HANDSHAKE_S: Final = 10.0
"""How long a node may take to prove its key, or to say hello."""
STRANGER_S: Final = 2 * HANDSHAKE_S
"""How long a stranger may stand there: once for TLS and the request, and once for the proof."""
_BACKLOG: Final = 100
_PAUSE_S: Final = 1.0

_LOG = logging.getLogger(__name__)


class Gate:
    """Accepts TLS connections for a protocol that says which of them may stay."""

    def __init__(self, serve: Callable[[], asyncio.Protocol], context: ssl.SSLContext) -> None:
        """Stay closed; `serve` makes what speaks over one connection."""
        self._serve = serve
        self._context = context
        self._socket: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._strangers: dict[asyncio.Task[None], None] = {}
        self._welcome: dict[asyncio.BaseTransport, asyncio.Event] = {}

    def open(self, host: str, port: int) -> int:
        """Accept connections; return the port, which the system chose when port 0 was asked for.

        Raises OSError.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        self._socket.setblocking(False)
        self._accepting = asyncio.create_task(self._accept(self._socket))
        return int(self._socket.getsockname()[1])

    def welcome(self, transport: asyncio.BaseTransport | None) -> None:
        """Let a connection stay for as long as it likes."""
        if transport is not None and transport in self._welcome:
            self._welcome[transport].set()

    async def close(self) -> None:
        """Accept nothing any more, and send the strangers away."""
        tasks = [*self._strangers, *([self._accepting] if self._accepting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError as error:  # no descriptor is free
                _LOG.warning("no connection can be accepted now: %s", error)
                await asyncio.sleep(_PAUSE_S)
                continue
            if len(self._strangers) >= MAX_STRANGERS:
                await self._send_away(next(iter(self._strangers)))
            task = asyncio.create_task(self._receive(connection))
            self._strangers[task] = None
            task.add_done_callback(self._strangers.pop)

    async def _send_away(self, stranger: asyncio.Task[None]) -> None:
        stranger.cancel()
        await asyncio.gather(stranger, return_exceptions=True)

    async def _receive(self, connection: socket.socket) -> None:
        """Give a connection to the protocol; end it unless it is welcome before its time is over."""
        loop, transport = asyncio.get_running_loop(), None
        try:
            async with asyncio.timeout(STRANGER_S):
                transport, _ = await loop.connect_accepted_socket(
                    self._serve, connection, ssl=self._context, ssl_handshake_timeout=HANDSHAKE_S
                )
                self._welcome[transport] = welcome = asyncio.Event()
                await welcome.wait()
        except OSError, TimeoutError:
            self._end(connection, transport)
        except asyncio.CancelledError:
            self._end(connection, transport)
            raise
        finally:
            if transport is not None:
                self._welcome.pop(transport, None)

    def _end(self, connection: socket.socket, transport: asyncio.Transport | None) -> None:
        if transport is None:
            connection.close()
        else:
            transport.abort()
