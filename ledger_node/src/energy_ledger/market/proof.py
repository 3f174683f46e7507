"""The bound that proves a clearing: weak duality, in whole numbers.

For any numbers per place (and one per flexible bid) no clearing of the book can be worth more than

    offers, links, fixed bids at what they could gain at those numbers,
  + each flexible bid at the best of any part of its energy, each block at its best start,

each counted only where positive. Prices are good numbers, but any will do: poor ones only prove less.
"""

from dataclasses import dataclass

import numpy as np

from .book import Integers
from .columns import UNLIMITED, Amounts, Block, Columns, multiply


@dataclass(frozen=True, eq=False)
class Proof:
    """Numbers per place and per flexible bid, and what they prove: nothing is worth more than `bound`."""

    numbers: Amounts
    flexible: Amounts
    bound: int


def prove(columns: Columns, numbers: Amounts) -> Proof:
    """Find the least bound that these numbers per place can prove.

    The numbers must not rise along links without a limit, as prices never do.
    """
    offers, fixed = columns.offers, columns.fixed
    flexible, flexible_bound = _flexible(columns, numbers)
    bound = (
        multiply(offers.wh, np.maximum(numbers[offers.place] - offers.worth, 0))
        + multiply(fixed.wh, np.maximum(fixed.worth - numbers[fixed.place], 0))
        + flexible_bound
        + sum(_block_bound(block, numbers) for block in columns.blocks)
        + _link_bound(columns.up_limit, numbers[columns.parent] - numbers[columns.child])
        + _link_bound(columns.down_limit, numbers[columns.child] - numbers[columns.parent])
    )
    return Proof(numbers, flexible, bound)


def gap_ppm(welfare: int, bound: int) -> int:
    """Tell how far the welfare is from the bound, in millionths of the bound, rounded up."""
    return -((welfare - bound) * 1_000_000 // max(1, bound))


def _link_bound(limit: Integers, rise: Amounts) -> int:
    return multiply(np.where(limit == UNLIMITED, 0, limit), np.maximum(rise, 0))


def _block_bound(block: Block, numbers: Amounts) -> int:
    gains = (block.worth - numbers[block.place]).tolist()
    profile = block.profile.tolist()
    runs = [gains[block.span(start)] for start in block.starts]
    totals: list[int] = [sum(wh * gain for wh, gain in zip(profile, run, strict=True)) for run in runs]
    return max(0, max(totals, default=0))


def _flexible(columns: Columns, numbers: Amounts) -> tuple[Amounts, int]:
    """Choose per bid the least value of its energy at which its best slots take no more than that energy."""
    entries = columns.flexible
    gain = np.maximum(entries.worth - numbers[entries.place], 0)
    order = np.lexsort((-gain, entries.bid))
    bid, room, ranked = entries.bid[order], entries.wh[order], gain[order]
    reached = np.cumsum(room)
    first = np.searchsorted(bid, np.arange(len(entries.energy_of)))
    before = np.concatenate([np.zeros(1, dtype=reached.dtype), reached])[first]
    beyond = np.flatnonzero(reached - before[bid] > entries.energy_of[bid])
    value = np.zeros_like(entries.energy_of)
    limited, at = np.unique(bid[beyond], return_index=True)
    value[limited] = ranked[beyond[at]]
    rest = np.maximum(gain - value[entries.bid], 0)
    return value, multiply(entries.energy_of, value) + multiply(entries.wh, rest)
