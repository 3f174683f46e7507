"""Placing an asset's orders: for actions, buttons and automatic trading alike."""

from collections.abc import Callable
from datetime import datetime, time, timedelta

from homeassistant.util import dt as dt_util

from .assets import HomeAsset
from .coordinator import MarketCoordinator
from .ledger.client import RefusedError
from .ledger.member import Receipt
from .ledger.orders import Order
from .ledger.tariff import NetworkTariff

type Builder = Callable[[int], Order]
"""Makes the order as it stands at a time (ms since the epoch)."""


async def async_place(
    market: MarketCoordinator, asset: HomeAsset, build: Builder, placed_by: str
) -> tuple[Receipt, Order]:
    """Place an order; if its first slot closed on the way, once more from the next one on.

    Raises:
        NodeError: as `Outbox.async_place`.

    """
    now = int(dt_util.utcnow().timestamp() * 1000)
    order = build(now)
    try:
        receipt = await market.outbox.async_place(asset.id, order, placed_by=placed_by)
    except RefusedError as error:
        if error.code != "slot_closed":
            raise
        order = build(now + market.network.parameters.round_s * 1000)
        receipt = await market.outbox.async_place(asset.id, order, placed_by=placed_by)
    return receipt, order


def most_to_pay(asset: HomeAsset, tariff: NetworkTariff) -> int:
    """Return an asset's limit, or what the grid costs anyway (nano per Wh, all-in)."""
    if asset.max_buy_price is not None:
        return asset.max_buy_price
    return tariff.price_cap + tariff.grid_fee


def next_occurrence(of_day: time) -> datetime:
    """Return when it is that time of day next, by the home's clock."""
    now = dt_util.now()
    today = datetime.combine(now.date(), of_day, tzinfo=now.tzinfo)
    if today > now:
        return today
    return datetime.combine(now.date() + timedelta(days=1), of_day, tzinfo=now.tzinfo)
