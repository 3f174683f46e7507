"""Network, node or meter gone, for an hour, a day, at start-up, in mid-delivery: the home goes on.

Each fault is a row of `FAULTS`, each moment a row of `SPANS`; every pair is lived through in quick motion by
a real core, and the same is held against its ledger, its journal and its screens afterwards.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

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
HOUR, DAY = 3_600, 86_400


@dataclass(frozen=True)
class Fault:
    """How something fails and recovers, the one issue that says what to do, and what is not known then."""

    begin: object
    end: object
    issue: str
    unavailable: tuple[str, ...]
    reads: bool
    """Whether the home can still measure."""


async def _silence(world):
    world.meter_is_silent = True
    world.show_meter()


async def _speak(world):
    world.meter_is_silent = False
    world.show_meter()


async def _back(world):
    world.ledger.come_back()
    await until(lambda: world.market.connected)


WALLET = "sensor.wallet_of_bo_balance"
POWER = "sensor.home_power"
FAULTS = {
    "network": Fault(
        lambda world: world.ledger.lose_quorum(),
        lambda world: world.ledger.regain_quorum(),
        "node_problem",
        (),
        reads=True,
    ),
    "node": Fault(lambda world: world.ledger.go_away(), _back, "node_unreachable", (WALLET,), reads=True),
    "meter": Fault(_silence, _speak, "meter_silent", (POWER,), reads=False),
}
SPANS = {"an hour": HOUR, "a day": DAY, "at start-up": HOUR, "in mid-delivery": HOUR}


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_the_home_goes_on_and_everything_is_counted_once(world, fault, span):
    failing, lasts = FAULTS[fault], SPANS[span]
    first = world.slot(2)
    slots = [first, first + 1, world.slot(lasts // SLOT_S + 6)]
    await world.agree(*slots)
    await begin(world, failing, span, first)
    failed = now(world)
    await live_through(world, failing, first, until_s=failed + lasts)
    assert world.issues() == [failing.issue]
    assert {name for name in (WALLET, POWER) if world.state(name) == "unavailable"} == {*failing.unavailable}
    assert len(world.ledger.open_orders(ROOF)) == failing.reads, "what no meter sees is not sold"
    await failing.end(world)
    mended = now(world)
    await world.run(HOUR / 4)
    assert world.issues() == []
    assert "unavailable" not in {world.state(WALLET), world.state(POWER)}
    await world.run_until((slots[-1] + 4) * SLOT_S)
    assert world.state(SWITCH) == "off"
    nothing_was_sold_twice(world)
    readings_are_right(world)
    assert {row["slot"] for row in world.ledger.readings} == {
        slot for slot in slots if can_be_attested(slot, failing, failed, mended)
    }
    await nothing_was_counted_twice(world)


def now(world):
    return world.ledger.stands_since / 1000 if world.ledger.stands_since else world.ledger.time / 1000


async def begin(world, failing, span, first):
    """Let the fault begin: in a delivery, before it, or before the very start."""
    if span == "in mid-delivery":
        await world.run_until((first + 0.5) * SLOT_S)
    if span == "at start-up":
        await world.stop()
    world.planner.think_again()
    await failing.begin(world)
    if span == "at start-up":
        await world.start()


async def live_through(world, failing, first, until_s):
    """Pass the time; the machine runs exactly in its two slots, whatever else is broken."""
    if until_s > (first + 2) * SLOT_S:
        await world.run_until(max((first + 0.6) * SLOT_S, world.ledger.time / 1000))
        assert world.state(SWITCH) == "on"
        assert world.state("binary_sensor.washer_delivery") == "on"
        await world.run_until((first + 1.9) * SLOT_S)
        assert world.state(SWITCH) == "on"
        await world.run_until((first + 2.1) * SLOT_S)
    assert world.state(SWITCH) == "off"
    await world.run_until(until_s)


def nothing_was_sold_twice(world):
    """One wish is one order, at any time: what was offered beside the open one was taken back before."""
    placed = [one for one in world.ledger.submitted if one["kind"] == "order.place"]
    taken_back = [one for one in world.ledger.submitted if one["kind"] == "order.cancel"]
    assert len(world.ledger.open_orders(ROOF)) == 1
    assert len(placed) - len(taken_back) == 1
    most = 0
    for one in world.ledger.submitted:
        most += {"order.place": 1, "order.cancel": -1}.get(one["kind"], 0)
        assert most <= 1


def readings_are_right(world):
    """Each slot has one reading at most, of what flowed in it; they follow each other without a hole."""
    attested = Counter((row["asset"], row["slot"]) for row in world.ledger.readings)
    assert set(attested.values()) <= {1}
    entries = sorted(world.journal.entries.items())
    whole = [entry.reading for _, entry in entries if entry.reading.end.at - entry.reading.start.at > 890_000]
    for reading in whole:
        assert abs(reading.imported_wh - 302.5) <= 1.5, reading
    for before, after in pairwise(whole):
        if after.slot == before.slot + 1:
            assert before.end.imported_wh == after.start.imported_wh
    for row in world.ledger.readings:
        reading = world.journal.entries[row["slot"]].reading
        assert row["imported_wh"] == min(TRADED_WH, reading.imported_wh)
        assert row["commitment"] == world.journal.commitment(row["slot"])


def can_be_attested(slot, failing, failed, mended):
    """Return whether a slot's reading can be with the ledger in time."""
    over, late = (slot + 1) * SLOT_S, (slot + 3) * SLOT_S
    if failing.reads:
        return over < failed or mended < late
    # Of a slot in which the meter fell silent, what was watched until then is proven.
    return not (failed <= slot * SLOT_S and over <= mended)


async def nothing_was_counted_twice(world):
    """What settled is in the sums once, also after a restart."""
    expected = world.ledger.settled_wh()
    await until(lambda: world.bought_wh() == expected)
    assert world.hours_wh() == expected
    await world.stop()
    await world.start()
    assert (world.bought_wh(), world.hours_wh()) == (expected, expected)
    paid = sum(row["paid"] or 0 for row in world.ledger.trades.values())
    assert world.market.book.totals_of(WASHER).spent == paid
