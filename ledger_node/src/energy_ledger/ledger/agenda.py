"""What is waiting for ledger time to pass, indexed so that a commit looks only at what is due."""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush

from energy_ledger.ledger.trading_rows import Reading, Trade

type Ids = dict[str, None]


class Lapses:
    """Open orders by the last moment (ms) at which a round can fill them; finished ones fade away."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, str]] = []

    def clear(self) -> None:
        """Forget all: a round that closes takes every open order into its book."""
        self._heap.clear()

    def add(self, due: int, number: int, order: str) -> None:
        """Note an order's last moment; of several notes the earliest counts."""
        heappush(self._heap, (due, number, order))

    def take(self, time: int) -> Iterator[str]:
        """Return the orders whose last moment was before `time`, and forget them."""
        while self._heap and self._heap[0][0] < time:
            yield heappop(self._heap)[2]

    def next_due(self, is_open: Callable[[str], bool]) -> int | None:
        """Return the earliest last moment of an open order."""
        while self._heap and not is_open(self._heap[0][2]):
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None


class TradeIndex:
    """Unsettled trades by slot and by connection point, and the readings of slots still in their grace."""

    def __init__(self) -> None:
        self.waiting: dict[int, Ids] = {}
        self.running: dict[int, Ids] = {}
        self.readings: dict[int, list[str]] = {}
        self._at: dict[tuple[str, int], Ids] = {}

    def add(self, trade: Trade) -> None:
        """Take in an unsettled trade."""
        phase = self.waiting if trade.state == "matched" else self.running
        name, slot = trade.id, trade.slot
        _group(phase, slot)[name] = None
        _group(self._at, (trade.sell_point, slot))[name] = None
        _group(self._at, (trade.buy_point, slot))[name] = None

    def start(self, slot: int) -> list[str]:
        """Move a slot's trades from waiting to running, and return them."""
        trades = self.waiting.pop(slot)
        self.running.setdefault(slot, {}).update(trades)
        return list(trades)

    def remove(self, trade: Trade) -> None:
        """Forget a trade that is settled."""
        _drop(self.running, trade.slot, trade.id)
        for point in dict.fromkeys((trade.sell_point, trade.buy_point)):
            _drop(self._at, (point, trade.slot), trade.id)

    def at(self, point: str, slot: int) -> list[str]:
        """Return the unsettled trades of a connection point in a slot, in ledger order."""
        return list(self._at.get((point, slot), ()))

    def note_reading(self, reading: Reading) -> None:
        """Remember a reading until its slot's grace is over."""
        self.readings.setdefault(reading.slot, []).append(reading.key)

    def slots(self) -> Iterator[int]:
        """Return the slots that have unsettled trades."""
        yield from self.waiting
        yield from self.running


def _group[K](groups: dict[K, Ids], group: K) -> Ids:
    found = groups.get(group)
    if found is None:
        found = groups[group] = {}
    return found


def _drop[K](groups: dict[K, Ids], group: K, member: str) -> None:
    members = groups[group]
    del members[member]
    if not members:
        del groups[group]
