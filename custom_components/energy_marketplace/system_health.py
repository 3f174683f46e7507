"""System health: whether the members' nodes answer, and how far their ledgers are."""

from typing import Any

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .coordinator import EnergyMarketplaceConfigEntry


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Offer the page's figures."""
    register.async_register_info(_async_info)


async def _async_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return figures of all members that run."""
    entries: list[EnergyMarketplaceConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    markets = [entry.runtime_data.market for entry in entries]
    return {
        "members": len(markets),
        "nodes_connected": sum(market.connected for market in markets),
        "commits": ", ".join(str(market.network.commit) for market in markets),
        "in_sync": all(market.network.in_sync for market in markets),
    }
