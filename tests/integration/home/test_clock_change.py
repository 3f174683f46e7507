"""Slots count seconds since the epoch: a night with one hour more or less has as many slots as it lasts."""

from datetime import UTC, datetime

import pytest
from homeassistant.util import dt as dt_util

from custom_components.energy_marketplace.ledger.units import slot_at, slot_start_ms
from tests.integration.conftest import WASHER
from tests.integration.home.stand_in import trade
from tests.integration.home.waiting import until

SLOT_S = 900
NIGHTS = {
    # the half hour before Lisbon's clocks change, and how long that day is
    "forward": (datetime(2027, 3, 28, 0, 30, tzinfo=UTC), 23),
    "back": (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), 25),
}


@pytest.fixture
async def lisbon(home):
    await home.config.async_set_time_zone("Europe/Lisbon")


@pytest.mark.parametrize("night", NIGHTS)
async def test_a_delivery_through_the_change_of_the_clocks_lasts_as_long_as_it_lasts(
    home, node, member, lisbon, night
):
    begins, _ = NIGHTS[night]
    first = slot_at(int(begins.timestamp() * 1000), SLOT_S)
    mine = {"buyer": member.data["address"], "buy_asset": WASHER}
    for place in range(4):
        await node.push_trade(trade(f"1.{place}", first + place, 250, **mine))
    await until(lambda: len(member.runtime_data.market.book.trades) == 4)
    answer = await home.services.async_call(
        "calendar",
        "get_events",
        {
            "entity_id": "calendar.washer_deliveries",
            "start_date_time": begins.isoformat(),
            "duration": {"hours": 3},
        },
        blocking=True,
        return_response=True,
    )
    (event,) = answer["calendar.washer_deliveries"]["events"]
    start, end = (datetime.fromisoformat(event[edge]) for edge in ("start", "end"))
    assert (start, (end - start).total_seconds()) == (begins, 4 * SLOT_S)
    assert start.utcoffset() != end.utcoffset()
    assert event["summary"] == "↓ 1 kWh"


@pytest.mark.parametrize("night", NIGHTS)
async def test_a_local_day_has_a_slot_for_each_of_its_quarters(home, lisbon, night):
    begins, hours = NIGHTS[night]

    midnight = dt_util.start_of_local_day(dt_util.as_local(begins))
    following = dt_util.start_of_local_day(midnight.date().replace(day=midnight.day + 1))
    slots = [slot_at(int(day.timestamp() * 1000), SLOT_S) for day in (midnight, following)]
    assert slots[1] - slots[0] == hours * 4
    assert slot_start_ms(slots[1], SLOT_S) == following.timestamp() * 1000
