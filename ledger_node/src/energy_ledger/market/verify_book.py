"""The verifier's own reading of a book. Nothing here comes from the solver.

A *chance* is one slot of one order, with the most it may fill there and what a Wh is worth there after the
tariff's floor, cap and fee.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .book import BUSBAR, BlockBid, Book, FlexibleBid, Integers, SlotTable

type Numbers = NDArray[Any]
"""Whole numbers in int64 where they surely fit, else Python integers in an object array."""
type Flags = NDArray[np.bool_]

NO_LIMIT = -1
MOST = 2.0**60
"""Float sums below this belong to whole numbers that int64 adds without loss."""


@dataclass(frozen=True, eq=False)
class Chances:
    """Chances as columns of one length."""

    rank: Integers
    row: Integers
    slot: Integers
    most: Numbers
    worth: Numbers
    takes_part: Flags


@dataclass(frozen=True, eq=False)
class Level:
    """The feeders of one depth, sorted by parent; `first` is where each of `parents` begins."""

    rows: Integers
    parent_of: Integers
    parents: Integers
    first: Integers


@dataclass(frozen=True, eq=False)
class Terms:
    """All that a book allows.

    `chances` holds offers, then fixed bids, then flexible bids; `owner` counts the flexible bid of each of
    the last, `energy` and `whole` have one value per flexible bid. Limits are per feeder and slot. `wide`
    tells whether numbers need more than 64 bits.
    """

    book: Book
    wide: bool
    floor: Numbers
    cap: Numbers
    chances: Chances
    offers: slice
    fixed: slice
    flexible: slice
    owner: Integers
    energy: Numbers
    whole: Flags
    levels: tuple[Level, ...]
    up_limit: Integers
    down_limit: Integers

    def numbers(self, values: Sequence[int] | Numbers) -> Numbers:
        """Make a column in the width that this book needs."""
        return np.array(values, dtype=object if self.wide else np.int64)

    def zeros(self, *shape: int) -> Numbers:
        """Make a table of noughts in the width that this book needs."""
        return np.zeros(shape, dtype=object if self.wide else np.int64)


def read_terms(book: Book) -> Terms:
    """Read a book."""
    number = object if _needs_wide_numbers(book) else np.int64
    floor, cap = _column(book.tariff.price_floor), _column(book.tariff.price_cap)
    windows, owner = _windows(book)
    parts = [_offers(book), _fixed(book), windows]
    ends = np.cumsum([0, *(len(part.rank) for part in parts)]).tolist()
    joined = [
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("rank", "row", "slot", "most", "worth", "takes_part")
    ]
    rank, row, slot, most, worth, takes_part = joined
    return Terms(
        book=book,
        wide=number is object,
        floor=floor.astype(number),
        cap=cap.astype(number),
        chances=Chances(rank, row, slot, most.astype(number), worth.astype(number), takes_part),
        offers=slice(ends[0], ends[1]),
        fixed=slice(ends[1], ends[2]),
        flexible=slice(ends[2], ends[3]),
        owner=owner,
        energy=_column([bid.energy_wh for _, bid in book.flexible]).astype(number),
        whole=np.array([bid.min_fill == "all" for _, bid in book.flexible], dtype=np.bool_),
        levels=_levels(book),
        up_limit=_limits(book, [feeder.up_limit_wh for feeder in book.feeders]),
        down_limit=_limits(book, [feeder.down_limit_wh for feeder in book.feeders]),
    )


def dot(left: Numbers, right: Numbers) -> int:
    """Add up products exactly, in int64 only where that cannot overflow."""
    if object not in (left.dtype, right.dtype):
        # Not as a product of vectors: BLAS would start its threads for that, which costs more than it gives.
        size = (np.abs(left.astype(np.float64)) * np.abs(right.astype(np.float64))).sum()
        if size < MOST:
            return int(left @ right)
    return int(sum(left.astype(object) * right.astype(object)))


def bid_worth(book: Book, bid: FlexibleBid | BlockBid) -> list[int]:
    """Tell what a Wh is worth to a bid in each slot of its window."""
    tariff, window = book.tariff, slice(bid.earliest, bid.deadline)
    return [
        min(bid.price - fee, cap)
        for fee, cap in zip(tariff.grid_fee[window], tariff.price_cap[window], strict=True)
    ]


def _column(values: Sequence[int]) -> Integers:
    return np.array(values, dtype=np.int64)


def _needs_wide_numbers(book: Book) -> bool:
    energy = book.offer_table.wh.sum(dtype=np.float64) + book.fixed_table.wh.sum(dtype=np.float64)
    energy += sum(float(bid.energy_wh) * (bid.deadline - bid.earliest) for _, bid in book.flexible)
    energy += sum(float(sum(bid.profile_wh)) for _, bid in book.blocks)
    price = float(max(*book.tariff.price_cap, *book.tariff.grid_fee))
    return bool(energy >= MOST or price * (len(book.flexible) + 4) >= MOST / 8)


def _offers(book: Book) -> Chances:
    table, tariff = book.offer_table, book.tariff
    worth = np.maximum(table.price, _column(tariff.price_floor)[table.slot])
    return _of_table(table, worth, worth <= _column(tariff.price_cap)[table.slot])


def _fixed(book: Book) -> Chances:
    table, tariff = book.fixed_table, book.tariff
    limit = table.price - _column(tariff.grid_fee)[table.slot]
    worth = np.minimum(limit, _column(tariff.price_cap)[table.slot])
    return _of_table(table, worth, worth >= _column(tariff.price_floor)[table.slot])


def _of_table(table: SlotTable, worth: Integers, takes_part: Flags) -> Chances:
    return Chances(table.rank, table.feeder, table.slot, table.wh, worth, takes_part)


def _windows(book: Book) -> tuple[Chances, Integers]:
    lengths = [bid.deadline - bid.earliest for _, bid in book.flexible]

    def spread(values: list[int]) -> Integers:
        return np.repeat(_column(values), lengths)

    ranges = [np.arange(bid.earliest, bid.deadline) for _, bid in book.flexible]
    slot = np.concatenate([_column([]), *ranges])
    tariff = book.tariff
    limit = spread([bid.price for _, bid in book.flexible]) - _column(tariff.grid_fee)[slot]
    worth = np.minimum(limit, _column(tariff.price_cap)[slot])
    total_counts = spread([bid.min_fill == "all" for _, bid in book.flexible]).astype(np.bool_)
    most = spread([min(bid.energy_wh, bid.max_wh_per_slot) for _, bid in book.flexible])
    for (_, bid), end in zip(book.flexible, np.cumsum(lengths).tolist(), strict=True):
        for taken in bid.taken_wh:
            if bid.earliest <= taken < bid.deadline:
                most[end - bid.deadline + taken] = bid.room_wh(taken)
    return (
        Chances(
            rank=spread([rank for rank, _ in book.flexible]),
            row=spread([book.nodes[bid.feeder] for _, bid in book.flexible]),
            slot=slot,
            most=most,
            worth=worth,
            takes_part=(total_counts | (worth >= _column(tariff.price_floor)[slot])) & (most > 0),
        ),
        spread(list(range(len(lengths)))),
    )


def _levels(book: Book) -> tuple[Level, ...]:
    """Sort the feeders into levels, those right under the busbar first."""
    depth = {BUSBAR: 0}
    waiting = list(book.feeders)
    while waiting:
        for feeder in waiting:
            if feeder.parent in depth:
                depth[feeder.id] = depth[feeder.parent] + 1
        waiting = [feeder for feeder in waiting if feeder.id not in depth]
    nodes = book.nodes
    feeders = sorted(book.feeders, key=lambda feeder: (depth[feeder.id], nodes[feeder.parent]))
    return tuple(
        _level([(nodes[feeder.id], nodes[feeder.parent]) for feeder in group])
        for _, group in groupby(feeders, key=lambda feeder: depth[feeder.id])
    )


def _level(pairs: list[tuple[int, int]]) -> Level:
    rows, parent_of = (_column(column) for column in zip(*pairs, strict=True))
    parents, first = np.unique(parent_of, return_index=True)
    return Level(rows, parent_of, parents, first)


def _limits(book: Book, rows: Sequence[tuple[int | None, ...]]) -> Integers:
    values = [[NO_LIMIT if limit is None else limit for limit in row] for row in rows]
    return np.array(values, dtype=np.int64).reshape(len(rows), book.slots)
