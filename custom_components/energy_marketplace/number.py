"""Numbers: the limits within which an asset trades, and what a load or a battery needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import override

from homeassistant.components.number import (
    NumberDeviceClass,
    NumberEntity,
    NumberEntityDescription,
    NumberMode,
)
from homeassistant.const import PERCENTAGE, EntityCategory, UnitOfEnergy, UnitOfTime
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .assets import HomeAsset, async_set, async_set_limits
from .coordinator import EnergyMarketplaceConfigEntry, MarketCoordinator
from .entity import AssetEntity, add_described
from .ledger.answers import Network
from .ledger.units import NANO, money_to_nano, price_from_nano, price_to_nano

PARALLEL_UPDATES = 1

type Changes = Mapping[str, int | None]


@dataclass(frozen=True, kw_only=True)
class SettingDescription(NumberEntityDescription):
    """Describe a number that a person sets: who has it, how it is read, and what a new value changes."""

    entity_category: EntityCategory | None = EntityCategory.CONFIG
    mode: NumberMode | None = NumberMode.BOX
    exists: Callable[[HomeAsset], bool]
    value: Callable[[HomeAsset, Network], float]
    changes: Callable[[float], Changes]
    is_limit: bool = False
    unit: str | None = None
    """A unit that begins with the network's currency: what stands behind it."""


def _per_kwh(nano_per_wh: int) -> float:
    return float(price_from_nano(nano_per_wh))


def _least_price(asset: HomeAsset, network: Network) -> float:
    limit = asset.min_sell_price
    return _per_kwh(network.tariff.price_floor if limit is None else limit)


def _greatest_price(asset: HomeAsset, network: Network) -> float:
    limit = asset.max_buy_price
    tariff = network.tariff
    return _per_kwh(tariff.price_cap + tariff.grid_fee if limit is None else limit)


def _is_battery(asset: HomeAsset) -> bool:
    return asset.asset_type == "battery"


def _price_nano(value: float) -> int:
    return price_to_nano(round(value, 6))


def _price(
    key: str, exists: Callable[[HomeAsset], bool], value: Callable[[HomeAsset, Network], float], sets: str
) -> SettingDescription:
    """Describe one of the two limits of an asset's orders; `sets` is what keeps it."""
    return SettingDescription(
        key=key,
        translation_key=key,
        unit="/kWh",
        native_max_value=1_000,
        native_step=0.0001,
        exists=exists,
        value=value,
        changes=lambda price: {sets: _price_nano(price)},
        is_limit=True,
    )


NUMBERS = (
    _price("bid_at_most", lambda asset: asset.rated_import_w > 0, _greatest_price, "max_buy_price"),
    _price("offer_at_least", lambda asset: asset.rated_export_w > 0, _least_price, "min_sell_price"),
    SettingDescription(
        key="daily_limit",
        translation_key="daily_limit",
        unit="",
        native_max_value=100_000,
        native_step=0.01,
        exists=lambda asset: asset.is_connection_point and asset.rated_import_w > 0,
        value=lambda asset, _network: (asset.settings.daily_limit or 0) / NANO,
        changes=lambda value: {"daily_limit": money_to_nano(round(value, 9)) or None},
    ),
    SettingDescription(
        key="only_below",
        translation_key="only_below",
        unit="/kWh",
        native_max_value=1_000,
        native_step=0.0001,
        exists=lambda asset: asset.is_load,
        value=lambda asset, _network: _per_kwh(asset.settings.only_below or 0),
        changes=lambda value: {"only_below": _price_nano(value) or None},
    ),
    SettingDescription(
        key="needed_energy",
        translation_key="needed_energy",
        device_class=NumberDeviceClass.ENERGY_STORAGE,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        native_max_value=1_000,
        native_step=0.1,
        exists=lambda asset: asset.is_load,
        value=lambda asset, _network: asset.settings.energy_wh / 1000,
        changes=lambda value: {"energy_wh": round(value * 1000)},
    ),
    SettingDescription(
        key="run_time",
        translation_key="run_time",
        device_class=NumberDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.MINUTES,
        native_min_value=1,
        native_max_value=1_440,
        native_step=1,
        exists=lambda asset: asset.asset_type == "appliance" and asset.is_load,
        value=lambda asset, _network: asset.settings.run_minutes,
        changes=lambda value: {"run_minutes": round(value)},
    ),
    SettingDescription(
        key="battery_capacity",
        translation_key="battery_capacity",
        device_class=NumberDeviceClass.ENERGY_STORAGE,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        native_max_value=10_000,
        native_step=0.1,
        exists=_is_battery,
        value=lambda asset, _network: asset.settings.capacity_wh / 1000,
        changes=lambda value: {"capacity_wh": round(value * 1000)},
    ),
    SettingDescription(
        key="battery_reserve",
        translation_key="battery_reserve",
        native_unit_of_measurement=PERCENTAGE,
        native_max_value=100,
        native_step=1,
        exists=_is_battery,
        value=lambda asset, _network: asset.settings.reserve_percent,
        changes=lambda value: {"reserve_percent": round(value)},
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyMarketplaceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the numbers that make sense for each asset."""
    add_described(entry, async_add_entities, SettingNumber, NUMBERS)


class SettingNumber(AssetEntity, NumberEntity):
    """A number that a person sets for an asset."""

    entity_description: SettingDescription

    def __init__(self, market: MarketCoordinator, asset: HomeAsset, description: SettingDescription) -> None:
        """Count money in the network's currency."""
        super().__init__(market, asset, description)
        if description.unit is not None:
            self._attr_native_unit_of_measurement = f"{market.network.currency}{description.unit}"

    @property
    @override
    def native_value(self) -> float:
        """Return the value that counts."""
        return self.entity_description.value(self.present_asset, self.coordinator.network)

    @override
    async def async_set_native_value(self, value: float) -> None:
        """Let another value count from now on."""
        entry, changes = self.coordinator.config_entry, self.entity_description.changes(value)
        keep = async_set_limits if self.entity_description.is_limit else async_set
        keep(self.hass, entry, self.asset.subentry_id, **changes)
