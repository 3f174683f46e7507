"""What one Wh more would cost at each place of a cleared book, and what one more would bring there.

A change of the fills that leaves everybody's terms satisfied runs along arcs between places (a node in a
slot), flexible bids, and the ground, where energy comes from offers and goes to bids. An arc costs what a Wh
along it takes off the welfare and, far below that, what it adds to the order of ties (volume, ranks, slots).
Both are one number: nano per Wh times `Margins.unit`, plus the tie. Cheapest ways along the arcs therefore
answer exactly when an order would be served instead of others.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from .book import Book, Fills, Integers
from .verify_book import NO_LIMIT, Flags, Numbers, Terms, read_terms
from .verify_fills import Filled, fill

LINK = -1
"""Owner of the arcs that are no order's."""
FAR = 2**60
FAR_WIDE = 2**200
PLENTY = 2**62
"""Room of a link without a limit, in Wh."""


@dataclass(eq=False)
class Margins:
    """The arcs of a clearing: `room` Wh can still go along each, at `cost`; `owner` is the rank of its order.

    The first half are arcs along which something is filled, the second half takes it back: arc i and arc
    i + half undo each other. Nodes are the places (row of the node x slots + slot), then the flexible bids,
    then the ground.
    """

    terms: Terms
    unit: int
    tail: Integers
    head: Integers
    cost: Numbers
    room: Numbers
    owner: Integers

    @classmethod
    def of(cls, book: Book, fills: Fills, *, free: bool = True) -> Self:
        """Read the arcs off a clearing's fills. Raises RefusedError if the book forbids them.

        Accepted all-or-nothing bids may choose other slots if `free`, else their fills are given.
        """
        terms = read_terms(book)
        return cls._of(terms, fill(terms, fills), free=free)

    @classmethod
    def _of(cls, terms: Terms, filled: Filled, *, free: bool) -> Self:
        ties = _Ties.of(terms.book)
        parts = [
            _orders(terms, filled, ties, free=free),
            _totals(terms, filled, ties),
            _links(terms, filled),
        ]
        tail, head, owner = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("tail", "head", "owner")
        )
        columns = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("cost", "more", "back")
        )
        cost, more, back = columns
        reach = int(max(map(abs, cost.tolist()), default=0)) * (len(terms.energy) + 4)
        width = np.int64 if reach < FAR // 4 else object
        return cls(
            terms=terms,
            unit=ties.unit,
            tail=np.concatenate([tail, head]),
            head=np.concatenate([head, tail]),
            cost=np.concatenate([cost, -cost]).astype(width),
            room=terms.numbers(np.concatenate([more, back])),
            owner=np.concatenate([owner, owner]),
        )

    def copy(self) -> Self:
        """Return the same arcs, to be changed by themselves."""
        return replace(self, cost=self.cost.copy(), room=self.room.copy())

    @property
    def far(self) -> int:
        """Half of what stands for a node that no way leads to: such nodes have numbers from here on."""
        return (FAR if self.cost.dtype == np.int64 else FAR_WIDE) // 2

    @property
    def places(self) -> int:
        """How many places there are."""
        return len(self.terms.book.nodes) * self.terms.book.slots

    @property
    def ground(self) -> int:
        """The node where all energy comes from and goes to."""
        return self.places + len(self.terms.energy)

    def place(self, feeder: str, slot: int) -> int:
        """Return the node of a place."""
        return self.terms.book.nodes[feeder] * self.terms.book.slots + slot

    def money(self, number: int) -> int:
        """Return the nano per Wh of a number, without its tie."""
        return (number + self.unit // 2) // self.unit

    def taking(self, without: int | None = None, ceiling: Numbers | None = None) -> Numbers:
        """Find the cheapest way from the ground to each node: what one Wh more would cost there.

        Arcs of the order `without` are left out. `ceiling` has a number per place at which a Wh can be had
        there in any case.
        """
        return self._settle(self.tail, self.head, without, ceiling)

    def giving(self, without: int | None = None, ceiling: Numbers | None = None) -> Numbers:
        """Find the cheapest way from each node to the ground: what one Wh more brings there, negated."""
        return self._settle(self.head, self.tail, without, ceiling)

    def _settle(
        self, tail: Integers, head: Integers, without: int | None, ceiling: Numbers | None
    ) -> Numbers:
        usable = self.room > 0
        if without is not None:
            usable &= self.owner != without
        tail, head, cost = tail[usable], head[usable], self.cost[usable]
        numbers = np.full(self.ground + 1, 2 * self.far, dtype=self.cost.dtype)
        numbers[self.ground] = 0
        if ceiling is not None:
            numbers[: self.places] = ceiling
        while True:
            before = numbers.copy()
            np.minimum.at(numbers, head, numbers[tail] + cost)
            if np.array_equal(before, numbers):
                return numbers

    def on_ways(self, taking: Numbers, giving: Numbers) -> frozenset[int]:
        """Return the ranks of orders whose own energy some cheapest way takes, from or to the ground."""
        found: list[int] = []
        for tail, head, numbers in ((self.tail, self.head, taking), (self.head, self.tail, giving)):
            own = (self.room > 0) & (self.owner != LINK) & (head < self.places)
            own[own] = numbers[tail[own]] + self.cost[own] == numbers[head[own]]
            found += self.owner[own].tolist()
        return frozenset(found)

    def send(self, node: int, wh: int) -> int | None:
        """Send Wh from the ground to a node in the cheapest way; return what that costs the others, in nano.

        None if not all of it can get there. The arcs then tell what is still possible afterwards.
        """
        total = 0
        while wh:
            numbers = self.taking()
            if numbers[node] >= self.far:
                return None
            way = self._way(numbers, node)
            amount = int(min(wh, self.room[way].min()))
            half = len(self.room) // 2
            self.room[way] -= amount
            self.room[np.where(way < half, way + half, way - half)] += amount
            total += amount * self.money(int(numbers[node]))
            wh -= amount
        return total

    def open(self, rank: int, most: Mapping[int, int], gain: Mapping[int, int]) -> int:
        """Let an all-or-nothing bid that was not accepted take energy after all; return its node.

        Per slot at most `most` Wh, each of which counts `gain` nano for it.
        """
        half = len(self.room) // 2
        arcs = np.flatnonzero(self.owner[:half] == rank)
        arcs = arcs[self.tail[arcs] < self.places]
        for arc in arcs.tolist():
            slot = int(self.tail[arc]) % self.terms.book.slots
            self.room[arc] = most[slot]
            self.cost[arc], self.cost[arc + half] = -gain[slot] * self.unit, gain[slot] * self.unit
        return int(self.head[arcs[0]])

    def taken(self, rank: int) -> dict[int, int]:
        """Return what an order takes in each slot as the arcs are now, in Wh."""
        half = len(self.room) // 2
        arcs = np.flatnonzero((self.owner[:half] == rank) & (self.tail[:half] < self.places))
        slots = (self.tail[arcs] % self.terms.book.slots).tolist()
        return {slot: wh for slot, wh in zip(slots, self.room[arcs + half].tolist(), strict=True) if wh}

    def ties_since(self, before: Numbers, rank: int, wh: int) -> tuple[int, int, int]:
        """Return what changed since the arcs had the room `before`: volume, ranks, slots; greater is better.

        An order of `rank` got the Wh that were sent meanwhile.
        """
        half = len(self.room) // 2
        change = (self.room - before)[half:].astype(object)
        sold, ended = self.tail[:half] == self.ground, self.head[:half] == self.ground
        ranks = int((change * self.owner[:half])[sold | ended].sum()) + rank * wh
        slots = int((change * (self.head[:half] % self.terms.book.slots))[sold].sum())
        return int(change[sold].sum()), -ranks, -slots

    def _way(self, numbers: Numbers, node: int) -> Integers:
        """Return the arcs of a cheapest way from the ground to a node."""
        tight = (self.room > 0) & (numbers[self.tail] + self.cost == numbers[self.head])
        return np.array(self._search(node, tight, backwards=True), dtype=np.int64)

    def unlimited(self, *, backwards: bool) -> Flags:
        """Tell of each node whether its energy could come from (or go to) anybody if no link had a limit."""
        usable = (self.room > 0) | (self.owner == LINK)
        tail, head = (self.tail, self.head) if backwards else (self.head, self.tail)
        tail, head = tail[usable], head[usable]
        reached = np.zeros(self.ground + 1, dtype=np.bool_)
        reached[self.ground] = True
        while not reached[head[reached[tail]]].all():
            reached[head[reached[tail]]] = True
        return reached

    def saturated(self, node: int, rank: int, *, backwards: bool) -> int | None:
        """Return a full link that parts an order's node from all others: the row of its feeder, or None.

        `backwards` looks for where the node's energy could come from, else for where it could go.
        """
        half = len(self.room) // 2
        usable = ((self.room > 0) | (self.owner == LINK)) & (self.owner != rank)
        for arc in reversed(self._search(node, usable, backwards=backwards)):
            if self.owner[arc] == LINK and self.room[arc] == 0:
                return int(self.tail[arc % half]) // self.terms.book.slots
        return None

    def _search(self, node: int, usable: Flags, *, backwards: bool) -> list[int]:
        """Return the arcs of a shortest way between node and ground, the node's own last; [] if none."""
        here, there = (self.head, self.tail) if backwards else (self.tail, self.head)
        arcs = np.flatnonzero(usable)
        arcs = arcs[np.argsort(here[arcs], kind="stable")]
        starts = here[arcs]
        came: dict[int, int] = {node: -1}
        waiting = deque([node])
        while waiting and self.ground not in came:
            at = waiting.popleft()
            first, last = np.searchsorted(starts, [at, at + 1])
            for arc in arcs[first:last].tolist():
                following = int(there[arc])
                if following not in came:
                    came[following] = arc
                    waiting.append(following)
        way: list[int] = []
        at = self.ground
        while came.get(at, -1) >= 0:
            way.append(came[at])
            at = int(here[came[at]])
        return way


@dataclass(frozen=True, eq=False)
class _Part:
    """Some arcs with their room in the direction of filling and back."""

    tail: Integers
    head: Integers
    cost: Numbers
    more: Numbers
    back: Numbers
    owner: Integers


@dataclass(frozen=True)
class _Ties:
    """What a Wh of an offer and of a bid adds to the order of ties, and the unit that money is counted in.

    The order is greatest volume, then least sum of rank x Wh, then least sum of slot x Wh. A change meets
    the ground twice at most, so weights that let one Wh of volume outweigh all ranks, one rank all slots and
    one nano per Wh everything make one number of all.
    """

    rank: int
    volume: int
    unit: int

    @classmethod
    def of(cls, book: Book) -> Self:
        rank = book.slots
        volume = (2 * len(book.orders) + 2) * rank
        return cls(rank, volume, 4 * (volume + (len(book.orders) + 1) * rank) + 1)


def _orders(terms: Terms, filled: Filled, ties: _Ties, *, free: bool) -> _Part:
    """Make the arcs of chances: offers from the ground, fixed bids to it, flexible bids to their own node."""
    chances, slots = terms.chances, terms.book.slots
    place = chances.row * slots + chances.slot
    ground = len(terms.book.nodes) * slots + len(terms.energy)
    tail, head = place.copy(), np.full_like(place, ground)
    tail[terms.offers], head[terms.offers] = ground, place[terms.offers]
    head[terms.flexible] = terms.owner + len(terms.book.nodes) * slots
    cost = chances.worth.astype(object) * -ties.unit
    cost[terms.offers] *= -1
    cost[terms.offers] += (chances.rank * ties.rank + chances.slot - ties.volume)[terms.offers]
    cost[terms.fixed] += (chances.rank * ties.rank)[terms.fixed]
    usable = chances.takes_part.copy()
    settled = terms.whole & ((filled.total == 0) | (not free))
    usable[terms.flexible] &= ~settled[terms.owner]
    more, back = np.where(usable, chances.most - filled.wh, 0), np.where(usable, filled.wh, 0)
    return _Part(tail, head, cost, more, back, chances.rank)


def _totals(terms: Terms, filled: Filled, ties: _Ties) -> _Part:
    """Make the arcs of flexible bids' totals, from their own node to the ground."""
    places = len(terms.book.nodes) * terms.book.slots
    rank = np.array([rank for rank, _ in terms.book.flexible], dtype=np.int64)
    node = np.arange(len(rank)) + places
    return _Part(
        tail=node,
        head=np.full_like(node, places + len(rank)),
        cost=(rank * ties.rank).astype(object),
        more=np.where(terms.whole, 0, terms.energy - filled.total),
        back=np.where(terms.whole, 0, filled.total),
        owner=rank,
    )


def _links(terms: Terms, filled: Filled) -> _Part:
    """Make the arcs of links, from each feeder to its parent."""
    book = terms.book
    slot = np.arange(book.slots)
    rows = np.arange(1, len(book.nodes))[:, None]
    parents = np.array([book.nodes[one.parent] for one in book.feeders], dtype=np.int64)[:, None]
    flow = filled.carried[1:].astype(object)
    more = np.where(terms.up_limit == NO_LIMIT, PLENTY, terms.up_limit.astype(object) - flow)
    back = np.where(terms.down_limit == NO_LIMIT, PLENTY, terms.down_limit.astype(object) + flow)
    tail = (rows * book.slots + slot).ravel()
    return _Part(
        tail=tail,
        head=(parents * book.slots + slot).ravel(),
        cost=np.zeros(len(tail), dtype=object),
        more=more.ravel(),
        back=back.ravel(),
        owner=np.full_like(tail, LINK),
    )
