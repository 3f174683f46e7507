"""Clear a book: greatest welfare, then volume, then price-time priority, with prices and a proof."""

from .acceptance import choose, relaxed_numbers
from .book import Book, Clearing, Fills
from .columns import Amounts, Columns, read_columns
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


def _clearing(columns: Columns, outcome: Outcome, prices: Prices) -> Clearing:
    welfare = outcome.score.welfare
    proof = _tightest(columns, welfare, prices)
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
