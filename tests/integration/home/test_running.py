"""A member that runs: what its devices and entities show, pushed by the node, kept through restarts."""

import asyncio
import os
import time
from functools import partial

import pytest
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import CoreState, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.dispatcher import async_dispatcher_connect

from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.coordinator import news_signal
from custom_components.energy_marketplace.ledger.answers import Event
from custom_components.energy_marketplace.meter.readings import Registers, SlotReading
from tests.integration.conftest import HOME, WASHER, show
from tests.integration.home.stand_in import order_matches, trade
from tests.integration.home.waiting import until


def state(home, entity_id):
    return home.states.get(entity_id).state


def slot_now():
    return int(time.time()) // 900


def bought(entry, identity="1.0", slot=None, **more):
    """Return a trade in which the washer buys 300 Wh in the slot that runs now."""
    me = entry.data["address"]
    slot = slot_now() if slot is None else slot
    return trade(identity, slot, buyer=me, buy_asset=WASHER, buy_point=HOME, buy_order="0d", **more)


SETTLED = {
    "state": "settled",
    "settled_wh": 300,
    "paid": 46_500_000,
    "received": 45_000_000,
    "seller_penalty": 0,
    "buyer_penalty": 0,
}


async def test_wallet_and_prices_are_shown(home, node, member):
    assert state(home, "sensor.wallet_of_bo_balance") == "20.0"
    assert state(home, "sensor.wallet_of_bo_held_for_orders") == "5.0"
    assert state(home, "sensor.wallet_of_bo_available") == "15.0"
    assert state(home, "sensor.sunny_street_price_now") == "unknown"
    node.prices = {slot_now(): {"": 152_500}, slot_now() + 1: {"": 90_000}}
    await node.push("round.cleared", {})
    await until(lambda: state(home, "sensor.sunny_street_price_now") == "0.1525")
    assert state(home, "sensor.sunny_street_price_next") == "0.09"
    assert home.states.get("sensor.sunny_street_price_now").attributes["unit_of_measurement"] == "EUR/kWh"


async def test_the_meter_is_shown(home, member):
    assert state(home, "sensor.home_power") == "500.0"
    assert float(state(home, "sensor.home_imported_energy")) == 100
    assert home.states.get("sensor.washer_exported_energy") is None


async def test_devices_hang_one_behind_the_other_under_their_subentries(home, member):
    registry = dr.async_get(home)
    devices = {device.name: device for device in dr.async_entries_for_config_entry(registry, member.entry_id)}
    node, wallet, point, washer = (
        devices[name] for name in ("Sunny Street", "Wallet of Bo", "Home", "Washer")
    )
    assert (node.via_device_id, wallet.via_device_id) == (None, node.id)
    assert (point.via_device_id, washer.via_device_id) == (wallet.id, point.id)
    subentries = {sub.subentry_id: sub.title for sub in member.subentries.values()}
    by_subentry = {entity.config_subentry_id for entity in er.async_get(home).entities.values()}
    assert by_subentry == {None, *subentries}


async def test_devices_say_what_they_are_in_the_language_of_the_home(home, entry):
    home.config.language = "de"
    show(home)
    await home.config_entries.async_setup(entry.entry_id)
    devices = dr.async_entries_for_config_entry(dr.async_get(home), entry.entry_id)
    assert {device.model for device in devices} == {
        "Hauptbuchknoten",
        "Wallet",
        "Ganzes Haus",
        "Haushaltsgerät",
    }
    await home.config_entries.async_unload(entry.entry_id)


async def test_an_agreed_delivery_is_on_in_its_slot_with_the_agreed_power(home, node, member):
    assert state(home, "binary_sensor.washer_delivery") == "off"
    await node.push_trade(bought(member))
    await until(lambda: state(home, "binary_sensor.washer_delivery") == "on")
    delivery = home.states.get("binary_sensor.washer_delivery").attributes
    assert (delivery["agreed_power"], delivery["agreed_energy"], delivery["direction"]) == (
        1200,
        0.3,
        "import",
    )
    assert state(home, "sensor.washer_agreed_power") == "1200"
    assert state(home, "binary_sensor.home_delivery") == "off"


