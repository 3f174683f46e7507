"""The network's events as clients hear them: the newest from memory, the older ones from the disk."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from energy_ledger.api.ports import EventFilter
from energy_ledger.api.types import Hello
from energy_ledger.ledger.events import Event

REMEMBERED: Final = 5_000
"""Events kept in memory; those of the newest step are kept however many they are."""
_PAGE: Final = 100
"""Events that one listener is given before others have their turn."""

type Fetch = Callable[[int, int], Awaitable[list[tuple[int, bytes]]]]
"""Reads at most so many events after a cursor from the disk, with their cursors."""

_EVERYTHING: Final = EventFilter()
_decode = msgspec.json.Decoder(Event).decode


@dataclass(frozen=True, slots=True)
class _Batch:
    """Events that came to the disk together, and each as JSON."""

    first: int
    events: Sequence[Event]
    lines: Sequence[bytes]


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
        self._latest: deque[_Batch] = deque()
        self._remembered = 0
        self._news = asyncio.Event()

    @property
    def start(self) -> int:
        """Return the cursor from which on all events are known."""
        return self._start

    def head(self) -> Hello:
        """Return the newest cursor that is on disk, and the ledger time (ms)."""
        return Hello(self._cursor, self._time)

    def append(self, events: Sequence[Event], lines: Sequence[bytes], time: int) -> None:
        """Take in events, with each as JSON, that are on disk by now."""
        self._time = time
        if not events:
            return
        self._latest.append(_Batch(events[0].cursor, events, lines))
        self._remembered += len(events)
        while self._remembered - len(self._latest[0].events) >= REMEMBERED:
            self._remembered -= len(self._latest.popleft().events)
        self._cursor = events[-1].cursor
        self._news.set()
        self._news = asyncio.Event()

    def forget(self, start: int) -> None:
        """Give the events up to `start` to nobody any more; who is not further must come again."""
        self._start = max(self._start, start)

    def end(self) -> None:
        """Let every listener know that nothing more comes from here."""
        self._ended = True
        self._news.set()

    async def after(self, cursor: int, wanted: EventFilter) -> AsyncIterator[list[bytes]]:
        """Give every wanted event after `cursor` as JSON, some at a time; wait for new ones until the end.

        Ends, too, where the next events are not known any more.
        """
        while not self._ended and cursor >= self._start:
            news = self._news
            if cursor >= self._cursor:
                await news.wait()
                continue
            seen, lines = await self._page(cursor, wanted)
            if cursor < self._start:
                return
            cursor += seen
            if lines:
                yield lines
            await asyncio.sleep(0)

    async def _page(self, cursor: int, wanted: EventFilter) -> tuple[int, list[bytes]]:
        """Look at some of the events after `cursor`; return how many, and those that are wanted."""
        for batch in reversed(self._latest):
            if batch.first <= cursor + 1:
                start = cursor + 1 - batch.first
                part = slice(start, start + _PAGE)
                return _pick(batch.events[part], batch.lines[part], wanted)
        lines = [line for _, line in await self._fetch(cursor, _PAGE)]
        return _pick([] if wanted == _EVERYTHING else list(map(_decode, lines)), lines, wanted)


def _pick(events: Sequence[Event], lines: Sequence[bytes], wanted: EventFilter) -> tuple[int, list[bytes]]:
    if wanted == _EVERYTHING:
        return len(lines), list(lines)
    pairs = zip(events, lines, strict=True)
    return len(lines), [line for event, line in pairs if _matches(event, wanted)]


def _matches(event: Event, wanted: EventFilter) -> bool:
    return (
        (wanted.account is None or wanted.account in event.accounts)
        and (wanted.asset is None or wanted.asset in event.assets)
        and (not wanted.types or event.type in wanted.types)
    )
