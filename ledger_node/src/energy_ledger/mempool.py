"""Transactions that wait for a block: each account's in its own order, accounts by turns, the urgent first.

An account is served as urgently as the most urgent thing it has waiting: readings before payments before
everything else. Among accounts of the same urgency each gives a share of bytes in turn (deficit round robin),
so that nobody's flood delays a neighbour's single order.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

from msgspec import Struct

from energy_ledger.keys import KeySet
from energy_ledger.transactions import Transaction

MAX_BYTES: Final = 64 * 1024 * 1024
"""Most bytes of envelopes that wait."""
MAX_ACCOUNT_BYTES: Final = 8 * 1024 * 1024
"""Most bytes of one account's envelopes that wait."""
QUANTUM: Final = 16 * 1024
"""Bytes an account may give in one turn."""

_LANES: Final = {
    "reading.attest": 0,
    "clearing.propose": 0,
    "transfer": 1,
    "voucher.issue": 1,
    "voucher.redeem": 1,
    "voucher.settle": 1,
    "community.pay": 1,
    "key.rotate": 0,
    "credit.set": 1,
}
_LAST_LANE: Final = 2


class MempoolFullError(Exception):
    """More waits than the node wants to remember; try again when it has been ordered."""


class Waiting(Struct, frozen=True, gc=False):
    """A transaction on its way into a block; `data` is its envelope as blocks carry it.

    `signers` are the keys of its account under which its signatures were found good; none if not checked.
    """

    transaction: Transaction
    data: bytes
    signers: KeySet = ()

    @property
    def account(self) -> str:
        """Who sent it."""
        return self.transaction.payload.account

    @property
    def sequence(self) -> int:
        """Its place among the account's transactions."""
        return self.transaction.payload.sequence

    @property
    def lane(self) -> int:
        """How urgent it is; 0 is the most urgent."""
        return _LANES.get(self.transaction.kind, _LAST_LANE)


@dataclass(slots=True)
class _Queue:
    """What one account has waiting, in the order of its sequence numbers."""

    waiting: deque[Waiting] = field(default_factory=deque)
    size: int = 0
    deficit: int = 0
    lane: int = _LAST_LANE
    in_lanes: list[int] = field(default_factory=lambda: [0] * (_LAST_LANE + 1))

    def add(self, one: Waiting) -> None:
        place, sequence, lane = len(self.waiting), one.sequence, one.lane
        while place and self.waiting[place - 1].sequence > sequence:
            place -= 1
        self.waiting.insert(place, one)
        self.size += len(one.data)
        self.in_lanes[lane] += 1
        self.lane = min(self.lane, lane)

    def pop(self) -> Waiting:
        one = self.waiting.popleft()
        size, lane = len(one.data), one.lane
        self.size -= size
        self.deficit -= size
        self.in_lanes[lane] -= 1
        if not self.in_lanes[lane]:
            self.lane = next((lane for lane, number in enumerate(self.in_lanes) if number), _LAST_LANE)
        return one


@dataclass(slots=True)
class _Load:
    """What goes into one block, and the room that is left there."""

    max_bytes: int
    max_items: int
    taken: list[Waiting] = field(default_factory=list)
    full: bool = False

    def fits(self, size: int) -> bool:
        self.full = self.full or size > self.max_bytes or len(self.taken) >= self.max_items
        return not self.full

    def put(self, one: Waiting) -> None:
        self.taken.append(one)
        self.max_bytes -= len(one.data)


class Mempool:
    """The transactions that wait for a block."""

    def __init__(self) -> None:
        self._queues: OrderedDict[str, _Queue] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return sum(len(queue.waiting) for queue in self._queues.values())

    def __bool__(self) -> bool:
        """Tell whether any waits."""
        return bool(self._queues)

    def add(self, one: Waiting) -> None:
        """Let a transaction wait, before those of its account with higher sequence numbers.

        Raises MempoolFullError when too much waits already, of this account or of all.
        """
        account, size = one.account, len(one.data)
        queue = self._queues.get(account) or _Queue()
        if self._bytes + size > MAX_BYTES or queue.size + size > MAX_ACCOUNT_BYTES:
            raise MempoolFullError("too many transactions wait to be ordered")
        queue.add(one)
        self._queues[account] = queue
        self._bytes += size

    def take(self, max_bytes: int, max_items: int) -> list[Waiting]:
        """Take out what goes into one block; what does not fit any more stays."""
        load = _Load(max_bytes, max_items)
        for lane in range(_LAST_LANE + 1):
            self._serve(lane, load)
        self._bytes -= sum(len(one.data) for one in load.taken)
        return load.taken

    def _serve(self, lane: int, load: _Load) -> None:
        turns = deque(account for account, queue in self._queues.items() if queue.lane <= lane)
        while turns and not load.full:
            account = turns.popleft()
            queue = self._queues[account]
            if not load.fits(len(queue.waiting[0].data)):
                break  # its turn comes first in the next block
            self._queues.move_to_end(account)
            if self._give(queue, lane, load):
                turns.append(account)
            elif not queue.waiting:
                del self._queues[account]

    def _give(self, queue: _Queue, lane: int, load: _Load) -> bool:
        """Take one turn's share of an account; tell whether it has more of this urgency."""
        queue.deficit += QUANTUM
        while queue.waiting and queue.lane <= lane:
            size = len(queue.waiting[0].data)
            if size > queue.deficit or not load.fits(size):
                return True
            load.put(queue.pop())
        queue.deficit = 0
        return False
