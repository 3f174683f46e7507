"""Switches: whether an asset trades by itself."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .assets import assets_of, async_set
from .coordinator import EnergyMarketplaceConfigEntry
from .entity import AssetEntity

PARALLEL_UPDATES = 1

AUTOMATIC = SwitchEntityDescription(
    key="automatic_trading", translation_key="automatic_trading", entity_category=EntityCategory.CONFIG
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyMarketplaceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the switches of the assets."""
    market = entry.runtime_data.market
    for asset in assets_of(entry):
        async_add_entities([AutomaticSwitch(market, asset, AUTOMATIC)], config_subentry_id=asset.subentry_id)


class AutomaticSwitch(AssetEntity, SwitchEntity):
    """On while the asset trades by itself."""

    entity_description: SwitchEntityDescription

    @property
    @override
    def is_on(self) -> bool:
        """Return whether it does."""
        return self.present_asset.settings.automatic

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Let the asset trade by itself."""
        self._set(automatic=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Leave trading to people and automations."""
        self._set(automatic=False)

    def _set(self, *, automatic: bool) -> None:
        async_set(self.hass, self.coordinator.config_entry, self.asset.subentry_id, automatic=automatic)
