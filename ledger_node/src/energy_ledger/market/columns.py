"""The solver's reading of a book: who takes part where, at what worth, as numpy columns.

An offer is worth ``c = max(price, floor)`` in a slot and takes part where ``c <= cap``. A bid is worth
``v = min(price - fee, cap)`` and takes part where ``v >= floor``; an all-or-nothing bid everywhere in its
window, because only its total counts.

Columns are int64 where every sum the solver forms from them surely fits, else Python integers in object
arrays: numpy then computes the same things exactly, only slower.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .book import BlockBid, Book, FlexibleBid, Integers, SlotTable

type Amounts = NDArray[Any]
"""Whole numbers in int64, or of any size in an object array."""

UNLIMITED = -1
SAFE_SUM = 2**61
"""Sums that stay below this in float64 do so in int64, with room for what is added to them."""
SAFE_PRICE = 2**58
"""Prices below this can be added along any path of the solver's searches."""

FLOAT_SIZE = 2**43
"""Prices and amounts below this leave floating point enough digits to choose by."""


@dataclass(frozen=True, eq=False)
class Entries:
    """Chances to trade: `wh` at most, at this (node, slot), each Wh worth `worth`."""

    rank: Integers
    place: Integers
    slot: Integers
    wh: Amounts
    worth: Amounts


@dataclass(frozen=True, eq=False)
class FlexibleEntries:
    """The slots of the flexible bids' windows; `bid` counts the bids, whose own columns end in `_of`."""

    bid: Integers
    place: Integers
    slot: Integers
    wh: Amounts
    worth: Amounts
    rank_of: Integers
    energy_of: Amounts
    whole_of: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Block:
    """A block bid: its profile, and place and worth per Wh in every slot of its window from `earliest` on."""

    rank: int
    earliest: int
    profile: Amounts
    place: Integers
    worth: Amounts

    @property
    def starts(self) -> range:
        """The slots it may start in."""
        return range(self.earliest, self.earliest + len(self.place) - len(self.profile) + 1)

    def span(self, start: int) -> slice:
        """Where the slots of a run from `start` stand in the columns of the window."""
        return slice(start - self.earliest, start - self.earliest + len(self.profile))


@dataclass(frozen=True, eq=False)
class Columns:
    """A book in numbers. A *place* is a (node, slot) as one number: row of the node x slots + slot.

    `floats_serve` tells whether prices and amounts are of a size that floating point can work with.
    """

    slots: int
    rows: int
    orders: int
    floor: Amounts
    cap: Amounts
    offers: Entries
    fixed: Entries
    flexible: FlexibleEntries
    blocks: tuple[Block, ...]
    child: Integers
    parent: Integers
    up_limit: Integers
    down_limit: Integers
    floats_serve: bool

    @property
    def places(self) -> int:
        """How many (node, slot) there are."""
        return self.rows * self.slots

    def per_place(self, per_slot: Amounts) -> Amounts:
        """Repeat a column per slot for every node."""
        return np.tile(per_slot, self.rows)


def add_up(amounts: Amounts) -> int:
    """Add a column up, whatever its size."""
    if amounts.dtype != object and np.abs(amounts).sum(dtype=np.float64) < SAFE_SUM:
        return int(amounts.sum())
    return sum(amounts.tolist())


def multiply(amounts: Amounts, prices: Amounts) -> int:
    """Add up the products of two columns, whatever their size."""
    small = object not in (amounts.dtype, prices.dtype)
    if small and np.abs(amounts).astype(np.float64) @ np.abs(prices).astype(np.float64) < SAFE_SUM:
        return int(amounts @ prices)
    return sum(amount * price for amount, price in zip(amounts.tolist(), prices.tolist(), strict=True))


def read_columns(book: Book) -> Columns:
    """Turn a book into columns. Link columns have one value per feeder and slot."""
    tariff = book.tariff
    floor, cap, fee = (_column(values) for values in (tariff.price_floor, tariff.price_cap, tariff.grid_fee))
    price, energy = max(cap.max(), fee.max()), _energy(book)
    row, slot = np.arange(1, len(book.nodes))[:, None], np.arange(book.slots)
    parent_row = _column([book.nodes[feeder.parent] for feeder in book.feeders])[:, None]
    columns = Columns(
        slots=book.slots,
        rows=len(book.nodes),
        orders=len(book.orders),
        floor=floor,
        cap=cap,
        offers=_offers(book.offer_table, floor, cap),
        fixed=_fixed(book.fixed_table, floor, cap, fee),
        flexible=_flexible(book, floor, cap, fee),
        blocks=tuple(_block(book, rank, bid, cap, fee) for rank, bid in book.blocks),
        child=(row * book.slots + slot).ravel(),
        parent=(parent_row * book.slots + slot).ravel(),
        up_limit=_limits([feeder.up_limit_wh for feeder in book.feeders]),
        down_limit=_limits([feeder.down_limit_wh for feeder in book.feeders]),
        floats_serve=bool(max(price, energy) < FLOAT_SIZE),
    )
    return columns if price < SAFE_PRICE and energy < SAFE_SUM else _widened(columns)


