"""The values of the auction: orders, the book of a round, and a clearing of it.

Units: energy in Wh, prices in nano-units of the currency per Wh, money in nano-units; integers throughout.
Slots are relative to the book: 0 … slots - 1. Feeders are named by their id; the busbar is called ``""``.

An order's *rank* is its place in ledger order, offers first, then bids: `Book.orders[rank]`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray

type Integers = NDArray[np.int64]

BUSBAR = ""


class BookError(ValueError):
    """A book that cannot be cleared; the message is one line naming the order (or place) and the field."""


@dataclass(frozen=True)
class Tariff:
    """What the network allows and charges, one value per slot, in nano per Wh."""

    price_floor: tuple[int, ...]
    price_cap: tuple[int, ...]
    grid_fee: tuple[int, ...]

    @classmethod
    def flat(cls, slots: int, price_floor: int, price_cap: int, grid_fee: int) -> Tariff:
        """Make the same tariff in every slot."""
        return cls((price_floor,) * slots, (price_cap,) * slots, (grid_fee,) * slots)


@dataclass(frozen=True)
class Feeder:
    """A branch of the neighbourhood's grid, under `parent`.

    Limits are Wh per slot, None where there is none; ``up`` is towards the busbar.
    """

    id: str
    up_limit_wh: tuple[int | None, ...]
    down_limit_wh: tuple[int | None, ...]
    parent: str = BUSBAR


@dataclass(frozen=True)
class Offer:
    """Sells up to `slots[slot]` Wh in each of its slots at no less than `price`."""

    id: str
    feeder: str
    price: int
    slots: Mapping[int, int]


@dataclass(frozen=True)
class FixedBid:
    """Buys up to `slots[slot]` Wh in each of its slots at no more than `price`, grid fee included."""

    id: str
    feeder: str
    price: int
    slots: Mapping[int, int]


@dataclass(frozen=True)
class FlexibleBid:
    """Buys `energy_wh` in all, in any slots of [earliest, deadline), at most `max_wh_per_slot` in each.

    `min_fill` ``"any"`` takes every part of it, ``"all"`` all or nothing (its price then counts on average).
    `taken_wh` is what earlier rounds already filled, per slot: it lessens what a slot can still take;
    `energy_wh` is the rest that is left.
    """

    id: str
    feeder: str
    price: int
    energy_wh: int
    earliest: int
    deadline: int
    max_wh_per_slot: int
    min_fill: Literal["any", "all"] = "any"
    taken_wh: Mapping[int, int] = field(default_factory=dict)

    def room_wh(self, slot: int) -> int:
        """Tell what the bid can still take in a slot of its window."""
        return max(0, min(self.energy_wh, self.max_wh_per_slot - self.taken_wh.get(slot, 0)))


@dataclass(frozen=True)
class BlockBid:
    """Buys its whole profile in consecutive slots, or nothing.

    It may start anywhere in [earliest, deadline - length of the profile].
    """

    id: str
    feeder: str
    price: int
    profile_wh: tuple[int, ...]
    earliest: int
    deadline: int


type Bid = FixedBid | FlexibleBid | BlockBid
type Order = Offer | Bid


@dataclass(frozen=True, eq=False)
class SlotTable:
    """Every (order, slot) of orders that name their slots one by one, as columns of one length."""

    rank: Integers
    feeder: Integers
    slot: Integers
    wh: Integers
    price: Integers


@dataclass(frozen=True)
class Book:
    """All orders of a round, each list in ledger order, with the tariff and the feeder tree."""

    slots: int
    tariff: Tariff
    feeders: tuple[Feeder, ...] = ()
    offers: tuple[Offer, ...] = ()
    bids: tuple[Bid, ...] = ()

    @cached_property
    def orders(self) -> tuple[Order, ...]:
        """Every order by rank."""
        return (*self.offers, *self.bids)

    @cached_property
    def nodes(self) -> dict[str, int]:
        """Row of the busbar (0) and of each feeder (from 1, in list order) in tables per node and slot."""
        return {BUSBAR: 0} | {feeder.id: row for row, feeder in enumerate(self.feeders, start=1)}

    @cached_property
    def offer_table(self) -> SlotTable:
        """The offers as columns."""
        return self._table(list(enumerate(self.offers)))

    @cached_property
    def fixed_table(self) -> SlotTable:
        """The fixed bids as columns."""
        return self._table([(rank, bid) for rank, bid in self._ranked_bids if isinstance(bid, FixedBid)])

    @cached_property
    def flexible(self) -> tuple[tuple[int, FlexibleBid], ...]:
        """The flexible bids, each with its rank."""
        return tuple((rank, bid) for rank, bid in self._ranked_bids if isinstance(bid, FlexibleBid))

    @cached_property
    def blocks(self) -> tuple[tuple[int, BlockBid], ...]:
        """The block bids, each with its rank."""
        return tuple((rank, bid) for rank, bid in self._ranked_bids if isinstance(bid, BlockBid))

    @property
    def _ranked_bids(self) -> list[tuple[int, Bid]]:
        return list(enumerate(self.bids, start=len(self.offers)))

    def _table(self, ranked: Sequence[tuple[int, Offer | FixedBid]]) -> SlotTable:
        counts = [len(order.slots) for _, order in ranked]
        total = sum(counts)

        def per_slot(values: list[int]) -> Integers:
            return np.repeat(np.array(values, dtype=np.int64), counts)

        return SlotTable(
            rank=per_slot([rank for rank, _ in ranked]),
            feeder=per_slot([self.nodes[order.feeder] for _, order in ranked]),
            slot=np.fromiter(chain.from_iterable(order.slots for _, order in ranked), np.int64, total),
            wh=np.fromiter(chain.from_iterable(order.slots.values() for _, order in ranked), np.int64, total),
            price=per_slot([order.price for _, order in ranked]),
        )


@dataclass(frozen=True)
class Fills:
    """What was filled: rank of the order, slot and Wh as columns, sorted by rank and slot, never 0 Wh."""

    rank: tuple[int, ...] = ()
    slot: tuple[int, ...] = ()
    wh: tuple[int, ...] = ()


@dataclass(frozen=True)
class Clearing:
    """A round's result with its proof.

    `prices` and `node_duals` have one row per node (`Book.nodes`) and one value per slot; a price is None
    where no order of that node trades in that slot. `flexible_duals` has one value per flexible bid
    (`Book.flexible`). `bound` is what the duals prove no clearing can exceed; `gap_ppm` tells how far
    `welfare` is below it.
    """

    fills: Fills
    prices: tuple[tuple[int | None, ...], ...]
    node_duals: tuple[tuple[int, ...], ...]
    flexible_duals: tuple[int, ...]
    welfare: int
    bound: int
    gap_ppm: int
    volume_wh: int

    @property
    def status(self) -> Literal["optimal", "feasible"]:
        """``optimal`` when the duals prove that nothing better exists."""
        return "optimal" if self.bound == self.welfare else "feasible"


@dataclass(frozen=True)
class Verdict:
    """What a check of a clearing found: valid with the recomputed figures, or why not.

    `least` and `greatest` are the ends of the price interval per node and slot, known once the fills were
    found optimal.
    """

    valid: bool
    reason: str = ""
    welfare: int = 0
    bound: int = 0
    gap_ppm: int = 0
    least: tuple[tuple[int, ...], ...] = ()
    greatest: tuple[tuple[int, ...], ...] = ()
