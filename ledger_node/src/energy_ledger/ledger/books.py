"""The book of a round: the open orders as the market sees them."""

from collections.abc import Sequence

from energy_ledger.genesis import Rules
from energy_ledger.ledger.entries import rest_by_slot
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
from energy_ledger.order_terms import BlockTerms, FlexibleTerms, OfferTerms, SlotTerms
from energy_ledger.tariffs import Schedule


def build_book(
    rules: Rules, tariffs: Schedule, orders: Sequence[Order], feeders: Sequence[str], first: int
) -> Book:
    """Write orders, given in ledger order, each with its feeder, as the book whose slot 0 is slot `first`."""
    pairs = list(zip(orders, feeders, strict=True))
    slots = max(_end(order) for order in orders) - first
    return Book(
        slots=slots,
        tariff=_tariff(tariffs, range(first, first + slots)),
        feeders=_feeders(rules, slots),
        offers=tuple(
            Offer(order.id, feeder, terms.price, _shifted(order, terms, first))
            for order, feeder in pairs
            if isinstance(terms := order.order, OfferTerms)
        ),
        bids=tuple(_bid(order, feeder, first) for order, feeder in pairs if not order.is_offer),
    )


def _tariff(tariffs: Schedule, slots: range) -> Tariff:
    floors, caps, fees = zip(*(tariffs.of(slot) for slot in slots), strict=True)
    return Tariff(price_floor=floors, price_cap=caps, grid_fee=fees)


def _end(order: Order) -> int:
    """Return the slot after the last that an order names."""
    terms = order.order
    if isinstance(terms, FlexibleTerms | BlockTerms):
        return terms.deadline
    return max(map(int, terms.slots)) + 1


def _bid(order: Order, feeder: str, first: int) -> FixedBid | FlexibleBid | BlockBid:
    terms = order.order
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
