"""Choose which blocks and all-or-nothing bids are accepted, and where the blocks start.

Where few choices exist, each is tried with the exact flow. Otherwise a mixed-integer program chooses. It
works in floating point, so its word is taken for the choice alone: fills, welfare and prices come from the
exact flow for that choice. Four programs in turn settle welfare, volume, ranks and slots, each holding the
earlier goals at what the exact flow reached; the best outcome counts.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import prod

import numpy as np

from .book import Book
from .columns import UNLIMITED, Amounts, Columns, multiply
from .flow import InfeasibleError, best_flow
from .network import NOTHING, Acceptance, build_network
from .outcome import Outcome, Score, read_outcome
from .potentials import settle_links
from .pricing import Prices, find_prices
from .program import Program, build_program, solve_program, worth_of_energy

FEW_CHOICES = 200
"""Up to this many choices are tried one by one."""
LARGE = 10_000
"""Programs of more variables settle welfare alone, and once: ties between choices stay as they fall, and what
a dropped order leaves is offered to divisible orders only."""

type _Option = tuple[int, int] | None
"""An order accepted, by rank, with its start slot if it is a block; None if it is not accepted."""


def choose(book: Book, columns: Columns, dropped: frozenset[int], previous: Outcome | None) -> Outcome:
    """Find the best outcome without the dropped orders; `previous` is the outcome with the last of them."""
    best = evaluate(book, columns, NOTHING)
    options = _options(columns, dropped)
    if not options:
        return best
    if prod(map(len, options)) <= FEW_CHOICES:
        return _best_of(book, columns, best, product(*options))
    if not columns.floats_serve:
        return _choose_one_by_one(book, columns, best, options)
    program = build_program(columns, dropped)
    if previous and program.size > LARGE:
        return _without(book, columns, previous.acceptance, dropped)
    return _choose_by_program(book, columns, program, best) or _choose_one_by_one(
        book, columns, best, options
    )


def evaluate(book: Book, columns: Columns, acceptance: Acceptance) -> Outcome:
    """Find the best fills for a choice. Raises InfeasibleError."""
    network = build_network(book, columns, acceptance)
    return read_outcome(columns, acceptance, best_flow(columns, network))


def guesses(
    book: Book, columns: Columns, outcome: Outcome, prices: Prices
) -> Iterator[tuple[Outcome, Prices]]:
    """Accept more and more of who gains at the prices so far, some at a time; give each choice that holds.

    What does not fit together is tried by halves, what fits is followed by twice as much; who would lose at
    the prices that follow is not accepted. Far quicker than choosing the best, and often near it.
    """
    waiting = {block.rank for block in columns.blocks}
    waiting |= set(columns.flexible.rank_of[columns.flexible.whole_of].tolist())
    size = len(waiting)
    while options := [one for one in _gaining(columns, prices.charged) if one[0] in waiting][:size]:
        found = _accept(book, columns, outcome, options)
        if found is not None:
            outcome, prices = found
            yield found
        if found is not None or len(options) == 1:
            waiting -= {rank for rank, _ in options}
        size = max(1, len(options) * 2 if found is not None else len(options) // 2)


def _accept(
    book: Book, columns: Columns, outcome: Outcome, options: Iterable[tuple[int, int]]
) -> tuple[Outcome, Prices] | None:
    """Accept some more orders; None if they do not fit, gain nothing, or one of all would lose."""
    blocks = {block.rank for block in columns.blocks}
    starts = {rank: start for rank, start in options if rank in blocks}
    whole = {rank for rank, _ in options if rank not in blocks}
    known = outcome.acceptance
    try:
        more = evaluate(book, columns, Acceptance({**known.starts, **starts}, known.whole | whole))
    except InfeasibleError:
        return None
    prices = find_prices(columns, more)
    return (more, prices) if prices.losing is None and more.score > outcome.score else None


def _gaining(columns: Columns, prices: Amounts) -> list[tuple[int, int]]:
    """Return the blocks and all-or-nothing bids that gain at prices per place, who gains most first.

    Each with the start slot at which a block gains most; that of an all-or-nothing bid says nothing.
    """
    found: list[tuple[int, int, int]] = []
    for block in columns.blocks:
        gains = block.worth - prices[block.place]
        totals = [(multiply(block.profile, gains[block.span(start)]), -start) for start in block.starts]
        gain, start = max(totals, default=(0, 0))
        found.append((-gain, block.rank, -start))
    flexible = columns.flexible
    gain_of = flexible.worth - prices[flexible.place]
    found += [
        (-_most_gain(columns, bid, gain_of), int(flexible.rank_of[bid]), 0)
        for bid in np.flatnonzero(flexible.whole_of).tolist()
    ]
    return [(rank, start) for gain, rank, start in sorted(found) if gain < 0]


def _most_gain(columns: Columns, bid: int, gain: Amounts) -> int:
    """Return what all of a flexible bid gains in its best slots."""
    entries = np.flatnonzero(columns.flexible.bid == bid)
    best = entries[np.argsort(-gain[entries], kind="stable")]
    rest, total = int(columns.flexible.energy_of[bid]), 0
    for wh, each in zip(columns.flexible.wh[best].tolist(), gain[best].tolist(), strict=True):
        total += min(rest, wh) * each
        rest -= min(rest, wh)
    return total


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


def _without(book: Book, columns: Columns, accepted: Acceptance, dropped: frozenset[int]) -> Outcome:
    starts = {rank: start for rank, start in accepted.starts.items() if rank not in dropped}
    return evaluate(book, columns, Acceptance(starts, accepted.whole - dropped))


def _choose_by_program(book: Book, columns: Columns, program: Program, best: Outcome) -> Outcome | None:
    """Let the program choose; None if its solver gives up."""
    goals = len(Score._fields) if program.size <= LARGE else 1
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
