"""What the tests with a Home Assistant core share.

The test kit puts a folder of its own in front that also holds a package `custom_components`: ours has to be
imported before.
"""

import custom_components  # noqa: F401
import pytest
from homeassistant.config_entries import ConfigEntryState
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.ledger.wallet import Wallet
from tests.integration.home.stand_in import NODE_KEY, TOKEN, StandIn, serving

PHRASE = " ".join(["legal", "winner", "thank", "year", "wave", "sausage", "worth", "useful"] * 2
                  + ["legal", "winner", "thank", "year", "wave", "sausage", "worth", "title"])  # fmt: skip
"""A phrase of the BIP-39 test vectors."""


@pytest.fixture
def home(hass, enable_custom_integrations, socket_enabled, tmp_path):
    """A Home Assistant core that finds the integration, may open sockets, and writes into a folder of its own."""
    hass.config.config_dir = str(tmp_path / "config")
    return hass


@pytest.fixture
async def node():
    """A node with a network, on loopback."""
    stand_in = StandIn()
    async with serving(stand_in) as url:
        stand_in.url = url
        yield stand_in


@pytest.fixture
def wallet():
    return Wallet.from_phrase(PHRASE)


@pytest.fixture
def entry(home, node, wallet):
    """A member's entry, not yet set up."""
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
    )
    entry.add_to_hass(home)
    return entry


@pytest.fixture
async def member(home, entry):
    """The entry, set up and running."""
    await home.config_entries.async_setup(entry.entry_id)
    await home.async_block_till_done()
    yield entry
    if entry.state is ConfigEntryState.LOADED:
        await home.config_entries.async_unload(entry.entry_id)
