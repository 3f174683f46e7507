"""The cheapest flow through a network, ties included, in whole Wh.

Two stages. The first finds a flow of least cost. Its node potentials then mark the arcs of zero reduced cost:
every cheapest flow differs from this one on these alone, so the second stage moves flow only there, to the
least `tie`. Both are min-cost flows for OR-tools; numbers too large for its 64 bits go to `exact`.
"""

from dataclasses import dataclass

import numpy as np

from .book import Integers
from .columns import SAFE_SUM, Amounts, Columns
from .exact import exact_flow
from .network import GROUND, Network
from .potentials import infinity, residual, settle


class InfeasibleError(ValueError):
    """The demand of the accepted orders cannot be met."""


@dataclass(frozen=True, eq=False)
class Solution:
    """A flow per arc, and numbers per node that prove it cheapest (`potentials`)."""

    network: Network
    flow: Amounts
    numbers: Amounts


def best_flow(columns: Columns, network: Network) -> Solution:
    """Find the flow of least cost and, among those, of least tie. Raises InfeasibleError."""
    if not _fits(network):
        flow = exact_flow(network)
        if flow is None:
            raise InfeasibleError
        flow = _net(network, flow)
        return Solution(network, flow, _numbers(columns, network, flow))
    flow = _net(network, _cheapest(network))
    numbers = _numbers(columns, network, flow)
    return Solution(network, _net(network, _least_tie(network, flow, numbers)), numbers)


def _fits(network: Network) -> bool:
    """Tell whether OR-tools can hold the numbers: it multiplies costs by nodes and adds rooms up."""
    if network.cost.dtype == object or network.room.sum(dtype=np.float64) >= SAFE_SUM:
        return False
    most = max(int(np.abs(column).max(initial=0)) for column in (network.cost, network.tie))
    return most * (network.nodes + 1) < SAFE_SUM


def _numbers(columns: Columns, network: Network, flow: Amounts) -> Amounts:
    ceiling = np.full(network.nodes, infinity(network), dtype=network.cost.dtype)
    ceiling[GROUND] = 0
    ceiling[1 : 1 + columns.places] = columns.per_place(columns.cap)
    return settle(residual(network, flow), ceiling)


def _cheapest(network: Network) -> Integers:
    supply = np.zeros(network.nodes, dtype=np.int64)
    for node, wh in network.demand.items():
        supply[node] = -wh
    supply[GROUND] = -supply.sum()
    return _min_cost_flow(network.tail, network.head, network.room, network.cost, supply)


def _least_tie(network: Network, flow: Amounts, numbers: Amounts) -> Amounts:
    """Move flow along arcs of zero reduced cost, seen from the given flow, until no move improves."""
    face = np.flatnonzero(network.cost + numbers[network.tail] == numbers[network.head])
    used, ends = np.unique(np.concatenate([network.tail[face], network.head[face]]), return_inverse=True)
    tail, head = ends[: len(face)], ends[len(face) :]
    supply = np.zeros(len(used), dtype=np.int64)
    np.add.at(supply, tail, flow[face])
    np.subtract.at(supply, head, flow[face])
    result = flow.copy()
    result[face] = _min_cost_flow(tail, head, network.room[face], network.tie[face], supply)
    return result


def _min_cost_flow(
    tail: Integers, head: Integers, room: Integers, cost: Integers, supply: Integers
) -> Integers:
    from ortools.graph.python import min_cost_flow

    if not len(tail):
        if supply.any():
            raise InfeasibleError
        return np.zeros(0, dtype=np.int64)
    problem = min_cost_flow.SimpleMinCostFlow()
    arcs = problem.add_arcs_with_capacity_and_unit_cost(tail, head, room, cost)
    problem.set_nodes_supplies(np.arange(len(supply)), supply)
    if problem.solve() != problem.OPTIMAL:
        raise InfeasibleError
    return np.asarray(problem.flows(arcs), dtype=np.int64)


def _net(network: Network, flow: Amounts) -> Amounts:
    """Cancel what runs up and down the same link."""
    groups = network.groups
    both = np.minimum(flow[groups.up], flow[groups.down])
    netted = flow.copy()
    netted[groups.up] -= both
    netted[groups.down] -= both
    return netted
