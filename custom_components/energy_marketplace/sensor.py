"""Sensors: the meter, the trades and the orders of each asset, the wallet, the prices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory, UnitOfEnergy, UnitOfPower
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .assets import HomeAsset, assets_of
from .coordinator import EnergyMarketplaceConfigEntry, MarketCoordinator, MarketState
from .entity import AssetEntity, MeterEntity, NodeEntity, WalletEntity
from .green_share import GreenCoordinator, GreenShareSensor
from .ledger.units import money_from_nano, price_from_nano
from .meter.readings import Sample
from .metering import MeterCoordinator
from .orders import newest_price, remaining_wh
from .trading.deliveries import delivery_at, next_delivery

PARALLEL_UPDATES = 0

type Value = datetime | float | int | str | None
type Exists = Callable[[HomeAsset], bool]


def _always(_asset: HomeAsset) -> bool:
    return True


def _imports(asset: HomeAsset) -> bool:
    return asset.rated_import_w > 0


def _exports(asset: HomeAsset) -> bool:
    return asset.rated_export_w > 0


def _is_point(asset: HomeAsset) -> bool:
    return asset.is_connection_point


@dataclass(frozen=True, kw_only=True)
class MeterSensorDescription(SensorEntityDescription):
    """Describe a value of a meter."""

    value: Callable[[Sample], Value]
    exists: Exists = _always


@dataclass(frozen=True, kw_only=True)
class RegisterSensorDescription(MeterSensorDescription):
    """Describe a cumulative energy of a meter (Wh)."""

    device_class: SensorDeviceClass | None = SensorDeviceClass.ENERGY
    state_class: SensorStateClass | None = SensorStateClass.TOTAL_INCREASING
    native_unit_of_measurement: str | None = UnitOfEnergy.WATT_HOUR
    suggested_unit_of_measurement: str | None = UnitOfEnergy.KILO_WATT_HOUR
    suggested_display_precision: int | None = 3


@dataclass(frozen=True, kw_only=True)
class AssetSensorDescription(SensorEntityDescription):
    """Describe a value of an asset's orders and trades."""

    value: Callable[[AssetEntity], Value]
    exists: Exists = _always


@dataclass(frozen=True, kw_only=True)
class TradedSensorDescription(AssetSensorDescription):
    """Describe the energy that an asset traded so far (Wh)."""

    device_class: SensorDeviceClass | None = SensorDeviceClass.ENERGY
    state_class: SensorStateClass | None = SensorStateClass.TOTAL_INCREASING
    native_unit_of_measurement: str | None = UnitOfEnergy.WATT_HOUR
    suggested_unit_of_measurement: str | None = UnitOfEnergy.KILO_WATT_HOUR
    suggested_display_precision: int | None = 3


@dataclass(frozen=True, kw_only=True)
class ErrorSensorDescription(AssetSensorDescription):
    """Describe how wrong a forecast of the home was (Wh a slot)."""

    entity_category: EntityCategory | None = EntityCategory.DIAGNOSTIC
    native_unit_of_measurement: str | None = UnitOfEnergy.WATT_HOUR
    suggested_display_precision: int | None = 0
    exists: Exists = _is_point


@dataclass(frozen=True, kw_only=True)
class MoneySensorDescription(AssetSensorDescription):
    """Describe the money that an asset earned or cost so far."""

    device_class: SensorDeviceClass | None = SensorDeviceClass.MONETARY
    state_class: SensorStateClass | None = SensorStateClass.TOTAL
    suggested_display_precision: int | None = 2


@dataclass(frozen=True, kw_only=True)
class WalletSensorDescription(SensorEntityDescription):
    """Describe an amount of the wallet (nano)."""

    device_class: SensorDeviceClass | None = SensorDeviceClass.MONETARY
    state_class: SensorStateClass | None = SensorStateClass.TOTAL
    suggested_display_precision: int | None = 2
    nano: Callable[[MarketState], int]


