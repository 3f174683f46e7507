"""A way to a node that can be shut: what lies behind it goes on, and cannot be reached from here."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from tests.support.node import free_port

_PIECE = 65_536


class Door:
    """Passes what comes in on a port of its own to another one of the loopback, while it is open."""

    def __init__(self, behind: int) -> None:
        self.port = free_port()
        self._behind = behind
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Let everybody through from now on."""
        self._server = await asyncio.start_server(self._let_through, "127.0.0.1", self.port)

    async def shut(self) -> None:
        """Cut off who is through, and let nobody in."""
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _let_through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", self._behind)
        both = {writer, outer}
        self._open |= both
        try:
            await asyncio.gather(_pass(reader, outer), _pass(inner, writer))
        finally:
            self._open -= both

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.shut()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes until one of the two ends."""
    with contextlib.suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    writer.close()
