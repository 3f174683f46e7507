"""Orders and trades as people read them: kWh, the network's currency, local times."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeassistant.util import dt as dt_util

from .coordinator import MarketCoordinator
from .ledger import answers
from .ledger.answers import Event, PlacedOrder, Trade
from .ledger.units import money_from_nano, price_from_nano, slot_start_ms

type Facts = dict[str, Any]
_TRANSFERS = {"transfer": "transfer", "voucher.issued": "voucher", "community.paid": "community"}
"""What moves money besides trades, and what it is called."""


def remaining_wh(orders: Sequence[PlacedOrder]) -> int:
    """Return how many Wh open orders still wait for."""
    return sum(_total_wh(order.order) - order.filled_wh for order in orders)


def newest_price(orders: Sequence[PlacedOrder]) -> int | None:
    """Return the limit of the order placed last, in nano per Wh."""
    newest = max(orders, key=lambda order: order.placed, default=None)
    return int(newest.order["price"]) if newest else None


def order_facts(order: PlacedOrder, market: MarketCoordinator) -> Facts:
    """Return an order as actions answer it."""
    return {
        "order": order.id,
        "asset": order.asset,
        "type": order.order["type"],
        "state": order.state,
        "price": per_kwh(int(order.order["price"])),
        "energy": _total_wh(order.order) / 1000,
        "filled_energy": order.filled_wh / 1000,
        "held": currency(order.held),
        "placed": local_time(order.placed),
        "placed_by": market.book.placed_by.get(order.id),
    }


def trade_facts(trade: Trade, asset: str | None, market: MarketCoordinator) -> Facts:
    """Return a trade from the side of one of the member's assets, or of whichever took part."""
    sells = trade.seller == market.member.address and asset in (None, trade.sell_asset)
    order = trade.sell_order if sells else trade.buy_order
    return {
        "trade": trade.id,
        "order": order,
        "asset": trade.sell_asset if sells else trade.buy_asset,
        "direction": "export" if sells else "import",
        "slot": trade.slot,
        "start": local_time(slot_start_ms(trade.slot, market.slot_s)),
        "end": local_time(slot_start_ms(trade.slot + 1, market.slot_s)),
        "energy": trade.wh / 1000,
        "price": per_kwh(trade.seller_price if sells else trade.buyer_price + trade.fee),
        "state": trade.state,
        "source": trade.source,
        "settled_energy": None if trade.settled_wh is None else trade.settled_wh / 1000,
        "amount": _amount(trade.received if sells else trade.paid),
        "penalty": _amount(trade.seller_penalty if sells else trade.buyer_penalty),
        "placed_by": market.book.placed_by.get(order),
    }


def event_facts(event: Event) -> Facts:
    """Return an entry of the audit log: what happened, when, by which signed transaction."""
    return {
        "time": local_time(event.time),
        "type": event.type,
        "commit": event.commit,
        "cursor": event.cursor,
        "transaction": event.transaction,
        "data": dict(event.data),
    }


def per_kwh(nano_per_wh: int) -> float:
    """Return a price in currency per kWh."""
    return float(price_from_nano(nano_per_wh))


def currency(nano: int) -> float:
    """Return an amount in the network's currency."""
    return float(money_from_nano(nano))


def local_time(time_ms: int) -> str:
    """Return a time as ISO text in the home's time zone."""
    return dt_util.as_local(dt_util.utc_from_timestamp(time_ms / 1000)).isoformat()


def _amount(nano: int | None) -> float | None:
    return None if nano is None else currency(nano)


def _total_wh(order: Mapping[str, Any]) -> int:
    """Return how much energy an order asked for in all."""
    if "slots" in order:
        return sum(order["slots"].values())
    return int(order["energy_wh"]) if "energy_wh" in order else sum(order["profile_wh"])


def payment_facts(event: Event, member: str) -> tuple[str, Facts] | None:
    """Return whether an event `received` or `paid` a member money, and the facts; None for anything else."""
    if event.type == "trade.settled":
        return _settlement(answers.read(Trade, event.data), member)
    if event.type not in _TRANSFERS:
        return None
    data = event.data
    way = "received" if data.get("to") == member else "paid"
    other = data.get("from") if way == "received" else data.get("to")
    return way, {
        "amount": currency(int(data["amount"])),
        "reason": _TRANSFERS[event.type],
        "member": other,
        "memo": data.get("memo") or data.get("reference"),
        "trade": None,
    }


def _settlement(trade: Trade, member: str) -> tuple[str, Facts] | None:
    """Return what a settled trade brought or cost a member, penalties included."""
    if trade.seller == trade.buyer:
        return None
    if member == trade.seller:
        nano = (trade.received or 0) + (trade.buyer_penalty or 0) - (trade.seller_penalty or 0)
    else:
        nano = (trade.seller_penalty or 0) - (trade.paid or 0) - (trade.buyer_penalty or 0)
    if not nano:
        return None
    return "received" if nano > 0 else "paid", {
        "amount": currency(abs(nano)),
        "reason": "delivery",
        "member": trade.buyer if member == trade.seller else trade.seller,
        "memo": None,
        "trade": trade.id,
    }
