"""Times of day: by when a load must have its energy."""

from datetime import time
from typing import override

from homeassistant.components.time import TimeEntity, TimeEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .assets import assets_of, async_set
from .coordinator import EnergyMarketplaceConfigEntry
from .entity import AssetEntity

PARALLEL_UPDATES = 1

READY_BY = TimeEntityDescription(
    key="ready_by", translation_key="ready_by", entity_category=EntityCategory.CONFIG
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyMarketplaceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the latest finish of the loads."""
    market = entry.runtime_data.market
    for asset in filter(lambda asset: asset.is_load, assets_of(entry)):
        async_add_entities([ReadyBy(market, asset, READY_BY)], config_subentry_id=asset.subentry_id)


class ReadyBy(AssetEntity, TimeEntity):
    """By when a load must have the energy it needs."""

    entity_description: TimeEntityDescription

    @property
    @override
    def native_value(self) -> time:
        """Return the time of day."""
        return self.present_asset.settings.ready_at

    @override
    async def async_set_value(self, value: time) -> None:
        """Ask for another time from now on."""
        entry = self.coordinator.config_entry
        async_set(self.hass, entry, self.asset.subentry_id, ready_by=value.isoformat("seconds"))
