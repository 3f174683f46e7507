"""From the meter to the ledger: slots are cut right, readings wait for the node, a kill changes nothing."""

import asyncio
import copy
import time

import pytest
from homeassistant.helpers import issue_registry as ir

from custom_components.energy_marketplace.attesting import Attester
from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.ledger.answers import Event
from custom_components.energy_marketplace.meter.readings import Gap, Registers, SlotReading
from simulation.devices import FuseBox, Meter, Switched
from simulation.modbus_house import ModbusMeter
from tests.integration.conftest import HOME, WASHER, asset, show
from tests.integration.home.stand_in import StandIn, order_matches, serving, trade
from tests.integration.home.waiting import until
from tests.support.node import free_port

LOAD_W = 36_000
"""10 Wh a second, so that every second of a wrongly cut slot shows."""
SLOT_S = 5


def reading(slot, imported_wh, slot_s=900):
    start, end = slot * slot_s * 1000, (slot + 1) * slot_s * 1000
    return SlotReading(slot, Registers(start, 1_000, 0), Registers(end, 1_000 + imported_wh, 0))


@pytest.fixture
async def attester(member):
    """The attester of a connection point beside the member's own, with an empty journal."""
    market = member.runtime_data.market
    return Attester(market, await market.store.async_journal(HOME))


@pytest.fixture
def slot(node):
    """The slot before the ledger's present one."""
    return node.time // 900_000 - 1


def buy(member, slot, wh, identity="1.0", **more):
    """Let the member's book know a trade in which its connection point buys."""
    row = trade(
        identity, slot, wh, buyer=member.data["address"], buy_asset=WASHER, buy_point=HOME, state="delivering"
    )
    book = member.runtime_data.market.book
    book.apply(Event(book.cursor + 1, 1, 0, "trade.delivering", (), (), None, row | more))


async def test_no_more_is_attested_than_was_traded(node, member, attester, slot):
    buy(member, slot, 300)
    buy(member, slot, 150, identity="1.1")
    await attester.async_keep(reading(slot, 2_000))
    await attester.async_keep(reading(slot - 1, 2_000))
    await attester.async_attest()
    [attested] = node.readings
    assert (attested["asset"], attested["slot"]) == (HOME, slot)
    assert (attested["imported_wh"], attested["exported_wh"]) == (450, 0)
    await attester.async_attest()
    assert len(node.readings) == 1


async def test_no_more_is_attested_than_was_measured(node, member, attester, slot):
    buy(member, slot, 300)
    await attester.async_keep(reading(slot, 120))
    await attester.async_attest()
    assert node.readings[0]["imported_wh"] == 120


async def test_readings_wait_on_disk_until_the_node_is_back(home, node, member, attester, slot, monkeypatch):
    monkeypatch.setattr("custom_components.energy_marketplace.ledger.member._FIRST_WAIT_S", 0)
    buy(member, slot, 300)
    await attester.async_keep(reading(slot, 300))
    client = member.runtime_data.market.member.client
    at_home, client._base = client._base, client._base.with_port(9)
    await attester.async_attest()
    assert node.readings == []
    client._base = at_home
    market = member.runtime_data.market
    after_restart = Attester(market, await market.store.async_journal(HOME))
    await after_restart.async_attest()
    assert node.readings[0]["slot"] == slot


async def test_a_reading_that_is_there_already_is_not_sent_again(node, member, attester, slot):
    buy(member, slot, 300)
    await attester.async_keep(reading(slot, 300))
    node.readings = [
        {
            "asset": HOME,
            "slot": slot,
            "imported_wh": 300,
            "exported_wh": 0,
            "commitment": "00",
            "account": member.data["address"],
            "commit": 1,
            "transaction": "ee" * 32,
        }
    ]
    node.refuse["reading.attest"] = ("reading_exists", "there is one")
    await attester.async_attest()
    node.refuse.clear()
    await attester.async_attest()
    assert node.submitted == []
    assert attester._journal.entries[slot].transaction == "ee" * 32


async def test_a_reading_that_comes_too_late_is_given_up_with_a_word(node, member, attester, slot, caplog):
    buy(member, slot, 300)
    await attester.async_keep(reading(slot, 300))
    node.refuse["reading.attest"] = ("too_late", "the grace is over")
    await attester.async_attest()
    node.refuse.clear()
    await attester.async_attest()
    assert node.readings == []
    assert "did not take the reading" in caplog.text


