"""The book of a round: the open orders as the market sees them."""

from collections.abc import Sequence

from energy_ledger.genesis import Rules
from energy_ledger.ledger.entries import rest_by_slot
from energy_ledger.ledger.state import State
from energy_ledger.ledger.trading_rows import Order
from energy_ledger.market.book import (
    BlockBid,
    Book,
    Feeder,
    FixedBid,
    FlexibleBid,
    Offer,
    Tariff,
)
from energy_ledger.payloads import BlockTerms, FlexibleTerms, OfferTerms, SlotTerms


def build_book(state: State, orders: Sequence[Order], first: int) -> Book:
    """Write orders, given in ledger order, as the book whose slot 0 is slot `first`."""
    offers = tuple(
        Offer(order.id, _feeder(state, order), terms.price, _shifted(order, terms, first))
        for order in orders
        if isinstance(terms := order.order, OfferTerms)
    )
    bids = tuple(_bid(state, order, first) for order in orders if not order.is_offer)
    slots = max(_end(order) for order in orders) - first
    rules = state.rules
    tariff = Tariff.flat(slots, rules.tariff.price_floor, rules.tariff.price_cap, rules.tariff.grid_fee)
    return Book(slots=slots, tariff=tariff, feeders=_feeders(rules, slots), offers=offers, bids=bids)


def _end(order: Order) -> int:
    """Return the slot after the last that an order names."""
    terms = order.order
    if isinstance(terms, FlexibleTerms | BlockTerms):
        return terms.deadline
    return max(terms.wh_by_slot) + 1


def _bid(state: State, order: Order, first: int) -> FixedBid | FlexibleBid | BlockBid:
    terms, feeder = order.order, _feeder(state, order)
    match terms:
        case FlexibleTerms():
            return _flexible(order, terms, feeder, first)
        case BlockTerms():
            earliest = max(terms.earliest, first) - first
            return BlockBid(order.id, feeder, terms.price, terms.profile_wh, earliest, terms.deadline - first)
        case _:
            return FixedBid(order.id, feeder, terms.price, _shifted(order, terms, first))


def _flexible(order: Order, terms: FlexibleTerms, feeder: str, first: int) -> FlexibleBid:
    """Write what is left of a flexible bid: no more energy than its remaining slots can take."""
    earliest = max(terms.earliest, first)
    taken = {slot - first: wh for slot, wh in order.fills.items() if slot >= first}
    room = (terms.deadline - earliest) * terms.max_wh_per_slot - sum(taken.values())
    return FlexibleBid(
        order.id,
        feeder,
        terms.price,
        energy_wh=min(terms.energy_wh - order.filled_wh, room),
        earliest=earliest - first,
        deadline=terms.deadline - first,
        max_wh_per_slot=terms.max_wh_per_slot,
        min_fill=terms.min_fill,
        taken_wh=taken,
    )


def _shifted(order: Order, terms: SlotTerms, first: int) -> dict[int, int]:
    return {slot - first: wh for slot, wh in rest_by_slot(terms, order.fills, first).items()}


def _feeder(state: State, order: Order) -> str:
    return state.assets[order.asset].feeder


def _feeders(rules: Rules, slots: int) -> tuple[Feeder, ...]:
    return tuple(
        Feeder(
            id=feeder.id,
            up_limit_wh=(feeder.up_limit_wh,) * slots,
            down_limit_wh=(feeder.down_limit_wh,) * slots,
            parent=feeder.parent,
        )
        for feeder in rules.feeders
    )
