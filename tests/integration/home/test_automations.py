"""The triggers and conditions of the market, in automations of a real core."""

import time

import pytest
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from tests.integration.conftest import HOME, WASHER, show
from tests.integration.home.stand_in import trade
from tests.integration.home.waiting import until


def slot_now():
    return int(time.time()) // 900


@pytest.fixture
def automate(home, member):
    """Set an automation up that counts its runs in an event; return the list of runs."""

    async def automated(trigger=None, condition=None):
        runs = []
        home.bus.async_listen("ran", runs.append)
        config = {
            "alias": "Test",
            "triggers": [trigger or {"trigger": "event", "event_type": "go"}],
            "conditions": [condition] if condition else [],
            "actions": [{"event": "ran"}],
        }
        assert await async_setup_component(home, "automation", {"automation": [config]})
        await home.async_block_till_done()
        assert home.states.get("automation.test").state == "on"
        return runs

    return automated


@pytest.fixture
def bought(node, member):
    """Let the washer's trade take a step."""

    async def pushed(state="matched", slot=None, **more):
        slot = slot_now() if slot is None else slot
        me = {"buyer": member.data["address"], "buy_asset": WASHER, "buy_point": HOME, "buy_order": "0d"}
        await node.push_trade(trade("1.0", slot, state=state, **me | more))

    return pushed


def trigger(name, entity_id, **options):
    given = {"options": options} if options else {}
    return {"trigger": f"energy_marketplace.{name}", "target": {"entity_id": entity_id}} | given


async def test_a_trade_that_was_agreed_triggers(home, automate, bought):
    runs = await automate(trigger("trade_matched", "event.washer_trade"))
    await bought()
    await until(lambda: len(runs) == 1)
    await bought("delivering")
    await until(lambda: home.states.get("event.washer_trade").attributes["event_type"] == "delivering")
    assert len(runs) == 1


async def test_a_reading_that_is_missing_triggers(home, automate, bought):
    runs = await automate(trigger("reading_missing", "event.washer_trade"))
    await bought("overdue")
    await until(lambda: runs)
    assert home.states.get("event.washer_trade").attributes["event_type"] == "overdue"
    assert len(runs) == 1


async def test_a_trigger_listens_to_whole_devices_but_only_to_its_own_entities(home, automate, bought):
    washer = er.async_get(home).async_get("event.washer_trade").device_id
    runs = await automate({"trigger": "energy_marketplace.trade_matched", "target": {"device_id": washer}})
    home.states.async_set("event.other_trade", "2026-01-01T00:00:00", {"event_type": "matched"})
    await bought()
    await until(lambda: runs)
    assert len(runs) == 1


async def test_an_order_that_lapsed_triggers(node, member, automate):
    runs = await automate(trigger("order_expired", "event.washer_order"))
    row = {
        "id": "0d",
        "account": member.data["address"],
        "asset": WASHER,
        "order": {"type": "fixed", "price": 1, "slots": {"1": 5}},
        "state": "lapsed",
        "filled_wh": 0,
        "held": 0,
        "placed": 1,
        "commit": 1,
    }
    assert runs == []
    await node.push("order.lapsed", row, (member.data["address"],), (WASHER,))
    await until(lambda: runs)
    assert len(runs) == 1


async def test_money_that_came_in_triggers_and_money_that_went_out_does_not(home, node, member, automate):
    runs = await automate(trigger("payment_received", "event.wallet_of_bo_payment"))
    me = member.data["address"]
    sent = {"to": "tkwh1other", "from": me, "amount": 2_000_000_000, "memo": None}
    await node.push("transfer", sent, (me,))
    payment = "event.wallet_of_bo_payment"
    await until(lambda: home.states.get(payment).attributes.get("event_type") == "paid")
    assert runs == []
    await node.push(
        "voucher.issued", {"to": me, "from": "f", "amount": 5_000_000_000, "reference": "r1"}, (me,)
    )
    await until(lambda: runs)
    told = home.states.get(payment).attributes
    assert (told["amount"], told["reason"], told["memo"]) == (5.0, "voucher", "r1")


