"""A balance on the screen is proven by the committee, or marked as not, or not shown."""

import time

import pytest
from aiohttp import ClientSession
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.diagnostics import async_get_config_entry_diagnostics
from custom_components.energy_marketplace.ledger import membership
from custom_components.energy_marketplace.ledger.client import NodeClient
from custom_components.energy_marketplace.ledger.genesis import GenesisOptions
from tests.integration.conftest import PHRASE
from tests.integration.home.lying import lying_about
from tests.support.node import NodeProcess

WALLET = ("balance", "available", "held_for_orders")


def balance(home, name="bo", what="balance"):
    return home.states.get(f"sensor.wallet_of_{name}_{what}")


def issue_of(home, entry):
    return ir.async_get(home).async_get_issue(DOMAIN, f"node_lies_{entry.entry_id}")


async def refresh(home, entry):
    await entry.runtime_data.market.async_refresh()
    await home.async_block_till_done()


async def test_a_proven_balance_says_so_and_as_of_when(home, node, member):
    shown = balance(home)
    assert (shown.state, shown.attributes["proven"]) == ("20.0", True)
    assert shown.attributes["proven_as_of"].timestamp() * 1000 == node.time
    told = await async_get_config_entry_diagnostics(home, member)
    assert told["proof"]["verdict"] == "proven"
    assert told["proof"]["age_s"] == max(0, int(time.time() * 1000) - node.time) // 1000


async def test_a_balance_without_proof_is_marked(home, node, member):
    node.proves = False
    await refresh(home, member)
    shown = balance(home)
    assert (shown.state, shown.attributes["proven"], shown.attributes["proven_as_of"]) == (
        "20.0",
        False,
        None,
    )
    assert issue_of(home, member) is None


async def test_a_node_that_shows_another_genesis_is_not_believed(home, node, entry):
    home.config_entries.async_update_entry(entry, data={**entry.data, "network": "00" * 32})
    await home.config_entries.async_setup(entry.entry_id)
    await home.async_block_till_done()
    assert balance(home).state == "unavailable"
    assert issue_of(home, entry) is not None
    await home.config_entries.async_unload(entry.entry_id)
    await home.config_entries.async_remove(entry.entry_id)
    assert issue_of(home, entry) is None


@pytest.fixture
async def liar(home, tmp_path):
    """A proxy in front of a real node with an empty disk."""
    with NodeProcess(tmp_path / "node") as process:
        async with lying_about(process.url) as proxy:
            proxy.process = process
            yield proxy


@pytest.fixture
async def ada(home, liar, wallet):
    """The founder of a network on that node, who knows it by the proxy's address."""
    options = GenesisOptions(name="Sunny Street", founder_name="Ada", test=True)
    async with ClientSession() as session:
        client = NodeClient(session, liar.process.url, liar.process.setup_token)
        now = time.time_ns() // 1_000_000
        founded = await membership.found(client, wallet, options, now=now)
        member = membership.Member(
            wallet, client.with_token(founded.token), network=founded.network, test=True
        )
        await member.issue(member.address, 40_000_000_000, "cash")
    data = {"url": liar.url, "token": founded.token, "network": founded.network, "test": True}
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Sunny Street (Ada)",
        unique_id=f"{founded.network}/{founded.address}",
        data={**data, "address": founded.address, "name": "Ada", "phrase": PHRASE, "node_key": ""},
    )
    entry.add_to_hass(home)
    await home.config_entries.async_setup(entry.entry_id)
    await home.async_block_till_done()
    yield entry
    await home.config_entries.async_unload(entry.entry_id)


async def test_a_lie_of_a_node_is_not_shown_but_told(home, liar, ada):
    assert (balance(home, "ada").state, balance(home, "ada").attributes["proven"]) == ("40.0", True)
    liar.lie = 99_000_000_000
    await refresh(home, ada)
    assert {balance(home, "ada", what).state for what in WALLET} == {"unavailable"}
    told = issue_of(home, ada)
    assert told.severity is ir.IssueSeverity.ERROR
    assert told.translation_placeholders["url"] == liar.url
    assert home.states.get("sensor.sunny_street_price_now").state == "unknown"
    liar.lie = None
    await refresh(home, ada)
    assert balance(home, "ada").state == "40.0"
    assert issue_of(home, ada) is None


async def test_a_lie_without_its_proof_is_marked_as_unproven(home, liar, ada):
    liar.lie, liar.strips_proofs = 99_000_000_000, True
    await refresh(home, ada)
    assert balance(home, "ada").attributes["proven"] is False
