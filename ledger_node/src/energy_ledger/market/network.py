"""The auction as a flow of energy through a network, given which blocks and all-or-nothing bids are accepted.

Node 0 is the *ground*: an offer is an arc from the ground to its place with cost ``c``, a fixed bid an arc
from its place to the ground with cost ``-v``. A flexible bid has a node of its own: an arc from each place of
its window with cost ``-v`` and room for what the slot can take, then one arc to the ground with room for its
energy. Feeder links are arcs between places, one per direction. Accepted blocks and all-or-nothing bids are
demand that must be met. The cheapest flow is the clearing of the greatest welfare.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from .book import Book, Integers
from .columns import SAFE_SUM, UNLIMITED, Amounts, Columns, add_up

GROUND = 0


@dataclass(frozen=True)
class Acceptance:
    """The yes-or-no part of a clearing: start slot of each accepted block, and the accepted `all` bids."""

    starts: Mapping[int, int]
    whole: frozenset[int]


NOTHING = Acceptance({}, frozenset())


@dataclass(frozen=True)
class Groups:
    """Where each group of arcs stands in the columns of a network."""

    offers: slice
    fixed: slice
    flexible: slice
    totals: slice
    up: slice
    down: slice


@dataclass(frozen=True, eq=False)
class Network:
    """Arcs as columns, in groups: offers, fixed bids, slots and totals of flexible bids, links up and down.

    `tie` is what one Wh on an arc adds to the second objective: greatest volume, then least rank sum, then
    earliest slots. `demand` is what must arrive at a node, from the ground. `chosen` are the positions of the
    flexible entries that have arcs. A link without a limit, or with a huge one, has room for more than any
    flow could carry.
    """

    nodes: int
    tail: Integers
    head: Integers
    room: Amounts
    cost: Amounts
    tie: Integers
    demand: Mapping[int, int]
    chosen: Integers
    groups: Groups


class _Arcs(NamedTuple):
    """A group of arcs, in the columns of a network."""

    tail: Integers
    head: Integers
    room: Amounts
    cost: Amounts
    tie: Integers


def tie_weights(orders: int, slots: int) -> tuple[int, int]:
    """Weigh one Wh of volume and one rank against one slot, for the second objective.

    Flows differ by cycles that pass the ground once at most, so by two offers or bids at most: with these
    weights the sum decides as volume, ranks and slots would one after the other.
    """
    return (2 * orders + 2) * slots, slots


def build_network(book: Book, columns: Columns, acceptance: Acceptance) -> Network:
    """Lay out the arcs for one choice of accepted blocks and all-or-nothing bids."""
    flexible = columns.flexible
    whole = np.array([order in acceptance.whole for order, _ in book.flexible], dtype=np.bool_)
    chosen = np.flatnonzero((~flexible.whole_of | whole)[flexible.bid])
    groups = _arcs(columns, chosen)
    tail, head, room, cost, tie = (np.concatenate(column) for column in zip(*groups, strict=True))
    return Network(
        nodes=1 + columns.places + len(whole),
        tail=tail,
        head=head,
        room=room,
        cost=cost,
        tie=tie,
        demand=_demand(book, acceptance),
        chosen=chosen,
        groups=_groups([len(arcs.room) for arcs in groups]),
    )


def _arcs(columns: Columns, chosen: Integers) -> list[_Arcs]:
    """Return the arcs in their groups, places and bids being nodes from 1 on."""
    volume, rank = tie_weights(columns.orders, columns.slots)
    offers, fixed, flexible = columns.offers, columns.fixed, columns.flexible
    parts = np.flatnonzero(~flexible.whole_of)
    first_bid = 1 + columns.places
    bids, totals = flexible.bid[chosen], np.zeros_like(parts)
    return [
        _Arcs(
            np.zeros_like(offers.place),
            1 + offers.place,
            offers.wh,
            offers.worth,
            offers.rank * rank + offers.slot - volume,
        ),
        _Arcs(1 + fixed.place, np.zeros_like(fixed.place), fixed.wh, -fixed.worth, fixed.rank * rank),
        _Arcs(
            1 + flexible.place[chosen],
            first_bid + bids,
            flexible.wh[chosen],
            -flexible.worth[chosen],
            np.zeros_like(chosen),
        ),
        _Arcs(first_bid + parts, totals, flexible.energy_of[parts], totals, flexible.rank_of[parts] * rank),
        *_link_arcs(columns),
    ]


def _link_arcs(columns: Columns) -> list[_Arcs]:
    """Return the arcs of the feeder links, first those upwards."""
    child, parent = 1 + columns.child, 1 + columns.parent
    free, plenty = np.zeros_like(child), add_up(columns.offers.wh) + 1
    return [
        _Arcs(child, parent, _link_rooms(columns.up_limit, plenty), free, free),
        _Arcs(parent, child, _link_rooms(columns.down_limit, plenty), free, free),
    ]


def _link_rooms(limit: Integers, plenty: int) -> Amounts:
    wide = limit if plenty < SAFE_SUM else limit.astype(object)
    return np.where((limit == UNLIMITED) | (wide > plenty), plenty, wide)


def _groups(sizes: Sequence[int]) -> Groups:
    ends = accumulate(sizes)
    return Groups(*(slice(end - size, end) for size, end in zip(sizes, ends, strict=True)))


def _demand(book: Book, acceptance: Acceptance) -> Mapping[int, int]:
    demand: Counter[int] = Counter()
    for rank, block in book.blocks:
        if rank in acceptance.starts:
            first = 1 + book.nodes[block.feeder] * book.slots + acceptance.starts[rank]
            demand.update({first + step: wh for step, wh in enumerate(block.profile_wh)})
    first_bid = 1 + len(book.nodes) * book.slots
    for index, (rank, bid) in enumerate(book.flexible):
        if rank in acceptance.whole:
            demand[first_bid + index] += bid.energy_wh
    return demand
