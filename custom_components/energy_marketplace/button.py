"""Buttons: let a load run as soon or as cheaply as it can, or take back its orders."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .assets import HomeAsset
from .coordinator import EnergyMarketplaceConfigEntry, MarketCoordinator
from .entity import AssetEntity, add_described
from .ledger.client import NodeError
from .ledger.orders import FixedBid, Order
from .ledger.units import slot_wh
from .origins import USER
from .placing import async_place, most_to_pay, next_occurrence
from .service_input import explained
from .service_orders import wish_problem
from .trading.rules import WishError, request_energy
from .trading.timing import open_slots

PARALLEL_UPDATES = 1


@dataclass(frozen=True, kw_only=True)
class AssetButtonDescription(ButtonEntityDescription):
    """Describe what pressing does for an asset."""

    press: Callable[[MarketCoordinator, HomeAsset], Awaitable[None]]
    exists: Callable[[HomeAsset], bool] = lambda asset: asset.is_load


async def _run_now(market: MarketCoordinator, asset: HomeAsset) -> None:
    """Bid for what the load needs in the first slots that can still be had, at full power."""
    parameters = market.network.parameters
    most = max(1, slot_wh(asset.rated_import_w, parameters.slot_s))

    def soon(now: int) -> Order:
        wanted, slots = asset.settings.energy_wh, {}
        for slot in open_slots(now, parameters):
            if wanted <= 0:
                break
            slots[slot] = min(most, wanted)
            wanted -= most
        return FixedBid(price=most_to_pay(asset, market.network.tariff), slots=slots)

    await async_place(market, asset, soon, USER)


async def _run_cheaply(market: MarketCoordinator, asset: HomeAsset) -> None:
    """Bid for what the load needs at any time until it must be ready; automatic trading may do better."""
    finish_ms = int(next_occurrence(asset.settings.ready_at).timestamp() * 1000)
    if asset.settings.automatic and asset.asset_type == "appliance":
        await market.config_entry.runtime_data.agent.async_request_run(asset, finish_ms)
        return

    def cheap(now: int) -> Order:
        return request_energy(
            asset.id,
            energy_wh=asset.settings.energy_wh,
            power_w=asset.rated_import_w,
            price=most_to_pay(asset, market.network.tariff),
            finish_ms=finish_ms,
            time_ms=now,
            parameters=market.network.parameters,
        ).order

    try:
        await async_place(market, asset, cheap, USER)
    except WishError as error:
        raise wish_problem(error) from error


async def _cancel_orders(market: MarketCoordinator, asset: HomeAsset) -> None:
    """Take back all that is left of the asset's orders; raise what kept one from it after all were tried."""
    problem: NodeError | None = None
    for order in market.book.open_orders(asset.id):
        try:
            await market.member.cancel_order(order.id)
        except NodeError as error:
            problem = error
    if problem is not None:
        raise problem


BUTTONS = (
    AssetButtonDescription(key="run_now", translation_key="run_now", press=_run_now),
    AssetButtonDescription(key="run_cheaply", translation_key="run_cheaply", press=_run_cheaply),
    AssetButtonDescription(
        key="cancel_orders",
        translation_key="cancel_orders",
        press=_cancel_orders,
        exists=lambda _asset: True,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyMarketplaceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the buttons that make sense for each asset."""
    add_described(entry, async_add_entities, AssetButton, BUTTONS)


class AssetButton(AssetEntity, ButtonEntity):
    """Something that a person lets an asset do."""

    entity_description: AssetButtonDescription

    @override
    async def async_press(self) -> None:
        """Do it."""
        with explained():
            await self.entity_description.press(self.coordinator, self.present_asset)
