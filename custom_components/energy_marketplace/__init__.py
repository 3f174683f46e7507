"""Energy Marketplace: a home that trades its electricity with its neighbours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

from .agent_runner import AgentRunner, agent_store
from .assets import assets_of, wiring_of
from .attesting import Attester
from .complaints import async_withdraw
from .const import CONTROL_ENTITY, DOMAIN, PLATFORMS
from .control import DeliveryControl
from .coordinator import EnergyMarketplaceConfigEntry, MarketCoordinator
from .day_totals import DayTotals
from .devices import async_register_devices
from .keyring import async_forget, async_member
from .metering import MeterCoordinator
from .origins import Origins
from .panel import async_hide_panel, async_setup_panel, async_show_panel
from .services import async_setup_services
from .storage import MemberStore

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


@dataclass
class MemberRuntime:
    """What runs while a member's entry is loaded; meters by the id of their asset's subentry."""

    market: MarketCoordinator
    meters: dict[str, MeterCoordinator]
    agent: AgentRunner
    origins: Origins
    wiring: Mapping[str, Any]
    """What the member was built from."""


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Offer the actions and the panel."""
    async_setup_services(hass)
    await async_setup_panel(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry) -> bool:
    """Start a member: its network, its wallet, its assets and their meters."""
    store = MemberStore(hass, entry.entry_id)
    await store.async_open(entry)
    await store.async_tidy(entry)
    market = MarketCoordinator(hass, entry, await async_member(hass, entry), store)
    if market.knows_network:
        # Agreed deliveries happen and meters are read even while the node is away.
        await market.async_refresh()
    else:
        await market.async_config_entry_first_refresh()
    await async_register_devices(hass, entry, market.network)
    meters = await _async_meters(hass, entry, market)
    agent = AgentRunner(hass, entry, market, meters)
    await agent.async_open()
    entry.runtime_data = MemberRuntime(market, meters, agent, Origins(hass, entry), wiring_of(entry))
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    market.async_start()
    for meter in meters.values():
        meter.async_start()
    for asset in assets_of(entry):
        if CONTROL_ENTITY in asset.control:
            DeliveryControl(hass, market, agent, asset).async_start()
    DayTotals(hass, entry, market, meters).async_start()
    agent.async_start()
    entry.async_on_unload(entry.add_update_listener(_async_updated))
    await async_show_panel(hass)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry) -> bool:
    """Stop a member and write down where it stands."""
    unloaded = await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
    if unloaded:
        await entry.runtime_data.agent.async_close()
        await entry.runtime_data.market.store.async_close()
    return unloaded


async def async_remove_entry(hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry) -> None:
    """Delete what a member kept on disk."""
    await MemberStore(hass, entry.entry_id).async_remove()
    await agent_store(hass, entry.entry_id).async_remove()
    await async_forget(hass, entry)
    async_hide_panel(hass)
    async_withdraw(hass, entry)


async def _async_updated(hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry) -> None:
    """Take in a setting, or start again after any other change of the entry or of an asset."""
    if wiring_of(entry) == entry.runtime_data.wiring:
        entry.runtime_data.market.async_update_listeners()
    else:
        await hass.config_entries.async_reload(entry.entry_id)


async def _async_meters(
    hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry, market: MarketCoordinator
) -> dict[str, MeterCoordinator]:
    """Return the meters of all assets, looked at once; one that is silent now may answer later."""
    meters: dict[str, MeterCoordinator] = {}
    for asset in assets_of(entry):
        attester = None
        if asset.is_connection_point:
            attester = Attester(market, await market.store.async_journal(asset.id))
            await attester.async_tidy()
        meters[asset.subentry_id] = MeterCoordinator(hass, entry, asset, market, attester)
    for meter in meters.values():
        await meter.async_refresh()
    return meters