@pytest.mark.parametrize(
    ("seller", "figures", "expected"),
    [
        (True, {"received": 45_000_000, "seller_penalty": 5_000_000}, ("received", 0.04)),
        (True, {"received": 0, "seller_penalty": 5_000_000}, ("paid", 0.005)),
        (False, {"paid": 46_500_000}, ("paid", 0.0465)),
    ],
)
async def test_a_settled_delivery_is_a_payment(home, node, member, seller, figures, expected):
    me = member.data["address"]
    side = {"seller": me} if seller else {"buyer": me}
    await node.push_trade(trade("1.0", slot_now(), state="settled", settled_wh=300, **side, **figures))
    payment = "event.wallet_of_bo_payment"
    await until(lambda: home.states.get(payment).attributes.get("event_type"))
    told = home.states.get(payment).attributes
    assert (told["event_type"], told["amount"], told["trade"]) == (*expected, "1.0")


async def test_the_start_of_a_delivery_triggers(home, node, member, automate, bought):
    started = await automate(trigger("delivery_started", "binary_sensor.washer_delivery"))
    await bought()
    await until(lambda: started)
    assert home.states.get("binary_sensor.washer_delivery").state == "on"


async def test_the_end_of_a_delivery_triggers(home, member, automate, bought):
    ended = await automate(trigger("delivery_ended", "binary_sensor.washer_delivery"))
    await bought()
    await until(lambda: home.states.get("binary_sensor.washer_delivery").state == "on")
    assert ended == []
    market = member.runtime_data.market
    market.book.trades.clear()
    market.book.changes += 1
    market.async_update_listeners()
    await until(lambda: ended)
    assert home.states.get("binary_sensor.washer_delivery").state == "off"


async def test_a_price_that_falls_below_the_limit_triggers_once(home, node, automate):
    runs = await automate(trigger("price_fell_below", "sensor.sunny_street_price_now", price=0.15))

    async def costs(nano):
        node.prices = {slot_now(): {"": nano}, slot_now() + 1: {"": nano}}
        await node.push("round.cleared", {})
        shown = str(nano / 1_000_000)
        await until(lambda: home.states.get("sensor.sunny_street_price_now").state == shown)

    await costs(160_000)
    assert runs == []
    await costs(140_000)
    await until(lambda: len(runs) == 1)
    await costs(130_000)
    assert len(runs) == 1


def condition(name, entity_id, **options):
    given = {"options": options} if options else {}
    return {"condition": f"energy_marketplace.{name}", "target": {"entity_id": entity_id}} | given


async def goes(home, runs):
    before = len(runs)
    home.bus.async_fire("go")
    await home.async_block_till_done()
    return len(runs) > before


async def test_a_delivery_under_way_is_a_condition(home, automate, bought):
    runs = await automate(condition=condition("delivery_under_way", "binary_sensor.washer_delivery"))
    assert not await goes(home, runs)
    await bought()
    await until(lambda: home.states.get("binary_sensor.washer_delivery").state == "on")
    assert await goes(home, runs)


async def test_a_price_below_a_limit_is_a_condition(home, node, automate):
    runs = await automate(condition=condition("price_below", "sensor.sunny_street_price_now", price=0.15))
    assert not await goes(home, runs)
    node.prices = {slot_now(): {"": 140_000}, slot_now() + 1: {"": 140_000}}
    await node.push("round.cleared", {})
    await until(lambda: home.states.get("sensor.sunny_street_price_now").state == "0.14")
    assert await goes(home, runs)


async def test_a_local_surplus_is_a_condition(home, member, automate):
    runs = await automate(condition=condition("local_surplus", "sensor.home_power", power=1_000))
    [meter] = [meter for meter in member.runtime_data.meters.values() if meter.asset.name == "Home"]

    async def flows(watts):
        show(home, watts=watts)
        await meter.async_refresh()
        return await goes(home, runs)

    assert not await flows(500)
    assert not await flows(-900)
    assert await flows(-1_000)
