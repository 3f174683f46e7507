"""What people set for an asset: it counts at once, survives a restart, and nothing starts again for it."""

import time

import pytest

from tests.integration.conftest import WASHER
from tests.integration.home.waiting import until


def value(home, entity_id):
    state = home.states.get(entity_id)
    return None if state is None else state.state


@pytest.fixture
def perform(home, member):
    """Perform an action on an entity."""

    async def performed(action, entity_id, **data):
        domain, name = action.split(".")
        await home.services.async_call(domain, name, {"entity_id": entity_id, **data}, blocking=True)
        await home.async_block_till_done()

    return performed


SETTINGS = [
    ("switch.turn_on", "switch.washer_automatic_trading", {}, "on"),
    ("select.select_option", "select.washer_strategy", {"option": "help_street"}, "help_street"),
    ("time.set_value", "time.washer_ready_by", {"time": "06:30:00"}, "06:30:00"),
    ("number.set_value", "number.washer_bid_at_most", {"value": 0.2345}, "0.2345"),
    ("number.set_value", "number.home_offer_at_least", {"value": 0.1}, "0.1"),
    ("number.set_value", "number.home_daily_spending_limit", {"value": 2.5}, "2.5"),
    ("number.set_value", "number.washer_needed_energy", {"value": 1.2}, "1.2"),
    ("number.set_value", "number.washer_run_time", {"value": 90}, "90"),
]


@pytest.mark.parametrize(("action", "entity_id", "data", "after"), SETTINGS, ids=lambda item: str(item)[:40])
async def test_a_setting_counts_at_once_and_after_a_restart(
    home, member, perform, action, entity_id, data, after
):
    runtime = member.runtime_data
    assert value(home, entity_id) != after
    await perform(action, entity_id, **data)
    assert value(home, entity_id) == after
    assert member.runtime_data is runtime, "the member was started again for a setting"
    await home.config_entries.async_reload(member.entry_id)
    assert value(home, entity_id) == after


async def test_automatic_trading_can_be_switched_off_again(home, perform):
    await perform("switch.turn_on", "switch.home_automatic_trading")
    await perform("switch.turn_off", "switch.home_automatic_trading")
    assert value(home, "switch.home_automatic_trading") == "off"


async def test_only_what_makes_sense_for_an_asset_can_be_set(home, member):
    assert value(home, "number.washer_bid_at_most") == "0.25"
    assert value(home, "number.home_bid_at_most") == "0.305"
    for absent in (
        "number.washer_offer_at_least",
        "number.washer_daily_spending_limit",
        "number.home_reserve",
        "number.home_needed_energy",
        "time.home_ready_by",
        "button.home_run_now",
    ):
        assert value(home, absent) is None


async def test_a_price_limit_bounds_the_orders_that_follow(home, node, member, perform):
    await perform("number.set_value", "number.washer_bid_at_most", value=0.18)
    await perform("button.press", "button.washer_run_now")
    assert node.submitted[-1]["order"]["price"] == 180_000


async def test_run_now_asks_for_the_first_slots_at_full_power(node, member, perform):
    await perform("number.set_value", "number.washer_needed_energy", value=2)
    await perform("button.press", "button.washer_run_now")
    order = node.submitted[-1]["order"]
    assert (node.submitted[-1]["asset"], order["type"]) == (WASHER, "fixed")
    assert list(order["slots"].values()) == [900, 900, 200]
    first = min(map(int, order["slots"]))
    assert 0 < first - time.time() / 900 < 3


async def test_run_cheaply_asks_for_any_time_until_it_must_be_ready(node, member, perform):
    await perform("button.press", "button.washer_run_when_cheapest")
    order = node.submitted[-1]["order"]
    assert (order["type"], order["energy_wh"], order["deadline"] % 4) == ("flexible", 1_000, 0)


async def test_all_orders_of_an_asset_are_taken_back(node, member, perform):
    await perform("button.press", "button.washer_run_now")
    await perform("button.press", "button.washer_run_when_cheapest")
    book = member.runtime_data.market.book
    await until(lambda: len(book.open_orders(WASHER)) == 2)
    await perform("button.press", "button.washer_cancel_orders")
    await until(lambda: book.open_orders(WASHER) == [])
    assert [payload["kind"] for payload in node.submitted[-2:]] == ["order.cancel"] * 2


async def test_a_wish_that_cannot_come_true_is_explained(node, member, perform):
    await perform("number.set_value", "number.washer_needed_energy", value=999)
    with pytest.raises(Exception, match="At this power"):
        await perform("button.press", "button.washer_run_when_cheapest")


async def test_a_change_of_the_member_itself_starts_it_again(home, member):
    runtime = member.runtime_data
    home.config_entries.async_update_entry(member, title="Other street")
    await home.async_block_till_done()
    assert member.runtime_data is not runtime


async def test_an_order_that_cannot_be_taken_back_is_told(node, member, perform):
    await perform("button.press", "button.washer_run_now")
    await until(lambda: member.runtime_data.market.book.open_orders(WASHER))
    node.refuse["order.cancel"] = ("order_closed", "it is over")
    with pytest.raises(Exception, match="already filled, cancelled or lapsed"):
        await perform("button.press", "button.washer_cancel_orders")