async def test_a_traded_slot_without_reading_is_told_with_its_reason(member, attester, slot, caplog):
    await attester.async_miss(Gap(slot - 1, slot + 1, 500, 0, ("silent",), complete=True))
    assert "no reading" not in caplog.text
    buy(member, slot, 300)
    await attester.async_miss(Gap(slot - 1, slot + 1, 500, 0, ("silent", "clock"), complete=True))
    assert f"There is no reading of slot {slot}: the meter was not read around a slot's end" in caplog.text
    assert "the clock of this computer was set back. Its trades settle without it" in caplog.text


async def test_a_reading_that_comes_too_early_is_tried_again(node, member, attester, slot):
    buy(member, slot, 300)
    await attester.async_keep(reading(slot, 300))
    node.refuse_once["reading.attest"] = ("slot_not_over", "wait")
    await attester.async_attest()
    assert node.readings == []
    await attester.async_attest()
    assert len(node.readings) == 1


async def test_readings_long_past_their_grace_are_left_alone(node, member, attester, slot):
    buy(member, slot - 10, 300)
    await attester.async_keep(reading(slot - 10, 300))
    await attester.async_attest()
    assert node.submitted == []


async def test_old_secrets_are_dropped(member, attester):
    now = member.runtime_data.market.slot_now()
    for slot in (now - 401 * 96, now - 399 * 96):
        await attester.async_keep(reading(slot, 1))
    await attester.async_tidy()
    assert list(attester._journal.entries) == [now - 399 * 96]


class TestNetNetwork:
    """A network whose genesis asks for every slot's net reading."""

    @pytest.fixture
    async def node(self, home):
        stand_in = StandIn(readings="net")
        async with serving(stand_in) as url:
            stand_in.url = url
            yield stand_in

    async def test_every_slot_is_attested_in_full(self, node, member, attester, slot):
        await attester.async_keep(reading(slot, 2_000))
        await attester.async_attest()
        assert node.readings[0]["imported_wh"] == 2_000


async def test_a_meter_that_stays_silent_is_reported_until_it_speaks(home, member, monkeypatch):
    monkeypatch.setattr("custom_components.energy_marketplace.metering._SILENT_AFTER_S", 0)
    monkeypatch.setattr(type(member.runtime_data.market), "slot_s", 0)
    meter = next(iter(member.runtime_data.meters.values()))
    home.states.async_set("sensor.register", "unavailable")
    await asyncio.sleep(0.01)
    await meter.async_refresh()
    issues = ir.async_get(home).issues
    assert (DOMAIN, f"meter_silent_{member.entry_id}") in issues
    show(home)
    await meter.async_refresh()
    assert (DOMAIN, f"meter_silent_{member.entry_id}") not in issues


class TestKilled:
    """A real meter under a constant load, and a Home Assistant that is killed in the middle of a delivery."""

    @pytest.fixture
    async def node(self, home):
        stand_in = StandIn(slot_s=SLOT_S)
        stand_in.time = int(time.time() * 1000)
        async with serving(stand_in) as url:
            stand_in.url = url
            yield stand_in

    @pytest.fixture
    async def meter(self, home):
        load = Meter([Switched(LOAD_W, LOAD_W, is_on=True)], time.time(), 1_000, 0)
        async with ModbusMeter(FuseBox([load]), load, free_port()) as served:
            yield served

    @pytest.fixture
    def assets(self, meter):
        modbus = {
            "type": "tcp",
            "host": "127.0.0.1",
            "port": meter.port,
            "unit_id": 1,
            "profile": "sdm120",
            "inverted": False,
        }
        return [asset(HOME, "Home", meter=modbus, rated_import_w=40_000)]

    async def test_the_reading_of_the_slot_is_still_right(self, home, node, member, hass_storage):
        slot = await self.middle_of_a_slot()
        sold = {
            "buyer": member.data["address"],
            "buy_asset": WASHER,
            "buy_point": HOME,
            "state": "delivering",
        }
        await node.push_trade(trade("1.0", slot, 1_000, **sold))
        await until(lambda: member.runtime_data.market.book.trades)
        await member.runtime_data.market.store._async_write()
        left_on_disk = copy.deepcopy(dict(hass_storage))
        await home.config_entries.async_unload(member.entry_id)
        hass_storage.clear()
        hass_storage.update(left_on_disk)
        await home.config_entries.async_setup(member.entry_id)
        await until(lambda: node.readings, 2 * SLOT_S)
        [attested] = node.readings
        assert attested["slot"] == slot
        assert attested["imported_wh"] == pytest.approx(LOAD_W * SLOT_S / 3600, abs=1)

    async def middle_of_a_slot(self):
        """Wait for a slot that was watched from its start, and return it when it is half over."""
        slot = int(time.time()) // SLOT_S + 1
        await asyncio.sleep((slot + 0.5) * SLOT_S - time.time())
        return slot


