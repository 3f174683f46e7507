"""What the entities have in common: whose device they sit on, and when they are available."""

from collections.abc import Callable, Iterable
from typing import Protocol, override

from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .agent_runner import AgentRunner
from .assets import HomeAsset, assets_of
from .coordinator import EnergyMarketplaceConfigEntry, MarketCoordinator
from .devices import asset_identifier, node_identifier, wallet_identifier
from .ledger.units import slot_start_ms
from .metering import MeterCoordinator
from .trading.deliveries import Delivery


class _MarketEntity(CoordinatorEntity[MarketCoordinator]):
    """An entity about the market."""

    _attr_has_entity_name = True

    def __init__(self, market: MarketCoordinator, description: EntityDescription, owner: str) -> None:
        """Name the entity within its owner: the entry, or an asset's subentry."""
        super().__init__(market)
        self.entity_description = description
        self._attr_unique_id = f"{owner}_{description.key}"


class NodeEntity(_MarketEntity):
    """An entity of the member's node and its network."""

    def __init__(self, market: MarketCoordinator, description: EntityDescription) -> None:
        """Put the entity on the node's device."""
        entry = market.config_entry
        super().__init__(market, description, entry.entry_id)
        self._attr_device_info = DeviceInfo(identifiers={node_identifier(entry)})


class WalletEntity(_MarketEntity):
    """An entity of the member's wallet."""

    def __init__(self, market: MarketCoordinator, description: EntityDescription) -> None:
        """Put the entity on the wallet's device."""
        entry = market.config_entry
        super().__init__(market, description, entry.entry_id)
        self._attr_device_info = DeviceInfo(identifiers={wallet_identifier(entry)})


class AssetEntity(_MarketEntity):
    """An entity about an asset's orders and trades.

    It speaks from the book that the home keeps, so it stays available while the node is away: what was agreed
    still happens.
    """

    def __init__(self, market: MarketCoordinator, asset: HomeAsset, description: EntityDescription) -> None:
        """Put the entity on the asset's device."""
        super().__init__(market, description, asset.subentry_id)
        self.asset = asset
        self._attr_device_info = DeviceInfo(identifiers={asset_identifier(asset.subentry_id)})

    @property
    @override
    def available(self) -> bool:
        """Return that the book is always there."""
        return True

    @property
    def agent(self) -> AgentRunner:
        """The member's automatic trading."""
        return self.coordinator.config_entry.runtime_data.agent

    @property
    def present_asset(self) -> HomeAsset:
        """The asset as it is set now; as it was, while its subentry is being removed."""
        subentry = self.coordinator.config_entry.subentries.get(self.asset.subentry_id)
        return HomeAsset.of(subentry) if subentry else self.asset

    def deliveries(self) -> list[Delivery]:
        """Return the asset's deliveries, those that are over for a while included."""
        return self.coordinator.deliveries_of(self.asset.id)

    def now_ms(self) -> int:
        """Return the present, to the slot: entities change where slots begin."""
        return slot_start_ms(self.coordinator.slot_now(), self.coordinator.slot_s)


class MeterEntity(CoordinatorEntity[MeterCoordinator]):
    """An entity that shows what an asset's meter shows."""

    _attr_has_entity_name = True

    def __init__(self, meter: MeterCoordinator, description: EntityDescription) -> None:
        """Put the entity on the asset's device."""
        super().__init__(meter)
        self.entity_description = description
        self._attr_unique_id = f"{meter.asset.subentry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={asset_identifier(meter.asset.subentry_id)})


class Described(Protocol):
    """Describes an entity that only some assets have."""

    @property
    def exists(self) -> Callable[[HomeAsset], bool]:
        """Whether an asset has it."""
        ...


def add_described[D: Described](
    entry: EnergyMarketplaceConfigEntry,
    add: AddConfigEntryEntitiesCallback,
    make: Callable[[MarketCoordinator, HomeAsset, D], Entity],
    descriptions: Iterable[D],
) -> None:
    """Add to each asset of a member the entities that it has."""
    market, described = entry.runtime_data.market, list(descriptions)
    for asset in assets_of(entry):
        add(
            [make(market, asset, one) for one in described if one.exists(asset)],
            config_subentry_id=asset.subentry_id,
        )