async def test_the_next_delivery_is_announced_in_sensor_and_calendar(home, node, member):
    start = slot_now() + 4
    await node.push_trade(bought(member, slot=start))
    await node.push_trade(bought(member, identity="1.1", slot=start + 1))
    await until(lambda: state(home, "sensor.washer_next_delivery") != "unknown")
    expected = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(start * 900))
    assert state(home, "sensor.washer_next_delivery") == expected
    events = await home.services.async_call(
        "calendar",
        "get_events",
        {
            "entity_id": "calendar.washer_deliveries",
            "start_date_time": time.strftime("%Y-%m-%d %H:%M:%S+00:00", time.gmtime(start * 900)),
            "duration": {"hours": 1},
        },
        blocking=True,
        return_response=True,
    )
    [event] = events["calendar.washer_deliveries"]["events"]
    assert (event["summary"], event["description"]) == ("↓ 0.6 kWh", "0.155 EUR/kWh")
    assert home.states.get("calendar.washer_deliveries").attributes["message"] == "↓ 0.6 kWh"


async def test_each_step_of_a_trade_is_an_event(home, node, member):
    for step in ("matched", "delivering", "metered"):
        await node.push_trade(bought(member, state=step))
    await node.push_trade(bought(member, **SETTLED))
    await until(lambda: home.states.get("event.washer_trade").attributes.get("event_type") == "settled")
    told = home.states.get("event.washer_trade").attributes
    assert (told["trade"], told["energy"], told["settled_energy"], told["amount"]) == (
        "1.0",
        0.3,
        0.3,
        0.0465,
    )
    assert state(home, "event.home_trade") == "unknown"
    await until(lambda: float(state(home, "sensor.washer_bought_from_neighbours")) == 0.3)
    assert float(state(home, "sensor.washer_money_spent")) == 0.0465


async def test_an_open_order_is_shown_until_it_is_closed(home, node, member):
    order = {
        "id": "0d",
        "account": member.data["address"],
        "asset": WASHER,
        "order": {"type": "flexible", "price": 220_000, "energy_wh": 3_000},
        "state": "open",
        "filled_wh": 1_000,
        "held": 1,
        "placed": 1,
        "commit": 1,
    }
    await node.push("order.placed", order, (member.data["address"],))
    await until(lambda: state(home, "sensor.washer_open_order_price") == "0.22")
    assert float(state(home, "sensor.washer_open_order_energy")) == 2
    await node.push("order.lapsed", order | {"state": "lapsed"}, (member.data["address"],))
    await until(lambda: state(home, "sensor.washer_open_order_price") == "unknown")
    assert float(state(home, "sensor.washer_open_order_energy")) == 0


async def test_money_that_comes_in_shows_at_once(home, node, member):
    node.accounts[member.data["address"]]["balance"] = 33_000_000_000
    await node.push("transfer", {}, (member.data["address"],))
    await until(lambda: state(home, "sensor.wallet_of_bo_balance") != "20.0")
    assert state(home, "sensor.wallet_of_bo_balance") == "33.0"


async def test_events_missed_while_home_assistant_was_off_are_made_up_for_once(home, node, member):
    await node.push_trade(bought(member, identity="1.0", **SETTLED))
    await until(lambda: float(state(home, "sensor.washer_bought_from_neighbours")) == 0.3)
    await home.config_entries.async_unload(member.entry_id)
    await node.push_trade(bought(member, identity="2.0", **SETTLED))
    await home.config_entries.async_setup(member.entry_id)
    await until(lambda: float(state(home, "sensor.washer_bought_from_neighbours")) == 0.6)
    assert home.states.get("event.washer_trade").attributes["trade"] == "2.0"


async def test_a_restored_wallet_reads_up_its_history_without_telling_it_as_news(home, node, entry):
    show(home)
    await node.push_trade(bought(entry, **SETTLED))
    await home.config_entries.async_setup(entry.entry_id)
    await until(lambda: float(state(home, "sensor.washer_bought_from_neighbours")) == 0.3)
    assert state(home, "event.washer_trade") == "unknown"
    await home.config_entries.async_unload(entry.entry_id)


