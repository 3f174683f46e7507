"""First part of the check of a clearing: whether the orders and the grid allow what it fills."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from .book import BlockBid, Fills, Integers
from .checks import describe
from .reading import shown
from .verify_book import NO_LIMIT, Flags, Numbers, Terms, bid_worth, dot


class RefusedError(Exception):
    """The clearing is wrong; the message says how."""


@dataclass(frozen=True, eq=False)
class Accepted:
    """An accepted block or all-or-nothing bid: where it takes energy, and what a Wh is worth to it there."""

    rank: int
    row: int
    slot: Integers
    wh: Numbers
    worth: Numbers

    def gain(self, prices: Numbers) -> int:
        """Tell what the bid gains at prices per node and slot, in nano; negative if it loses."""
        return dot(self.wh, self.worth - prices[self.row, self.slot])


@dataclass(frozen=True, eq=False)
class Filled:
    """The fills of a clearing, found to be possible.

    `wh` has one value per chance, `total` one per flexible bid. `carried` is what leaves each node towards
    its parent per slot, in Wh (negative: arrives).
    """

    terms: Terms
    wh: Numbers
    total: Numbers
    blocks: tuple[Accepted, ...]
    carried: Numbers

    @property
    def volume(self) -> int:
        """Wh sold."""
        return int(sum(self.wh[self.terms.offers].tolist()))

    @property
    def welfare(self) -> int:
        """What the buyers value their energy at, less what the sellers ask for it, in nano."""
        wh, worth, offers = self.wh, self.terms.chances.worth, self.terms.offers
        everything = dot(wh, worth) - 2 * dot(wh[offers], worth[offers])
        return everything + sum(dot(block.wh, block.worth) for block in self.blocks)

    @property
    def accepted(self) -> list[Accepted]:
        """The accepted blocks and all-or-nothing bids."""
        whole = np.flatnonzero(self.terms.whole & (self.total > 0)).tolist()
        return [*self.blocks, *(self._whole(bid) for bid in whole)]

    def _whole(self, bid: int) -> Accepted:
        chances = self.terms.chances
        part = self.terms.flexible
        used = np.flatnonzero((self.terms.owner == bid) & (self.wh[part] > 0)) + part.start
        rank, row = int(chances.rank[used[0]]), int(chances.row[used[0]])
        return Accepted(rank, row, chances.slot[used], self.wh[used], chances.worth[used])


def fill(terms: Terms, fills: Fills) -> Filled:
    """Put the fills into the book. Raises RefusedError if an order, the balance or a feeder forbids them."""
    rank, slot, wh = _sorted(terms, fills)
    kinds = np.array([isinstance(order, BlockBid) for order in terms.book.orders], dtype=np.bool_)
    block = kinds[rank]
    filled = _match(terms, rank[~block], slot[~block], wh[~block])
    total = terms.zeros(len(terms.energy))
    np.add.at(total, terms.owner, filled[terms.flexible])
    _check_totals(terms, total)
    blocks = tuple(_blocks(terms, rank[block], slot[block], wh[block]))
    carried = _carried(terms, filled, blocks)
    _check_grid(terms, carried)
    return Filled(terms, filled, total, blocks, carried)


def _sorted(terms: Terms, fills: Fills) -> tuple[Integers, Integers, Integers]:
    if not len(fills.rank) == len(fills.slot) == len(fills.wh):
        raise RefusedError("the columns of the fills differ in length")
    rank, slot, wh = (_int64(column) for column in (fills.rank, fills.slot, fills.wh))
    if ((rank < 0) | (rank >= len(terms.book.orders))).any():
        raise RefusedError("a fill names an order that is not in the book")
    order = np.lexsort((slot, rank))
    rank, slot, wh = rank[order], slot[order], wh[order]
    _refuse_any(terms, rank, slot, wh <= 0, "has a fill that is not above 0 Wh")
    _refuse_any(terms, rank, slot, (slot < 0) | (slot >= terms.book.slots), "is filled outside the book")
    twice = np.zeros(len(rank), dtype=np.bool_)
    twice[1:] = (rank[1:] == rank[:-1]) & (slot[1:] == slot[:-1])
    _refuse_any(terms, rank, slot, twice, "has two fills in one slot")
    return rank, slot, wh


def _int64(values: Sequence[int]) -> Integers:
    try:
        return np.fromiter(values, np.int64, len(values))
    except OverflowError:
        raise RefusedError("a fill holds a number beyond 64 bits") from None


def _refuse_any(terms: Terms, rank: Integers, slot: Integers, wrong: Flags, problem: str) -> None:
    at = np.flatnonzero(wrong)
    if len(at):
        order = describe(terms.book.orders[int(rank[at[0]])])
        raise RefusedError(f"{order} {problem} (slot {slot[at[0]]})")


def _match(terms: Terms, rank: Integers, slot: Integers, wh: Integers) -> Numbers:
    """Find the chance that each fill uses."""
    chances, slots = terms.chances, terms.book.slots
    key, wanted = chances.rank * slots + chances.slot, rank * slots + slot
    order = np.argsort(key, kind="stable")
    place = np.searchsorted(key[order], wanted)
    known = place < len(key)
    known[known] = key[order[place[known]]] == wanted[known]
    _refuse_any(terms, rank, slot, ~known, "is filled where it does not ask")
    chance = order[place]
    _refuse_any(terms, rank, slot, ~chances.takes_part[chance], "takes no part at its price")
    _refuse_any(terms, rank, slot, wh > chances.most[chance], "is filled beyond its limit")
    filled = terms.zeros(len(key))
    filled[chance] = wh
    return filled


def _check_totals(terms: Terms, total: Numbers) -> None:
    for (_, bid), filled in zip(terms.book.flexible, total.tolist(), strict=True):
        if filled > bid.energy_wh:
            raise RefusedError(f"{describe(bid)} is filled with {filled} Wh, beyond its {bid.energy_wh} Wh")
        if bid.min_fill == "all" and filled not in (0, bid.energy_wh):
            raise RefusedError(f"{describe(bid)} wants all or nothing and is filled with {filled} Wh")


def _blocks(terms: Terms, rank: Integers, slot: Integers, wh: Integers) -> list[Accepted]:
    book = terms.book
    blocks = dict(book.blocks)
    rows = zip(rank.tolist(), slot.tolist(), wh.tolist(), strict=True)
    accepted = []
    for place, group in groupby(rows, key=lambda row: row[0]):
        bid = blocks[place]
        filled = {slot: wh for _, slot, wh in group}
        start = min(filled)
        if filled != dict(enumerate(bid.profile_wh, start=start)):
            raise RefusedError(f"{describe(bid)} is not filled with its whole profile in one run")
        if start < bid.earliest or start + len(bid.profile_wh) > bid.deadline:
            raise RefusedError(f"{describe(bid)} runs outside its window (slot {start})")
        worth = bid_worth(book, bid)[start - bid.earliest :][: len(bid.profile_wh)]
        accepted.append(
            Accepted(
                rank=place,
                row=book.nodes[bid.feeder],
                slot=np.arange(start, start + len(bid.profile_wh)),
                wh=terms.numbers(bid.profile_wh),
                worth=terms.numbers(worth),
            )
        )
    return accepted


def _carried(terms: Terms, filled: Numbers, blocks: Sequence[Accepted]) -> Numbers:
    chances, offers = terms.chances, terms.offers
    surplus = terms.zeros(len(terms.book.nodes), terms.book.slots)
    sign = np.full(len(filled), -1)
    sign[offers] = 1
    np.add.at(surplus.reshape(-1), chances.row * terms.book.slots + chances.slot, sign * filled)
    for block in blocks:
        surplus[block.row, block.slot] -= block.wh
    for level in reversed(terms.levels):
        surplus[level.parents] += np.add.reduceat(surplus[level.rows], level.first, axis=0)
    return surplus


def _check_grid(terms: Terms, carried: Numbers) -> None:
    unbalanced = np.flatnonzero(carried[0] != 0)
    if len(unbalanced):
        slot = unbalanced[0]
        raise RefusedError(f"slot {slot}: sold and bought energy differ by {abs(carried[0, slot])} Wh")
    for limit, flow, direction in (
        (terms.up_limit, carried[1:], "up"),
        (terms.down_limit, -carried[1:], "down"),
    ):
        beyond = np.argwhere((limit != NO_LIMIT) & (flow > limit))
        if len(beyond):
            feeder, slot = beyond[0]
            name = terms.book.feeders[feeder].id
            raise RefusedError(
                f"feeder {shown(name)}: {flow[feeder, slot]} Wh {direction} in slot {slot}, above its limit"
            )
