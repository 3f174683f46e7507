"""The logbook of a real core tells what was agreed and paid, with its figures."""

from datetime import timedelta

import pytest
from homeassistant.components.logbook import _process_logbook_platform
from homeassistant.components.logbook.const import DOMAIN as LOGBOOK
from homeassistant.components.logbook.helpers import async_determine_event_types
from homeassistant.components.logbook.models import LogbookConfig
from homeassistant.components.logbook.processor import EventProcessor
from homeassistant.components.recorder import get_instance
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.components.recorder.common import async_wait_recording_done

from custom_components.energy_marketplace import logbook
from custom_components.energy_marketplace.const import DOMAIN, EVENT_NEWS
from tests.integration.conftest import HOME, WASHER
from tests.integration.home.stand_in import trade
from tests.integration.home.test_running import SETTLED, slot_now
from tests.integration.home.waiting import until

SLOT_S = 900


@pytest.fixture
def home(recorder_mock, home):
    """A core that records and whose logbook knows this integration."""
    home.data[LOGBOOK] = LogbookConfig({}, None, None)
    return home


@pytest.fixture
def read(home, member):
    """Return the lines of the logbook, all or those of some entities."""

    async def lines(entity_ids=None):
        _process_logbook_platform(home, DOMAIN, logbook)
        await async_wait_recording_done(home)
        types = async_determine_event_types(home, entity_ids, None)
        processor = EventProcessor(home, types, entity_ids=entity_ids)
        begin, end = dt_util.utcnow() - timedelta(hours=1), dt_util.utcnow() + timedelta(hours=1)
        rows = await get_instance(home).async_add_executor_job(processor.get_events, begin, end)
        return [row for row in rows if row.get("domain") == DOMAIN]

    return lines


@pytest.fixture
def told(home):
    heard = []
    home.bus.async_listen(EVENT_NEWS, heard.append)
    return heard


async def step(node, member, step_, *, sells=False, **more):
    side = ("seller", "sell_asset") if sells else ("buyer", "buy_asset")
    mine = {side[0]: member.data["address"], side[1]: WASHER, "buy_point": HOME, "sell_point": HOME}
    await node.push_trade(trade("1.0", slot_now(), **mine | more | {"state": step_}))


async def test_a_trade_is_told_with_its_energy_and_its_price(node, member, told, read):
    await step(node, member, "matched")
    await until(lambda: told)
    [line] = await read()
    begins = dt_util.as_local(dt_util.utc_from_timestamp(slot_now() * SLOT_S))
    assert (line["name"], line["entity_id"]) == ("Washer", "event.washer_trade")
    assert line["message"] == f"agreed to buy 0.3 kWh at 0.155 EUR/kWh from {begins:%H:%M}"
    assert [one["message"] for one in await read(["event.washer_trade"])] == [line["message"]]
    assert await read(["event.washer_order"]) == []


async def test_what_it_came_to_is_told_once_and_steps_between_are_not(home, node, member, told, read):
    for state in ("delivering", "metered"):
        await step(node, member, state)
    await step(node, member, "settled", **SETTLED | {"buyer_penalty": 2_000_000})
    await until(lambda: told)
    await until(lambda: home.states.get("event.wallet_of_bo_payment").state != "unknown")
    assert [line["message"] for line in await read()] == [
        "bought 0.3 of 0.3 kWh and paid 0.0465 EUR, penalty 0.002 EUR"
    ]


async def test_a_sale_and_a_missing_reading_are_told(node, member, told, read):
    await step(node, member, "overdue", sells=True)
    await step(node, member, "settled", sells=True, **SETTLED)
    await until(lambda: len(told) == 2)
    overdue, settled = [line["message"] for line in await read()]
    assert overdue.startswith("has no reading yet of the 0.3 kWh that were agreed from ")
    assert settled == "sold 0.3 of 0.3 kWh and earned 0.045 EUR"


async def test_orders_and_payments_are_told(node, member, told, read):
    me = member.data["address"]
    for kind, state in (("offer", "placed"), ("fixed", "lapsed"), ("fixed", "placed"), ("fixed", "filled")):
        order = {"type": kind, "price": 220_000, "slots": {"1": 3_000}}
        row = {"id": state + kind, "account": me, "asset": WASHER, "order": order, "state": state}
        row |= {"filled_wh": 1_000, "held": 1, "placed": 1, "commit": 1}
        await node.push(f"order.{state}", row, (me,), (WASHER,))
    received, paid = (
        {"to": me, "from": "x", "amount": 1_234_567_000_000_000},
        {"to": "x", "from": me, "amount": 1_219_310},
    )
    for transfer in (received, paid):
        await node.push("transfer", {"memo": None, **transfer}, (me,))
    await until(lambda: len(told) == 5)
    assert [line["message"] for line in await read()] == [
        "offers 3 kWh for at least 0.22 EUR/kWh",
        "found neighbours for 1 of 3 kWh until its order lapsed",
        "asks for 3 kWh for at most 0.22 EUR/kWh",
        "received 1234567 EUR",
        "paid 0.0012 EUR",
    ]


async def test_the_change_of_the_event_entity_is_said_to_come_from_it(home, node, member, told):
    await step(node, member, "matched")
    await until(lambda: told)
    assert home.states.get("event.washer_trade").context.id == told[0].context.id