async def test_a_node_that_hangs_up_is_followed_again_without_gap(home, node, member):
    await until(lambda: state(home, "binary_sensor.sunny_street_connectivity") == "on")
    await node.hang_up()
    await until(lambda: state(home, "binary_sensor.sunny_street_connectivity") == "off")
    await node.push_trade(bought(member))
    await until(lambda: state(home, "binary_sensor.washer_delivery") == "on")
    assert state(home, "binary_sensor.sunny_street_connectivity") == "on"


async def test_agreed_deliveries_happen_and_meters_are_read_while_the_node_is_away(home, node, member):
    await node.push_trade(bought(member))
    await until(lambda: state(home, "binary_sensor.washer_delivery") == "on")
    await home.config_entries.async_unload(member.entry_id)
    home.config_entries.async_update_entry(member, data={**member.data, "url": "http://127.0.0.1:9"})
    await home.config_entries.async_setup(member.entry_id)
    await home.async_block_till_done()
    assert member.state is ConfigEntryState.LOADED
    assert state(home, "binary_sensor.washer_delivery") == "on"
    assert state(home, "sensor.home_power") == "500.0"
    assert state(home, "sensor.wallet_of_bo_balance") == "unavailable"
    assert state(home, "binary_sensor.sunny_street_connectivity") == "off"


async def test_a_node_that_was_restored_is_read_anew_and_nothing_counts_twice(home, node, member):
    await node.push_trade(bought(member, identity="1.0", **SETTLED))
    await node.push_trade(bought(member, identity="1.1"))
    await until(lambda: float(state(home, "sensor.washer_bought_from_neighbours")) == 0.3)
    await until(lambda: state(home, "binary_sensor.washer_delivery") == "on")
    node.trades["1.1"] |= SETTLED  # what came in after the backup, and the event of it is gone
    node.events = node.events[:1]
    await node.hang_up()
    await until(lambda: float(state(home, "sensor.washer_bought_from_neighbours")) == 0.6)
    await node.push_trade(bought(member, identity="1.2", **SETTLED))
    await until(lambda: float(state(home, "sensor.washer_bought_from_neighbours")) == 0.9)
    hours = member.runtime_data.market.hours.hours.values()
    assert sum(hour.bought_wh for hour in hours) == 900


async def test_a_first_start_waits_for_the_node(home, entry):
    home.config_entries.async_update_entry(entry, data={**entry.data, "url": "http://127.0.0.1:9"})
    await home.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert "Check that it runs" in entry.reason
    await home.config_entries.async_unload(entry.entry_id)


async def test_a_token_that_is_no_longer_accepted_is_asked_for(home, node, member):
    node.tokens = {"fresh"}
    await node.hang_up()
    [flow] = await until(lambda: list(member.async_get_active_flows(home, {SOURCE_REAUTH})))
    assert flow["context"]["entry_id"] == member.entry_id


async def test_a_silent_meter_is_unavailable_alone(home, member):
    home.states.async_set("sensor.register", "unavailable")
    await member.runtime_data.meters[next(iter(member.subentries))].async_refresh()
    assert state(home, "sensor.home_power") == "unavailable"
    assert state(home, "sensor.wallet_of_bo_balance") == "20.0"
    assert state(home, "binary_sensor.home_delivery") == "off"


async def test_nothing_stays_behind_when_a_member_is_removed(home, node, member, hass_storage):
    journal = await member.runtime_data.market.store.async_journal(HOME)
    await journal.add(SlotReading(1, Registers(0, 0, 0), Registers(900_000, 5, 0)))
    readings = home.config.path(".storage", f"{DOMAIN}.{member.entry_id}.readings")
    assert await asyncio.to_thread(os.listdir, readings) == [f"{HOME}.jsonl"]
    await home.config_entries.async_remove(member.entry_id)
    await home.async_block_till_done()
    assert not [
        name for name in home.states.async_entity_ids() if name not in ("sensor.register", "sensor.watts")
    ]
    assert [key for key in hass_storage if key.startswith(DOMAIN)] == []
    assert not await asyncio.to_thread(os.path.exists, readings)
    assert not node.sockets


