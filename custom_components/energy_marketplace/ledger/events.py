"""Following a node's stream of events: resumed from a cursor after every break, without gap or duplicate.

The follower yields `Connected` each time the stream is open, `Event` for everything that happened,
`Disconnected` with the reason and the time to the next attempt, and `Lost` when the node does not know what
came after the cursor, as after it was restored from a backup. It ends only when the caller stops it or when
the node no longer accepts the token.
"""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from aiohttp import ClientWebSocketResponse, WSMsgType

from . import answers
from .answers import AnswerError, Event
from .client import (
    CursorUnknownError,
    NodeClient,
    NodeError,
    NodeProblemError,
    NodeUnreachableError,
    NotAuthorizedError,
)

FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 60.0


@dataclass(frozen=True, slots=True)
class Connected:
    """The stream is open; `head` is the cursor of the newest event, `time` ledger time in ms."""

    head: int
    time: int


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The stream broke or could not be opened; the next attempt comes after `retry_in_s` seconds."""

    error: NodeError
    retry_in_s: float


@dataclass(frozen=True, slots=True)
class Lost:
    """The node does not know the events after the cursor; what follows begins with its newest one.

    Whoever added events up must read the node's lists once `Connected` is there.
    """


class EventFollower:
    """Follows the events of a node, optionally only those of an account, an asset or some types.

    Args:
        client: of the node.
        cursor: the last event that the caller has dealt with; None starts with what happens from now on.
        account: only events that concern this address.
        asset: only events that concern this asset.
        types: only events of these types.
        sleep: waits some seconds; for tests.
        jitter: a random number in [0, 1); for tests.

    """

    def __init__(
        self,
        client: NodeClient,
        *,
        cursor: int | None = None,
        account: str | None = None,
        asset: str | None = None,
        types: Sequence[str] = (),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._cursor = cursor
        self._account = account
        self._asset = asset
        self._types = tuple(types)
        self._sleep = sleep
        self._jitter = jitter

    @property
    def cursor(self) -> int | None:
        """The last event that was yielded (or the head when following began): resume from here."""
        return self._cursor

    async def follow(self) -> AsyncGenerator[Event | Connected | Disconnected | Lost]:
        """Yield events and changes of the connection until the caller stops.

        Raises:
            NotAuthorizedError: the node does not accept the token (any more).

        """
        failures = 0
        while True:
            try:
                async with aclosing(self._stream()) as stream:
                    async for item in stream:
                        failures = 0
                        yield item
            except NotAuthorizedError:
                raise
            except CursorUnknownError:
                self._cursor = None
                yield Lost()
            except NodeError as error:
                wait = self._backoff(failures)
                failures += 1
                yield Disconnected(error, wait)
                await self._sleep(wait)

    def _backoff(self, failures: int) -> float:
        """Return seconds to wait: doubling, cut off, and spread so that many homes do not knock at once."""
        longest: float = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2 ** min(failures, 16))
        return longest * (0.5 + self._jitter() / 2)

    async def _stream(self) -> AsyncGenerator[Event | Connected]:
        """Yield the items of one connection; it always ends in an error."""
        socket = await self._client.events(
            cursor=self._cursor, account=self._account, asset=self._asset, types=self._types
        )
        async with socket:
            hello = await _hello(socket)
            if self._cursor is None:
                self._cursor = hello.head
            yield hello
            while True:
                event = _event(await _receive(socket))
                if event.cursor > self._cursor:
                    self._refuse_gap(event.cursor)
                    self._cursor = event.cursor
                    yield event

    def _refuse_gap(self, cursor: int) -> None:
        """Unfiltered cursors rise by one; a hole means that something got lost, so the stream starts over."""
        filtered = self._account or self._asset or self._types
        if not filtered and self._cursor is not None and cursor != self._cursor + 1:
            raise NodeProblemError(f"events between {self._cursor} and {cursor} are missing")


async def _hello(socket: ClientWebSocketResponse) -> Connected:
    data = await _receive(socket)
    match data:
        case {"type": "hello", "cursor": int(head), "time": int(time)}:
            return Connected(head, time)
    raise NodeProblemError("the stream of events does not begin with a hello")


async def _receive(socket: ClientWebSocketResponse) -> object:
    try:
        message = await socket.receive()
    except TimeoutError as error:
        raise NodeUnreachableError("the stream of events fell silent") from error
    if message.type is not WSMsgType.TEXT:
        raise NodeUnreachableError("the node closed the stream of events")
    try:
        return json.loads(message.data)
    except (ValueError, RecursionError) as error:
        raise NodeProblemError("the stream of events carries something that is not JSON") from error


def _event(data: object) -> Event:
    try:
        return answers.read(Event, data)
    except AnswerError as error:
        raise NodeProblemError(f"an event does not fit the protocol: {error}") from error
