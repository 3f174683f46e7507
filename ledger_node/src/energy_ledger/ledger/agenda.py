"""What is waiting for ledger time to pass, indexed so that a commit looks only at what is due."""

from bisect import insort
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import chain

from energy_ledger.ledger.matches import Matches
from energy_ledger.ledger.traced_rows import Certificate, Claim
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


_PHASES = {"delivering": "running", "settled": "over", "disputed": "over"}
"""Which group of the index a trade's state belongs to."""


class TradeIndex:
    """Trades by slot and by connection point: `running`, or `over` (settled).

    `internal` are those running that stay behind one connection point. What is `waiting` for its slot is
    noted there by the keys of `Matches`, and nowhere else.
    """

    def __init__(self) -> None:
        self.waiting: dict[int, Ids] = {}
        self.running: dict[int, Ids] = {}
        self.over: dict[int, Ids] = {}
        self.internal: dict[int, Ids] = {}
        self._at: dict[tuple[str, int], Ids] = {}
        self._awaited: dict[int, int] = {}

    def await_slot(self, matches: Matches) -> None:
        """Take in trades that wait for their slot."""
        _group(self.waiting, matches.slot)[matches.key] = None
        self._awaited[matches.round] = self._awaited.get(matches.round, 0) + 1

    def awaits(self, round_: int) -> bool:
        """Count off one of a round's slots that started; tell whether others are still waited for."""
        left = self._awaited.pop(round_) - 1
        if left:
            self._awaited[round_] = left
        return bool(left)

    def add(self, trade: Trade) -> None:
        """Take in a trade whose slot has started."""
        phase: dict[int, Ids] = getattr(self, _PHASES[trade.state])
        name, slot = trade.id, trade.slot
        _group(phase, slot)[name] = None
        if trade.internal and phase is not self.over:
            _group(self.internal, slot)[name] = None
        _group(self._at, (trade.sell_point, slot))[name] = None
        _group(self._at, (trade.buy_point, slot))[name] = None

    def start(self, slot: int) -> list[str]:
        """Return the keys of what waited for a slot, and forget them."""
        return list(self.waiting.pop(slot))

    def settle(self, trade: Trade) -> None:
        """Note that a running trade is settled."""
        _drop(self.running, trade.slot, trade.id)
        if trade.internal:
            _drop(self.internal, trade.slot, trade.id)
        self.over.setdefault(trade.slot, {})[trade.id] = None

    def forget(self, trade: Trade) -> None:
        """Forget a settled trade."""
        _drop(self.over, trade.slot, trade.id)
        for point in dict.fromkeys((trade.sell_point, trade.buy_point)):
            _drop(self._at, (point, trade.slot), trade.id)

    def at(self, point: str, slot: int) -> list[str]:
        """Return the trades of a connection point in a slot, in ledger order."""
        return list(self._at.get((point, slot), ()))

    def of_slot(self, slot: int) -> list[str]:
        """Return all trades of a slot that has started, in no particular order."""
        return [name for phase in (self.running, self.over) for name in phase.get(slot, ())]

    def unsettled(self) -> Iterator[str]:
        """Return the trades whose slot has started and that are still to be settled."""
        return chain.from_iterable(self.running.values())

    def slots(self) -> Iterator[int]:
        """Return the slots that have unsettled trades."""
        yield from self.waiting
        yield from self.running


class SlotIndex:
    """Slots that something was traded, read or claimed in, until they are final, and what belongs to them.

    `open` are those in which readings are taken; the others are `closed`, in order, and may be claimed about.
    """

    def __init__(self) -> None:
        self.open: dict[int, None] = {}
        self.closed: list[int] = []
        self.readings: dict[int, Ids] = {}
        self.claims: dict[tuple[str, int], Ids] = {}
        self.claimed: dict[int, Ids] = {}
        self.certificates: dict[int, Ids] = {}
        self._closed: dict[int, None] = {}

    def note(self, slot: int) -> None:
        """Remember that something happened about a slot that is still open."""
        self.open[slot] = None

    def close(self, slot: int) -> None:
        """Note that a slot's readings are no longer taken."""
        self.open.pop(slot, None)
        if slot not in self._closed:
            self._closed[slot] = None
            insort(self.closed, slot)

    def is_final(self, slot: int) -> bool:
        """Tell whether a slot can no longer change."""
        return slot not in self.open and slot not in self._closed

    def forget(self, slot: int) -> None:
        """Forget a slot that is final."""
        self.closed.remove(slot)
        del self._closed[slot]
        self.readings.pop(slot, None)
        self.certificates.pop(slot, None)

    def note_reading(self, reading: Reading) -> None:
        """Take in a slot's reading."""
        self.readings.setdefault(reading.slot, {})[reading.key] = None

    def note_claim(self, claim: Claim) -> None:
        """Take in an open claim."""
        self.claims.setdefault(claim.place, {})[claim.id] = None
        self.claimed.setdefault(claim.slot, {})[claim.id] = None

    def drop_claim(self, claim: Claim) -> None:
        """Forget a claim that is decided."""
        _drop(self.claims, claim.place, claim.id)
        _drop(self.claimed, claim.slot, claim.id)

    def note_certificate(self, certificate: Certificate) -> None:
        """Take in a certificate of a slot that is not final."""
        self.certificates.setdefault(certificate.slot, {})[certificate.id] = None

    def drop_certificate(self, certificate: Certificate) -> None:
        """Forget a certificate that was withdrawn."""
        self.certificates.get(certificate.slot, {}).pop(certificate.id, None)


class Expiries:
    """Active certificates of final slots by the time (ms) at which they expire; those used up fade away."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []

    def add(self, certificate: Certificate) -> None:
        """Note when a certificate expires."""
        heappush(self._heap, (certificate.expires, certificate.id))

    def take(self, time: int) -> Iterator[str]:
        """Return what expires until `time`, and forget it."""
        while self._heap and self._heap[0][0] <= time:
            yield heappop(self._heap)[1]


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
