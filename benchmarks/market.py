"""How long a round of the auction takes: to build, solve, price, prove and verify.

Streets of homes with roofs, household demand and flexible loads on feeders; auctions of one slot; streets
with blocks. Each is set against OR-tools' own time for the same arcs in the same run, because that ratio
carries over to other machines and the seconds do not. Prints Markdown tables. Run in the project's test
environment: `python -m benchmarks.market [--quick]`.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from ortools.graph.python import min_cost_flow

from benchmarks.in_node import measure
from energy_ledger.market.book import (
    Bid,
    BlockBid,
    Book,
    Clearing,
    Feeder,
    FixedBid,
    FlexibleBid,
    Offer,
    Tariff,
)
from energy_ledger.market.columns import read_columns
from energy_ledger.market.network import GROUND, NOTHING, build_network
from energy_ledger.market.solver import solve
from energy_ledger.market.verifier import verify
from energy_ledger.market.verify_book import read_terms
from energy_ledger.market.verify_bound import bound_of

SLOTS = 96
HOMES_PER_FEEDER = 50
REPEATS = 3


def street(homes: int, slots: int = SLOTS, *, blocks: bool = False) -> Book:
    """Make a street on a sunny day: most homes have a roof, all have demand, many a load that can wait.

    With `blocks`, three homes in ten also bid for an appliance's run in one piece and one in ten for an
    all-or-nothing charge.
    """
    random = np.random.default_rng(homes)
    feeders = [f"feeder {index}" for index in range(max(1, homes // HOMES_PER_FEEDER))]
    sun = np.maximum(0.0, np.sin((np.arange(slots) % 96 - 24) / 48 * np.pi))
    offers: list[Offer] = []
    bids: list[Bid] = []
    for home in range(homes):
        node = feeders[home % len(feeders)]
        if random.random() < 0.9:
            made = sun * random.uniform(300, 1500) * random.uniform(0.7, 1.3, slots)
            offers.append(Offer(f"roof {home}", node, _price(random, 60, 200), _positive(made)))
        bids.append(
            FixedBid(
                f"home {home}", node, _price(random, 120, 330), _positive(random.uniform(20, 400, slots))
            )
        )
        if random.random() < 0.7:
            earliest = int(random.integers(0, slots - 40))
            length, energy = int(random.integers(10, 40)), int(random.integers(1000, 8000))
            bids.append(
                FlexibleBid(
                    f"car {home}", node, _price(random, 100, 300), energy, earliest, earliest + length, 1000
                )
            )
        if blocks:
            bids.extend(_indivisible(random, home, node, slots))
    limits = (8000,) * slots
    return Book(
        slots,
        Tariff.flat(slots, 80_000, 300_000, 5_000),
        tuple(Feeder(name, limits, limits) for name in feeders),
        tuple(offers),
        tuple(bids),
    )


def _price(random: np.random.Generator, least: int, most: int) -> int:
    return int(random.integers(least, most)) * 1000


def _positive(wh: np.ndarray[tuple[int], np.dtype[np.float64]]) -> dict[int, int]:
    return {slot: amount for slot, amount in enumerate(wh.astype(int).tolist()) if amount}


def _indivisible(random: np.random.Generator, home: int, node: str, slots: int) -> Iterable[Bid]:
    earliest = int(random.integers(0, slots - 40))
    if random.random() < 0.3:
        profile = tuple(random.integers(50, 600, random.integers(3, 9)).tolist())
        deadline = earliest + len(profile) + int(random.integers(4, 20))
        yield BlockBid(f"washer {home}", node, _price(random, 100, 300), profile, earliest, deadline)
    if random.random() < 0.1:
        energy, deadline = int(random.integers(1000, 8000)), earliest + int(random.integers(10, 40))
        yield FlexibleBid(
            f"pump {home}", node, _price(random, 100, 300), energy, earliest, deadline, 1000, "all"
        )


def auction(orders: int) -> Book:
    """Make one slot with so many offers and as many bids."""
    random = np.random.default_rng(orders)
    return Book(
        1,
        Tariff.flat(1, 80_000, 300_000, 5_000),
        (),
        tuple(
            Offer(f"o{i}", "", _price(random, 60, 300), {0: int(random.integers(1, 999))})
            for i in range(orders)
        ),
        tuple(
            FixedBid(f"b{i}", "", _price(random, 60, 300), {0: int(random.integers(1, 999))})
            for i in range(orders)
        ),
    )


def best_of[T](work: Callable[[], T], repeats: int = REPEATS) -> tuple[float, T]:
    """Take the least seconds of a few runs, and the result."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return min(seconds), result


