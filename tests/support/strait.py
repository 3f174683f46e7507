"""A narrow way between two nodes: a relay that lets so many bytes through and then holds the rest back.

    async with Strait(house.peer_port) as strait:
        strait.hold_after(100_000)
        ...                       # somebody links to strait.port
        await strait.held()
        ...                       # the transfer is stuck in its middle
        strait.free()

Links prove keys over the certificate and not over the address, so nodes do not mind.
"""

import asyncio
from typing import Self

PIECE = 4_096
HELD_S = 30


class Strait:
    """Relays to a port of the loopback; what counts is what comes from there."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._left: int | None = None
        self._full, self._free = asyncio.Event(), asyncio.Event()
        self._free.set()
        self._work: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    def hold_after(self, count: int) -> None:
        """Let so many bytes more through, and then none."""
        self._left = count
        self._full.clear()
        self._free.clear()

    async def held(self) -> None:
        """Wait until something is held back."""
        async with asyncio.timeout(HELD_S):
            await self._full.wait()

    def cut(self) -> None:
        """End the connections there are, with all that is held back in them."""
        for task in self._work:
            task.cancel()

    def free(self) -> None:
        """Let everything through again."""
        self._left = None
        self._free.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            source, sink = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        for work in (self._carry(reader, sink), self._carry(source, writer, is_counted=True)):
            task = asyncio.create_task(work)
            self._work.add(task)
            task.add_done_callback(self._work.discard)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_counted: bool = False
    ) -> None:
        try:
            while piece := await reader.read(PIECE):
                if is_counted:
                    await self._pass(len(piece))
                writer.write(piece)
                await writer.drain()
        except OSError:
            return
        finally:
            writer.close()

    async def _pass(self, count: int) -> None:
        if self._left is None:
            return
        self._left -= count
        if self._left < 0:
            self._full.set()
            await self._free.wait()
