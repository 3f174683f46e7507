"""The network's events as clients hear them: the newest from memory, the older ones from the disk."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Final

import msgspec

from energy_ledger.api.ports import EventFilter
from energy_ledger.api.types import Hello
from energy_ledger.ledger.events import Event

REMEMBERED: Final = 5_000
"""Events kept in memory."""
_PAGE: Final = 500

type Fetch = Callable[[int, int], Awaitable[list[tuple[int, str]]]]
"""Reads at most so many events after a cursor from the disk, with their cursors."""

_decode = msgspec.json.Decoder(Event).decode


class EventLog:
    """Gives every event once and in order to each listener, from wherever it left off.

    A listener has no queue here, only a place in the log; so a slow one costs nothing but its own time.
    """

    def __init__(self, cursor: int, time: int, fetch: Fetch, start: int = 0) -> None:
        """Go on after `cursor`; events up to `start` are not all known here."""
        self._start = start
        self._ended = False
        self._cursor = cursor
        self._time = time
        self._fetch = fetch
        self._latest: deque[Event] = deque(maxlen=REMEMBERED)
        self._news = asyncio.Event()

    @property
    def start(self) -> int:
        """Return the cursor from which on all events are known."""
        return self._start

    def head(self) -> Hello:
        """Return the newest cursor that is on disk, and the ledger time (ms)."""
        return Hello(self._cursor, self._time)

    def append(self, events: Iterable[Event], time: int) -> None:
        """Take in the events of a commit, which are on disk by now."""
        for event in events:
            self._latest.append(event)
            self._cursor = event.cursor
        self._time = time
        self._news.set()
        self._news = asyncio.Event()

    def end(self) -> None:
        """Let every listener know that nothing more comes from here."""
        self._ended = True
        self._news.set()

    async def after(self, cursor: int, wanted: EventFilter) -> AsyncIterator[bytes]:
        """Give every wanted event after `cursor` as JSON, one by one, and wait for new ones until the end."""
        while not self._ended:
            news = self._news
            if cursor >= self._cursor:
                await news.wait()
                continue
            for event in await self._page(cursor):
                cursor = event.cursor
                if _matches(event, wanted):
                    yield event.encode()

    async def _page(self, cursor: int) -> list[Event]:
        """Return some of the events after `cursor`, one at least."""
        oldest = self._latest[0].cursor if self._latest else self._cursor + 1
        if cursor + 1 >= oldest:
            start = cursor + 1 - oldest
            return [self._latest[place] for place in range(start, min(start + _PAGE, len(self._latest)))]
        return [_decode(body) for _, body in await self._fetch(cursor, _PAGE)]


def _matches(event: Event, wanted: EventFilter) -> bool:
    return (
        (wanted.account is None or wanted.account in event.accounts)
        and (wanted.asset is None or wanted.asset in event.assets)
        and (not wanted.types or event.type in wanted.types)
    )