@dataclass(frozen=True, kw_only=True)
class PriceSensorDescription(SensorEntityDescription):
    """Describe a price of the network (nano per Wh), at the feeder of this home."""

    state_class: SensorStateClass | None = SensorStateClass.MEASUREMENT
    suggested_display_precision: int | None = 4
    nano: Callable[[MarketState, str], int | None]


def _price(nano_per_wh: int | None) -> float | None:
    return None if nano_per_wh is None else float(price_from_nano(nano_per_wh))


def _totals_money(entity: AssetEntity, name: str) -> float:
    totals = entity.coordinator.book.totals_of(entity.asset.id)
    return float(money_from_nano(getattr(totals, name)))


def _next_start(entity: AssetEntity) -> datetime | None:
    coming = next_delivery(entity.deliveries(), entity.now_ms())
    return dt_util.utc_from_timestamp(coming.start_ms / 1000) if coming else None


def _agreed_power(entity: AssetEntity) -> int:
    now = delivery_at(entity.deliveries(), entity.now_ms())
    return now.power_w(entity.now_ms()) if now else 0


def _decision(entity: AssetEntity) -> str | None:
    return entity.agent.because(entity.present_asset)


def _error(entity: AssetEntity, name: str) -> float | None:
    """Return by how much (Wh a slot) a forecast was wrong on average, None before there was one."""
    figures = getattr(entity.agent.errors(entity.asset.id), name)
    return figures.mean_absolute_wh if figures.slots else None


METER_SENSORS = (
    MeterSensorDescription(
        key="power",
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_display_precision=0,
        value=lambda sample: sample.power_w,
    ),
    RegisterSensorDescription(
        key="imported_energy",
        translation_key="imported_energy",
        value=lambda sample: sample.imported_wh,
        exists=_imports,
    ),
    RegisterSensorDescription(
        key="exported_energy",
        translation_key="exported_energy",
        value=lambda sample: sample.exported_wh,
        exists=_exports,
    ),
)

ASSET_SENSORS = (
    TradedSensorDescription(
        key="bought_energy",
        translation_key="bought_energy",
        value=lambda entity: entity.coordinator.book.totals_of(entity.asset.id).bought_wh,
        exists=_imports,
    ),
    TradedSensorDescription(
        key="sold_energy",
        translation_key="sold_energy",
        value=lambda entity: entity.coordinator.book.totals_of(entity.asset.id).sold_wh,
        exists=_exports,
    ),
    MoneySensorDescription(
        key="money_spent",
        translation_key="money_spent",
        value=lambda entity: _totals_money(entity, "spent"),
    ),
    MoneySensorDescription(
        key="money_earned",
        translation_key="money_earned",
        value=lambda entity: _totals_money(entity, "earned"),
    ),
    AssetSensorDescription(
        key="open_order_energy",
        translation_key="open_order_energy",
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
        suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=3,
        value=lambda entity: remaining_wh(entity.coordinator.book.open_orders(entity.asset.id)),
    ),
    AssetSensorDescription(
        key="open_order_price",
        translation_key="open_order_price",
        suggested_display_precision=4,
        value=lambda entity: _price(newest_price(entity.coordinator.book.open_orders(entity.asset.id))),
    ),
    AssetSensorDescription(
        key="next_delivery",
        translation_key="next_delivery",
        device_class=SensorDeviceClass.TIMESTAMP,
        value=_next_start,
    ),
    AssetSensorDescription(
        key="agreed_power",
        translation_key="agreed_power",
        device_class=SensorDeviceClass.POWER,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_display_precision=0,
        value=_agreed_power,
    ),
    AssetSensorDescription(key="decision", translation_key="decision", value=_decision),
    ErrorSensorDescription(
        key="consumption_error",
        translation_key="consumption_error",
        value=lambda entity: _error(entity, "base"),
    ),
    ErrorSensorDescription(
        key="production_error",
        translation_key="production_error",
        value=lambda entity: _error(entity, "production"),
    ),
)

WALLET_SENSORS = (
    WalletSensorDescription(
        key="balance", translation_key="balance", nano=lambda state: state.account.balance
    ),
    WalletSensorDescription(
        key="available", translation_key="available", nano=lambda state: state.account.available
    ),
    WalletSensorDescription(key="held", translation_key="held", nano=lambda state: state.account.held),
)