def _column(values: Sequence[int]) -> Integers:
    return np.array(values, dtype=np.int64)


def _energy(book: Book) -> float:
    """Tell about how much energy the orders of a book can name in all, in Wh."""
    tables = book.offer_table.wh.sum(dtype=np.float64) + book.fixed_table.wh.sum(dtype=np.float64)
    windows = sum(bid.energy_wh * (bid.deadline - bid.earliest) for _, bid in book.flexible)
    return float(tables + windows + sum(sum(block.profile_wh) for _, block in book.blocks))


def _widened(columns: Columns) -> Columns:
    def wide[T: (Entries, FlexibleEntries)](entries: T) -> T:
        return replace(entries, wh=entries.wh.astype(object), worth=entries.worth.astype(object))

    def wide_block(block: Block) -> Block:
        return replace(block, profile=block.profile.astype(object), worth=block.worth.astype(object))

    flexible = wide(columns.flexible)
    return replace(
        columns,
        floor=columns.floor.astype(object),
        cap=columns.cap.astype(object),
        offers=wide(columns.offers),
        fixed=wide(columns.fixed),
        flexible=replace(flexible, energy_of=flexible.energy_of.astype(object)),
        blocks=tuple(wide_block(block) for block in columns.blocks),
    )


def _limits(rows: Sequence[tuple[int | None, ...]]) -> Integers:
    return _column([UNLIMITED if limit is None else limit for row in rows for limit in row])


def _select(table: SlotTable, slots: int, worth: Integers, takes_part: NDArray[np.bool_]) -> Entries:
    chosen = np.flatnonzero(takes_part)
    return Entries(
        rank=table.rank[chosen],
        place=(table.feeder * slots + table.slot)[chosen],
        slot=table.slot[chosen],
        wh=table.wh[chosen],
        worth=worth[chosen],
    )


def _offers(table: SlotTable, floor: Integers, cap: Integers) -> Entries:
    worth = np.maximum(table.price, floor[table.slot])
    return _select(table, len(cap), worth, worth <= cap[table.slot])


def _fixed(table: SlotTable, floor: Integers, cap: Integers, fee: Integers) -> Entries:
    worth = np.minimum(table.price - fee[table.slot], cap[table.slot])
    return _select(table, len(cap), worth, worth >= floor[table.slot])


def _flexible(book: Book, floor: Integers, cap: Integers, fee: Integers) -> FlexibleEntries:
    bids = [bid for _, bid in book.flexible]
    earliest = _column([bid.earliest for bid in bids])
    length = _column([bid.deadline for bid in bids]) - earliest
    owner = np.repeat(np.arange(len(bids)), length)
    first = np.cumsum(length) - length
    slot = np.arange(len(owner)) - first[owner] + earliest[owner]
    worth = np.minimum(_column([bid.price for bid in bids])[owner] - fee[slot], cap[slot])
    whole = np.array([bid.min_fill == "all" for bid in bids], dtype=np.bool_)
    room = _rooms(bids, owner, first)
    chosen = np.flatnonzero((room > 0) & (whole[owner] | (worth >= floor[slot])))
    row = _column([book.nodes[bid.feeder] for bid in bids])
    return FlexibleEntries(
        bid=owner[chosen],
        place=(row[owner] * book.slots + slot)[chosen],
        slot=slot[chosen],
        wh=room[chosen],
        worth=worth[chosen],
        rank_of=_column([rank for rank, _ in book.flexible]),
        energy_of=_column([bid.energy_wh for bid in bids]),
        whole_of=whole,
    )


def _rooms(bids: Sequence[FlexibleBid], owner: Integers, first: Integers) -> Integers:
    room = _column([min(bid.energy_wh, bid.max_wh_per_slot) for bid in bids])[owner]
    for bid, start in zip(bids, first.tolist(), strict=True):
        for slot in bid.taken_wh:
            if bid.earliest <= slot < bid.deadline:
                room[start + slot - bid.earliest] = bid.room_wh(slot)
    return room


def _block(book: Book, rank: int, bid: BlockBid, cap: Integers, fee: Integers) -> Block:
    slot = np.arange(bid.earliest, bid.deadline)
    return Block(
        rank=rank,
        earliest=bid.earliest,
        profile=_column(bid.profile_wh),
        place=book.nodes[bid.feeder] * book.slots + slot,
        worth=np.minimum(bid.price - fee[slot], cap[slot]),
    )
