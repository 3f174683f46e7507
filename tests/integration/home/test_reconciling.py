"""What only an event would ever tell: at each connection the home is held against the ledger's state."""

import pytest

from custom_components.energy_marketplace import coordinator
from custom_components.energy_marketplace.ledger import events
from custom_components.energy_marketplace.ledger.client import NodeProblemError
from tests.integration.conftest import HOME, WASHER
from tests.integration.home.stand_in import trade
from tests.integration.home.test_metering import buy, reading
from tests.integration.home.test_running import SETTLED, bought, slot_now, state
from tests.integration.home.waiting import until

CATCHING_UP = {"in_sync": False, "problem": "Catching up.", "commit": 0}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(events, "FIRST_RETRY_S", 0.05)
    monkeypatch.setattr(coordinator, "_REFRESH_COOLDOWN_S", 0.01)


@pytest.fixture
def market(member):
    return member.runtime_data.market


@pytest.fixture
def again(node, market):
    """Break the connection, wait until it is there again and all was compared."""

    async def connected():
        times = market.reconciler.times
        await node.hang_up()
        await until(lambda: market.reconciler.times > times and market.connected)

    return connected


@pytest.fixture
async def ordered(node, member, market):
    """An open order of the washer, of which the home knows."""
    row = {"id": "0d", "account": member.data["address"], "asset": WASHER, "state": "open", "commit": 1}
    row |= {
        "order": {"type": "fixed", "price": 1, "slots": {"9": 300}},
        "filled_wh": 0,
        "held": 1,
        "placed": 1,
    }
    node.orders["0d"] = row
    await node.push("order.placed", row, (member.data["address"],))
    await until(lambda: market.book.orders)
    return row


async def test_an_asset_that_the_ledger_shows_retired_goes_though_no_event_told_it(home, node, member, again):
    row = {"account": member.data["address"], "asset_type": "appliance", "name": "Washer", "behind": HOME}
    row |= {"rated_import_w": 3_600, "rated_export_w": 0, "feeder": "", "source": None}
    node.assets[WASHER] = row | {"id": WASHER, "state": "active"}
    await again()
    assert len(member.subentries) == 2
    node.assets[WASHER]["state"] = "retired"
    await node.hang_up()
    await until(lambda: len(member.subentries) == 1)
    await home.async_block_till_done()
    assert home.states.get("sensor.washer_power") is None
    assert WASHER in member.runtime_data.market.store.retired


async def test_an_order_that_the_ledger_no_longer_knows_leaves(home, node, market, ordered, again):
    await again()
    assert list(market.book.orders) == ["0d"]
    del node.orders["0d"]
    await again()
    assert market.book.orders == {}
    assert state(home, "sensor.washer_open_order_price") == "unknown"


async def test_an_order_and_a_trade_of_which_no_event_told_are_there(node, member, market, again):
    row = trade("7.0", slot_now() + 3, buyer=member.data["address"], buy_asset=WASHER, buy_point=HOME)
    node.trades["7.0"] = row
    node.orders["0e"] = {
        "id": "0e",
        "account": member.data["address"],
        "asset": WASHER,
        "order": {"type": "fixed", "price": 1, "slots": {"9": 300}},
        "state": "open",
        "filled_wh": 0,
        "held": 1,
        "placed": 1,
        "commit": 1,
    }
    await again()
    assert (list(market.book.trades), list(market.book.orders)) == (["7.0"], ["0e"])


async def test_a_trade_that_settled_unheard_counts_and_one_that_is_gone_leaves(node, member, market, again):
    for identity in ("1.0", "1.1"):
        await node.push_trade(bought(member, identity=identity))
    await until(lambda: len(market.book.trades) == 2)
    node.trades["1.0"] |= SETTLED
    del node.trades["1.1"]
    await again()
    assert [one.state for one in market.book.trades.values()] == ["settled"]
    assert market.book.totals_of(WASHER).bought_wh == 300


async def test_while_a_restored_node_catches_up_what_was_agreed_still_happens(
    home, node, member, market, ordered
):
    await node.push_trade(bought(member, identity="1.0", **SETTLED))
    await node.push_trade(bought(member, identity="1.1"))
    await until(lambda: state(home, "binary_sensor.washer_delivery") == "on")
    past, kept, orders = node.events, dict(node.trades), dict(node.orders)
    node.events, node.trades, node.orders = past[:1], {}, {}
    node.network_more = CATCHING_UP
    await node.hang_up()
    await until(lambda: not market.connected)
    await until(lambda: market.connected and market.data.network.problem)
    assert not await market.reconciler.async_reconcile()
    assert state(home, "binary_sensor.washer_delivery") == "on"
    assert list(market.book.orders) == ["0d"]
    node.trades, node.orders, node.network_more = kept, orders, {}
    async with node.news:
        node.events = past
        node.news.notify_all()
    await node.push_trade(bought(member, identity="1.1", **SETTLED))
    await until(lambda: market.book.totals_of(WASHER).bought_wh == 600)
    await market.async_refresh()
    assert await market.reconciler.async_reconcile()
    assert market.book.totals_of(WASHER).bought_wh == 600
    assert market.book.cursor == len(past)


async def test_automatic_trading_orders_nothing_before_it_is_known_what_stands(node, member, market):
    node.network_more = CATCHING_UP
    market.book.commit = 5
    market.reconciler.note_connected()
    assert not await member.runtime_data.agent._may_order()
    node.network_more = {}
    assert await member.runtime_data.agent._may_order()


async def test_a_list_that_was_overtaken_by_an_event_is_read_again(node, market, ordered, monkeypatch):
    read = market.member.client.assets

    async def overtaken(**told):
        market.book.cursor += 1
        return await read(**told)

    monkeypatch.setattr(market.member.client, "assets", overtaken)
    market.reconciler.note_connected()
    del node.orders["0d"]
    assert not await market.reconciler.async_reconcile()
    assert list(market.book.orders) == ["0d"]
    monkeypatch.undo()
    assert await market.reconciler.async_reconcile()
    assert market.book.orders == {}


async def test_what_a_node_will_not_say_of_a_trade_does_not_make_it_gone(node, member, market):
    await node.push_trade(bought(member, identity="1.0"))
    await until(lambda: market.book.trades)
    kept = node.trades.pop("1.0")
    node.answers["trades/1.0"] = {"nonsense": True}
    await node.hang_up()
    await until(lambda: not market.connected)
    await until(lambda: market.connected)
    with pytest.raises(NodeProblemError):
        await market.reconciler.async_reconcile()
    assert list(market.book.trades) == ["1.0"]
    node.answers.clear()
    node.trades["1.0"] = kept
    assert await market.reconciler.async_reconcile()


async def test_a_reading_that_a_restored_ledger_lost_is_attested_again(node, member, market):
    meter = next(one for one in member.runtime_data.meters.values() if one.asset.id == HOME)
    slot = node.time // 900_000 - 2
    buy(member, slot, 300)
    await meter._attester.async_keep(reading(slot, 2_000))
    await meter._attester.async_attest()
    await meter._attester.async_attest()
    assert [row["slot"] for row in node.readings] == [slot]
    node.readings.clear()
    market.reconciler.times += 1
    await meter._attester.async_attest()
    assert [row["slot"] for row in node.readings] == [slot]
    assert meter.journal.entries[slot].transaction == node.readings[0]["transaction"]
