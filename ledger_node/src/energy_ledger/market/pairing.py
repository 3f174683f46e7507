"""Pair the fills of a clearing into trades between a seller and a buyer.

Within a slot everybody's price is settled, so pairing moves no money between members: it decides whose
certificate a buyer gets and whose shortfall touches whom. Each side keeps the price of its own feeder. Where
a feeder limit binds, energy flows from the lower price to the higher, never back; pairs follow that
direction, so a buyer never pays less than its seller gets, and the difference is the community's.
"""

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


class Pair(NamedTuple):
    """A seller and a buyer in a slot; one gets `seller_price`, the other pays `buyer_price` and the fee.

    ``wh * (buyer_price - seller_price)``, never negative, goes to the community fund.
    """

    offer: str
    bid: str
    slot: int
    wh: int
    seller_price: int
    buyer_price: int


@dataclass(slots=True)
class _Side:
    """One fill while it is being paired; `level` is its price's place among the prices of the slot."""

    order: str
    party: Party
    price: int
    level: int
    rest: int


type _Likes = Callable[[Party, Party], bool]

NOBODY = Party("", "")


def pair(book: Book, clearing: Clearing, parties: Mapping[str, Party]) -> tuple[Pair, ...]:
    """Pair a verified clearing: preferences first, in ledger order, the rest pro rata by largest remainder.

    `parties` are named by order id; an order that is not named has no preferences. Pairs come sorted by slot,
    offer and bid in ledger order.
    """
    fills = clearing.fills
    rows = sorted(zip(fills.slot, fills.rank, fills.wh, strict=True))
    return tuple(
        found
        for slot, group in groupby(rows, key=lambda row: row[0])
        for found in _pair_slot(book, clearing, parties, slot, [(rank, wh) for _, rank, wh in group])
    )


def _pair_slot(
    book: Book, clearing: Clearing, parties: Mapping[str, Party], slot: int, fills: list[tuple[int, int]]
) -> Iterator[Pair]:
    prices = {node: clearing.prices[row][slot] or 0 for node, row in book.nodes.items()}
    here = [(book.orders[rank], wh) for rank, wh in fills]
    levels = {price: at for at, price in enumerate(sorted({prices[order.feeder] for order, _ in here}))}
    sides = [
        _Side(order.id, parties.get(order.id, NOBODY), prices[order.feeder], levels[prices[order.feeder]], wh)
        for order, wh in here
    ]
    first_bid = sum(rank < len(book.offers) for rank, _ in fills)
    table = _Table(sides[:first_bid], sides[first_bid:], len(levels))
    table.prefer(_names)
    table.prefer(_likes_source)
    table.share()
    for (seller, buyer), wh in sorted(table.wh.items()):
        sell, buy = table.sellers[seller], table.buyers[buyer]
        yield Pair(sell.order, buy.order, slot, wh, sell.price, buy.price)


def _names(one: Party, other: Party) -> bool:
    return other.member in one.prefer or other.asset in one.prefer


def _likes_source(one: Party, other: Party) -> bool:
    return other.source in one.prefer_sources


def _liked(side: _Side, others: list[_Side], likes: _Likes) -> list[int]:
    if not (side.party.prefer or side.party.prefer_sources):
        return []
    return [index for index, other in enumerate(others) if likes(side.party, other.party)]


class _Table:
    """The pairs of one slot.

    `spare[level]` is what the sellers up to that price level have beyond what the buyers up to it need: all
    that may still go to buyers above. It is never negative, because energy flows to higher prices only.
    """

    def __init__(self, sellers: list[_Side], buyers: list[_Side], levels: int) -> None:
        self.sellers = sellers
        self.buyers = buyers
        self.wh: dict[tuple[int, int], int] = {}
        total = sum(seller.rest for seller in sellers)
        crowded = len(sellers) * len(buyers) > FEW_PAIRS
        self.portion = max(1, total // (len(sellers) + len(buyers))) if crowded else 1
        self.spare = [
            sum(seller.rest for seller in sellers if seller.level <= level)
            - sum(buyer.rest for buyer in buyers if buyer.level <= level)
            for level in range(levels)
        ]

    def give(self, seller: int, buyer: int, wh: int) -> int:
        """Pair some Wh of a seller and a buyer, or as much as prices and rests allow; return how much."""
        sell, buy = self.sellers[seller], self.buyers[buyer]
        wh = min(wh, sell.rest, buy.rest)
        if sell.level != buy.level:
            wh = min(wh, *self.spare[sell.level : buy.level]) if sell.level < buy.level else 0
        if wh <= 0:
            return 0
        sell.rest -= wh
        buy.rest -= wh
        for level in range(sell.level, buy.level):
            self.spare[level] -= wh
        pair = seller, buyer
        self.wh[pair] = self.wh.get(pair, 0) + wh
        return wh

    def prefer(self, likes: _Likes) -> None:
        """Let every order in ledger order, offers first, meet those it likes, again in ledger order."""
        for seller, sell in enumerate(self.sellers):
            for buyer in _liked(sell, self.buyers, likes):
                self.give(seller, buyer, sell.rest)
        for buyer, buy in enumerate(self.buyers):
            for seller in _liked(buy, self.sellers, likes):
                self.give(seller, buyer, buy.rest)

    def share(self) -> None:
        """Share what is left among all: lower prices first, because fewer sellers can serve them."""
        buyers = sorted(range(len(self.buyers)), key=lambda buyer: self.buyers[buyer].level)
        for level, group in groupby(buyers, key=lambda buyer: self.buyers[buyer].level):
            pool = [i for i, sell in enumerate(self.sellers) if sell.rest and sell.level <= level]
            self._share_pool(pool, group)

    def _share_pool(self, pool: Sequence[int], buyers: Iterator[int]) -> None:
        """Let buyers of one price take from a pool of sellers, one after the other."""
        heap, total = self._largest_first(pool), sum(self.sellers[seller].rest for seller in pool)
        for buyer in buyers:
            need = self.buyers[buyer].rest
            if heap and need * -heap[0][0] < total * self.portion:
                total -= self._take_portions(heap, buyer, need)
            else:
                rests = [self.sellers[seller].rest for seller in pool]
                shares = zip(pool, apportion(need, rests, self.portion), strict=True)
                total -= sum(self.give(seller, buyer, wh) for seller, wh in shares if wh)
                heap = self._largest_first(pool)

    def _largest_first(self, pool: Iterable[int]) -> list[tuple[int, int]]:
        """Return a heap of the sellers who have something left, the largest rest at its top."""
        heap = [(-rest, seller) for seller in pool if (rest := self.sellers[seller].rest)]
        heapify(heap)
        return heap

    def _take_portions(self, heap: list[tuple[int, int]], buyer: int, need: int) -> int:
        """Apportion a need where no seller's part comes to a whole portion: the largest round up, one each.

        Returns what was given.
        """
        shares: list[tuple[int, int]] = []
        while need and heap:
            rest, seller = heappop(heap)
            shares.append((seller, min(self.portion, -rest, need)))
            need -= shares[-1][1]
        given = sum(self.give(seller, buyer, wh) for seller, wh in sorted(shares))
        for seller, _ in shares:
            if rest := self.sellers[seller].rest:
                heappush(heap, (-rest, seller))
        return given


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
