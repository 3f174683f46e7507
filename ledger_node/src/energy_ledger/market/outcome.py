"""What a flow fills and what that is worth."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .book import Integers
from .columns import Amounts, Columns, add_up, multiply
from .flow import Solution
from .network import Acceptance


class Score(NamedTuple):
    """What makes one clearing better than another, the first difference deciding; greater is better.

    Welfare in nano, volume in Wh; the sums of rank x Wh and slot x Wh count against it.
    """

    welfare: int
    volume: int
    ranks: int
    slots: int


@dataclass(frozen=True, eq=False)
class Taking:
    """What one accepted block or all-or-nothing bid takes, with its worth per Wh in each place."""

    rank: int
    place: Integers
    wh: Amounts
    worth: Amounts

    def gain(self, prices: Amounts) -> int:
        """Tell what the order gains at these prices, in nano; negative if it loses."""
        return multiply(self.wh, self.worth - prices[self.place])


@dataclass(frozen=True, eq=False)
class Outcome:
    """A choice of accepted orders, the best flow for it, its fills (columns by rank and place) and score."""

    acceptance: Acceptance
    solution: Solution
    rank: Integers
    place: Integers
    wh: Amounts
    score: Score


def read_outcome(columns: Columns, acceptance: Acceptance, solution: Solution) -> Outcome:
    """Read fills and score off a flow."""
    network, flow = solution.network, solution.flow
    flexible, chosen = columns.flexible, network.chosen
    sold = flow[network.groups.offers]
    parts = [
        (columns.offers.rank, columns.offers.place, sold),
        (columns.fixed.rank, columns.fixed.place, flow[network.groups.fixed]),
        (flexible.rank_of[flexible.bid[chosen]], flexible.place[chosen], flow[network.groups.flexible]),
        *((np.full_like(t.place, t.rank), t.place, t.wh) for t in _block_takings(columns, acceptance)),
    ]
    rank, place, wh = (np.concatenate(column) for column in zip(*parts, strict=True))
    filled = np.flatnonzero(wh > 0)
    order = filled[np.lexsort((place[filled], rank[filled]))]
    rank, place, wh = rank[order], place[order], wh[order]
    score = Score(
        welfare=_block_worth(columns, acceptance) - multiply(flow, network.cost),
        volume=add_up(sold),
        ranks=-multiply(wh, rank),
        slots=-multiply(wh, place % columns.slots),
    )
    return Outcome(acceptance, solution, rank, place, wh, score)


def find_takings(columns: Columns, outcome: Outcome) -> list[Taking]:
    """List what every accepted block and all-or-nothing bid takes."""
    flexible, network = columns.flexible, outcome.solution.network
    filled = outcome.solution.flow[network.groups.flexible]
    owner = flexible.rank_of[flexible.bid[network.chosen]]
    takings = _block_takings(columns, outcome.acceptance)
    for rank in sorted(outcome.acceptance.whole):
        used = (owner == rank) & (filled > 0)
        entries = network.chosen[used]
        takings.append(Taking(rank, flexible.place[entries], filled[used], flexible.worth[entries]))
    return takings


def _block_takings(columns: Columns, acceptance: Acceptance) -> list[Taking]:
    takings = []
    for block in columns.blocks:
        if block.rank in acceptance.starts:
            span = block.span(acceptance.starts[block.rank])
            takings.append(Taking(block.rank, block.place[span], block.profile, block.worth[span]))
    return takings


def _block_worth(columns: Columns, acceptance: Acceptance) -> int:
    return sum(multiply(taking.wh, taking.worth) for taking in _block_takings(columns, acceptance))
