"""Choose which blocks and all-or-nothing bids are accepted, and where the blocks start.

Where few choices exist, each is tried with the exact flow. Otherwise a mixed-integer program chooses. It
works in floating point, so its word is taken for the choice alone: fills, welfare and prices come from the
exact flow for that choice. Four programs in turn settle welfare, volume, ranks and slots, each holding the
earlier goals at what the exact flow reached; the best outcome counts.
"""

from collections.abc import Iterable, Sequence
from itertools import product
from math import prod

import numpy as np

from .book import Book
from .columns import UNLIMITED, Amounts, Columns
from .flow import InfeasibleError, best_flow
from .network import NOTHING, Acceptance, build_network
from .outcome import Outcome, Score, read_outcome
from .potentials import settle_links
from .program import build_program, solve_program, worth_of_energy

FEW_CHOICES = 200
"""Up to this many choices are tried one by one."""
TIE_SIZE = 10_000
"""Programs of more variables settle welfare alone; ties between their choices stay as they fall."""

type _Option = tuple[int, int] | None
"""An order accepted, by rank, with its start slot if it is a block; None if it is not accepted."""


def choose(book: Book, columns: Columns, dropped: frozenset[int]) -> Outcome:
    """Find the best outcome without the dropped orders."""
    best = evaluate(book, columns, NOTHING)
    options = _options(columns, dropped)
    if not options:
        return best
    if prod(map(len, options)) <= FEW_CHOICES:
        return _best_of(book, columns, best, product(*options))
    if not columns.floats_serve:
        return _choose_one_by_one(book, columns, best, options)
    return _choose_by_program(book, columns, dropped, best) or _choose_one_by_one(
        book, columns, best, options
    )


def evaluate(book: Book, columns: Columns, acceptance: Acceptance) -> Outcome:
    """Find the best fills for a choice. Raises InfeasibleError."""
    network = build_network(book, columns, acceptance)
    return read_outcome(columns, acceptance, best_flow(columns, network))


def relaxed_numbers(columns: Columns) -> list[Amounts]:
    """Find numbers per place that may prove more than prices: the worth of energy if orders could be split.

    They come rounded in two ways and never rise along links without a limit.
    """
    worth = worth_of_energy(build_program(columns, frozenset())) if columns.floats_serve else None
    if worth is None:
        return []
    up, down = columns.up_limit == UNLIMITED, columns.down_limit == UNLIMITED
    tail = np.concatenate([columns.child[up], columns.parent[down]])
    head = np.concatenate([columns.parent[up], columns.child[down]])
    rounded = [np.floor(worth), np.floor(worth + 0.5)]
    return [settle_links(numbers.astype(np.int64), tail, head) for numbers in rounded]


def _options(columns: Columns, dropped: frozenset[int]) -> list[list[_Option]]:
    blocks = [(block.rank, block.starts) for block in columns.blocks]
    whole = [(rank, range(1)) for rank in columns.flexible.rank_of[columns.flexible.whole_of].tolist()]
    return [
        [None, *((rank, start) for start in starts)]
        for rank, starts in (*blocks, *whole)
        if rank not in dropped
    ]


def _best_of(book: Book, columns: Columns, best: Outcome, choices: Iterable[Sequence[_Option]]) -> Outcome:
    blocks = {block.rank for block in columns.blocks}
    for chosen in choices:
        accepted = [option for option in chosen if option]
        acceptance = Acceptance(
            {rank: start for rank, start in accepted if rank in blocks},
            frozenset(rank for rank, _ in accepted if rank not in blocks),
        )
        best = _better(book, columns, best, acceptance)
    return best


def _choose_one_by_one(
    book: Book, columns: Columns, best: Outcome, options: Sequence[Sequence[_Option]]
) -> Outcome:
    """Settle one order after the other: maybe far from the best, yet exact, where no program works."""
    chosen: list[_Option] = [None] * len(options)
    for index, mine in enumerate(options):
        for option in mine:
            outcome = _best_of(book, columns, best, [[*chosen[:index], option]])
            if outcome is not best:
                best, chosen[index] = outcome, option
    return best


def _choose_by_program(
    book: Book, columns: Columns, dropped: frozenset[int], best: Outcome
) -> Outcome | None:
    """Let the program choose; None if its solver gives up."""
    program = build_program(columns, dropped)
    goals = len(Score._fields) if program.size <= TIE_SIZE else 1
    for goal in range(goals):
        acceptance = solve_program(program, goal, best.score[:goal])
        if acceptance is not None:
            best = _better(book, columns, best, acceptance)
        elif goal == 0:
            return None
    return best


def _better(book: Book, columns: Columns, best: Outcome, acceptance: Acceptance) -> Outcome:
    try:
        outcome = evaluate(book, columns, acceptance)
    except InfeasibleError:
        return best
    return max(best, outcome, key=lambda candidate: candidate.score)
