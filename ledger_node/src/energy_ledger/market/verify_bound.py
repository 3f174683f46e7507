"""Second part of the check: what the duals of a clearing prove, by weak duality, whatever they are."""

from collections.abc import Sequence

import numpy as np

from .book import BlockBid, Clearing
from .verify_book import NO_LIMIT, Numbers, Terms, bid_worth, dot
from .verify_fills import RefusedError

LARGE = 2**59


def bound_of(terms: Terms, clearing: Clearing) -> int:
    """Compute the welfare that no clearing of the book can exceed. Raises RefusedError for unusable duals."""
    book = terms.book
    rows = clearing.node_duals
    if len(rows) != len(book.nodes) or any(len(row) != book.slots for row in rows):
        raise RefusedError("the node duals do not have one value per node and slot")
    if len(clearing.flexible_duals) != len(book.flexible):
        raise RefusedError("the flexible duals do not have one value per flexible bid")
    numbers, relief = _table(rows), _column(clearing.flexible_duals)
    if len(relief) and relief.min() < 0:
        raise RefusedError("a flexible dual is below 0")
    return (
        _orders_bound(terms, numbers, relief)
        + _links_bound(terms, numbers)
        + sum(_block_bound(terms, numbers, bid) for _, bid in book.blocks)
    )


def _table(rows: Sequence[Sequence[int]]) -> Numbers:
    return np.stack([_column(row) for row in rows])


def _column(values: Sequence[int]) -> Numbers:
    """Make a column, of Python integers if any is so large that sums of a few might not fit 64 bits."""
    if max(map(abs, values), default=0) < LARGE:
        return np.array(values, dtype=np.int64)
    return np.array(values, dtype=object)


def _orders_bound(terms: Terms, numbers: Numbers, relief: Numbers) -> int:
    """Add up what offers, fixed bids and flexible bids could gain at these numbers."""
    chances = terms.chances
    gain = chances.worth - numbers[chances.row, chances.slot]
    gain[terms.offers] *= -1
    gain = gain.astype(np.result_type(gain, relief))
    gain[terms.flexible] -= relief[terms.owner]
    gain[~chances.takes_part] = 0
    return dot(chances.most, np.maximum(gain, 0)) + dot(terms.energy, relief)


def _links_bound(terms: Terms, numbers: Numbers) -> int:
    bound = 0
    for level in terms.levels:
        rise = numbers[level.parent_of] - numbers[level.rows]
        for limits, gain in ((terms.up_limit, rise), (terms.down_limit, -rise)):
            limit = limits[level.rows - 1]
            if ((limit == NO_LIMIT) & (gain > 0)).any():
                raise RefusedError("the node duals rise along a link that has no limit")
            bound += dot(np.where(limit == NO_LIMIT, 0, limit).ravel(), np.maximum(gain, 0).ravel())
    return bound


def _block_bound(terms: Terms, numbers: Numbers, bid: BlockBid) -> int:
    row = terms.book.nodes[bid.feeder]
    prices = numbers[row, bid.earliest : bid.deadline].tolist()
    gains = [worth - price for worth, price in zip(bid_worth(terms.book, bid), prices, strict=True)]
    length = len(bid.profile_wh)
    totals: list[int] = [
        sum(wh * gain for wh, gain in zip(bid.profile_wh, gains[start : start + length], strict=True))
        for start in range(len(gains) - length + 1)
    ]
    return max(0, max(totals, default=0))
