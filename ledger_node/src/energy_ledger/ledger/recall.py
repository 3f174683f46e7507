"""Rounds of the past: the book as it was frozen, and what was filled, from the rows that are kept.

What a round filled is in its trades, and what an order had before in the trades of earlier rounds, so a book
need not be kept whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from energy_ledger.genesis import Rules
from energy_ledger.ledger.books import build_book
from energy_ledger.ledger.trading_rows import Order, Round, Trade
from energy_ledger.market.book import Book, Fills
from energy_ledger.tariffs import Schedule

type _Filled = dict[str, dict[int, int]]
"""Wh per slot, by order."""


@dataclass(frozen=True, slots=True)
class Past:
    """The book of a round, and what was filled of it: nothing if the round was void."""

    book: Book
    fills: Fills


def recall(
    rules: Rules, tariffs: Schedule, row: Round, orders: Sequence[Order], trades: Iterable[Trade]
) -> Past:
    """Write a round's book again.

    `orders` are those of the book in ledger order, in any later state; `trades` all that they ever had.
    """
    before: _Filled = {}
    during: _Filled = {}
    for trade in {trade.id: trade for trade in trades}.values():
        if trade.round > row.round:
            continue
        for name in (trade.sell_order, trade.buy_order):
            fills = (during if trade.round == row.round else before).setdefault(name, {})
            fills[trade.slot] = fills.get(trade.slot, 0) + trade.wh
    names = ["", *(feeder.id for feeder in rules.feeders)]
    feeders = [names[place] for place in row.feeders or (0,) * len(orders)]
    as_frozen = [_as_of(order, before) for order in orders]
    book = build_book(rules, tariffs, as_frozen, feeders, row.first_slot)
    return Past(book, _fills(book, row.first_slot, during))


def _as_of(order: Order, before: Mapping[str, Mapping[int, int]]) -> Order:
    fills = dict(before.get(order.id, {}))
    return replace(order, fills=fills, filled_wh=sum(fills.values()))


def _fills(book: Book, first: int, during: Mapping[str, Mapping[int, int]]) -> Fills:
    rows = [
        (rank, slot - first, wh)
        for rank, order in enumerate(book.orders)
        for slot, wh in sorted(during.get(order.id, {}).items())
    ]
    ranks, slots, wh = zip(*rows, strict=True) if rows else ((), (), ())
    return Fills(ranks, slots, wh)
