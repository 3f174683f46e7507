"""A second home comes in: a real Home Assistant makes the invite, the newcomer's own node finds the way."""

import asyncio

import pytest
from aiohttp import ClientSession
from homeassistant.setup import async_setup_component

from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.ledger import membership
from custom_components.energy_marketplace.ledger.client import NodeClient
from custom_components.energy_marketplace.ledger.invite import parse
from custom_components.energy_marketplace.ledger.wallet import Wallet
from tests.integration.test_main_path import found
from tests.support.node import NodeProcess


@pytest.fixture
def nodes(tmp_path, socket_enabled):
    with NodeProcess(tmp_path / "ada") as ada, NodeProcess(tmp_path / "bo") as bo:
        yield ada, bo


async def test_a_home_with_its_own_node_joins_with_nothing_but_the_invite(home, nodes):
    ada, bo = nodes
    assert await async_setup_component(home, DOMAIN, {})
    await found(home, ada)
    await home.async_block_till_done(wait_background_tasks=False)
    made = await home.services.async_call(
        DOMAIN, "create_invite", {"valid_days": 3}, blocking=True, return_response=True
    )
    assert made["peers"] == [(ada.data / "peer").read_text().strip()]
    assert parse(made["invite"]).peers == tuple(made["peers"])

    async with ClientSession() as session:
        own = NodeClient(session, bo.url, bo.setup_token)
        assert (await own.setup_state()).state == "empty"
        wallet = Wallet.generate()
        joined = await membership.join(own, wallet, made["invite"], "Bo")
        member = joined.member(wallet, own)
        async with asyncio.timeout(60):
            while (await member.client.account(member.address)).status != "active":  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        here, there = await own.with_token(joined.token).network(), await _network(session, ada)
        assert here.network == there.network
        assert here.members == 2
        state = await own.setup_state()
        assert state.state == "ready"
        assert (ada.data / "peer").read_text().strip() in state.peers
    assert [one["linked"] for one in ada.ask("/v1/peers", ada.setup_token)["items"]] == [True]


async def _network(session, node):
    return await NodeClient(session, node.url, node.setup_token).network()
