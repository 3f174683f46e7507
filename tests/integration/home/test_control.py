"""The entity that an asset controls: on for its deliveries, and hands off when people act."""

import time

import pytest
from homeassistant.core import Context, callback

from custom_components.energy_marketplace.ledger.answers import Event
from tests.integration.conftest import HOME, WASHER, asset
from tests.integration.home.stand_in import trade

SWITCH, NUMBER, SELECT = "input_boolean.machine", "input_number.power", "input_select.mode"
"""What the fixture `machine` sets up."""


@pytest.fixture
def control():
    return {"entity": SWITCH}


@pytest.fixture
def assets(control):
    washer = {"asset_type": "appliance", "behind": HOME, "rated_export_w": 0, "control": control}
    return [asset(HOME, "Home"), asset(WASHER, "Washer", **washer)]


@pytest.fixture
def deliver(home, running):
    """Let a delivery of the washer be under way, or none."""

    async def delivered(wh):
        market = running.runtime_data.market
        market.book.trades.clear()
        market.book.changes += 1
        if wh:
            row = trade("1.0", int(time.time()) // 900, wh, buyer=running.data["address"], buy_asset=WASHER)
            row |= {"buy_point": HOME}
            market.book.apply(Event(market.book.cursor + 1, 1, 0, "trade.matched", (), (), None, row))
        market.async_update_listeners()
        await home.async_block_till_done()

    return delivered


async def by_hand(home, action, entity_id, **data):
    domain, name = action.split(".")
    await home.services.async_call(
        domain, name, {"entity_id": entity_id, **data}, blocking=True, context=Context()
    )
    await home.async_block_till_done()


def value(home, entity_id):
    return home.states.get(entity_id).state


async def test_a_switch_is_on_from_the_start_to_the_end_of_a_delivery(home, deliver):
    await deliver(300)
    assert value(home, SWITCH) == "on"
    await deliver(0)
    assert value(home, SWITCH) == "off"


async def test_whoever_switches_meanwhile_has_it_until_the_delivery_ends(home, deliver):
    await deliver(300)
    await by_hand(home, "input_boolean.turn_off", SWITCH)
    await deliver(310)
    assert value(home, SWITCH) == "off"
    await by_hand(home, "input_boolean.turn_on", SWITCH)
    await deliver(0)
    assert value(home, SWITCH) == "on", "what people switched on was switched off"
    await by_hand(home, "input_boolean.turn_off", SWITCH)
    await deliver(300)
    assert value(home, SWITCH) == "on", "the next delivery is controlled again"


async def test_an_override_lasts_over_a_restart(home, running, deliver):
    await deliver(300)
    await by_hand(home, "input_boolean.turn_off", SWITCH)
    await home.config_entries.async_reload(running.entry_id)
    await home.async_block_till_done()
    assert value(home, SWITCH) == "off"


async def test_a_delivery_that_ended_while_home_assistant_was_off_is_switched_off_at_its_start(
    home, running, deliver
):
    await deliver(300)
    store = running.runtime_data.market.store
    await home.config_entries.async_unload(running.entry_id)
    data = await store._store.async_load()
    data["book"]["trades"] = []
    await store._store.async_save(data)
    assert value(home, SWITCH) == "on"
    await home.config_entries.async_setup(running.entry_id)
    await home.async_block_till_done()
    assert value(home, SWITCH) == "off"


async def test_a_device_that_forgot_its_state_is_switched_on_again(home, running, deliver):
    await deliver(300)
    home.states.async_set(SWITCH, "unavailable")
    await home.async_block_till_done()
    home.states.async_set(SWITCH, "off")
    await home.async_block_till_done()
    assert value(home, SWITCH) == "on"


async def test_a_device_that_cannot_be_reached_is_switched_when_it_can(home, deliver):
    home.states.async_set(SWITCH, "unavailable")
    await deliver(300)
    assert value(home, SWITCH) == "unavailable"
    home.states.async_set(SWITCH, "off")
    await home.async_block_till_done()
    assert value(home, SWITCH) == "on"


class TestKeptOn:
    @pytest.fixture
    def control(self):
        return {"entity": SWITCH, "keep_on": True}

    async def test_what_must_finish_is_not_switched_off(self, home, deliver):
        await deliver(300)
        await deliver(0)
        assert value(home, SWITCH) == "on"


class TestNumber:
    @pytest.fixture
    def control(self):
        return {"entity": NUMBER}

    async def test_a_number_follows_the_agreed_power_and_goes_back(self, home, deliver):
        await deliver(300)
        assert float(value(home, NUMBER)) == 1_200
        await deliver(250)
        assert float(value(home, NUMBER)) == 1_000
        await deliver(0)
        assert float(value(home, NUMBER)) == 100

    async def test_a_number_that_people_set_is_theirs_until_the_delivery_ends(self, home, deliver):
        await deliver(300)
        await by_hand(home, "input_number.set_value", NUMBER, value=700)
        await deliver(250)
        assert float(value(home, NUMBER)) == 700


class TestSelect:
    @pytest.fixture
    def control(self):
        return {"entity": SELECT, "on": "boost", "off": "off"}

    async def test_a_select_takes_the_options_that_were_named(self, home, deliver):
        await deliver(300)
        assert value(home, SELECT) == "boost"
        await deliver(0)
        assert value(home, SELECT) == "off"


class TestWrong:
    @pytest.fixture
    def control(self):
        return {"entity": SELECT, "on": "no such option"}

    async def test_what_cannot_be_set_is_told_and_changes_nothing_else(self, home, deliver, caplog):
        await deliver(300)
        assert "could not be set to no such option" in caplog.text
        assert value(home, SELECT) == "eco"


async def test_what_is_switched_is_on_disk_before_it_is_switched(home, running, deliver, hass_storage):
    """Who is killed in between must know at the next start that the machine is to be switched off."""
    kept = []

    def note(event):
        if event.data["entity_id"] == SWITCH and event.data["new_state"].state == "on":
            data = hass_storage[f"energy_marketplace.{running.entry_id}"]["data"]
            kept.extend(part["drive"] for name, part in data.items() if name.startswith("control "))

    home.bus.async_listen("state_changed", callback(note))
    await deliver(300)
    assert kept == [{"value": "on", "after": "off", "overridden": False}]


async def test_a_delivery_that_ends_while_its_start_is_written_down_switches_nothing(
    home, running, deliver, monkeypatch
):
    market = running.runtime_data.market
    store = market.store
    real, ended = store.async_write_through, []

    async def write():
        await real()
        if not ended:
            ended.append(1)
            market.book.trades.clear()
            market.book.changes += 1
            market.async_update_listeners()

    monkeypatch.setattr(store, "async_write_through", write)
    switched = []
    home.bus.async_listen("call_service", switched.append)
    await deliver(300)
    assert ended
    assert value(home, SWITCH) == "off"
    assert switched == []
