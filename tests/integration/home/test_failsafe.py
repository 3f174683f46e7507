"""The home goes on: node gone for long, gone in the middle of a delivery, restarts at the worst moments."""

import asyncio
import time
from datetime import timedelta

import pytest
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.energy_marketplace.const import DOMAIN
from tests.integration.conftest import HOME, WASHER, asset, compared, show
from tests.integration.home.stand_in import StandIn, serving, trade
from tests.integration.home.waiting import until

SWITCH = "input_boolean.machine"
SLOT_S = 3


@pytest.fixture
async def node(home):
    """A node whose slots pass quickly."""
    stand_in = StandIn(slot_s=SLOT_S)
    stand_in.time = int(time.time() * 1000)
    async with serving(stand_in) as url:
        stand_in.url = url
        yield stand_in


@pytest.fixture
def assets():
    washer = {"asset_type": "appliance", "behind": HOME, "rated_export_w": 0}
    return [asset(HOME, "Home"), asset(WASHER, "Washer", **washer, control={"entity": SWITCH})]


@pytest.fixture
async def running(home, entry, monkeypatch):
    monkeypatch.setattr("custom_components.energy_marketplace.ledger.events.FIRST_RETRY_S", 0.05)
    assert await async_setup_component(home, "homeassistant", {})
    assert await async_setup_component(home, "input_boolean", {"input_boolean": {"machine": {}}})
    show(home)
    await home.config_entries.async_setup(entry.entry_id)
    await home.async_block_till_done()
    await compared(entry)
    yield entry
    await home.config_entries.async_unload(entry.entry_id)


@pytest.fixture
def agree(node, running):
    """Let the washer have a delivery in a slot, counted from the present one."""

    async def agreed(offset, identity="1.0"):
        slot = int(time.time()) // SLOT_S + offset
        mine = {"buyer": running.data["address"], "buy_asset": WASHER, "buy_point": HOME}
        await node.push_trade(trade(identity, slot, 3, **mine))
        await until(lambda: running.runtime_data.market.book.trades)
        return slot

    return agreed


def cut_off(entry):
    client = entry.runtime_data.market.member.client
    client._base = client._base.with_port(9)


def machine(home):
    return home.states.get(SWITCH).state


async def test_a_delivery_begins_and_ends_on_time_without_the_node(home, node, running, agree):
    slot = await agree(1)
    cut_off(running)
    await node.hang_up()
    await until(lambda: machine(home) == "on")
    assert slot * SLOT_S <= time.time() < slot * SLOT_S + 1
    await until(lambda: machine(home) == "off")
    assert (slot + 1) * SLOT_S <= time.time() < (slot + 1) * SLOT_S + 1


async def test_a_restart_in_mid_delivery_without_the_node_still_switches_off(home, node, running, agree):
    slot = await agree(1)
    await until(lambda: machine(home) == "on")
    home.config_entries.async_update_entry(running, data={**running.data, "url": "http://127.0.0.1:9"})
    await home.async_block_till_done()
    await until(lambda: machine(home) == "off")
    assert (slot + 1) * SLOT_S <= time.time()


async def test_after_a_day_without_the_node_there_is_one_issue_and_it_goes_by_itself(
    home, node, running, monkeypatch
):
    market = running.runtime_data.market
    monkeypatch.setattr("custom_components.energy_marketplace.complaints._AWAY_AFTER_S", -1)
    cut_off(running)
    await node.hang_up()
    key = (DOMAIN, f"node_unreachable_{running.entry_id}")
    await until(lambda: key in ir.async_get(home).issues)
    async_fire_time_changed(home, dt_util.utcnow() + timedelta(days=1))
    await home.async_block_till_done()
    assert [issue for domain, issue in ir.async_get(home).issues if domain == DOMAIN] == [key[1]]
    market.member.client._base = market.member.client._base.with_port(int(node.url.rpartition(":")[2]))
    await until(lambda: key not in ir.async_get(home).issues)


async def test_what_was_traded_while_the_node_was_away_is_heard_once(home, node, running, agree):
    await agree(-5)
    cut_off(running)
    await node.hang_up()
    figures = {"state": "settled", "settled_wh": 3, "paid": 465_000}
    mine = {"buyer": running.data["address"], "buy_asset": WASHER, "buy_point": HOME}
    for identity in ("2.0", "3.0"):
        await node.push_trade(trade(identity, 5, 3, **mine, **figures))
    market = running.runtime_data.market
    market.member.client._base = market.member.client._base.with_port(int(node.url.rpartition(":")[2]))
    await until(lambda: market.book.totals_of(WASHER).bought_wh == 6)
    await home.config_entries.async_reload(running.entry_id)
    await until(lambda: running.runtime_data.market.connected)
    await asyncio.sleep(0.2)
    assert running.runtime_data.market.book.totals_of(WASHER).bought_wh == 6
