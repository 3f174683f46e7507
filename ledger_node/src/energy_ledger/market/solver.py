"""Clear a book: greatest welfare, then volume, then price-time priority, with prices and a proof."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from .acceptance import choose, evaluate, guesses, relaxed_numbers
from .book import Book, Clearing, Fills
from .columns import Amounts, Columns, read_columns
from .network import NOTHING
from .outcome import Outcome
from .pricing import Prices, find_prices
from .proof import Proof, gap_ppm, prove


def solve(book: Book) -> Clearing:
    """Find the best clearing of a book. The same book gives the same clearing.

    Where an accepted block or all-or-nothing bid would lose at every supporting price, the one that loses
    most (of equals the later in ledger order) is left out and the rest is solved again.
    """
    columns = read_columns(book)
    dropped: frozenset[int] = frozenset()
    outcome: Outcome | None = None
    while True:
        outcome = choose(book, columns, dropped, outcome)
        prices = find_prices(columns, outcome)
        if prices.losing is None:
            return _clearing(columns, outcome, prices)
        dropped |= {prices.losing}


def clearings(book: Book) -> Iterator[Clearing]:
    """Find better and better clearings of a book, the last of which is what `solve` finds.

    For who cannot wait for it: all are right, and each says how far from the best it may be. Where orders
    are taken whole or not at all, the first takes none of them, the next ones more and more.
    """
    last: Clearing | None = None
    columns = read_columns(book)
    if columns.blocks or columns.flexible.whole_of.any():
        outcome = evaluate(book, columns, NOTHING)
        first = outcome, find_prices(columns, outcome)
        for choice, prices in chain([first], guesses(book, columns, *first)):
            last = _clearing(columns, choice, prices, prove(columns, prices.charged))
            yield last
    best = solve(book)
    yield best if last is None or _merit(best) >= _merit(last) else _proven_by(last, best)


def _merit(clearing: Clearing) -> tuple[int, int, int]:
    """Return what makes one clearing better than another: welfare, volume, early orders served."""
    fills = clearing.fills
    ranks = sum(rank * wh for rank, wh in zip(fills.rank, fills.wh, strict=True))
    return clearing.welfare, clearing.volume_wh, -ranks


def _proven_by(clearing: Clearing, other: Clearing) -> Clearing:
    """Return a clearing with another's proof, if that is tighter: it holds for all clearings of the book."""
    if other.bound >= clearing.bound:
        return clearing
    return replace(
        clearing,
        node_duals=other.node_duals,
        flexible_duals=other.flexible_duals,
        bound=other.bound,
        gap_ppm=gap_ppm(clearing.welfare, other.bound),
    )


def _clearing(columns: Columns, outcome: Outcome, prices: Prices, proof: Proof | None = None) -> Clearing:
    welfare = outcome.score.welfare
    proof = proof or _tightest(columns, welfare, prices)
    slot = outcome.place % columns.slots
    return Clearing(
        fills=Fills(tuple(outcome.rank.tolist()), tuple(slot.tolist()), tuple(outcome.wh.tolist())),
        prices=_shown_prices(columns, outcome, prices.charged),
        node_duals=_rows(columns, proof.numbers.tolist()),
        flexible_duals=tuple(proof.flexible.tolist()),
        welfare=welfare,
        bound=proof.bound,
        gap_ppm=gap_ppm(welfare, proof.bound),
        volume_wh=outcome.score.volume,
    )


def _tightest(columns: Columns, welfare: int, prices: Prices) -> Proof:
    """Take the first proof that leaves no gap, else the first with the least bound."""
    best = prove(columns, prices.charged)
    if best.bound == welfare:
        return best
    candidates = [prices.greatest, prices.least, *relaxed_numbers(columns)]
    return min((best, *(prove(columns, numbers) for numbers in candidates)), key=lambda proof: proof.bound)


def _shown_prices(columns: Columns, outcome: Outcome, prices: Amounts) -> tuple[tuple[int | None, ...], ...]:
    shown: list[int | None] = [None] * columns.places
    for place, price in zip(outcome.place.tolist(), prices[outcome.place].tolist(), strict=True):
        shown[place] = price
    return _rows(columns, shown)


def _rows[T](columns: Columns, values: list[T]) -> tuple[tuple[T, ...], ...]:
    """Cut a column per place into one row per node."""
    return tuple(
        tuple(values[start : start + columns.slots]) for start in range(0, columns.places, columns.slots)
    )
