"""Clocks that governments change and seconds that astronomers insert cost no Wh and count none twice."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from custom_components.energy_marketplace.meter.readings import Sample, SlotReading
from custom_components.energy_marketplace.meter.slots import SlotMeter
from tests.ledger_node.ledger.delivery import Delivery
from tests.ledger_node.ledger.street import START

SLOT_S = 900
SLOT_MS = SLOT_S * 1000


def metered(samples):
    meter = SlotMeter(slot_s=SLOT_S, rated_w=36_000)
    return [item for sample in samples for item in meter.feed(sample)]


@pytest.mark.parametrize(
    ("zone", "day", "slots"),
    [
        ("Europe/Berlin", (2026, 3, 29), 92),
        ("Europe/Berlin", (2026, 10, 25), 100),
        ("Europe/Lisbon", (2026, 6, 1), 96),
        ("Australia/Lord_Howe", (2026, 4, 5), 98),  # by half an hour
        ("Asia/Kathmandu", (2026, 10, 25), 96),  # 5:45 ahead of UTC
    ],
)
def test_a_day_of_any_length_is_so_many_whole_slots_and_all_of_its_energy(zone, day, slots):
    start = datetime(*day, tzinfo=ZoneInfo(zone))
    end = (start + timedelta(days=1)).replace(tzinfo=ZoneInfo(zone))
    first, last = (int(one.timestamp()) * 1000 for one in (start, end))
    looks = range(first, last + 1, 60_000)
    readings = metered(Sample(at, 7 * number, number) for number, at in enumerate(looks))
    assert [type(one) for one in readings] == [SlotReading] * slots
    assert [one.slot for one in readings] == list(range(first // SLOT_MS, last // SLOT_MS))
    assert sum(one.imported_wh for one in readings) == 7 * (len(looks) - 1)
    assert sum(one.exported_wh for one in readings) == len(looks) - 1


@pytest.mark.parametrize("offset_ms", [-900, -400, 0, 100, 600])
def test_a_second_that_comes_twice_at_a_slots_end_costs_no_reading(offset_ms):
    """A leap second repeats 23:59:59 on most computers: looks around it overtake each other."""
    end = 1_800_000_000_000 // SLOT_MS * SLOT_MS
    true = [end - SLOT_MS + 500 * number for number in range(2 * SLOT_MS // 500 + 3)]
    shown = [at if at < end + offset_ms else at - 1_000 for at in true]
    readings = metered(Sample(at, number, 0) for number, at in enumerate(shown))
    assert [type(one) for one in readings] == [SlotReading] * 2
    assert readings[0].end == readings[1].start
    assert sum(one.imported_wh for one in readings) == readings[1].end.imported_wh
    assert abs(readings[0].imported_wh - SLOT_MS // 500) <= 2
    assert abs(readings[1].imported_wh - SLOT_MS // 500) <= 2


def test_ledger_time_that_is_asked_to_go_back_a_second_stays_and_settles_once():
    street = Delivery()
    street.ends()
    street.exports(10)
    street.time -= 1_000
    street.imports(10)
    assert street.ledger.time == START + 400_000
    assert street.trade()["settled_wh"] == 10
    assert street.at(399).events == ()
    assert len(street.events("trade.settled")) == 1
