"""How much of what a home bought was certified green, asked for once an hour."""

import time
from datetime import timedelta

import pytest
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from hypothesis import given
from hypothesis import strategies as st
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.energy_marketplace import green_share
from custom_components.energy_marketplace.green_share import Consumption
from tests.integration.conftest import show
from tests.integration.home.waiting import until

SENSOR = "sensor.wallet_of_bo_green_share"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Do not wait before the node is asked for the first time."""
    monkeypatch.setattr(green_share, "_FIRST_AFTER", timedelta(milliseconds=10))


async def starts(home, entry):
    show(home)
    await home.config_entries.async_setup(entry.entry_id)


def state(home):
    return home.states.get(SENSOR).state


async def test_the_green_share_of_thirty_days_is_shown_on_the_wallet(home, node, entry):
    node.green = {"consumed_wh": 4_000, "green_wh": 3_000}
    await starts(home, entry)
    await until(lambda: state(home) == "75.0")
    assert home.states.get(SENSOR).attributes["unit_of_measurement"] == "%"
    device = er.async_get(home).async_get(SENSOR).device_id
    assert dr.async_get(home).async_get(device).name == "Wallet of Bo"
    [asked] = node.asked_green
    assert asked["account"] == entry.data["address"]
    assert int(asked["until"]) - int(asked["from"]) == 30 * 96
    assert abs(int(asked["until"]) - time.time() // 900) <= 2
    await home.config_entries.async_unload(entry.entry_id)


async def test_a_home_that_bought_nothing_has_no_green_share(home, node, entry):
    await starts(home, entry)
    await until(lambda: node.asked_green)
    await home.async_block_till_done()
    assert state(home) == "unknown"
    await home.config_entries.async_unload(entry.entry_id)


async def test_the_node_is_asked_no_more_than_once_an_hour(home, node, entry):
    await starts(home, entry)
    await until(lambda: node.asked_green)
    await home.async_block_till_done()
    node.green = {"consumed_wh": 1_000, "green_wh": 0}
    async_fire_time_changed(home, dt_util.utcnow() + timedelta(minutes=58))
    await home.async_block_till_done()
    assert len(node.asked_green) == 1
    async_fire_time_changed(home, dt_util.utcnow() + timedelta(minutes=62))
    await until(lambda: state(home) == "0.0")
    assert len(node.asked_green) == 2
    await home.config_entries.async_unload(entry.entry_id)


async def test_a_share_that_cannot_be_read_is_not_shown(home, node, entry):
    node.green = {"consumed_wh": "much", "green_wh": 0}
    await starts(home, entry)
    await until(lambda: state(home) == "unavailable")
    assert home.states.get("sensor.wallet_of_bo_balance").state == "20.0"
    await home.config_entries.async_unload(entry.entry_id)


@given(st.integers(1, 10**12), st.integers(0, 100))
def test_a_share_is_between_nothing_and_all(consumed, percent):
    shown = Consumption(consumed, consumed * percent // 100).green_percent
    assert 0 <= shown <= percent
