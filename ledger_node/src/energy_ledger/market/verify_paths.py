"""Third part of the check: whether the fills are the best, ties included, and which prices support them.

A change of the fills that leaves all orders and links satisfied runs along arcs between places (a node in a
slot), flexible bids, and the ground where energy comes from offers and goes to bids. If numbers exist that
no arc contradicts, no change improves anything; if not, a cycle of arcs does. Searching for the greatest such
numbers decides which, and at the places they are the greatest prices. The same search answers three
questions, by what an arc is said to cost.
"""

from dataclasses import dataclass, replace

import numpy as np

from .book import Integers
from .verify_book import NO_LIMIT, Flags, Level, Numbers
from .verify_fills import Filled

FAR = 2**60
FAR_WIDE = 2**200


@dataclass(frozen=True, eq=False)
class Changes:
    """Arcs along which fills can change.

    A number of a place must lie in [lower, upper], that of a flexible bid in [bid_lower, bid_upper]. `up`
    and `down` tell where a link can carry more: then the number may not rise in that direction. Chances of
    flexible bids: where `more` can be filled, ``bid <= place - cost``; where there is something to give
    `back`, ``place <= bid + cost``.
    """

    lower: Numbers
    upper: Numbers
    bid_lower: Numbers
    bid_upper: Numbers
    up: Flags
    down: Flags
    owner: Integers
    place: Integers
    cost: Numbers
    more: Flags
    back: Flags
    levels: tuple[Level, ...]

    def mirrored(self) -> Changes:
        """Turn all numbers negative and all arcs round, so that greatest becomes least."""
        return replace(
            self,
            lower=-self.upper,
            upper=-self.lower,
            bid_lower=-self.bid_upper,
            bid_upper=-self.bid_lower,
            up=self.down,
            down=self.up,
            cost=-self.cost,
            more=self.back,
            back=self.more,
        )


@dataclass(frozen=True, eq=False)
class Support:
    """Numbers that no arc contradicts: per place (rows are nodes) and per flexible bid."""

    places: Numbers
    bids: Numbers


def far_away(numbers: Numbers) -> int:
    """Tell what stands for a number that nothing bounds."""
    return FAR_WIDE if numbers.dtype == object else FAR


def greatest(changes: Changes) -> Support | None:
    """Find the greatest numbers that no arc contradicts; None if there are none.

    A path that lowers a number passes each flexible bid once at most unless it runs in an improving cycle, so
    numbers that still fall after as many rounds as there are bids never settle.
    """
    places, bids = changes.upper.copy(), changes.bid_upper.copy()
    flat = places.reshape(-1)
    more, back = np.flatnonzero(changes.more), np.flatnonzero(changes.back)
    for _ in range(len(bids) + 2):
        before = places.copy()
        _along_links(changes, places)
        np.minimum.at(bids, changes.owner[more], flat[changes.place[more]] - changes.cost[more])
        np.minimum.at(flat, changes.place[back], bids[changes.owner[back]] + changes.cost[back])
        if (places < changes.lower).any() or (bids < changes.bid_lower).any():
            return None
        if np.array_equal(before, places):
            return Support(places, bids)
    return None


def least(changes: Changes) -> Support | None:
    """Find the least numbers that no arc contradicts; None if there are none."""
    found = greatest(changes.mirrored())
    return Support(-found.places, -found.bids) if found else None


def _along_links(changes: Changes, places: Numbers) -> None:
    """Lower parents to their children's numbers and children to their parents', where links can carry."""
    far = far_away(places)
    for level in reversed(changes.levels):
        rising = np.where(changes.up[level.rows - 1], places[level.rows], far)
        places[level.parents] = np.minimum(
            places[level.parents], np.minimum.reduceat(rising, level.first, axis=0)
        )
    for level in changes.levels:
        falling = np.where(changes.down[level.rows - 1], places[level.parent_of], far)
        places[level.rows] = np.minimum(places[level.rows], falling)


