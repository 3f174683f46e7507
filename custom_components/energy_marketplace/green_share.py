"""How green what a member bought was: of the energy of the last thirty days, the part that was certified."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import override

from homeassistant.components.sensor import SensorEntity, SensorEntityDescription, SensorStateClass
from homeassistant.const import PERCENTAGE
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.update_coordinator import CoordinatorEntity, DataUpdateCoordinator, UpdateFailed

from .const import DOMAIN
from .coordinator import MarketCoordinator
from .devices import wallet_identifier
from .ledger import answers
from .ledger.answers import AnswerError
from .ledger.client import NodeError

_LOGGER = logging.getLogger(__name__)
_EVERY = timedelta(hours=1)
_FIRST_AFTER = timedelta(seconds=5)
"""At a start the node has more urgent things to answer."""
_PERIOD_S = 30 * 86_400


@dataclass(frozen=True)
class Consumption:
    """What was bought in a period, and how much of it was certified green (Wh)."""

    consumed_wh: int
    green_wh: int

    @property
    def green_percent(self) -> float | None:
        """The green part in percent, None when nothing was bought."""
        return 100 * self.green_wh / self.consumed_wh if self.consumed_wh else None


class GreenCoordinator(DataUpdateCoordinator[Consumption]):
    """Asks the node once an hour: certificates come and go slowly, and adding them up is work for it."""

    def __init__(self, hass: HomeAssistant, market: MarketCoordinator) -> None:
        """Ask for the account of a member."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=market.config_entry,
            name=f"{market.config_entry.title} green share",
            update_interval=_FIRST_AFTER,
            always_update=False,
        )
        self.market = market

    @override
    async def _async_update_data(self) -> Consumption:
        self.update_interval = _EVERY
        end = self.market.slot_now() + 1
        first = end - _PERIOD_S // self.market.slot_s
        member = self.market.member
        try:
            told = await member.client.green(account=member.address, asset=None, first=first, end=end)
            return answers.read(Consumption, told)
        except (NodeError, AnswerError) as error:
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="cannot_connect",
                translation_placeholders={"message": str(error)},
            ) from error


class GreenShareSensor(CoordinatorEntity[GreenCoordinator], SensorEntity):
    """The green part of what a member bought, on its wallet's device."""

    _attr_has_entity_name = True
    entity_description = SensorEntityDescription(
        key="green_share",
        translation_key="green_share",
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=0,
    )

    def __init__(self, green: GreenCoordinator) -> None:
        """Put the entity on the wallet's device."""
        super().__init__(green)
        entry = green.market.config_entry
        self._attr_unique_id = f"{entry.entry_id}_{self.entity_description.key}"
        self._attr_device_info = DeviceInfo(identifiers={wallet_identifier(entry)})

    @property
    @override
    def native_value(self) -> float | None:
        """Return the percentage, None before the node was asked and when nothing was bought."""
        consumption: Consumption | None = self.coordinator.data
        return None if consumption is None else consumption.green_percent
