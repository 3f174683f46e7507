"""Whole days of a meter: known only when both midnights are."""

from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_marketplace.meter.days import BRIDGED_MS, DAY_MS, DayCount, DayMeter
from custom_components.energy_marketplace.meter.readings import Registers

MINUTE = 60_000


def looks(*shown):
    """Return what a meter made of looks: (minutes since day 100 began, imported, exported)."""
    meter = DayMeter()
    found = [meter.feed(Registers(100 * DAY_MS + int(at * MINUTE), *rest)) for at, *rest in shown]
    return [count for count in found if count]


DAY = DAY_MS // MINUTE


def test_a_day_is_counted_from_midnight_to_midnight():
    counted = looks((-5, 100, 0), (5, 200, 0), (700, 900, 50), (DAY - 5, 1_000, 60), (DAY + 5, 1_100, 60))
    assert counted == [DayCount(100, 900, 60)]


def test_a_day_whose_midnight_was_missed_is_not_guessed():
    hours = BRIDGED_MS / MINUTE + 1
    assert looks((-5, 100, 0), (5, 200, 0), (DAY - 5, 1_000, 0), (DAY - 5 + hours, 1_100, 0)) == []
    assert looks((5, 200, 0), (DAY - 5, 1_000, 0), (DAY + 5, 1_100, 0)) == []


def test_a_day_in_which_the_meter_began_anew_is_not_guessed():
    assert looks((-5, 100, 0), (5, 200, 0), (50, 3, 0), (DAY - 5, 10, 0), (DAY + 5, 11, 0)) == []


def test_the_day_after_a_gap_counts_again():
    one, two = DAY, 2 * DAY
    shown = (5, 0, 0), (one - 5, 10, 0), (one + 5, 20, 0), (two - 5, 30, 0), (two + 5, 40, 0)
    assert looks(*shown) == [DayCount(101, 20, 0)]


@given(st.lists(st.integers(0, 400), min_size=300, max_size=600))
def test_days_that_follow_each_other_add_up_to_the_registers_and_survive_restarts(steps):
    meter, total, counts, at = DayMeter(), 0, [], 0
    for step in steps:
        total, at = total + step, at + 13 * MINUTE
        if (count := meter.feed(Registers(at, total, 0))) is not None:
            counts.append(count)
        meter = DayMeter.from_dict(meter.as_dict())
    assert [one.day for one in counts] == list(range(1, at // DAY_MS))
    assert sum(one.imported_wh for one in counts) <= total
    assert all(one.imported_wh >= 0 and one.exported_wh == 0 for one in counts)