def price_changes(filled: Filled) -> Changes:
    """Arcs that cost money, the fills of all-or-nothing bids being given; prices lie within floor and cap."""
    terms = filled.terms
    usable = terms.chances.takes_part.copy()
    usable[terms.flexible] &= ~terms.whole[terms.owner]
    rows = len(terms.book.nodes)
    return _changes(
        filled,
        _Costs(terms.chances.worth, usable, terms.zeros(len(terms.whole)), ~terms.whole),
        np.tile(terms.floor, (rows, 1)),
        np.tile(terms.cap, (rows, 1)),
    )


def free_changes(filled: Filled) -> Changes:
    """Arcs that cost money, accepted all-or-nothing bids being free to choose their slots."""
    terms = filled.terms
    usable = terms.chances.takes_part.copy()
    usable[terms.flexible] &= (~terms.whole | (filled.total > 0))[terms.owner]
    nowhere = terms.zeros(len(terms.book.nodes), terms.book.slots) + far_away(terms.floor)
    return _changes(
        filled,
        _Costs(terms.chances.worth, usable, terms.zeros(len(terms.whole)), ~terms.whole),
        -nowhere,
        nowhere,
    )


def tie_changes(filled: Filled, support: Support) -> Changes:
    """Arcs along which fills can change at no cost, each costing what it adds to the order of ties.

    That order is greatest volume, then least sum of rank x Wh, then least sum of slot x Wh. An improving
    cycle meets the ground once, so at most two offers or bids: weights that let one Wh of volume outweigh
    all ranks and one rank all slots make one number of the three.
    """
    terms, chances = filled.terms, filled.terms.chances
    by_rank = terms.book.slots
    by_volume = (2 * len(terms.book.orders) + 2) * by_rank
    cost = terms.zeros(len(chances.rank))
    cost[terms.offers] = (chances.rank * by_rank + chances.slot - by_volume)[terms.offers]
    cost[terms.fixed] = (chances.rank * -by_rank)[terms.fixed]
    number = support.places[chances.row, chances.slot]
    number[terms.flexible] -= support.bids[terms.owner]
    usable = chances.takes_part & (number == chances.worth)
    usable[terms.flexible] &= (~terms.whole | (filled.total > 0))[terms.owner]
    bid_rank = terms.numbers([rank for rank, _ in terms.book.flexible])
    nowhere = terms.zeros(*support.places.shape) + far_away(terms.floor)
    level = _Costs(cost, usable, bid_rank * -by_rank, ~terms.whole & (support.bids == 0))
    free = _changes(filled, level, -nowhere, nowhere)
    steady = np.zeros_like(free.up)
    for depth in terms.levels:
        steady[depth.rows - 1] = support.places[depth.rows] == support.places[depth.parent_of]
    return replace(free, up=free.up & steady, down=free.down & steady)


@dataclass(frozen=True, eq=False)
class _Costs:
    """Cost and usability of each chance and of each flexible bid's arc to the ground."""

    chance: Numbers
    usable: Flags
    bid: Numbers
    bid_usable: Flags


def _changes(filled: Filled, costs: _Costs, lower: Numbers, upper: Numbers) -> Changes:
    terms = filled.terms
    place = terms.chances.row * terms.book.slots + terms.chances.slot
    more = costs.usable & (filled.wh < terms.chances.most)
    back = costs.usable & (filled.wh > 0)
    for part, rising, falling in ((terms.offers, more, back), (terms.fixed, back, more)):
        at, cost, below, above = place[part], costs.chance[part], rising[part], falling[part]
        np.minimum.at(upper.reshape(-1), at[below], cost[below])
        np.maximum.at(lower.reshape(-1), at[above], cost[above])
    far = far_away(upper)
    part_filled = costs.bid_usable & (filled.total < terms.energy)
    any_filled = costs.bid_usable & (filled.total > 0)
    flow = filled.carried[1:]
    return Changes(
        lower=lower,
        upper=upper,
        bid_lower=np.where(part_filled, costs.bid, -far),
        bid_upper=np.where(any_filled, costs.bid, far),
        up=(terms.up_limit == NO_LIMIT) | (flow < terms.up_limit),
        down=(terms.down_limit == NO_LIMIT) | (-flow < terms.down_limit),
        owner=terms.owner,
        place=place[terms.flexible],
        cost=costs.chance[terms.flexible],
        more=more[terms.flexible],
        back=back[terms.flexible],
        levels=terms.levels,
    )
