"""Events: each step of an asset's trades."""

from typing import override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .assets import assets_of
from .coordinator import EnergyMarketplaceConfigEntry, trade_signal
from .entity import AssetEntity
from .ledger.answers import Trade
from .orders import trade_facts

PARALLEL_UPDATES = 0

TRADE = EventEntityDescription(
    key="trade",
    translation_key="trade",
    event_types=["matched", "delivering", "metered", "overdue", "settled"],
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyMarketplaceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the events of the assets."""
    market = entry.runtime_data.market
    for asset in assets_of(entry):
        async_add_entities([TradeEvent(market, asset, TRADE)], config_subentry_id=asset.subentry_id)


class TradeEvent(AssetEntity, EventEntity):
    """Tells what becomes of the trades in which an asset takes part."""

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to the member's trades."""
        await super().async_added_to_hass()
        signal = trade_signal(self.coordinator.config_entry.entry_id)
        self.async_on_remove(async_dispatcher_connect(self.hass, signal, self._async_tell))

    @callback
    def _async_tell(self, step: str, trade: Trade) -> None:
        if self.asset.id not in (trade.sell_asset, trade.buy_asset) or step not in self.event_types:
            return
        self._trigger_event(step, trade_facts(trade, self.asset.id, self.coordinator))
        self.async_write_ha_state()
