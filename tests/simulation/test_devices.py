"""Meters count what devices draw and give: every watt-hour once, on each meter it passes."""

import math

from hypothesis import given
from hypothesis import strategies as st

from simulation.day import QuickDay
from simulation.devices import FuseBox, Home, Meter, Roof, Store, Switched
from simulation.habits import Household
from simulation.weather import Weather

START = 1_700_000_000.0
spans = st.lists(st.floats(min_value=0.001, max_value=40), min_size=1, max_size=12)


class Constant:
    def __init__(self, watts: float) -> None:
        self.watts = watts

    def power_w(self, at_s: float) -> float:
        return self.watts


def street_house(seed: int) -> Meter:
    day = QuickDay(START)
    return Meter([Home(Household(seed), day), Roof(6_000, Weather(seed), day)], START)


@given(st.integers(0, 1000), spans)
def test_registers_never_fall(seed: int, pauses: list[float]):
    meter, before, at = street_house(seed), (0.0, 0.0), START
    for pause in pauses:
        at += pause
        meter.advance(at)
        after = (meter.imported_wh, meter.exported_wh)
        assert after[0] >= before[0]
        assert after[1] >= before[1]
        before = after


@given(st.integers(0, 1000), spans)
def test_how_often_a_meter_is_read_does_not_change_what_it_counts(seed: int, pauses: list[float]):
    often, once = street_house(seed), street_house(seed)
    at = START
    for pause in pauses:
        at += pause
        often.advance(at)
    once.advance(at)
    # A read in the middle of a step samples the day once more; the day moves slowly.
    assert math.isclose(often.imported_wh, once.imported_wh, rel_tol=0.01, abs_tol=0.05)
    assert math.isclose(often.exported_wh, once.exported_wh, rel_tol=0.01, abs_tol=0.05)


@given(st.floats(-10_000, 10_000), spans)
def test_a_steady_load_counts_power_times_time(watts: float, pauses: list[float]):
    meter = Meter([Constant(watts)], START)
    meter.advance(START + sum(pauses))
    net_wh = meter.imported_wh - meter.exported_wh
    assert math.isclose(net_wh, watts * (meter.read_s - START) / 3600, rel_tol=1e-6, abs_tol=1e-6)
    assert min(meter.imported_wh, meter.exported_wh) == 0


def test_reading_an_earlier_moment_counts_nothing():
    meter = Meter([Constant(3600)], START)
    meter.advance(START + 10)
    meter.advance(START + 5)
    assert round(meter.imported_wh, 6) == 10


@given(st.floats(0.1, 30), st.floats(0.1, 30))
def test_a_switch_is_counted_to_the_moment_on_its_own_and_on_the_main_meter(off_s: float, on_s: float):
    machine = Switched(on_w=2_300)
    own, main = Meter([machine], START), Meter([Constant(300), machine], START)
    box = FuseBox([own, main])
    box.switch(machine, True, START + off_s)
    box.switch(machine, False, START + off_s + on_s)
    box.advance(START + off_s + on_s + 10)
    assert math.isclose(own.imported_wh, 2_300 * on_s / 3600, rel_tol=1e-6)
    assert math.isclose(main.imported_wh - own.imported_wh, 300 * (off_s + on_s + 10) / 3600, rel_tol=1e-6)


@given(st.floats(-20_000, 20_000), st.floats(0, 1_000))
def test_a_store_never_runs_over_or_below_empty(watts: float, level_wh: float):
    slot = int(START) // 20
    store = Store(1_000, level_wh, 20, plan_w=dict.fromkeys(range(slot, slot + 100), watts))
    meter = Meter([store], START)
    meter.advance(START + 1_500)
    assert -1e-6 <= store.level_wh <= 1_000 + 1e-6
    gained = meter.imported_wh * store.efficiency - meter.exported_wh
    assert math.isclose(store.level_wh - level_wh, gained, abs_tol=1e-6)


def test_a_store_follows_its_plan_slot_by_slot():
    slot = int(START) // 20
    store = Store(10_000, 5_000, 20, plan_w={slot: 3_600, slot + 1: -1_800})
    meter = Meter([store], slot * 20)
    meter.advance((slot + 3) * 20)
    assert round(meter.imported_wh, 6) == 20
    assert round(meter.exported_wh, 6) == 10
