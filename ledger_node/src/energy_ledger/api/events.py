"""The event stream: a WebSocket that gives every event once, in order, from wherever the client left off."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from itertools import chain
from struct import Struct

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from energy_ledger.api.paging import Value, read_query
from energy_ledger.api.ports import EventFilter, EventSource
from energy_ledger.api.problems import ProblemError
from energy_ledger.api.routes import EVENTS_QUERY

PING_S = 20
"""Seconds between pings; a client that does not answer one is gone."""
SLOW_S = 15
"""Seconds a client may take to accept what is sent at a time."""
_WHOLE_TEXT, _SHORT, _MEDIUM = 0x81, 126, 0xFFFF
_HEADER, _LONG_HEADER = Struct(">BBH"), Struct(">BBQ")
_TOO_SLOW = b"too slow; connect again with the cursor of the last event you got"
_ENDED = b"the node went on without older events; connect again with the cursor of the last event you got"
_STOPPING = b"the node stops; connect again later"


class EventStreams:
    """The open event streams of a node."""

    def __init__(self) -> None:
        self._open: set[web.WebSocketResponse] = set()
        self._turn = asyncio.Lock()

    def __len__(self) -> int:
        """Return how many streams are open."""
        return len(self._open)

    async def serve(self, request: web.Request, source: EventSource) -> web.StreamResponse:
        """Run one stream until the client leaves, is too slow, or the node stops.

        Raises ProblemError `cursor_unknown` for a cursor ahead of the newest event or before the oldest known
        one, `bad_request` for a plain HTTP request.
        """
        query = read_query(request.query, EVENTS_QUERY)
        hello = source.head()
        cursor = query.get("cursor", hello.cursor)
        if not isinstance(cursor, int) or not source.start <= cursor <= hello.cursor:
            raise ProblemError(
                "cursor_unknown",
                f"this node knows the events after cursor {source.start} up to {hello.cursor}; "
                "read its lists again and go on from there",
                "cursor",
            )
        # Compressing thousands of events would hold up everybody; the limit makes it wait for slow readers.
        stream = web.WebSocketResponse(heartbeat=PING_S, max_msg_size=4096, compress=False, writer_limit=0)
        if not stream.can_prepare(request):
            raise ProblemError("bad_request", "this path is a WebSocket")
        await stream.prepare(request)
        self._open.add(stream)
        try:
            await _run(stream, self._send(request, stream, source.after(cursor, _filter(query)), hello))
        finally:
            self._open.discard(stream)
        return stream

    async def _send(
        self,
        request: web.Request,
        stream: web.WebSocketResponse,
        events: AsyncIterator[list[bytes]],
        hello: object,
    ) -> None:
        await stream.send_str(msgspec.json.encode(hello).decode())
        async for lines in events:
            async with self._turn:  # so that many streams hold up the node no longer than one does
                if request.transport is not None and not stream.closed:
                    request.transport.write(b"".join(chain.from_iterable(map(_frame, lines[:-1]))))
                await asyncio.sleep(0)
            try:
                async with asyncio.timeout(SLOW_S):
                    await stream.send_frame(lines[-1], WSMsgType.TEXT)
            except TimeoutError:
                with suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await stream.close(code=WSCloseCode.TRY_AGAIN_LATER, message=_TOO_SLOW)
                return
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await stream.close(code=WSCloseCode.SERVICE_RESTART, message=_ENDED)

    async def close(self) -> None:
        """End all streams, as the node stops."""
        for stream in list(self._open):
            with suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(1):
                    await stream.close(code=WSCloseCode.GOING_AWAY, message=_STOPPING)


def _filter(query: dict[str, Value]) -> EventFilter:
    def text(name: str) -> str | None:
        value = query.get(name)
        return None if value is None else str(value)

    types = text("types")
    return EventFilter(text("account"), text("asset"), frozenset(types.split(",")) if types else frozenset())


async def _run(stream: web.WebSocketResponse, send: Coroutine[None, None, None]) -> None:
    sending = asyncio.create_task(send)
    listening = asyncio.create_task(_listen(stream))
    try:
        await asyncio.wait((sending, listening), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, listening):
            task.cancel()
        results = await asyncio.gather(sending, listening, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, ConnectionError):
            raise result


async def _listen(stream: web.WebSocketResponse) -> None:
    """Read until the client leaves; it has nothing to say, but its pongs and its leaving arrive here."""
    while (await stream.receive()).type not in (
        WSMsgType.CLOSE,
        WSMsgType.CLOSING,
        WSMsgType.CLOSED,
        WSMsgType.ERROR,
    ):
        pass


def _frame(message: bytes) -> tuple[bytes, bytes]:
    """Return a text message's header and body as a server sends them whole and unmasked (RFC 6455, 5.2)."""
    size = len(message)
    if size < _SHORT:
        return bytes((_WHOLE_TEXT, size)), message
    if size <= _MEDIUM:
        return _HEADER.pack(_WHOLE_TEXT, _SHORT, size), message
    return _LONG_HEADER.pack(_WHOLE_TEXT, _SHORT + 1, size), message
