"""Why an order of a cleared book was filled or not, and which limit would have brought it energy.

For an order that may be filled in part the answer is exact: at the stated price the same book gives it more,
one nano per Wh short of that it does not. For a block or an all-or-nothing bid the price is one at which the
others, as they were accepted, leave it what it wants; accepting others instead might do for less.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .book import BlockBid, Book, Fills, FixedBid, FlexibleBid, Offer, Order
from .margins import Margins
from .verify_book import Numbers

type Reason = Literal["filled", "price", "priority", "feeder", "no_counterpart", "indivisible", "paradoxical"]
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

    - ``price``: a limit of `price` would have been filled (more), in `slot`;
    - ``priority``: even at the tariff's best price others came first there;
    - ``feeder``: the limit of `feeder` stood between it and whom it could have traded with;
    - ``no_counterpart``: nobody was left to trade with, at any price of the tariff;
    - ``indivisible``: not all of what it wants at once could be had, at any price;
    - ``paradoxical``: a block or all-or-nothing bid that would gain at the round's prices, which accepting it
      would have changed.
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


type Run = tuple[tuple[int, int], ...]
"""Slots and the Wh in each."""


@dataclass(frozen=True)
class _Needed:
    """A limit that would do, and the first slot in which the order would be served."""

    slot: int
    price: int


@dataclass(frozen=True, eq=False)
class _Way:
    """A way to serve all of a bid: what it costs the others (nano), and the arcs afterwards and before."""

    run: Run
    cost: int
    margins: Margins
    before: Numbers


def find_interval(book: Book, fills: Fills) -> Interval:
    """Find the ends of the prices that support fills. Raises RefusedError if the book forbids these."""
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


def is_whole(bid: FlexibleBid | BlockBid) -> bool:
    """Tell whether a bid wants all or nothing, so that its price counts on average over its slots."""
    return isinstance(bid, BlockBid) or bid.min_fill == "all"


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
        self.marginal = self.margins.on_ways(self.taking, self.giving)
        self.sources = self.margins.unlimited(backwards=True)
        self.sinks = self.margins.unlimited(backwards=False)

    def all(self) -> Iterator[Explanation]:
        """Explain every order."""
        for rank, order in enumerate(self.book.orders):
            asked, filled = asked_wh(order), sum(self.filled.get(rank, {}).values())
            if filled == asked:
                yield Explanation(rank, asked, filled, "filled")
            elif isinstance(order, BlockBid) or (isinstance(order, FlexibleBid) and is_whole(order)):
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
        if rank not in self.marginal:
            return self.giving if isinstance(order, Offer) else self.taking
        return self.margins.giving(rank) if isinstance(order, Offer) else self.margins.taking(rank)

    def _chance(self, rank: int, order: Order, slot: int, number: int) -> _Chance:
        """Find the limit with which the order comes before whoever one Wh would be taken from."""
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
        wants = not isinstance(order, Offer)
        unlimited = self.sources if wants else self.sinks
        for slot in slots:
            place = self.margins.place(order.feeder, slot)
            row = self.margins.saturated(place, rank, backwards=wants) if unlimited[place] else None
            if row is not None:
                feeder = self.book.feeders[row - 1].id
                return Explanation(rank, asked, filled, "feeder", slot, feeder=feeder)
        return Explanation(rank, asked, filled, "no_counterpart")

    # --- blocks and all-or-nothing bids ---------------------------------------------------------------------

    def _explain_whole(self, rank: int, bid: BlockBid | FlexibleBid, asked: int) -> Explanation:
        needed = self._needed(rank, bid)
        if needed is not None:
            gain = max(sum(wh * self._gain(bid, slot) for slot, wh in run) for run in self._runs(bid))
            reason: Reason = "paradoxical" if gain > 0 or needed.price <= bid.price else "price"
            return Explanation(rank, asked, 0, reason, needed.slot, needed.price)
        slots = list(_window(bid))
        if any(self.taking[self.margins.place(bid.feeder, slot)] < self.margins.far for slot in slots):
            return Explanation(rank, asked, 0, "indivisible")
        return self._explain_parted(rank, bid, asked, 0, slots)

    def _runs(self, bid: BlockBid | FlexibleBid) -> Iterator[Run]:
        """Return the ways to take all of a bid: a block's starts, or the slots where another gains most."""
        if isinstance(bid, BlockBid):
            for start in range(bid.earliest, bid.deadline - len(bid.profile_wh) + 1):
                yield tuple(enumerate(bid.profile_wh, start))
            return
        rest, run = bid.energy_wh, []
        gains = {slot: self._gain(bid, slot) for slot in _window(bid)}
        for slot in sorted(gains, key=lambda slot: (-gains[slot], slot)):
            wh = min(rest, bid.room_wh(slot))
            run += [(slot, wh)] if wh else []
            rest -= wh
        yield tuple(sorted(run))

    def _worth(self, bid: BlockBid | FlexibleBid, slot: int, price: int | None = None) -> int:
        """Return what a Wh is worth in a slot to the bid, or to one like it with another price."""
        tariff = self.book.tariff
        price = bid.price if price is None else price
        return min(price - tariff.grid_fee[slot], tariff.price_cap[slot])

    def _gain(self, bid: BlockBid | FlexibleBid, slot: int) -> int:
        """Return what a Wh in a slot would gain the bid at the round's price."""
        return self._worth(bid, slot) - self.prices[self.book.nodes[bid.feeder]][slot]

    def _needed(self, rank: int, bid: BlockBid | FlexibleBid) -> _Needed | None:
        """Return the least limit found that pays for all of a bid beside the others, None if none does."""
        ways = self._block_ways(bid) if isinstance(bid, BlockBid) else self._flexible_ways(rank, bid)
        found = [needed for way in ways if (needed := self._limit_for(way, rank, bid)) is not None]
        return min(found, key=lambda needed: (needed.price, needed.slot), default=None)

    def _block_ways(self, bid: BlockBid) -> Iterator[_Way]:
        def next_price(slot: int) -> int:
            return self.margins.money(int(self.taking[self.margins.place(bid.feeder, slot)]))

        likely = sorted(self._runs(bid), key=lambda run: sum(wh * next_price(slot) for slot, wh in run))
        for run in likely[:_TRIED]:
            margins, before = self.margins.copy(), self.margins.room
            costs = [margins.send(margins.place(bid.feeder, slot), wh) for slot, wh in run]
            if None not in costs:
                yield _Way(run, sum(cost or 0 for cost in costs), margins, before)

    def _flexible_ways(self, rank: int, bid: FlexibleBid) -> Iterator[_Way]:
        """Return the best slots as worth differs now, and as it would if the bid paid any price."""
        for price in (bid.price, self._dearest(bid)):
            margins, before = self.margins.copy(), self.margins.room
            gain = {slot: self._worth(bid, slot, price) for slot in _window(bid)}
            node = margins.open(rank, {slot: bid.room_wh(slot) for slot in gain}, gain)
            cost = margins.send(node, bid.energy_wh)
            if cost is not None:
                run = tuple(sorted(margins.taken(rank).items()))
                yield _Way(run, cost + sum(wh * gain[slot] for slot, wh in run), margins, before)

    def _dearest(self, bid: BlockBid | FlexibleBid) -> int:
        """Return the highest price that makes a difference to a bid."""
        tariff = self.book.tariff
        return max(tariff.price_cap[slot] + tariff.grid_fee[slot] for slot in _window(bid))

    def _limit_for(self, way: _Way, rank: int, bid: BlockBid | FlexibleBid) -> _Needed | None:
        """Return the limit that pays for a way what it takes from others, and the prices that follow."""
        margins, run = way.margins, way.run
        floor = np.tile(margins.terms.floor.astype(object), len(self.book.nodes)) * -margins.unit
        least = margins.giving(ceiling=floor)
        places = [(margins.place(bid.feeder, slot), wh) for slot, wh in run]
        paid = sum(wh * -margins.money(int(least[place])) for place, wh in places)
        wins_ties = margins.ties_since(way.before, rank, asked_wh(bid)) > (0, 0, 0)
        price = self._least_limit(run, bid, max(paid, way.cost if wins_ties else way.cost + 1))
        return None if price is None else _Needed(run[0][0], price)

    def _least_limit(self, run: Run, bid: BlockBid | FlexibleBid, due: int) -> int | None:
        """Return the least limit at which a run is worth what is due (nano), None if none is."""
        high = self._dearest(bid)
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


def _slots(order: Offer | FixedBid | FlexibleBid) -> Sequence[int]:
    return _window(order) if isinstance(order, FlexibleBid) else sorted(order.slots)


def _window(bid: FlexibleBid | BlockBid) -> range:
    return range(bid.earliest, bid.deadline)
