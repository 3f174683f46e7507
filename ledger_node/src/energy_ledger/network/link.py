"""One authenticated connection to another node, both directions over it, with bounded memory.

What is sent waits in a queue of at most `MAX_QUEUED_BYTES`; a peer that reads more slowly than that is
dropped. What comes in is read one frame at a time: the next one is taken when the one before is dealt with,
so a flood fills the sender's side, not ours.
"""

import asyncio
from collections import deque
from typing import Final

import aiohttp
from aiohttp import WSMsgType, web

from energy_ledger.network.frames import MAX_FRAME_BYTES, Bye, Frame, FrameError, decode, encode

MAX_QUEUED_BYTES: Final = 16 * 1024 * 1024
SEND_TIMEOUT_S: Final = 30.0
CLOSE_TIMEOUT_S: Final = 3.0
HEARTBEAT_S: Final = 150.0

type Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


class LinkClosedError(Exception):
    """The link is over; the message says why."""


class LinkFaultError(Exception):
    """The peer broke a rule; the message is the reason it is told. `ban`: it is kept out for a while."""

    def __init__(self, reason: str, *, ban: bool = True) -> None:
        super().__init__(reason)
        self.ban = ban


class Link:
    """A link to the node with this key; `dialled`: the connection was made from here."""

    def __init__(self, socket: Socket, key: bytes, place: str, *, dialled: bool) -> None:
        self.key = key
        self.place = place
        self.dialled = dialled
        self.vouched_for = dialled
        """Whether the node at the other end belongs here; until then it is one that has proven some key."""
        self.sent_bytes = 0
        self.received_bytes = 0
        self._socket = socket
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._ready = asyncio.Event()
        self._end: str | None = None
        self._writing = asyncio.create_task(self._write())

    @property
    def is_open(self) -> bool:
        """Whether frames still travel."""
        return self._end is None

    @property
    def ended(self) -> str | None:
        """Why the link is over, as far as this end decided it."""
        return self._end

    def send(self, frame: Frame) -> None:
        """Queue a frame; a peer that does not read what is queued is dropped."""
        if self._end is not None:
            return
        data = encode(frame)
        if self._queued + len(data) > MAX_QUEUED_BYTES:
            self.end("you read too slowly")
            return
        self._queue.append(data)
        self._queued += len(data)
        self._ready.set()

    async def receive(self) -> Frame:
        """Return the next frame.

        Raises LinkClosedError when the link is over, LinkFaultError when what came is no frame.
        """
        frame, size = await receive(self._socket)
        self.received_bytes += size
        return frame

    def end(self, reason: str) -> None:
        """Stop taking frames, tell the peer why, and close soon."""
        if self._end is None:
            self._end = reason
            self._ready.set()

    async def close(self, reason: str) -> None:
        """Tell the peer why, and close the connection."""
        self.end(reason)
        await asyncio.wait([self._writing], timeout=CLOSE_TIMEOUT_S)
        self._writing.cancel()
        await self._socket.close()

    async def _write(self) -> None:
        try:
            while self._end is None:
                await self._ready.wait()
                self._ready.clear()
                await self._flush()
            async with asyncio.timeout(1):
                await self._socket.send_bytes(encode(Bye(self._end[:300])))
        except ConnectionError, RuntimeError, TimeoutError, aiohttp.ClientError:
            self._end = self._end or "the connection was lost"
        finally:
            self._queue.clear()
            self._queued = 0
            await self._abort()

    async def _flush(self) -> None:
        while self._queue and self._end is None:
            data = self._queue[0]
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._socket.send_bytes(data)
            self._queue.popleft()
            self._queued -= len(data)
            self.sent_bytes += len(data)

    async def _abort(self) -> None:
        """Wake the reader of this end, which else would wait for a peer that says nothing."""
        try:
            async with asyncio.timeout(2):
                await self._socket.close()
        except ConnectionError, RuntimeError, TimeoutError, aiohttp.ClientError:
            return


async def receive(socket: Socket) -> tuple[Frame, int]:
    """Return the next frame of a connection, and its size.

    Raises LinkClosedError when it is over, LinkFaultError when what came is no frame.
    """
    message = await socket.receive()
    if message.type is WSMsgType.BINARY:
        try:
            return decode(message.data), len(message.data)
        except FrameError as error:
            raise LinkFaultError(str(error)) from None
    if message.type is WSMsgType.TEXT:
        raise LinkFaultError("not a frame: text")
    if socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG or message.type is WSMsgType.ERROR:
        raise LinkFaultError(f"a frame has at most {MAX_FRAME_BYTES} bytes")
    raise LinkClosedError("the connection was closed")
