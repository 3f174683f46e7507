"""Why a member's orders did not get more, as the latest rounds say it, for the panel."""

from typing import Any

from .coordinator import MarketCoordinator
from .ledger.answers import MarketRound, OrderOutcome, PlacedOrder
from .ledger.client import NodeClient
from .ledger.units import slot_start_ms
from .orders import local_time, order_facts, per_kwh

type Facts = dict[str, Any]

ROUNDS_LOOKED_AT = 6
"""How many of the latest decided rounds are asked: what is open now was in the newest of them."""
MOST_ORDERS = 30
_LISTED = 20


async def outcome_facts(market: MarketCoordinator) -> list[Facts]:
    """Return for each order of the latest rounds what the last of them did for it, newest round first.

    Raises:
        NodeError: no answer, or none that fits.

    """
    client = market.member.client
    found: dict[str, tuple[OrderOutcome, MarketRound]] = {}
    for number in await _decided(client):
        told = await client.round(number)
        for outcome in told.outcomes or ():
            if outcome.account == market.member.address and _is_of_interest(outcome, market):
                found.setdefault(outcome.order, (outcome, told))
    latest = list(found.values())[:MOST_ORDERS]
    return [_facts(*one, await _order(market, one[0].order), market) for one in latest]


def _is_of_interest(outcome: OrderOutcome, market: MarketCoordinator) -> bool:
    """Tell whether an order still waits for more, or went without."""
    return outcome.reason != "filled" or outcome.order in market.book.orders


async def _decided(client: NodeClient) -> list[int]:
    page = await client.rounds(limit=_LISTED)
    return [one.round for one in page.items if one.state != "open"][:ROUNDS_LOOKED_AT]


async def _order(market: MarketCoordinator, order: str) -> PlacedOrder:
    """Return an order: an open one is in the book, of another the node is asked."""
    return market.book.orders.get(order) or await market.member.client.order(order)


def _facts(outcome: OrderOutcome, told: MarketRound, order: PlacedOrder, market: MarketCoordinator) -> Facts:
    start = None if outcome.slot is None else local_time(slot_start_ms(outcome.slot, market.slot_s))
    return order_facts(order, market) | {
        "closed": local_time(told.closed),
        "reason": outcome.reason,
        "start": start,
        "better_price": None if outcome.price is None else per_kwh(outcome.price),
        "feeder": outcome.feeder,
    }
