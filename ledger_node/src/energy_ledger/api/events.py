"""The event stream: a WebSocket that gives every event once, in order, from wherever the client left off."""

import asyncio
from contextlib import suppress

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from energy_ledger.api.paging import Value, read_query
from energy_ledger.api.ports import EventFilter, EventSource
from energy_ledger.api.problems import ProblemError
from energy_ledger.api.routes import EVENTS_QUERY

PING_S = 20
"""Seconds between pings; a client that does not answer one is gone."""
SLOW_S = 15
"""Seconds a client may take to accept one message."""
_TOO_SLOW = b"too slow; connect again with the cursor of the last event you got"
_ENDED = b"the node goes on from a snapshot; connect again with the cursor of the last event you got"
_STOPPING = b"the node stops; connect again later"


class EventStreams:
    """The open event streams of a node."""

    def __init__(self) -> None:
        self._open: set[web.WebSocketResponse] = set()

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
        stream = web.WebSocketResponse(heartbeat=PING_S, max_msg_size=4096)
        if not stream.can_prepare(request):
            raise ProblemError("bad_request", "this path is a WebSocket")
        await stream.prepare(request)
        self._open.add(stream)
        try:
            await _run(stream, source, cursor, _filter(query), hello)
        finally:
            self._open.discard(stream)
        return stream

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


async def _run(
    stream: web.WebSocketResponse, source: EventSource, cursor: int, wanted: EventFilter, hello: object
) -> None:
    sending = asyncio.create_task(_send(stream, source, cursor, wanted, hello))
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


async def _send(
    stream: web.WebSocketResponse, source: EventSource, cursor: int, wanted: EventFilter, hello: object
) -> None:
    await stream.send_str(msgspec.json.encode(hello).decode())
    async for event in source.after(cursor, wanted):
        try:
            async with asyncio.timeout(SLOW_S):
                await stream.send_str(event.decode())
        except TimeoutError:
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await stream.close(code=WSCloseCode.TRY_AGAIN_LATER, message=_TOO_SLOW)
            return
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            await stream.close(code=WSCloseCode.SERVICE_RESTART, message=_ENDED)