PRICE_SENSORS = (
    PriceSensorDescription(
        key="price_now",
        translation_key="price_now",
        nano=lambda state, feeder: state.prices_now.get(feeder),
    ),
    PriceSensorDescription(
        key="price_next",
        translation_key="price_next",
        nano=lambda state, feeder: state.prices_next.get(feeder),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyMarketplaceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of a member and, under their subentries, of its assets."""
    runtime = entry.runtime_data
    assets = assets_of(entry)
    feeder = next((asset.feeder for asset in assets if asset.is_connection_point), "")
    async_add_entities(
        [
            GreenShareSensor(GreenCoordinator(hass, runtime.market)),
            *(WalletSensor(runtime.market, description) for description in WALLET_SENSORS),
            *(PriceSensor(runtime.market, description, feeder) for description in PRICE_SENSORS),
        ]
    )
    for asset in assets:
        meter = runtime.meters[asset.subentry_id]
        entities: list[SensorEntity] = [
            MeterSensor(meter, description) for description in METER_SENSORS if description.exists(asset)
        ]
        entities += [
            AssetSensor(runtime.market, asset, description)
            for description in ASSET_SENSORS
            if description.exists(asset)
        ]
        async_add_entities(entities, config_subentry_id=asset.subentry_id)


class MeterSensor(MeterEntity, SensorEntity):
    """A value that a meter shows."""

    entity_description: MeterSensorDescription

    def __init__(self, meter: MeterCoordinator, description: MeterSensorDescription) -> None:
        """Take the value from the meter."""
        super().__init__(meter, description)

    @property
    @override
    def native_value(self) -> Value:
        """Return the value."""
        return self.entity_description.value(self.coordinator.data)


class AssetSensor(AssetEntity, SensorEntity):
    """A value of an asset's orders and trades."""

    entity_description: AssetSensorDescription

    def __init__(
        self, market: MarketCoordinator, asset: HomeAsset, description: AssetSensorDescription
    ) -> None:
        """Count money in the network's currency."""
        super().__init__(market, asset, description)
        if description.device_class is SensorDeviceClass.MONETARY:
            self._attr_native_unit_of_measurement = market.network.currency
        elif description.key == "open_order_price":
            self._attr_native_unit_of_measurement = f"{market.network.currency}/kWh"

    @property
    @override
    def native_value(self) -> Value:
        """Return the value."""
        return self.entity_description.value(self)


class WalletSensor(WalletEntity, SensorEntity):
    """An amount of the wallet."""

    entity_description: WalletSensorDescription

    def __init__(self, market: MarketCoordinator, description: WalletSensorDescription) -> None:
        """Count in the network's currency."""
        super().__init__(market, description)
        self._attr_native_unit_of_measurement = market.network.currency

    @property
    @override
    def available(self) -> bool:
        """Return whether there is an amount that the node did not lie about."""
        return super().available and not self.coordinator.data.proof.is_lie

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Return whether the committee vouches for the amount, and as of when."""
        proof = self.coordinator.data.proof
        as_of = None if proof.time is None else dt_util.utc_from_timestamp(proof.time / 1000)
        return {"proven": proof.is_proven, "proven_as_of": as_of}

    @property
    @override
    def native_value(self) -> float:
        """Return the amount."""
        return float(money_from_nano(self.entity_description.nano(self.coordinator.data)))


class PriceSensor(NodeEntity, SensorEntity):
    """A price of the market; unknown where nothing is traded."""

    entity_description: PriceSensorDescription

    def __init__(self, market: MarketCoordinator, description: PriceSensorDescription, feeder: str) -> None:
        """Look at the prices of one feeder."""
        super().__init__(market, description)
        self._feeder = feeder
        self._attr_native_unit_of_measurement = f"{market.network.currency}/kWh"

    @property
    @override
    def native_value(self) -> float | None:
        """Return the price."""
        return _price(self.entity_description.nano(self.coordinator.data, self._feeder))
