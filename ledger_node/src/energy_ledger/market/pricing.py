"""Prices of a clearing: the ends of the interval that supports its flow, and the prices inside it.

Accepted blocks and all-or-nothing bids are given demand here, so the prices need not please them by
themselves. Where midpoints make some of them lose, prices fall: nowhere above the midpoints, and to the least
where a losing order takes energy.
"""

from dataclasses import dataclass

import numpy as np

from .columns import Amounts, Columns
from .network import GROUND, Network
from .outcome import Outcome, find_takings
from .potentials import Residual, infinity, residual, settle


@dataclass(frozen=True, eq=False)
class Prices:
    """Per place: the least and greatest supporting price and the one that is charged.

    `losing` is the rank of the accepted order that loses most at the charged prices, None if nobody does.
    """

    least: Amounts
    greatest: Amounts
    charged: Amounts
    losing: int | None


def find_prices(columns: Columns, outcome: Outcome) -> Prices:
    """Find the prices of an outcome, by the rule of midpoints."""
    network, solution = outcome.solution.network, outcome.solution
    arcs = residual(network, solution.flow, _free_arcs(columns, network))
    greatest = solution.numbers[1 : 1 + columns.places]
    if outcome.acceptance.whole:
        greatest = _highest(columns, network, arcs, columns.per_place(columns.cap))
    least = -_highest(columns, network, arcs.reversed(), -columns.per_place(columns.floor))
    middle = least + (greatest - least) // 2
    takings = find_takings(columns, outcome)
    losers = [taking for taking in takings if taking.gain(middle) < 0]
    if not losers:
        return Prices(least, greatest, middle, None)
    ceiling = middle.copy()
    for taking in losers:
        ceiling[taking.place] = least[taking.place]
    charged = _highest(columns, network, arcs, ceiling)
    losses = [(-taking.gain(charged), taking.rank) for taking in takings if taking.gain(charged) < 0]
    return Prices(least, greatest, charged, max(losses)[1] if losses else None)


def _free_arcs(columns: Columns, network: Network) -> Amounts:
    """Leave out the arcs of all-or-nothing bids: their fills are given."""
    free = np.ones(len(network.tail), dtype=np.bool_)
    free[network.groups.flexible] = ~columns.flexible.whole_of[columns.flexible.bid[network.chosen]]
    return free


def _highest(columns: Columns, network: Network, arcs: Residual, ceiling: Amounts) -> Amounts:
    numbers = np.full(network.nodes, infinity(network), dtype=network.cost.dtype)
    numbers[GROUND] = 0
    numbers[1 : 1 + columns.places] = ceiling
    return settle(arcs, numbers)[1 : 1 + columns.places]
