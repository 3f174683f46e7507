"""What the tests with a Home Assistant core share.

The test kit puts a folder of its own in front that also holds a package `custom_components`: ours has to be
imported before.
"""

import pytest
from homeassistant.config_entries import ConfigEntryState, ConfigSubentryData
from pytest_homeassistant_custom_component.common import MockConfigEntry

import custom_components  # noqa: F401
from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.ledger.wallet import Wallet
from tests.integration.home.stand_in import NODE_KEY, TOKEN, StandIn, serving
from tests.integration.home.waiting import until

PHRASE = " ".join(
    ["legal", "winner", "thank", "year", "wave", "sausage", "worth", "useful"] * 2
    + ["legal", "winner", "thank", "year", "wave", "sausage", "worth", "title"]
)
"""A phrase of the BIP-39 test vectors."""


@pytest.fixture
def home(hass, enable_custom_integrations, socket_enabled, tmp_path):
    """A core that finds the integration, may open sockets, and writes into a folder of its own."""
    hass.config.config_dir = str(tmp_path / "config")
    # The test kit comes without the frontend's files; a real browser looks at the panel in the demo.
    hass.config.components |= {"frontend", "panel_custom"}
    return hass


@pytest.fixture
async def node(home):
    """A node with a network, on loopback."""
    stand_in = StandIn()
    async with serving(stand_in) as url:
        stand_in.url = url
        yield stand_in


@pytest.fixture
def wallet():
    return Wallet.from_phrase(PHRASE)


HOME, WASHER = "a1" * 32, "b2" * 32
"""Ids of the member's two assets: its connection point, and the washing machine behind it."""


def asset(identity, title, **data):
    """Return an asset's subentry, metered by entities."""
    meter = {"type": "entities", "imported_entity": "sensor.register", "power_entity": "sensor.watts"}
    settings = {
        "asset_type": "home",
        "rated_import_w": 3_600,
        "rated_export_w": 3_600,
        "behind": None,
        "feeder": "",
        "min_sell_price": None,
        "max_buy_price": None,
        "meter": meter,
    }
    return ConfigSubentryData(data=settings | data, subentry_type="asset", title=title, unique_id=identity)


@pytest.fixture
def assets():
    return [
        asset(HOME, "Home"),
        asset(WASHER, "Washer", asset_type="appliance", behind=HOME, rated_export_w=0, max_buy_price=250_000),
    ]


def show(hass, imported_kwh=100.0, watts=500):
    """Let the meter's entities show something."""
    energy = {"device_class": "energy", "unit_of_measurement": "kWh", "state_class": "total_increasing"}
    hass.states.async_set("sensor.register", str(imported_kwh), energy)
    hass.states.async_set("sensor.watts", str(watts), {"device_class": "power", "unit_of_measurement": "W"})


@pytest.fixture
def entry(home, node, wallet, assets):
    """A member's entry with two assets, not yet set up."""
    address = wallet.address(test=True)
    node.account(address, "Bo", balance=20_000_000_000, held=5_000_000_000, available=15_000_000_000)
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Sunny Street (Bo)",
        unique_id=f"{node.network}/{address}",
        data={
            "url": node.url,
            "token": TOKEN,
            "network": node.network,
            "test": True,
            "address": address,
            "name": "Bo",
            "phrase": PHRASE,
            "node_key": NODE_KEY,
        },
        subentries_data=assets,
    )
    entry.add_to_hass(home)
    return entry


async def compared(entry):
    """Wait until a running member knows what stands on the ledger."""
    await until(lambda: entry.runtime_data.market.reconciler.times, what="the first comparison")


@pytest.fixture
async def member(home, entry):
    """The entry, set up and running."""
    show(home)
    await home.config_entries.async_setup(entry.entry_id)
    await home.async_block_till_done()
    await compared(entry)
    yield entry
    if entry.state is ConfigEntryState.LOADED:
        await home.config_entries.async_unload(entry.entry_id)
