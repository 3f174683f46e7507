"""The trades of a cleared round: whom each filled Wh goes from and to, at which prices."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain

from energy_ledger.ledger import orders
from energy_ledger.ledger.rows import given
from energy_ledger.ledger.settlement import add_trades
from energy_ledger.ledger.state import State
from energy_ledger.ledger.states import TRADE, advance
from energy_ledger.ledger.trading_rows import Order, Proposal, Round, Trade
from energy_ledger.market.book import Book, Clearing, Fills
from energy_ledger.market.pairing import Pair, Party, pair


def match(state: State, book: Book, row: Round, proposal: Proposal) -> None:
    """Make the trades of the winning proposal, hold the buyers' money for them, and fill the orders."""
    add_trades(state, _trades(state, row, _pairs(state, book, proposal)))
    for name, fills in _fills_by_order(book, row, proposal).items():
        orders.fill(state, state.orders[name], fills)


def _pairs(state: State, book: Book, proposal: Proposal) -> Sequence[Pair]:
    clearing = Clearing(
        fills=Fills(proposal.ranks, proposal.slots, proposal.wh),
        prices=proposal.prices,
        node_duals=(),
        flexible_duals=(),
        welfare=proposal.welfare,
        bound=proposal.bound,
        gap_ppm=proposal.gap_ppm,
        volume_wh=proposal.volume_wh,
    )
    filled = dict.fromkeys(book.orders[rank].id for rank in proposal.ranks)
    return pair(book, clearing, {name: _party(state, state.orders[name]) for name in filled})


def _party(state: State, order: Order) -> Party:
    """Say who stands behind an order, for the pairing."""
    return Party(
        member=order.account,
        asset=order.asset,
        source=state.assets[order.asset].source,
        prefer=given(order.order.prefer) or (),
        prefer_sources=given(order.order.prefer_sources) or (),
    )


def _fills_by_order(book: Book, row: Round, proposal: Proposal) -> dict[str, dict[int, int]]:
    """Group the fills by order, with absolute slots."""
    fills: dict[str, dict[int, int]] = {}
    for rank, slot, wh in zip(proposal.ranks, proposal.slots, proposal.wh, strict=True):
        fills.setdefault(book.orders[rank].id, {})[row.first_slot + slot] = wh
    return fills


def _trades(state: State, row: Round, pairs: Sequence[Pair]) -> list[Trade]:
    """Write pairs as trades, numbered as they come."""
    fee_of = cache(lambda slot: state.schedule.of(slot).grid_fee)
    known = {name: (order, state.assets[order.asset]) for name, order in _orders(state, pairs)}
    matched, first = advance(TRADE, None, "match"), row.first_slot
    trades = []
    for number, (offer, bid, place, wh, seller_price, buyer_price) in enumerate(pairs, 1):
        (sell, sold), (buy, bought) = known[offer], known[bid]
        trades.append(
            Trade(
                id=f"{row.round}.{number}",
                round=row.round,
                slot=first + place,
                wh=wh,
                seller_price=seller_price,
                buyer_price=buyer_price,
                fee=fee_of(first + place),
                state=matched,
                seller=sell.account,
                buyer=buy.account,
                sell_order=offer,
                buy_order=bid,
                sell_asset=sold.id,
                buy_asset=bought.id,
                sell_point=sold.point,
                buy_point=bought.point,
                source=sold.source,
            )
        )
    return trades


def _orders(state: State, pairs: Iterable[Pair]) -> Iterator[tuple[str, Order]]:
    """Name the orders that meet in pairs."""
    names = dict.fromkeys(chain.from_iterable((one.offer, one.bid) for one in pairs))
    return ((name, state.orders[name]) for name in names)
