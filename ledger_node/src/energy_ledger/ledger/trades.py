"""The trades of a cleared round: whom each filled Wh goes from and to, at which prices."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count, islice

from energy_ledger.ledger import orders
from energy_ledger.ledger.matches import Matches, RoundSides, Side, by_order
from energy_ledger.ledger.rows import given
from energy_ledger.ledger.settlement import add_matches
from energy_ledger.ledger.state import State
from energy_ledger.ledger.trading_rows import Order, Proposal, Round
from energy_ledger.market.book import Book, Clearing, Fills
from energy_ledger.market.pairing import Party, SlotPairs, pair


def match(state: State, book: Book, row: Round, proposal: Proposal) -> None:
    """Make the trades of the winning proposal, hold the buyers' money for them, and fill the orders."""
    fills = _fills_by_order(book, row, proposal)
    filled = {name: state.orders[name] for name in fills}
    sides = RoundSides(round=row.round, sides=tuple([_side(state, order) for order in filled.values()]))
    made = list(_matches(state, row, list(filled), _pairs(state, book, proposal, filled)))
    add_matches(state, sides, made)
    for told in by_order(sides, made):
        own = told.own
        state.emit("trades.matched", told, accounts=[own.account], assets=[own.asset, own.point])
    for name, order in filled.items():
        orders.fill(state, order, fills[name])


def _pairs(state: State, book: Book, proposal: Proposal, filled: Mapping[str, Order]) -> Sequence[SlotPairs]:
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
    return pair(book, clearing, {name: _party(state, order) for name, order in filled.items()})


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


def _matches(
    state: State, row: Round, filled: Sequence[str], slots: Sequence[SlotPairs]
) -> Iterator[Matches]:
    """Write pairs as trades, numbered as they come; `filled` are the orders in the order of their sides."""
    places = {name: place for place, name in enumerate(filled)}
    numbers = count(1)
    for found in slots:
        slot = row.first_slot + found.slot
        seller, buyer, wh = zip(*found.pairs, strict=True)
        yield Matches(
            buyer=buyer,
            buyer_prices=found.buyer_prices,
            buyers=tuple([places[name] for name in found.buyers]),
            fee=state.schedule.of(slot).grid_fee,
            number=tuple(islice(numbers, len(wh))),
            round=row.round,
            seller=seller,
            seller_prices=found.seller_prices,
            sellers=tuple([places[name] for name in found.sellers]),
            slot=slot,
            wh=wh,
        )


def _side(state: State, order: Order) -> Side:
    asset = state.assets[order.asset]
    return Side(
        account=order.account,
        asset=order.asset,
        behind=asset.behind,
        order=order.id,
        source=asset.source if order.is_offer else None,
    )
