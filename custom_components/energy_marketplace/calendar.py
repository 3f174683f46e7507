"""Calendar: the deliveries of each asset."""

from datetime import datetime
from typing import override

from homeassistant.components.calendar import CalendarEntity, CalendarEntityDescription, CalendarEvent
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .assets import assets_of
from .coordinator import EnergyMarketplaceConfigEntry
from .entity import AssetEntity
from .ledger.units import price_from_nano
from .trading.deliveries import Delivery

PARALLEL_UPDATES = 0

DELIVERIES = CalendarEntityDescription(key="deliveries", translation_key="deliveries")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyMarketplaceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the calendars of the assets."""
    market = entry.runtime_data.market
    for asset in assets_of(entry):
        async_add_entities(
            [DeliveryCalendar(market, asset, DELIVERIES)], config_subentry_id=asset.subentry_id
        )


class DeliveryCalendar(AssetEntity, CalendarEntity):
    """The times at which an asset gives or takes what was agreed."""

    entity_description: CalendarEntityDescription

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """Return the delivery that is under way, or the next one."""
        now = self.now_ms()
        coming = [delivery for delivery in self.deliveries() if delivery.end_ms > now]
        return self._as_event(coming[0]) if coming else None

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return the deliveries of a period; of the past only the latest are at hand."""
        start_ms, end_ms = start_date.timestamp() * 1000, end_date.timestamp() * 1000
        return [
            self._as_event(delivery)
            for delivery in self.deliveries()
            if delivery.start_ms < end_ms and delivery.end_ms > start_ms
        ]

    def _as_event(self, delivery: Delivery) -> CalendarEvent:
        """Return a delivery as the calendar shows it; the arrow points into the house or out of it."""
        arrow = "↑" if delivery.role == "give" else "↓"
        price = f"{float(price_from_nano(delivery.price)):.4g} {self.coordinator.network.currency}/kWh"
        return CalendarEvent(
            start=dt_util.as_local(dt_util.utc_from_timestamp(delivery.start_ms / 1000)),
            end=dt_util.as_local(dt_util.utc_from_timestamp(delivery.end_ms / 1000)),
            summary=f"{arrow} {delivery.energy_wh / 1000:g} kWh",
            description=price,
            uid=delivery.trades[0],
        )
