"""Binary sensors: whether a delivery is under way, and whether the node is there."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.components.binary_sensor import (
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .assets import assets_of
from .coordinator import EnergyMarketplaceConfigEntry
from .entity import AssetEntity, NodeEntity
from .trading.deliveries import Delivery, delivery_at

PARALLEL_UPDATES = 0

DELIVERY = BinarySensorEntityDescription(
    key="delivery", translation_key="delivery", device_class=BinarySensorDeviceClass.RUNNING
)
CONNECTED = BinarySensorEntityDescription(
    key="connected",
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyMarketplaceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the node's sensor and those of the assets."""
    market = entry.runtime_data.market
    async_add_entities([ConnectedSensor(market, CONNECTED)])
    for asset in assets_of(entry):
        async_add_entities([DeliverySensor(market, asset, DELIVERY)], config_subentry_id=asset.subentry_id)


class DeliverySensor(AssetEntity, BinarySensorEntity):
    """On from the start to the end of what was agreed, for automations to switch by."""

    @property
    @override
    def is_on(self) -> bool:
        """Return whether a delivery is under way."""
        return self._now is not None

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Return what was agreed for now: power in W, energy in kWh, which way, until when.

        While nothing is under way, when the last delivery ended: an automation that did not run then can make
        up for it.
        """
        now = self._now
        if now is None:
            return {"agreed_power": 0, "ended": self._ended}
        return {
            "agreed_power": now.power_w(self.now_ms()),
            "agreed_energy": now.energy_wh / 1000,
            "direction": "export" if now.role == "give" else "import",
            "until": dt_util.utc_from_timestamp(now.end_ms / 1000).isoformat(),
        }

    @property
    def _ended(self) -> str | None:
        ends = [end for delivery in self.deliveries() if (end := delivery.end_ms) <= self.now_ms()]
        return dt_util.utc_from_timestamp(max(ends) / 1000).isoformat() if ends else None

    @property
    def _now(self) -> Delivery | None:
        return delivery_at(self.deliveries(), self.now_ms())


class ConnectedSensor(NodeEntity, BinarySensorEntity):
    """On while the node pushes what happens."""

    @property
    @override
    def available(self) -> bool:
        """Return that the state of the connection is always known."""
        return True

    @property
    @override
    def is_on(self) -> bool:
        """Return whether the node is there."""
        return self.coordinator.connected
