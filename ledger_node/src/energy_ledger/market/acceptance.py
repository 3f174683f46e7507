"""Choose which blocks and all-or-nothing bids are accepted, and where the blocks start.

The mixed-integer program works in floating point, so its word is taken for the choice alone: fills, welfare
and prices come from the exact flow for that choice. Four programs in turn settle welfare, volume, ranks and
slots, each holding the earlier goals at what the exact flow reached; the best outcome counts.
"""

import numpy as np

from .book import Book
from .columns import UNLIMITED, Amounts, Columns
from .flow import InfeasibleError, best_flow
from .network import NOTHING, Acceptance, build_network
from .outcome import Outcome, Score, read_outcome
from .potentials import settle_links
from .program import build_program, solve_program


def choose(book: Book, columns: Columns, dropped: frozenset[int]) -> Outcome:
    """Find the best outcome without the dropped orders."""
    best = evaluate(book, columns, NOTHING)
    if not has_choice(columns):
        return best
    program = build_program(columns, dropped)
    for goal in range(len(Score._fields)):
        answer = solve_program(program, goal, best.score[:goal])
        if answer is not None:
            best = _better(book, columns, best, answer.acceptance)
    return best


def has_choice(columns: Columns) -> bool:
    """Tell whether there are blocks or all-or-nothing bids to choose from."""
    return bool(columns.blocks) or bool(columns.flexible.whole_of.any())


def relaxed_numbers(columns: Columns) -> list[Amounts]:
    """Find numbers per place that may prove more than prices: the worth of energy if orders could be split.

    They come rounded in two ways, within floor and cap, and never rise along links without a limit.
    """
    answer = solve_program(build_program(columns, frozenset()), 0, (), relaxed=True)
    if answer is None:
        return []
    floor, cap = columns.per_place(columns.floor), columns.per_place(columns.cap)
    rounded = [np.floor(answer.worth), np.floor(answer.worth + 0.5)]
    return [_along_links(columns, np.clip(numbers.astype(cap.dtype), floor, cap)) for numbers in rounded]


def _along_links(columns: Columns, numbers: Amounts) -> Amounts:
    up, down = columns.up_limit == UNLIMITED, columns.down_limit == UNLIMITED
    tail = np.concatenate([columns.child[up], columns.parent[down]])
    head = np.concatenate([columns.parent[up], columns.child[down]])
    return settle_links(numbers, tail, head)


def evaluate(book: Book, columns: Columns, acceptance: Acceptance) -> Outcome:
    """Find the best fills for a choice. Raises InfeasibleError."""
    network = build_network(book, columns, acceptance)
    return read_outcome(columns, acceptance, best_flow(columns, network))


def _better(book: Book, columns: Columns, best: Outcome, acceptance: Acceptance) -> Outcome:
    try:
        outcome = evaluate(book, columns, acceptance)
    except InfeasibleError:
        return best
    return max(best, outcome, key=lambda candidate: candidate.score)
