"""Diagnostics: how a member runs, without anything that is secret or says where or who it is."""

from dataclasses import asdict
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_DEVICE, CONF_HOST, CONF_NAME, CONF_TOKEN, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .assets import assets_of
from .const import CONF_ACCOUNT, CONF_ADDRESS, CONF_NODE_KEY, CONF_PHRASE
from .coordinator import EnergyMarketplaceConfigEntry, MarketCoordinator

TO_REDACT = {
    CONF_ACCOUNT,
    CONF_ADDRESS,
    CONF_DEVICE,
    CONF_HOST,
    CONF_NAME,
    CONF_NODE_KEY,
    CONF_PHRASE,
    CONF_TOKEN,
    CONF_URL,
    "buyer",
    "committee",
    "genesis",
    "keys",
    "location",
    "seller",
}


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry
) -> dict[str, Any]:
    """Return what helps to understand a member's trouble."""
    runtime = entry.runtime_data
    market = runtime.market
    return async_redact_data(
        {
            "entry": dict(entry.data),
            "connected": market.connected,
            "last_update_success": market.last_update_success,
            "network": asdict(market.network),
            "account": asdict(market.data.account) if market.data else None,
            "proof": _proof(market),
            "book": _book(market),
            "assets": [
                {
                    **asdict(asset),
                    "meter_ok": runtime.meters[asset.subentry_id].last_update_success,
                    "slots": runtime.meters[asset.subentry_id].slots.as_dict(),
                }
                for asset in assets_of(entry)
            ],
        },
        TO_REDACT,
    )


def _proof(market: MarketCoordinator) -> dict[str, Any] | None:
    """Return what checking the balance came to, and how old (s) the proven state is."""
    if not market.data:
        return None
    finding = market.data.proof
    now = int(dt_util.utcnow().timestamp() * 1000)
    return asdict(finding) | {"age_s": finding.age_s(now)}


def _book(market: MarketCoordinator) -> dict[str, Any]:
    return {key: value for key, value in market.book.as_dict().items() if key != CONF_ACCOUNT}
