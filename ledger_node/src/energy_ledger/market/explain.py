"""Why an order of a cleared book was filled or not, and which limit would have brought it energy.

For an order that may be filled in part the answer is exact: at the stated price the same book gives it more,
one nano per Wh short of that it does not. For a block or an all-or-nothing bid the price is one at which the
others, as they were accepted, leave it what it wants; accepting others instead might do for less.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .book import BlockBid, Book, FixedBid, Fills, FlexibleBid, Offer, Order
from .margins import Margins
from .verify_book import Numbers

type Reason = Literal[
    "filled", "price", "priority", "feeder", "no_counterpart", "indivisible", "paradoxical"
]
type Table = tuple[tuple[int, ...], ...]
"""One row per node (`Book.nodes`), one value per slot."""


@dataclass(frozen=True)
class Interval:
    """Least and greatest price that support the fills, per node and slot, within floor and cap."""

    least: Table
    greatest: Table


@dataclass(frozen=True)
class Explanation:
    """What became of an order in a round; `asked_wh` is what it still asked for.

    ``price``: a limit of `price` would have been filled (more), in slot `slot`. ``priority``: even at the
    tariff's best price others came first there. ``feeder``: the limit of `feeder` stood between. ``no_counterpart``:
    nobody was left to trade with, at any price of the tariff. ``indivisible``: not all of what it wants at once
    could be had, at any price. ``paradoxical``: a block or all-or-nothing bid that would gain at the round's
    prices, which accepting it would have changed.
    """

    rank: int
    asked_wh: int
    filled_wh: int
    reason: Reason
    slot: int | None = None
    price: int | None = None
    feeder: str | None = None


@dataclass(frozen=True)
class _Chance:
    """A slot with room for more of an order: the limit it would need there (None: no limit helps)."""

    slot: int
    needed: int | None
    reachable: bool


def find_interval(book: Book, fills: Fills) -> Interval:
    """Find the ends of the prices that support the fills. Raises RefusedError if the book forbids the fills."""
    margins = Margins.of(book, fills, free=False)
    floor, cap = (np.tile(one, len(book.nodes)) for one in (margins.terms.floor, margins.terms.cap))
    unit, places = margins.unit, margins.places
    high = margins.taking(ceiling=cap.astype(object) * unit)[:places].tolist()
    low = margins.giving(ceiling=floor.astype(object) * -unit)[:places].tolist()
    return Interval(
        least=_table(book, [-margins.money(number) for number in low]),
        greatest=_table(book, [margins.money(number) for number in high]),
    )


def explain(book: Book, fills: Fills, prices: Table) -> tuple[Explanation, ...]:
    """Explain what became of every order, by rank, at the round's prices (what is charged in each place).

    The fills must be a verified clearing's. Raises RefusedError if the book forbids them.
    """
    return tuple(_Explainer(book, fills, prices).all())


def _table(book: Book, values: list[int]) -> Table:
    starts = range(0, len(values), book.slots)
    return tuple(tuple(values[start : start + book.slots]) for start in starts)


def asked_wh(order: Order) -> int:
    """Return all the energy an order of a book asks for."""
    match order:
        case Offer() | FixedBid():
            return sum(order.slots.values())
        case FlexibleBid():
            return order.energy_wh
        case BlockBid():
            return sum(order.profile_wh)


class _Explainer:
    """One cleared book and the ways that energy could still go in it."""

    def __init__(self, book: Book, fills: Fills, prices: Table) -> None:
        self.book = book
        self.fills = fills
        self.prices = prices
        self.filled: dict[int, dict[int, int]] = {}
        for rank, slot, wh in zip(fills.rank, fills.slot, fills.wh, strict=True):
            self.filled.setdefault(rank, {})[slot] = wh
        self.margins = Margins.of(book, fills)
        self.taking = self.margins.taking()
        self.giving = self.margins.giving()

    def all(self) -> Iterator[Explanation]:
        """Explain every order."""
        for rank, order in enumerate(self.book.orders):
            asked, filled = asked_wh(order), sum(self.filled.get(rank, {}).values())
            if filled == asked:
                yield Explanation(rank, asked, filled, "filled")
            elif XX:
                yield self._explain_whole(rank, order, asked)
            else:
                yield self._explain_part(rank, order, asked, filled)

    # --- orders that may be filled in part ------------------------------------------------------------------

    def _explain_part(
        self, rank: int, order: Offer | FixedBid | FlexibleBid, asked: int, filled: int
    ) -> Explanation:
        chances = list(self._chances(rank, order))
        possible = [chance for chance in chances if chance.needed is not None]
        if possible:
            sign = -1 if isinstance(order, Offer) else 1
            best = min(possible, key=lambda chance: (sign * (chance.needed or 0), chance.slot))
            return Explanation(rank, asked, filled, "price", best.slot, best.needed)
        for chance in chances:
            if chance.reachable:
                return Explanation(rank, asked, filled, "priority", chance.slot)
        return self._explain_parted(rank, order, asked, filled, [chance.slot for chance in chances])

    def _chances(self, rank: int, order: Offer | FixedBid | FlexibleBid) -> Iterator[_Chance]:
        taken = self.filled.get(rank, {})
        numbers = self._numbers(rank, order)
        for slot in _slots(order):
            most = order.room_wh(slot) if isinstance(order, FlexibleBid) else order.slots[slot]
            if most > taken.get(slot, 0):
                yield self._chance(rank, order, slot, int(numbers[self.margins.place(order.feeder, slot)]))

    def _numbers(self, rank: int, order: Order) -> Numbers:
        """Return what one Wh more costs (or brings) in each place, the order's own energy being left out."""
        margins, is_offer = self.margins, isinstance(order, Offer)
        numbers = self.giving if is_offer else self.taking
        tail, head = (margins.head, margins.tail) if is_offer else (margins.tail, margins.head)
        own = (margins.room > 0) & (margins.owner == rank) & (head < margins.places)
        if (numbers[tail[own]] + margins.cost[own] != numbers[head[own]]).all():
            return numbers
        return margins.giving(rank) if is_offer else margins.taking(rank)

    def _chance(self, rank: int, order: Order, slot: int, number: int) -> _Chance:
        """Find the limit with which the order would come before whom one Wh would be taken from or left to."""
        if number >= self.margins.far:
            return _Chance(slot, None, reachable=False)
        tariff, unit = self.book.tariff, self.margins.unit
        floor, cap = tariff.price_floor[slot], tariff.price_cap[slot]
        rank_tie = rank * self.book.slots
        if isinstance(order, Offer):
            volume = (2 * len(self.book.orders) + 2) * self.book.slots
            least = min((-number - (rank_tie + slot - volume) - 1) // unit, cap)
            money = -self.margins.money(number)
            return _Chance(slot, least if least >= floor else None, reachable=money >= floor)
        needed = max((number + rank_tie) // unit + 1, floor)
        reachable = self.margins.money(number) <= cap
        return _Chance(slot, needed + tariff.grid_fee[slot] if needed <= cap else None, reachable=reachable)

    def _explain_parted(
        self, rank: int, order: Order, asked: int, filled: int, slots: list[int]
    ) -> Explanation:
        """Say what parts an order from any counterpart: a full link, or that there is none."""
        for slot in slots:
            place = self.margins.place(order.feeder, slot)
            row = self.margins.saturated(place, backwards=not isinstance(order, Offer))
            if row is not None:
                feeder = self.book.feeders[row - 1].id
                return Explanation(rank, asked, filled, "feeder", slot, feeder=feeder)
        return Explanation(rank, asked, filled, "no_counterpart", slots[0] if slots else None)

    # --- blocks and all-or-nothing bids ---------------------------------------------------------------------

    def _explain_whole(self, rank: int, bid: BlockBid | FlexibleBid, asked: int) -> Explanation:
        runs = list(self._runs(bid))
        gain, slot = max(
            (sum(wh * (self._worth(bid, slot) - self._price(bid, slot)) for slot, wh in run), -run[0][0])
            for run in runs
        )
        needed = self._needed(runs, bid)
        if gain > 0 or (needed is not None and needed[1] <= bid.price):
            start, price = needed or (-slot, None)
            return Explanation(rank, asked, 0, "paradoxical", start, price)
        if needed is not None:
            return Explanation(rank, asked, 0, "price", *needed)
        slots = list(dict.fromkeys(slot for run in runs for slot, _ in run))
        places = [self.margins.place(bid.feeder, slot) for slot in slots]
        if any(self.taking[place] < self.margins.far for place in places):
            return Explanation(rank, asked, 0, "indivisible", slots[0])
        return self._explain_parted(rank, bid, asked, 0, slots)

    def _runs(self, bid: BlockBid | FlexibleBid) -> Iterator[list[tuple[int, int]]]:
        """Return the ways (slot, Wh) to take all of a bid: a block's starts, another's cheapest slots."""
        if isinstance(bid, BlockBid):
            for start in range(bid.earliest, bid.deadline - len(bid.profile_wh) + 1):
                yield list(enumerate(bid.profile_wh, start))
            return
        rest, run = bid.energy_wh, []
        for slot in sorted(range(bid.earliest, bid.deadline), key=lambda slot: self._cost(bid, slot)):
            wh = min(rest, bid.room_wh(slot))
            run += [(slot, wh)] if wh else []
            rest -= wh
        yield sorted(run)

    def _cost(self, bid: BlockBid | FlexibleBid, slot: int) -> tuple[int, int]:
        """Return what a Wh costs the bid beyond its worth, so that its best slots come first."""
        return self._price(bid, slot) - self._worth(bid, slot), slot

    def _worth(self, bid: BlockBid | FlexibleBid, slot: int, price: int | None = None) -> int:
        """Return what a Wh is worth in a slot to a bid of some price."""
        tariff = self.book.tariff
        price = bid.price if price is None else price
        return min(price - tariff.grid_fee[slot], tariff.price_cap[slot])

    def _price(self, bid: BlockBid | FlexibleBid, slot: int) -> int:
        return self.prices[self.book.nodes[bid.feeder]][slot]

    def _needed(
        self, runs: list[list[tuple[int, int]]], bid: BlockBid | FlexibleBid
    ) -> tuple[int, int] | None:
        """Return start and limit of the cheapest run, beside what others have, that its limit can pay for."""
        likely = sorted(runs, key=lambda run: sum(wh * self._next_price(bid, slot) for slot, wh in run))
        for run in likely[:_TRIED]:
            price = self._limit_for(run, bid)
            if price is not None:
                return run[0][0], price
        return None

    def _next_price(self, bid: BlockBid | FlexibleBid, slot: int) -> int:
        return self.margins.money(int(self.taking[self.margins.place(bid.feeder, slot)]))

    def _limit_for(self, run: list[tuple[int, int]], bid: BlockBid | FlexibleBid) -> int | None:
        """Return the least limit that pays for a run what it takes from others, and the prices that follow."""
        margins = Margins.of(self.book, self.fills)
        total = 0
        for slot, wh in run:
            cost = margins.send(margins.place(bid.feeder, slot), wh)
            if cost is None:
                return None
            total += cost
        floor = np.tile(margins.terms.floor.astype(object), len(self.book.nodes)) * -margins.unit
        least = margins.giving(ceiling=floor)
        places = [(margins.place(bid.feeder, slot), wh) for slot, wh in run]
        paid = sum(wh * -margins.money(int(least[place])) for place, wh in places)
        due = max(paid, margins.money(total) + 1)
        return self._least_limit(run, bid, due)

    def _least_limit(
        self, run: list[tuple[int, int]], bid: BlockBid | FlexibleBid, due: int
    ) -> int | None:
        """Return the least limit at which a run is worth what is due (nano), None if none is."""
        tariff = self.book.tariff
        high = max(tariff.price_cap[slot] + tariff.grid_fee[slot] for slot, _ in run)
        if sum(wh * self._worth(bid, slot, high) for slot, wh in run) < due:
            return None
        low = 0
        while low < high:
            middle = (low + high) // 2
            if sum(wh * self._worth(bid, slot, middle) for slot, wh in run) >= due:
                high = middle
            else:
                low = middle + 1
        return low


_TRIED = 3
"""Runs of a block that are worked out to the end, those first that look cheapest."""


def _slots(order: Offer | FixedBid | FlexibleBid) -> list[int]:
    if isinstance(order, FlexibleBid):
        return list(range(order.earliest, order.deadline))
    return sorted(order.slots)