def bare_seconds(book: Book) -> tuple[float, int]:
    """Take OR-tools' own time for the arcs of a book's divisible orders, and count them."""
    network = build_network(book, read_columns(book), NOTHING)

    def run() -> None:
        problem = min_cost_flow.SimpleMinCostFlow()
        problem.add_arcs_with_capacity_and_unit_cost(network.tail, network.head, network.room, network.cost)
        problem.set_nodes_supplies(np.array([GROUND]), np.array([0]))
        if problem.solve() != problem.OPTIMAL:
            raise RuntimeError("OR-tools found no flow")

    return best_of(run)[0], len(network.tail)


def proof_seconds(book: Book, clearing: Clearing) -> float:
    """Take the time to work out what the duals prove, the book being read."""
    terms = read_terms(book)
    return best_of(lambda: bound_of(terms, clearing))[0]


def compare(book: Book, repeats: int = REPEATS) -> list[str]:
    """Measure one book; fresh copies, so that nothing is remembered from run to run."""
    bare, arcs = bare_seconds(book)
    whole, clearing = best_of(lambda: solve(replace(book)), repeats)
    check, verdict = best_of(lambda: verify(replace(book), clearing), repeats)
    if not verdict.valid:
        raise RuntimeError(verdict.reason)
    proof = proof_seconds(book, clearing)
    return [
        f"{arcs:,}",
        *(f"{1000 * seconds:,.1f}" for seconds in (bare, whole, proof, check)),
        *(f"{seconds / bare:.2f}" for seconds in (whole, proof, check)),
        f"{clearing.gap_ppm}",
    ]


def table(title: str, names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table, row by row as they come."""
    print(f"\n**{title}**\n\n| {' | '.join(names)} |\n|{'---|' * len(names)}", flush=True)
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def in_a_node(homes: int, *, blocks: bool = False) -> list[str]:
    """Measure what a round adds to a real node, best of a few runs, and the longest delays of all of them."""
    runs = [measure(street(homes, blocks=blocks)) for _ in range(REPEATS)]
    best = min(runs, key=lambda cost: cost.added_ms)
    threads = sorted(best.cpu_s.items(), key=lambda one: -one[1])
    return [
        f"{homes:,}{' with blocks' if blocks else ''}",
        f"{best.trades:,}",
        f"{best.added_ms:,.0f}",
        ", ".join(f"{name} {1000 * seconds:,.0f}" for name, seconds in threads),
        f"{1000 * best.store_s:,.0f}",
        f"{1000 * max(cost.lag_s for cost in runs):,.0f}",
        f"{1000 * max(cost.explain_s for cost in runs):,.0f}",
        f"{1000 * max(cost.explain_lag_s for cost in runs):,.0f}",
    ]


NODE_COLUMNS = (
    "homes",
    "trades",
    "CPU ms added",
    "by thread",
    "of it until stored, ms",
    "greatest loop lag ms",
    "explained in ms",
    "lag meanwhile ms",
)
COLUMNS = (
    "arcs",
    "bare ms",
    "clear ms",
    "proof ms",
    "verify ms",
    "clear / bare",
    "proof / bare",
    "verify / bare",
    "gap ppm",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the largest sizes")
    quick = parser.parse_args().quick
    sizes = (100, 1000) if quick else (100, 1000, 5000)
    table(
        f"Streets of {SLOTS} slots",
        ("homes", *COLUMNS),
        ([f"{homes:,}", *compare(street(homes))] for homes in sizes),
    )
    table(
        "One slot",
        ("orders a side", *COLUMNS),
        ([f"{10**power:,}", *compare(auction(10**power))] for power in range(2, 5 if quick else 6)),
    )
    table(
        f"Streets of {SLOTS} slots with blocks and all-or-nothing bids",
        ("homes", *COLUMNS),
        (
            [f"{homes:,}", *compare(street(homes, blocks=True), 1)]
            for homes in ((100,) if quick else (100, 1000))
        ),
    )
    nodes = [in_a_node(20)] if quick else [in_a_node(20), in_a_node(100), in_a_node(100, blocks=True)]
    table("In a node", NODE_COLUMNS, nodes)


if __name__ == "__main__":
    main()
