"""The same cheapest flow in Python integers, for numbers beyond the 64 bits of the fast solver.

Successive shortest paths: cheapest first, from the offers to the bids, as long as a path gains something.
Meant for the odd book with absurd prices or amounts, not for speed.
"""

from dataclasses import dataclass

import numpy as np

from .columns import Amounts
from .network import GROUND, Network


@dataclass
class _Arc:
    tail: int
    head: int
    room: int
    cost: int


def exact_flow(network: Network) -> Amounts | None:
    """Find the flow per arc of least cost, then least tie; None if the demand cannot be met."""
    arcs = _arcs(network)
    count = len(network.tail)
    while path := _cheapest_path(arcs, network.nodes + 1, network.nodes):
        most = min(arcs[index].room for index in path)
        for index in path:
            arcs[index].room -= most
            arcs[index ^ 1].room += most
    if any(arc.room for arc in arcs[2 * count :: 2]):
        return None
    return np.array([arcs[2 * index + 1].room for index in range(count)], dtype=object)


def _arcs(network: Network) -> list[_Arc]:
    """Pair every arc with its reverse; arcs to the ground and demand lead to a sink of their own.

    One cost holds both objectives: any gain in cost outweighs every change of tie along a cycle. Demand is
    worth more than any path can cost, so it is met first.
    """
    weight = 4 * max(map(abs, network.tie.tolist()), default=0) + 1
    sink = network.nodes
    rows = [
        (tail, sink if head == GROUND else head, room, cost * weight + tie)
        for tail, head, room, cost, tie in zip(
            network.tail.tolist(),
            network.head.tolist(),
            network.room.tolist(),
            network.cost.tolist(),
            network.tie.tolist(),
            strict=True,
        )
    ]
    urgent = -(sum(abs(cost) for _, _, _, cost in rows) + 1)
    rows += [(node, sink, wh, urgent) for node, wh in network.demand.items()]
    return [
        arc
        for tail, head, room, cost in rows
        for arc in (_Arc(tail, head, room, cost), _Arc(head, tail, 0, -cost))
    ]


def _cheapest_path(arcs: list[_Arc], nodes: int, sink: int) -> list[int]:
    """Find the arcs of the cheapest path from ground to sink, or none if it would not cost less than 0."""
    distance: list[int | None] = [None] * nodes
    distance[GROUND] = 0
    arrived = [-1] * nodes
    changed = True
    while changed:
        changed = False
        for index, arc in enumerate(arcs):
            start, end = distance[arc.tail], distance[arc.head]
            if arc.room and start is not None and (end is None or start + arc.cost < end):
                distance[arc.head] = start + arc.cost
                arrived[arc.head] = index
                changed = True
    end = distance[sink]
    return _walk_back(arcs, arrived, sink) if end is not None and end < 0 else []


def _walk_back(arcs: list[_Arc], arrived: list[int], node: int) -> list[int]:
    path = []
    while node != GROUND:
        path.append(arrived[node])
        node = arcs[arrived[node]].tail
    return path
