"""Selects: what automatic trading of an asset is after."""

from typing import override

from homeassistant.components.select import SelectEntity, SelectEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .assets import HomeAsset, assets_of, async_set
from .const import STRATEGIES
from .coordinator import EnergyMarketplaceConfigEntry
from .entity import AssetEntity

PARALLEL_UPDATES = 1

STRATEGY = SelectEntityDescription(
    key="strategy",
    translation_key="strategy",
    entity_category=EntityCategory.CONFIG,
    options=list(STRATEGIES),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyMarketplaceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the strategies of the assets that leave a choice: those that give and take, and loads."""
    market = entry.runtime_data.market
    for asset in filter(_chooses, assets_of(entry)):
        async_add_entities([StrategySelect(market, asset, STRATEGY)], config_subentry_id=asset.subentry_id)


def _chooses(asset: HomeAsset) -> bool:
    return bool(asset.rated_import_w and asset.rated_export_w) or asset.is_load


class StrategySelect(AssetEntity, SelectEntity):
    """What an asset's automatic trading is after."""

    entity_description: SelectEntityDescription

    @property
    @override
    def current_option(self) -> str:
        """Return the strategy."""
        return self.present_asset.settings.strategy

    @override
    async def async_select_option(self, option: str) -> None:
        """Follow another strategy from now on."""
        async_set(self.hass, self.coordinator.config_entry, self.asset.subentry_id, strategy=option)