async def test_a_node_that_stays_away_is_reported_until_it_is_back(home, node, member, monkeypatch):
    monkeypatch.setattr("custom_components.energy_marketplace.complaints._AWAY_AFTER_S", -1)
    issue = (DOMAIN, f"node_unreachable_{member.entry_id}")
    issues = ir.async_get(home).issues
    await until(lambda: state(home, "binary_sensor.sunny_street_connectivity") == "on")
    await node.hang_up()
    await until(lambda: issue in issues)
    await until(lambda: issue not in issues)
    assert state(home, "binary_sensor.sunny_street_connectivity") == "on"


async def test_where_a_member_stands_is_written_when_home_assistant_stops(home, node, member, hass_storage):
    await node.push_trade(bought(member))
    await until(lambda: state(home, "binary_sensor.washer_delivery") == "on")
    home.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await home.async_block_till_done()
    [trade] = hass_storage[f"{DOMAIN}.{member.entry_id}"]["data"]["book"]["trades"]
    assert trade["id"] == "1.0"


async def test_what_is_to_be_written_while_home_assistant_stops_is_written_once_at_its_end(
    home, node, member, hass_storage, caplog
):
    store = member.runtime_data.market.store
    store.parts["mark"] = lambda: "before"
    home.set_state(CoreState.stopping)
    await store._async_write()
    home.set_state(CoreState.final_write)
    store.parts["mark"] = lambda: "last"
    home.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await home.async_block_till_done()
    assert hass_storage[f"{DOMAIN}.{member.entry_id}"]["data"]["mark"] == "last"
    assert "Unable to remove" not in caplog.text
    home.set_state(CoreState.running)


async def test_events_that_cannot_be_read_are_left_out(home, node, member, caplog):
    await node.push("trades.matched", {"id": "1.0"}, (member.data["address"],))
    await node.push_trade(bought(member))
    await until(lambda: state(home, "binary_sensor.washer_delivery") == "on")
    assert "Left out an event" in caplog.text


async def test_an_event_that_comes_again_is_not_told_again(home, node, member):
    await node.push_trade(bought(member, **SETTLED))
    await until(lambda: float(state(home, "sensor.washer_bought_from_neighbours")) == 0.3)
    market, heard = member.runtime_data.market, []
    async_dispatcher_connect(home, news_signal(member.entry_id), heard.append)
    await market.async_take(Event(1, 1, 0, "trade.settled", (), (), None, bought(member, **SETTLED)))
    assert heard == []
    assert market.book.totals_of(WASHER).bought_wh == 300


async def test_trades_that_come_together_are_news_each_and_hold_up_nobody(home, node, member):
    heard, turns = [], []

    @callback
    def hear(one):
        heard.append(one)

    async_dispatcher_connect(home, news_signal(member.entry_id), hear)
    rows = [bought(member, f"1.{number}", slot_now() + number) for number in range(25)]
    told = Event(1, 1, 0, "trades.matched", (), (), None, order_matches(rows, sells=False))

    async def look():
        while len(heard) < len(rows):
            turns.append(len(heard))
            await asyncio.sleep(0)

    await asyncio.gather(member.runtime_data.market.async_take(told), look())
    assert [(one.type, one.data["id"]) for one in heard] == [("trade.matched", row["id"]) for row in rows]
    assert len(set(turns)) > len(rows) // 2


async def test_many_entities_take_over_what_is_new_in_turns(home, member):
    market, called = member.runtime_data.market, []
    stops = [market.async_add_listener(partial(called.append, number)) for number in range(200)]
    market.async_update_listeners()
    assert 0 < len(called) < 60
    stops.pop()()
    await market.async_show()
    assert set(called) == set(range(199))
    for stop in stops:
        stop()


@pytest.fixture(autouse=True)
def _fast_retries(monkeypatch):
    """Do not wait half a second before the node is tried again."""
    monkeypatch.setattr("custom_components.energy_marketplace.ledger.events.FIRST_RETRY_S", 0.05)
