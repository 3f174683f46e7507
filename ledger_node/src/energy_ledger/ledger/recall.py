"""Rounds of the past: the book as it was frozen, and what was filled, from the rows that are kept.

What a round filled is in its trades, and what an order had before is what is filled of it now less its trades
since, so a book need not be kept whole.
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

    `orders` are those of the book in ledger order, in any later state; `trades` all that they had in that
    round and after it, as of the same moment. Earlier ones need not be known: what they filled is the rest.
    """
    since: _Filled = {}
    during: _Filled = {}
    for trade in {trade.id: trade for trade in trades}.values():
        if trade.round < row.round:
            continue
        for filled in (since, during) if trade.round == row.round else (since,):
            for name in (trade.sell_order, trade.buy_order):
                fills = filled.setdefault(name, {})
                fills[trade.slot] = fills.get(trade.slot, 0) + trade.wh
    names = ["", *(feeder.id for feeder in rules.feeders)]
    feeders = [names[place] for place in row.feeders or (0,) * len(orders)]
    as_frozen = [_as_of(order, since) for order in orders]
    book = build_book(rules, tariffs, as_frozen, feeders, row.first_slot)
    return Past(book, _fills(book, row.first_slot, during))


def _as_of(order: Order, since: Mapping[str, Mapping[int, int]]) -> Order:
    """Take from an order what was filled of it since the round closed."""
    later = since.get(order.id, {})
    rest = {slot: wh - later.get(slot, 0) for slot, wh in order.fills.items()}
    fills = {slot: wh for slot, wh in rest.items() if wh}
    return replace(order, fills=fills, filled_wh=sum(fills.values()))


def _fills(book: Book, first: int, during: Mapping[str, Mapping[int, int]]) -> Fills:
    rows = [
        (rank, slot - first, wh)
        for rank, order in enumerate(book.orders)
        for slot, wh in sorted(during.get(order.id, {}).items())
    ]
    ranks, slots, wh = zip(*rows, strict=True) if rows else ((), (), ())
    return Fills(ranks, slots, wh)
