"""What the agent learns, and how it looks ahead."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_marketplace.trading.daytable import KEPT_DAYS, DayTable
from custom_components.energy_marketplace.trading.forecast import (
    NOTHING,
    UNKNOWN,
    Forecast,
    Quantiles,
    base_of,
    spread_hours,
)
from custom_components.energy_marketplace.trading.memory import ErrorFigures, Memory

SLOT_S = 900
MONDAY = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp()) // SLOT_S
PER_DAY = 96

quantiles = st.tuples(*[st.floats(0, 5_000)] * 3).map(lambda three: Quantiles(*sorted(three)))


def ms(slot):
    return slot * SLOT_S * 1000


def filled(days, base=lambda _: 100.0, production=lambda _: 0.0, zone=UTC):
    """Return a memory that has seen some days, which end when the Monday begins."""
    memory = Memory(SLOT_S, zone)
    for slot in range(MONDAY - days * PER_DAY, MONDAY):
        memory.note(slot, base(slot), production(slot))
    return memory


def sun(slot, cloud=1.0):
    hour = slot % PER_DAY / 4
    return cloud * max(0.0, 1_000 * np.sin(np.pi * (hour - 6) / 12)) if 6 < hour < 18 else 0.0


@given(quantiles, st.floats(0.1, 0.9), st.floats(0.1, 0.9))
def test_more_certainty_never_means_more_energy(energy, one, other):
    low, high = sorted((one, other))
    assert energy.low - 1e-6 <= energy.at(low) <= energy.at(high) + 1e-6 <= energy.high + 2e-6
    assert energy.low <= energy.mean + 1e-6
    assert energy.mean <= energy.high + 1e-6


@given(quantiles, quantiles)
def test_a_difference_is_as_uncertain_as_both_parts_together(one, other):
    difference = one.minus(other)
    assert difference.middle == one.middle - other.middle
    assert difference.high - difference.middle >= max(one.high - one.middle, other.middle - other.low) - 1e-6
    assert difference.low >= one.low - other.high - 1e-6


def test_a_slot_that_is_left_out_is_nothing():
    assert Forecast()[5] == NOTHING
    assert UNKNOWN.mean == 0.0


def test_the_base_load_is_the_whole_home_less_its_metered_assets():
    point = {1: 400, 2: -900, 3: 100, 4: 50}
    roof, car = {1: 0, 2: -1_200, 3: -20}, {1: 300, 2: 0, 3: 200, 4: 0}
    assert base_of(point, [roof, car]) == {1: 100, 2: 300, 3: 0}
    assert base_of(point, []) == {1: 400, 2: 0, 3: 100, 4: 50}


@pytest.mark.parametrize(("slot_s", "parts"), [(900, 4), (3_600, 1), (60, 60)])
def test_an_hour_is_spread_over_its_slots(slot_s, parts):
    slots = spread_hours({7_200_000: 600.0}, slot_s)
    assert slots == pytest.approx({7_200 // slot_s + place: 600 / parts for place in range(parts)})


def test_habits_are_told_by_weekday_and_time_of_day():
    def base(slot):
        day, hour = (slot - MONDAY) // PER_DAY % 7, slot % PER_DAY // 4
        return 50 + 500 * (hour == 19 and day < 5) + 300 * (hour == 11 and day >= 5)

    memory = filled(28, base)
    week = memory.outlook(ms(MONDAY), range(MONDAY, MONDAY + 7 * PER_DAY)).base
    for day in range(7):
        evening, noon = (week[MONDAY + day * PER_DAY + hour * 4 + 2].middle for hour in (19, 11))
        assert (evening > 400) == (day < 5)
        assert (noon > 250) == (day >= 5)


def test_what_was_lately_counts_most():
    memory = filled(28, lambda slot: 300.0 if slot > MONDAY - 14 * PER_DAY else 100.0)
    assert memory.outlook(ms(MONDAY), [MONDAY + 40]).base[MONDAY + 40].mean > 200


@given(st.integers(0, 3))
def test_little_history_makes_cautious(days):
    known = filled(days).outlook(ms(MONDAY), [MONDAY + 40]).base[MONDAY + 40]
    if days == 0:
        assert known == UNKNOWN
    else:
        assert known.low <= 100 * (1 - 1 / (1 + days)) + 1e-6
        assert known.high >= 100 * (1 + 2 / (1 + days)) - 1e-6


def test_the_present_hour_moves_the_next_ones():
    memory = filled(14)
    now = MONDAY + 40
    for slot in range(MONDAY, now):
        memory.note(slot, 100.0 + 200.0 * (slot >= now - 4), 0.0)
    ahead = memory.outlook(ms(now), range(now, now + 20)).base
    assert ahead[now].middle > 200
    assert ahead[now + 19].middle < 105


def test_sunshine_is_what_clear_days_gave_less_the_usual_clouds():
    memory = filled(14, production=lambda slot: sun(slot, (1.0, 0.4)[slot // PER_DAY % 2]))
    noon = MONDAY + 48
    expected = memory.outlook(ms(MONDAY), range(MONDAY, MONDAY + PER_DAY)).production
    assert expected[MONDAY + 4] == Quantiles(0.0, 0.0, 0.0)
    assert 350 < expected[noon].low < 450
    assert 600 < expected[noon].middle < 800
    assert 950 < expected[noon].high < 1_050


@pytest.mark.parametrize(("cloud", "least", "most"), [(0.2, 100, 400), (1.0, 700, 1_050)])
def test_the_sky_of_the_last_hour_tells_of_the_next(cloud, least, most):
    memory = filled(14, production=lambda slot: sun(slot, (1.0, 0.2)[slot // PER_DAY % 2]))
    now = MONDAY + 46
    for slot in range(MONDAY, now):
        memory.note(slot, 100.0, sun(slot, cloud))
    assert least < memory.outlook(ms(now), [now]).production[now].middle < most


def test_no_history_promises_no_sunshine():
    assert Memory(SLOT_S).outlook(ms(MONDAY), [MONDAY]).production[MONDAY] == NOTHING


def test_a_solar_forecast_is_trusted_as_far_as_it_was_right():
    memory = filled(14)
    solar = {slot: sun(slot) for slot in range(MONDAY, MONDAY + 4 * PER_DAY)}
    before = memory.outlook(ms(MONDAY), [MONDAY + 48], solar).production[MONDAY + 48]
    assert (before.low, before.middle, before.high) == pytest.approx((400, 1_000, 1_400))
    for slot in range(MONDAY, MONDAY + 3 * PER_DAY):
        memory.remember(memory.outlook(ms(slot - 2), [slot], solar), ms(slot - 2))
        memory.note(slot, 100.0, 0.7 * solar[slot])
    start = MONDAY + 3 * PER_DAY
    after = memory.outlook(ms(start), [start + 48], solar).production[start + 48]
    assert (after.low, after.middle, after.high) == pytest.approx((700, 700, 700), rel=0.01)


def test_errors_are_told_as_they_were():
    memory = filled(14)
    for slot in range(MONDAY, MONDAY + 10):
        memory.remember(memory.outlook(ms(slot - 2), [slot]), ms(slot - 2))
        memory.note(slot, 160.0 if slot % 2 else 100.0, None)
    base = memory.errors.base
    assert base.slots == 10
    assert base.bias_wh < -10
    assert base.mean_absolute_wh >= -base.bias_wh
    assert memory.errors.production == ErrorFigures()


@given(st.lists(st.integers(-500, 500), min_size=1, max_size=50))
def test_error_figures_are_means(errors):
    figures = ErrorFigures()
    for error in errors:
        figures = figures.with_error(error)
    assert figures.mean_absolute_wh == pytest.approx(np.mean(np.abs(errors)))
    assert figures.bias_wh == pytest.approx(np.mean(errors))


def test_a_forecast_counts_as_it_was_when_its_slot_could_still_be_traded():
    memory = filled(14)
    memory.remember(memory.outlook(ms(MONDAY), [MONDAY, MONDAY + 1]), ms(MONDAY))
    memory.note(MONDAY, 100.0, 0.0)
    memory.note(MONDAY + 1, 100.0, 0.0)
    assert memory.errors.base.slots == 0


@pytest.mark.parametrize("change", ["2026-03-29", "2026-10-25"])
def test_habits_stay_at_their_local_hour_when_clocks_change(change):
    """A home that cooks at seven in the evening does so before and after; its slots in UTC move."""
    zone = ZoneInfo("Europe/Lisbon")
    memory = Memory(SLOT_S, zone)
    end = int(datetime.fromisoformat(f"{change}T00:00:00+00:00").timestamp()) // SLOT_S
    for slot in range(end - 14 * PER_DAY, end):
        hour = datetime.fromtimestamp(slot * SLOT_S, zone).hour
        memory.note(slot, 900.0 if hour == 19 else 100.0, 0.0)
    expected = memory.outlook(ms(end), range(end, end + 2 * PER_DAY)).base
    for slot, energy in expected.slots.items():
        local = datetime.fromtimestamp(slot * SLOT_S, zone)
        if local.minute in (15, 30):
            assert (energy.middle > 500) == (local.hour == 19)


def test_what_a_recorder_kept_is_a_start_and_overwrites_nothing():
    memory = Memory(SLOT_S)
    memory.note(MONDAY - PER_DAY + 40, 500.0, None)
    hours = {ms(MONDAY - PER_DAY + 4 * hour): 400.0 for hour in range(24)}
    memory.seed_hours(hours, hours)
    expected = memory.outlook(ms(MONDAY), range(MONDAY, MONDAY + PER_DAY)).base
    assert expected[MONDAY + 20].middle == 100.0
    assert (expected[MONDAY + 40].middle, expected[MONDAY + 40].high) == (100.0, 500.0)


def test_a_month_leaves_no_growth():
    """All that is kept is bounded, whatever a home lives through."""
    memory = Memory(SLOT_S)
    sizes = []
    for slot in range(MONDAY, MONDAY + 62 * PER_DAY):
        if slot % 8 == 0:
            memory.remember(memory.outlook(ms(slot), range(slot, slot + 146, 8)), ms(slot))
        memory.note(slot, 100.0, sun(slot))
        memory.learn_prices({slot: 100_000, slot + 100: 120_000})
        if slot % PER_DAY == 0:
            sizes.append(len(json.dumps(memory.as_dict())))
    assert max(sizes[KEPT_DAYS + 2 :]) < 1.02 * sizes[KEPT_DAYS + 2]
    assert len(memory.prices) <= 7 * PER_DAY + 1


def test_a_memory_comes_back_as_it_was_stored():
    memory = filled(10, production=sun)
    solar = {slot: sun(slot) for slot in range(MONDAY, MONDAY + 200)}
    memory.learn_prices({MONDAY: 150_000})
    memory.remember(memory.outlook(ms(MONDAY), range(MONDAY, MONDAY + 146), solar), ms(MONDAY))
    for slot in range(MONDAY, MONDAY + 50):
        memory.note(slot, 90.0, sun(slot))
    stored = json.loads(json.dumps(memory.as_dict()))
    back = Memory.from_dict(stored, SLOT_S, UTC)
    assert back.as_dict() == memory.as_dict()
    now = MONDAY + 50
    slots = range(now, now + 146)
    again, before = back.outlook(ms(now), slots), memory.outlook(ms(now), slots)
    for slot in slots:
        assert again.production[slot].middle == pytest.approx(before.production[slot].middle, abs=0.5)
    assert back.errors == memory.errors


def test_a_memory_of_other_slots_starts_anew():
    stored = filled(3).as_dict()
    assert Memory.from_dict(stored, 3_600, UTC).as_dict()["base"] == []
    table = DayTable(3_600, UTC)
    table.load(stored["base"])
    assert table.as_list() == []