async def test_where_no_reading_is_what_was_watched_is_attested_for_what_was_traded(
    node, member, attester, slot, caplog
):
    buy(member, slot, 300)
    start = slot * 900_000
    part = SlotReading(slot, Registers(start, 1_000, 0), Registers(start + 400_000, 1_120, 0))
    less = SlotReading(slot, Registers(start + 500_000, 1_120, 0), Registers(start + 600_000, 1_130, 0))
    other = SlotReading(slot + 1, Registers(start + 900_000, 0, 0), Registers(start + 950_000, 9, 0))
    await attester.async_miss(Gap(slot, slot + 2, 500, 0, ("silent",), True, (part, less, other)))
    await attester.async_attest()
    [attested] = node.readings
    assert (attested["slot"], attested["imported_wh"]) == (slot, 120)
    assert "There is no reading" not in caplog.text


async def test_a_trade_is_on_disk_in_the_moment_in_which_it_is_agreed(node, member, hass_storage):
    row = trade("1.0", 5, buyer=member.data["address"], buy_asset=WASHER, buy_point=HOME)
    key = f"{DOMAIN}.{member.entry_id}"
    market = member.runtime_data.market
    told = order_matches([row], sells=False)
    await market.async_take(Event(1, 1, 0, "trades.matched", (), (), None, told))
    started = time.monotonic()
    await until(lambda: hass_storage.get(key, {}).get("data", {}).get("book", {}).get("trades"))
    assert time.monotonic() - started < 0.5


async def test_a_removed_asset_leaves_neither_state_nor_journal(home, member):
    market = member.runtime_data.market
    journal = await market.store.async_journal(HOME)
    await journal.add(reading(5, 100))
    [point] = [one.subentry_id for one in member.subentries.values() if one.unique_id == HOME]
    [washer] = [one.subentry_id for one in member.subentries.values() if one.unique_id == WASHER]
    home.config_entries.async_remove_subentry(member, washer)
    home.config_entries.async_remove_subentry(member, point)
    await home.async_block_till_done()
    store = member.runtime_data.market.store
    assert not [name for name in store._data() if name.startswith("meter ")]
    assert not journal._storage._path.exists()


async def test_what_was_watched_is_rescued_when_its_grace_is_about_to_end_and_only_if_it_was_traded(
    member, attester
):
    now = member.runtime_data.market.slot_now()
    parts = [
        SlotReading(slot, Registers(slot * 900_000, 0, 0), Registers(slot * 900_000 + 60_000, wh, 0))
        for slot, wh in ((now - 1, 9), (now - 2, 4), (now - 2, 7), (now - 3, 5))
    ]
    for slot in (now - 1, now - 2):
        buy(member, slot, 300, identity=f"1.{slot}")
    await attester.async_rescue(parts)
    assert {slot: entry.reading.imported_wh for slot, entry in attester.journal.entries.items()} == {
        now - 2: 7
    }


class TestNet:
    """A network that wants every slot's net reading takes no parts of one."""

    @pytest.fixture
    async def node(self, home):
        stand_in = StandIn(readings="net")
        async with serving(stand_in) as url:
            stand_in.url = url
            yield stand_in

    async def test_what_was_watched_is_not_rescued_as_one(self, node, member, attester):
        slot = member.runtime_data.market.slot_now() - 2
        buy(member, slot, 300)
        part = SlotReading(slot, Registers(slot * 900_000, 0, 0), Registers(slot * 900_000 + 9, 5, 0))
        await attester.async_rescue([part])
        assert dict(attester.journal.entries) == {}

    async def test_a_part_of_a_slot_is_no_net_reading(self, node, member, attester, slot):
        buy(member, slot, 300)
        part = SlotReading(slot, Registers(slot * 900_000, 0, 0), Registers(slot * 900_000 + 9, 5, 0))
        await attester.async_miss(Gap(slot, slot + 1, 5, 0, ("silent",), True, (part,)))
        await attester.async_attest()
        assert node.readings == []
