"""Check a clearing against its book, trusting nobody: exact, without a solver, with numpy alone.

Every node runs this on every proposal before it becomes trades.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .book import Book, Clearing, Verdict
from .checks import describe
from .reading import shown
from .verify_book import Numbers, Terms, read_terms
from .verify_bound import bound_of
from .verify_fills import Accepted, Filled, RefusedError, fill
from .verify_paths import Changes, Support, free_changes, greatest, least, price_changes, tie_changes


def verify(book: Book, clearing: Clearing) -> Verdict:
    """Judge a clearing: fills possible and the best for what they accept, ties, prices, proof and figures.

    That a better choice of blocks or all-or-nothing bids exists is not for this check to find.
    """
    terms = read_terms(book)
    try:
        return _judge(terms, clearing)
    except RefusedError as refusal:
        return Verdict(valid=False, reason=str(refusal))


def _judge(terms: Terms, clearing: Clearing) -> Verdict:
    filled = fill(terms, clearing.fills)
    changes = price_changes(filled)
    high = greatest(changes)
    low = least(changes)
    if high is None or low is None:
        raise RefusedError("the fills are not the best: other fills of the same orders are worth more")
    _check_ties(filled, high)
    _check_prices(filled, _charged(filled, changes, low, high), clearing.prices)
    bound = bound_of(terms, clearing)
    gap = -((filled.welfare - bound) * 1_000_000 // max(1, bound))
    _check_figures(filled, clearing, bound, gap)
    return Verdict(
        valid=True,
        welfare=filled.welfare,
        bound=bound,
        gap_ppm=gap,
        least=_rows(low.places),
        greatest=_rows(high.places),
    )


def _check_ties(filled: Filled, support: Support) -> None:
    if (filled.terms.whole & (filled.total > 0)).any():
        free = greatest(free_changes(filled))
        if free is None:
            raise RefusedError("an accepted all-or-nothing bid is not filled in its best slots")
        support = free
    if greatest(tie_changes(filled, support)) is None:
        raise RefusedError(
            "of equally good fills these are not the first: greatest volume, then earlier orders, then slots"
        )


def _check_prices(filled: Filled, charged: Numbers, prices: Sequence[Sequence[int | None]]) -> None:
    terms, used = filled.terms, filled.wh > 0
    traded = np.zeros(charged.shape, dtype=np.bool_)
    traded[terms.chances.row[used], terms.chances.slot[used]] = True
    for block in filled.blocks:
        traded[block.row, block.slot] = True
    shown_prices = charged.astype(object)
    shown_prices[~traded] = None
    expected: list[list[int | None]] = shown_prices.tolist()
    if len(prices) != len(expected):
        raise RefusedError("the prices do not have one list per node")
    for node, wanted, given in zip(terms.book.nodes, expected, prices, strict=True):
        _check_row(node, wanted, given)


def _check_row(node: str, wanted: list[int | None], given: Sequence[int | None]) -> None:
    if len(given) != len(wanted):
        raise RefusedError(f"node {shown(node)} has {len(given)} prices for {len(wanted)} slots")
    for slot, (price, stated) in enumerate(zip(wanted, given, strict=True)):
        if price != stated:
            raise RefusedError(
                f"the price of node {shown(node)} in slot {slot} must be {shown(price)}, not {shown(stated)}"
            )


def _charged(filled: Filled, changes: Changes, low: Support, high: Support) -> Numbers:
    """Find the prices by the rule: midpoints, lowered where accepted all-or-nothing orders would lose."""
    prices: Numbers = low.places + (high.places - low.places) // 2
    losing = [bid for bid in filled.accepted if bid.gain(prices) < 0]
    if losing:
        prices = _lowered(changes, low, prices, losing)
        for bid in filled.accepted:
            if bid.gain(prices) < 0:
                name = describe(filled.terms.book.orders[bid.rank])
                raise RefusedError(f"{name} loses {-bid.gain(prices)} at the prices and must not be accepted")
    return prices


def _lowered(changes: Changes, low: Support, prices: Numbers, losing: Sequence[Accepted]) -> Numbers:
    ceiling = prices.copy()
    for bid in losing:
        ceiling[bid.row, bid.slot] = low.places[bid.row, bid.slot]
    return (greatest(replace(changes, upper=ceiling)) or low).places


def _check_figures(filled: Filled, clearing: Clearing, bound: int, gap: int) -> None:
    for name, figure, stated in (
        ("welfare", filled.welfare, clearing.welfare),
        ("volume_wh", filled.volume, clearing.volume_wh),
        ("bound", bound, clearing.bound),
        ("gap_ppm", gap, clearing.gap_ppm),
    ):
        if figure != stated:
            raise RefusedError(f"{name} is {figure}, not {stated}")


def _rows(table: Numbers) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in table.tolist())
