"""Pair the fills of a clearing into trades between a seller and a buyer.

Within a slot everybody's price is settled, so pairing moves no money between members: it decides whose
certificate a buyer gets and whose shortfall touches whom. Each side keeps the price of its own feeder. Where
a feeder limit binds, energy flows from the lower price to the higher, never back; pairs follow that
direction, so a buyer never pays less than its seller gets, and the difference is the community's.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import groupby
from typing import NamedTuple

from .book import Book, Clearing

FEW_PAIRS = 64
"""Up to this many possible pairs in a slot, shares are exact to the Wh; beyond, in larger portions."""


@dataclass(frozen=True)
class Party:
    """Who stands behind an order, and whom its owner would rather trade with."""

    member: str
    asset: str
    source: str | None = None
    prefer: tuple[str, ...] = ()
    prefer_sources: tuple[str, ...] = ()


class SlotPairs(NamedTuple):
    """The pairs of a slot; each names places among `sellers` and `buyers` (orders), and the Wh.

    A buyer pays its own price (nano per Wh) and the fee, a seller gets its own; the difference, never
    negative, goes to the community fund. Sellers, buyers and pairs come in ledger order.
    """

    slot: int
    sellers: list[str]
    buyers: list[str]
    seller_prices: tuple[int, ...]
    buyer_prices: tuple[int, ...]
    pairs: list[tuple[int, int, int]]


type _Likes = Callable[[Party, Party], bool]

NOBODY = Party("", "")


class _Side(NamedTuple):
    """Those who sell, or who buy, in a slot; `levels` are their prices' places among the prices of the slot.

    `rests` are the Wh that are not paired yet.
    """

    orders: list[str]
    parties: list[Party]
    prices: list[int]
    levels: list[int]
    rests: list[int]


def pair(book: Book, clearing: Clearing, parties: Mapping[str, Party]) -> list[SlotPairs]:
    """Pair a verified clearing: preferences first, in ledger order, the rest pro rata by largest remainder.

    `parties` are named by order id; an order that is not named has no preferences. Slots in which nothing is
    filled are left out.
    """
    fills = clearing.fills
    known = [parties.get(order.id, NOBODY) for order in book.orders]
    by_slot: dict[int, list[tuple[int, int]]] = {}
    for rank, slot, wh in sorted(zip(fills.rank, fills.slot, fills.wh, strict=True)):
        by_slot.setdefault(slot, []).append((rank, wh))
    return [_pair_slot(book, clearing, known, slot, by_slot[slot]) for slot in sorted(by_slot)]


def _pair_slot(
    book: Book, clearing: Clearing, parties: Sequence[Party], slot: int, fills: list[tuple[int, int]]
) -> SlotPairs:
    prices = {node: clearing.prices[row][slot] or 0 for node, row in book.nodes.items()}
    orders = book.orders
    feeders = {orders[rank].feeder: None for rank, _ in fills}
    levels = {price: at for at, price in enumerate(sorted({prices[feeder] for feeder in feeders}))}

    def side(part: list[tuple[int, int]]) -> _Side:
        here = [prices[orders[rank].feeder] for rank, _ in part]
        return _Side(
            orders=[orders[rank].id for rank, _ in part],
            parties=[parties[rank] for rank, _ in part],
            prices=here,
            levels=[levels[price] for price in here],
            rests=[wh for _, wh in part],
        )

    first_bid = bisect_left(fills, (len(book.offers), 0))
    sellers, buyers = side(fills[:first_bid]), side(fills[first_bid:])
    table = _Table(sellers, buyers, len(levels))
    table.prefer(_names)
    table.prefer(_likes_source)
    table.share()
    return SlotPairs(
        slot, sellers.orders, buyers.orders, tuple(sellers.prices), tuple(buyers.prices), table.pairs()
    )


def _names(one: Party, other: Party) -> bool:
    return other.member in one.prefer or other.asset in one.prefer


def _likes_source(one: Party, other: Party) -> bool:
    return other.source in one.prefer_sources


def _liked(one: Party, others: Sequence[Party], likes: _Likes) -> list[int]:
    if not (one.prefer or one.prefer_sources):
        return []
    return [place for place, other in enumerate(others) if likes(one, other)]


class _Table:
    """The pairs of one slot.

    `spare[level]` is what the sellers up to that price level have beyond what the buyers up to it need: all
    that may still go to buyers above. It is never negative, because energy flows to higher prices only.
    """

    def __init__(self, sellers: _Side, buyers: _Side, levels: int) -> None:
        self.sellers = sellers
        self.buyers = buyers
        self._given: list[tuple[int, int, int]] = []
        total = sum(sellers.rests)
        number, width = len(sellers.orders), len(buyers.orders)
        self.portion = max(1, total // (number + width)) if number * width > FEW_PAIRS else 1
        self.spare = [_up_to(sellers, level) - _up_to(buyers, level) for level in range(levels)]

    def give(self, seller: int, buyer: int, wh: int) -> int:
        """Pair some Wh of a seller and a buyer, or as much as prices and rests allow; return how much."""
        sold, bought = self.sellers.rests, self.buyers.rests
        low, high = self.sellers.levels[seller], self.buyers.levels[buyer]
        wh = min(wh, sold[seller], bought[buyer])
        if low != high:
            wh = min(wh, *self.spare[low:high]) if low < high else 0
        if wh <= 0:
            return 0
        for level in range(low, high):
            self.spare[level] -= wh
        sold[seller] -= wh
        bought[buyer] -= wh
        self._given.append((seller, buyer, wh))
        return wh

    def pairs(self) -> list[tuple[int, int, int]]:
        """Return seller, buyer and Wh of each pair, in ledger order."""
        pairs: list[tuple[int, int, int]] = []
        last = (-1, -1)
        for seller, buyer, wh in sorted(self._given):
            # Who likes each other may share once more with all.
            before = pairs.pop()[2] if (seller, buyer) == last else 0
            pairs.append((seller, buyer, before + wh))
            last = seller, buyer
        return pairs

    def prefer(self, likes: _Likes) -> None:
        """Let every order in ledger order, offers first, meet those it likes, again in ledger order."""
        for seller, one in enumerate(self.sellers.parties):
            for buyer in _liked(one, self.buyers.parties, likes):
                self.give(seller, buyer, self.sellers.rests[seller])
        for buyer, one in enumerate(self.buyers.parties):
            for seller in _liked(one, self.sellers.parties, likes):
                self.give(seller, buyer, self.buyers.rests[buyer])

    def share(self) -> None:
        """Share what is left among all: lower prices first, because fewer sellers can serve them."""
        sellers, level_of = self.sellers, self.buyers.levels.__getitem__
        for level, group in groupby(sorted(range(len(self.buyers.orders)), key=level_of), key=level_of):
            levels = enumerate(sellers.levels)
            self._share_pool([i for i, own in levels if sellers.rests[i] and own <= level], group)

    def _share_pool(self, pool: Sequence[int], buyers: Iterator[int]) -> None:
        """Let buyers of one price take from a pool of sellers, one after the other."""
        sold, bought = self.sellers.rests, self.buyers.rests
        heap, total = self._largest_first(pool), sum([sold[seller] for seller in pool])
        for buyer in buyers:
            need = bought[buyer]
            if heap and need * -heap[0][0] < total * self.portion:
                total -= self._take_portions(heap, buyer, need)
            else:
                shares = zip(pool, apportion(need, [sold[i] for i in pool], self.portion), strict=True)
                total -= sum([self.give(seller, buyer, wh) for seller, wh in shares if wh])
                heap = self._largest_first(pool)

    def _largest_first(self, pool: Iterable[int]) -> list[tuple[int, int]]:
        """Return a heap of the sellers who have something left, the largest rest at its top."""
        heap = [(-rest, seller) for seller in pool if (rest := self.sellers.rests[seller])]
        heapify(heap)
        return heap

    def _take_portions(self, heap: list[tuple[int, int]], buyer: int, need: int) -> int:
        """Apportion a need where no seller's part comes to a whole portion: the largest round up, one each.

        Returns what was given.
        """
        shares: list[tuple[int, int]] = []
        portion, rests = self.portion, self.sellers.rests
        while need and heap:
            rest, seller = heappop(heap)
            wh = min(portion, -rest, need)
            shares.append((seller, wh))
            need -= wh
        if len(self.spare) > 1:
            given = sum([self.give(seller, buyer, wh) for seller, wh in sorted(shares)])
        else:
            given = self._give_all(shares, buyer)
        for seller, _ in shares:
            if rest := rests[seller]:
                heappush(heap, (-rest, seller))
        return given

    def _give_all(self, shares: list[tuple[int, int]], buyer: int) -> int:
        """Pair shares that fit, where all have one price; return how much: most of a round goes this way."""
        rests, note = self.sellers.rests, self._given.append
        given = 0
        for seller, wh in shares:
            rests[seller] -= wh
            given += wh
            note((seller, buyer, wh))
        self.buyers.rests[buyer] -= given
        return given


def _up_to(side: _Side, level: int) -> int:
    """Return the Wh of those whose price is of this level or below."""
    return sum([rest for own, rest in zip(side.levels, side.rests, strict=True) if own <= level])


def apportion(amount: int, rests: list[int], portion: int = 1) -> list[int]:
    """Share an amount out in proportion to the rests, in whole portions, the largest remainders rounded up.

    No share exceeds its rest; the last portions may be smaller. Equal remainders: the earlier first.
    """
    total = sum(rests)
    if not total:
        return [0] * len(rests)
    shares = [amount * rest // total // portion * portion for rest in rests]
    left = amount - sum(shares)
    missing = [share * total - amount * rest for rest, share in zip(rests, shares, strict=True)]
    for index in sorted(range(len(rests)), key=missing.__getitem__):
        if not left:
            break
        extra = min(portion, rests[index] - shares[index], left)
        shares[index] += extra
        left -= extra
    return shares
