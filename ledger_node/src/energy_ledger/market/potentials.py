"""Shortest paths on what a flow leaves open: the prices that support it.

For a flow of least cost there are numbers per node with ``number[head] <= number[tail] + cost`` on every arc
that can still change; at the places they are prices in nano per Wh. Sweeps in the manner of Bellman and Ford
over whole columns find the greatest such numbers below given ceilings.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .book import Integers
from .columns import Amounts
from .network import GROUND, Network

BOUNDLESS = 2**61
"""Above every price and path; only where columns are int64."""
BOUNDLESS_WIDE = 2**200


@dataclass(frozen=True, eq=False)
class Residual:
    """How a flow may still change. Arcs at the ground are kept as the cheapest one per node and direction."""

    enter: Amounts
    leave: Amounts
    tail: Integers
    head: Integers
    cost: Amounts

    def reversed(self) -> Residual:
        """Turn every arc round: the greatest numbers there are the least of the original, negated."""
        return Residual(self.leave, self.enter, self.head, self.tail, self.cost)


def infinity(network: Network) -> int:
    """Tell what stands for a price that is not bounded."""
    return BOUNDLESS_WIDE if network.cost.dtype == object else BOUNDLESS


def residual(network: Network, flow: Amounts, among: NDArray[np.bool_] | slice = slice(None)) -> Residual:
    """Collect the arcs that can still carry more or give back."""
    tails, heads, costs = network.tail[among], network.head[among], network.cost[among]
    more, back = flow[among] < network.room[among], flow[among] > 0
    tail = np.concatenate([tails[more], heads[back]])
    head = np.concatenate([heads[more], tails[back]])
    cost = np.concatenate([costs[more], -costs[back]])
    enter = np.full(network.nodes, infinity(network), dtype=network.cost.dtype)
    leave = enter.copy()
    outward, inward = tail == GROUND, head == GROUND
    np.minimum.at(enter, head[outward], cost[outward])
    np.minimum.at(leave, tail[inward], cost[inward])
    inner = ~(outward | inward)
    return Residual(enter, leave, tail[inner], head[inner], cost[inner])


def settle_links(numbers: Amounts, tail: Integers, head: Integers) -> Amounts:
    """Lower numbers until none rises from tail to head."""
    numbers = numbers.copy()
    while (numbers[head] > numbers[tail]).any():
        np.minimum.at(numbers, head, numbers[tail])
    return numbers


def settle(arcs: Residual, ceiling: Amounts) -> Amounts:
    """Find the greatest numbers that no arc and no ceiling forbids.

    Ends because no cycle of arcs costs less than 0.
    """
    numbers = ceiling.copy()
    while True:
        before = numbers.copy()
        np.minimum(numbers, numbers[GROUND] + arcs.enter, out=numbers)
        numbers[GROUND] = min(numbers[GROUND], (numbers + arcs.leave).min())
        np.minimum.at(numbers, arcs.head, numbers[arcs.tail] + arcs.cost)
        if np.array_equal(before, numbers):
            return numbers
