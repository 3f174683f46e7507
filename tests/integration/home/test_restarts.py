"""Home Assistant restarted at the worst moments, and nights in which the clocks change.

A clean restart writes everything down first; a power cut leaves what was on disk in that very moment.
"""

from datetime import datetime

import pytest

from tests.integration.conftest import WASHER
from tests.integration.home.waiting import until
from tests.integration.home.world import (
    ROOF,
    SLOT_S,
    SWITCH,
    TRADED_WH,
    assets,
    begins,
    clock,
    home,
    node,
    world,
)

__all__ = ["assets", "begins", "clock", "home", "node", "world"]

HOUR = 3_600
RESTARTS = ("clean", "power cut")


async def restart(world, how):
    if how == "clean":
        await world.stop()
    else:
        await world.crash()
    await world.start()


async def watch(world, until_s):
    """Let the last minute pass as it does: the meter is read every ten seconds."""
    await world.run_until(until_s - 60)
    for left in range(50, -1, -10):
        await world.jump(until_s - left)


@pytest.mark.parametrize("arrives", [True, False], ids=["arrived", "never arrived"])
async def test_a_power_cut_while_an_order_is_placed_places_it_once(world, arrives):
    world.planner.think_again()
    left = {}

    def cut():
        left.update(left or world.on_disk())
        return arrives and len(left) and not world.ledger.open_orders(ROOF)

    world.ledger.on_order = cut
    await world.entry.runtime_data.agent.async_run()
    assert left, "no order was sent"
    await world.crash(left)
    world.ledger.on_order = None
    await world.start()
    await world.run(2 * HOUR)
    [order] = world.ledger.open_orders(ROOF)
    assert order["order"]["slots"] == {str(world.planner.slot): 500}
    assert world.market.book.placed_by[order["id"]] == "automatic_trading"
    assert len(world.market.outbox) == 0
    placed = [one for one in world.ledger.submitted if one["kind"] == "order.place"]
    assert len(placed) == 2, "one before, one now"


@pytest.mark.parametrize("how", RESTARTS)
async def test_an_order_whose_fate_was_open_is_not_placed_again_after_a_restart(world, how):
    await world.ledger.lose_quorum()
    world.planner.think_again()
    await world.run(600)
    assert len(world.market.outbox) == 1
    await restart(world, how)
    assert len(world.market.outbox) == 1
    await world.run(HOUR)
    assert [one["kind"] for _, one in world.ledger.waiting if one["kind"] == "order.place"] == ["order.place"]
    await world.ledger.regain_quorum()
    await world.run(HOUR)
    assert len(world.ledger.open_orders(ROOF)) == 1
    assert len(world.market.outbox) == 0


@pytest.mark.parametrize("how", RESTARTS)
async def test_a_reading_that_is_not_attested_yet_waits_on_disk(world, how):
    slot = world.slot()
    await world.agree(slot)
    await world.ledger.go_away()
    await world.run_until((slot + 1) * SLOT_S + 30)
    assert world.journal.entries[slot].transaction is None
    await restart(world, how)
    assert world.ledger.readings == []
    world.ledger.come_back()
    await until(lambda: world.market.connected)
    await world.run(300)
    assert [row["slot"] for row in world.ledger.readings] == [slot]
    assert world.journal.entries[slot].transaction == world.ledger.readings[0]["transaction"]
    await is_counted_once(world, TRADED_WH)


@pytest.mark.parametrize("how", RESTARTS)
async def test_a_delivery_goes_on_over_a_restart_and_is_measured_whole(world, how):
    first = world.slot(1)
    await world.agree(first, first + 1)
    await watch(world, (first + 0.5) * SLOT_S)
    assert world.state(SWITCH) == "on"
    await restart(world, how)
    assert world.state(SWITCH) == "on"
    await world.run_until((first + 1.9) * SLOT_S)
    assert world.state(SWITCH) == "on"
    await world.run_until((first + 2.1) * SLOT_S)
    assert world.state(SWITCH) == "off"
    await world.run_until((first + 3) * SLOT_S)
    is_measured(world, first, first + 1)
    await is_counted_once(world, 2 * TRADED_WH)


@pytest.mark.parametrize("how", RESTARTS)
async def test_a_delivery_that_ends_while_home_assistant_is_off_is_ended_at_its_start(world, how):
    slot = world.slot(1)
    await world.agree(slot)
    await world.run_until((slot + 0.5) * SLOT_S)
    assert world.state(SWITCH) == "on"
    if how == "clean":
        await world.stop()
    else:
        await world.crash()
    await world.jump((slot + 1.5) * SLOT_S)
    await world.start()
    assert world.state(SWITCH) == "off"


@pytest.mark.parametrize("how", RESTARTS)
async def test_a_restart_across_the_end_of_a_slot_loses_nothing_of_it(world, how):
    slot = world.slot(1)
    await world.agree(slot)
    await watch(world, (slot + 1) * SLOT_S - 5)
    if how == "clean":
        await world.stop()
    else:
        await world.crash()
    await world.jump((slot + 1) * SLOT_S + 5)
    await world.start()
    await world.run(300)
    is_measured(world, slot)
    await is_counted_once(world, TRADED_WH)


def is_measured(world, *slots):
    """Each slot was attested once, with what flowed in it."""
    assert sorted(row["slot"] for row in world.ledger.readings) == sorted(slots)
    for slot in slots:
        assert abs(world.journal.entries[slot].reading.imported_wh - 302.5) <= 1.5


async def is_counted_once(world, expected):
    await until(lambda: world.bought_wh() == expected)
    await restart(world, "clean")
    await restart(world, "power cut")
    assert (world.bought_wh(), world.hours_wh()) == (expected, expected)
    assert world.ledger.settled_wh() == expected


NIGHTS = {"forward": ("2026-03-28 22:40:00", 23), "back": ("2026-10-24 21:40:00", 25)}
"""Twenty minutes before a day in Vienna, and how many hours it has."""


@pytest.mark.parametrize(("begins", "hours"), NIGHTS.values(), ids=NIGHTS)
async def test_a_day_on_which_the_clocks_change_is_traded_and_measured_whole(home, world, hours):
    await home.config.async_set_time_zone("Europe/Vienna")
    first = world.slot(1)
    start = datetime.fromtimestamp(first * SLOT_S, tz=world.zone)
    end = datetime.fromtimestamp((first + hours * 4) * SLOT_S, tz=world.zone)
    assert (start.hour, start.minute, end.hour, end.minute) == (0, 0, 0, 0)
    assert (end.date() - start.date()).days == 1
    slots = range(first, first + hours * 4)
    await world.agree(*slots)
    for hour in range(hours):
        await world.run_until((first + hour * 4 + 0.4) * SLOT_S)
        assert world.state(SWITCH) == "on"
    assert len(world.market.deliveries_of(WASHER)) == 1
    await world.run_until((slots[-1] + 1.2) * SLOT_S)
    assert world.state(SWITCH) == "off"
    is_measured(world, *slots)
    await until(lambda: world.bought_wh() == len(slots) * TRADED_WH)
    assert {hour.bought_wh for hour in world.market.hours.hours.values()} == {4 * TRADED_WH}
    assert len(world.market.hours.hours) == hours
    await is_counted_once(world, len(slots) * TRADED_WH)
