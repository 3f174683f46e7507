"""The devices of a member: its node, its wallet, and each asset, hung up one behind the other."""

from collections.abc import Mapping

from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntry, DeviceEntryType
from homeassistant.helpers.translation import async_get_translations

from .assets import HomeAsset, assets_of
from .const import ASSET_TYPES, DOMAIN
from .coordinator import EnergyMarketplaceConfigEntry
from .ledger.answers import Network

MANUFACTURER = "Energy Marketplace"


def node_identifier(entry: EnergyMarketplaceConfigEntry) -> tuple[str, str]:
    """Return how the node's device is known."""
    return DOMAIN, f"{entry.entry_id}_node"


def wallet_identifier(entry: EnergyMarketplaceConfigEntry) -> tuple[str, str]:
    """Return how the wallet's device is known."""
    return DOMAIN, f"{entry.entry_id}_wallet"


def asset_identifier(subentry_id: str) -> tuple[str, str]:
    """Return how an asset's device is known."""
    return DOMAIN, subentry_id


async def async_register_devices(
    hass: HomeAssistant, entry: EnergyMarketplaceConfigEntry, network: Network
) -> None:
    """Register all devices of a member, those first that others hang behind."""
    registry, models = dr.async_get(hass), await _async_models(hass)
    node = registry.async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={node_identifier(entry)},
        entry_type=DeviceEntryType.SERVICE,
        manufacturer=MANUFACTURER,
        name=network.name,
        model=models["node"],
        configuration_url=entry.data[CONF_URL],
    )
    wallet = registry.async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={wallet_identifier(entry)},
        entry_type=DeviceEntryType.SERVICE,
        manufacturer=MANUFACTURER,
        translation_key="wallet",
        translation_placeholders={"name": entry.data["name"]},
        model=models["wallet"],
        via_device_id=node.id,
    )
    points: dict[str, DeviceEntry] = {}
    for asset in assets_of(entry):
        before = points.get(asset.behind or "", wallet)
        points[asset.id] = _register_asset(registry, entry, asset, before, models[asset.asset_type])


async def _async_models(hass: HomeAssistant) -> Mapping[str, str]:
    """Return what kinds of devices are called: assets as in the form that adds them.

    The registry translates names alone, so models are written in the language of the home.
    """
    language = hass.config.language
    kinds = await async_get_translations(hass, language, "selector", {DOMAIN})
    services = await async_get_translations(hass, language, "device", {DOMAIN})
    assets = {kind: kinds[f"component.{DOMAIN}.selector.asset_type.options.{kind}"] for kind in ASSET_TYPES}
    named = {kind: services[f"component.{DOMAIN}.device.{kind}_model.name"] for kind in ("node", "wallet")}
    return assets | named


def _register_asset(
    registry: dr.DeviceRegistry,
    entry: EnergyMarketplaceConfigEntry,
    asset: HomeAsset,
    before: DeviceEntry,
    model: str,
) -> DeviceEntry:
    return registry.async_get_or_create(
        config_entry_id=entry.entry_id,
        config_subentry_id=asset.subentry_id,
        identifiers={asset_identifier(asset.subentry_id)},
        manufacturer=MANUFACTURER,
        name=asset.name,
        model=model,
        via_device_id=before.id,
    )
