"""What the panel shows of a member, in the units people read: kWh, the network's currency, local times."""

from collections.abc import Iterable, Sequence
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr

from .assets import HomeAsset, assets_of
from .const import DOMAIN
from .coordinator import EnergyMarketplaceConfigEntry, MarketCoordinator, MarketState
from .ledger.answers import MarketRound, Trade
from .ledger.units import slot_start_ms
from .orders import currency, local_time, order_facts, per_kwh, trade_facts

type Facts = dict[str, Any]

RECENT_TRADES = 60
"""How many of the latest trades the panel lists; the ledger has them all."""


def home_facts(hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry) -> Facts:
    """Return all that the panel shows of a member without asking the node."""
    market = entry.runtime_data.market
    trades = sorted(market.book.trades.values(), key=lambda trade: (trade.slot, trade.id))
    assets = assets_of(entry)
    devices = _devices(hass, entry)
    return {
        "entry_id": entry.entry_id,
        "name": entry.title,
        "connected": market.connected,
        "network": _network_facts(market),
        "wallet": _wallet_facts(market),
        "assets": [_asset_facts(market, asset, devices.get(asset.subentry_id)) for asset in assets],
        "orders": [
            order_facts(order, market) for asset in assets for order in market.book.open_orders(asset.id)
        ],
        "trades": [trade_facts(trade, None, market) for trade in trades[-RECENT_TRADES:]],
    }


def _network_facts(market: MarketCoordinator) -> Facts:
    network = market.network
    return {
        "name": network.name,
        "currency": network.currency,
        "test": network.test,
        "members": network.members,
        "validators": len(network.committee),
        "slot_s": network.parameters.slot_s,
        "in_sync": network.in_sync,
        "problem": network.problem,
        "problem_code": network.problem_code,
    }


def _wallet_facts(market: MarketCoordinator) -> Facts:
    """Return the wallet; what the node lied about is not shown."""
    facts: Facts = {"address": market.member.address, "roles": [], "verdict": None}
    state: MarketState | None = market.data
    if state is None:
        return facts
    facts["verdict"] = state.proof.verdict.value
    facts["proven"] = None if state.proof.time is None else local_time(state.proof.time)
    if state.proof.is_lie:
        return facts
    account = state.account
    return facts | {
        "status": account.status,
        "roles": list(account.roles),
        "balance": currency(account.balance),
        "held": currency(account.held),
        "available": currency(account.available),
        "credit": currency(account.credit),
    }


def _devices(hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry) -> dict[str, str]:
    """Return the id of each of the member's devices, by what identifies it."""
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    return {
        value: device.id for device in devices for domain, value in device.identifiers if domain == DOMAIN
    }


def _asset_facts(market: MarketCoordinator, asset: HomeAsset, device_id: str | None) -> Facts:
    return {
        "id": asset.id,
        "device_id": device_id,
        "name": asset.name,
        "type": asset.asset_type,
        "takes": asset.rated_import_w > 0,
        "gives": asset.rated_export_w > 0,
        "behind": asset.behind,
        "deliveries": _deliveries(market, asset),
    }


def _deliveries(market: MarketCoordinator, asset: HomeAsset) -> list[Facts]:
    """Return the energy agreed for the present slot and those to come, slot by slot."""
    now = market.slot_now()
    agreed = (trade for trade in market.book.trades_of(asset.id) if trade.slot >= now)
    return [
        {
            "start": slot_start_ms(trade.slot, market.slot_s),
            "direction": "export" if trade.sell_asset == asset.id else "import",
            "energy": trade.wh / 1000,
            "price": per_kwh(_price(trade, asset)),
        }
        for trade in sorted(agreed, key=lambda trade: trade.slot)
    ]


def _price(trade: Trade, asset: HomeAsset) -> int:
    return trade.seller_price if trade.sell_asset == asset.id else trade.buyer_price + trade.fee


def price_facts(
    market: MarketCoordinator, rounds: Sequence[MarketRound], latest: MarketRound | None
) -> Facts:
    """Return the prices of the slots to come, as the buyer or seller at this home's feeder sees them.

    `rounds` are the latest cleared ones, newest first; `latest` is the newest, with the ends of its prices.
    """
    feeder = next((asset.feeder for asset in assets_of(market.config_entry) if asset.is_connection_point), "")
    now = market.slot_now()
    last = max((one.first_slot + one.slots for one in rounds), default=now)
    slots = range(now, max(now, last))
    return {
        "now": slot_start_ms(now, market.slot_s),
        "slot_ms": market.slot_s * 1000,
        "currency": market.network.currency,
        "slots": [_slot_facts(market, slot, feeder, rounds, latest) for slot in slots],
    }


def _slot_facts(
    market: MarketCoordinator,
    slot: int,
    feeder: str,
    rounds: Iterable[MarketRound],
    latest: MarketRound | None,
) -> Facts:
    start = slot_start_ms(slot, market.slot_s)
    tariff = market.network.tariff.at(start)
    traded = next(
        (price for one in rounds if (price := _at(one, one.prices, feeder, slot)) is not None), None
    )
    return {
        "start": start,
        "price": _per_kwh(traded),
        "least": _per_kwh(_at(latest, latest.least, feeder, slot) if latest else None),
        "greatest": _per_kwh(_at(latest, latest.greatest, feeder, slot) if latest else None),
        "floor": per_kwh(tariff.price_floor),
        "cap": per_kwh(tariff.price_cap),
    }


def _at(one: MarketRound, prices: Any, feeder: str, slot: int) -> int | None:
    """Return a round's price at a feeder in a slot; None where it says nothing."""
    place = slot - one.first_slot
    column = (prices or {}).get(feeder) or ()
    return column[place] if 0 <= place < len(column) else None


def _per_kwh(price: int | None) -> float | None:
    return None if price is None else per_kwh(price)
