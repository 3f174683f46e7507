"""Warm water: its band holds, heating it is as cheap as can be, and its thermometer teaches what it needs."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from custom_components.energy_marketplace.trading.heat import WATER_WH, Band, HeatHistory, Rhythm, Turn
from custom_components.energy_marketplace.trading.home import HeatStore
from custom_components.energy_marketplace.trading.loads import cheapest_flow
from custom_components.energy_marketplace.trading.position import Position
from custom_components.energy_marketplace.trading.scheduling import heat_envelope
from custom_components.energy_marketplace.trading.terms import terms_of
from tests.integration.trading import homes as h
from tests.integration.trading.market import NOW, NOW_SLOT, PARAMETERS, SLOT_MS

TERMS = terms_of(NOW, PARAMETERS, h.TARIFF, h.home(0).supplier, {})
COUNT = len(TERMS)
BAND = Band(low_c=45, high_c=60, litres=200)
SLOT_S = 900
HOUR_MS = 3_600_000


def boiler_of(stored_wh, high_wh, power_w, draw):
    return HeatStore(
        id="boiler", stored_wh=stored_wh, low_wh=0, high_wh=high_wh, power_w=power_w,
        draw_wh=dict(zip(TERMS.slots, draw, strict=True)),
    )  # fmt: skip


@st.composite
def boilers(draw):
    """Return a boiler that starts within its band and can make as much heat as is drawn."""
    high = draw(st.integers(500, 6_000))
    power_w = draw(st.integers(400, 4_000))
    most = min(power_w // 4, high)
    times = draw(st.lists(st.tuples(st.integers(1, 40), st.integers(0, most)), min_size=1, max_size=8))
    draws = [wh for length, wh in times for _ in range(length)]
    return boiler_of(draw(st.integers(0, high)), high, power_w, [*draws, *[0] * COUNT][:COUNT])


@st.composite
def positions(draw, count=COUNT):
    prices = st.lists(st.integers(1, 300), min_size=1, max_size=12)
    below = np.resize(np.array(draw(prices), float), count)
    above = below + np.resize(np.array(draw(prices), float), count)
    net = np.resize(np.array(draw(st.lists(st.integers(-900, 600), min_size=1, max_size=9)), float), count)
    return Position(np.zeros(count), below, above), net


def heat_in(store, flow_wh):
    drawn = np.array([store.draw_wh[slot] for slot in TERMS.slots], float)
    return store.stored_wh + np.cumsum(flow_wh - drawn)


def by_thermostat(store):
    """Return what a thermostat takes: from the low end on it heats until the tank is full."""
    stored, heats, taken = float(store.stored_wh), False, []
    most = store.power_w // 4
    for slot in TERMS.slots:
        draw = store.draw_wh[slot]
        heats = heats or stored - draw < 0
        wh = min(most, store.high_wh - stored + draw) if heats else 0.0
        stored += wh - draw
        heats = heats and stored < store.high_wh - 1e-9
        taken.append(wh)
    return np.array(taken)


@settings(max_examples=80, deadline=None)
@given(boilers(), positions())
def test_with_a_right_forecast_the_tank_never_leaves_its_band(store, costs):
    flow = cheapest_flow(heat_envelope(store, TERMS), *costs)
    stored = heat_in(store, flow.wh)
    assert flow.missing_wh == 0
    assert (stored >= -1e-3).all()
    assert (stored <= store.high_wh + 1e-3).all()


@settings(max_examples=80, deadline=None)
@given(boilers(), positions())
def test_it_never_costs_more_than_a_thermostat(store, costs):
    position, net = costs
    usual = by_thermostat(store)
    assume((heat_in(store, usual) >= -1e-6).all())
    flow = cheapest_flow(heat_envelope(store, TERMS), position, net)
    assert position.cost(net + flow.wh).sum() <= position.cost(net + usual).sum() + 1.0


SMALL = 5


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 3),
    st.integers(1, 4),
    st.lists(st.integers(0, 2), min_size=SMALL, max_size=SMALL),
    positions(SMALL),
)
def test_of_every_way_to_stay_within_the_band_none_is_cheaper(stored, high, draw, costs):
    position, net = costs
    store = boiler_of(min(stored, high), high, 8, [*draw, *[0] * (COUNT - SMALL)])
    envelope = heat_envelope(store, TERMS)
    cut = type(envelope)(
        *(part[:SMALL] for part in (envelope.least, envelope.most, envelope.power, envelope.agreed))
    )
    ways = [
        wh
        for wh in map(np.array, product(range(3), repeat=SMALL))
        if all(0 <= at <= high for at in store.stored_wh + np.cumsum(wh - np.array(draw)))
    ]
    flow = cheapest_flow(cut, position, net)
    if ways:
        cheapest = min(position.cost(net + wh).sum() for wh in ways)
        assert position.cost(net + flow.wh).sum() == pytest.approx(cheapest, abs=0.1)


def test_a_tank_that_is_too_cold_is_heated_at_once_whatever_it_costs():
    store = boiler_of(-800, 3_000, 2_000, [0] * COUNT)
    dear = Position(np.zeros(COUNT), np.full(COUNT, 1.0), np.r_[900.0, 900.0, np.full(COUNT - 2, 2.0)])
    flow = cheapest_flow(heat_envelope(store, TERMS), dear, np.zeros(COUNT))
    assert flow.wh[:3].tolist() == [500, 300, 0]


# --- what its thermometer teaches ---


def lived(wh_per_k, days=4, *, power_wh=500, draw=lambda slot: 20.0, start=NOW_SLOT):
    """Return what a tank of 45 to 60 °C teaches that a thermostat keeps for some days, and its end."""
    history, temperature = HeatHistory(SLOT_S), 52.0
    heats = False
    for slot in range(start - days * 96, start):
        history.read(slot * SLOT_MS + 30_000, temperature)
        heats = temperature < 47 or (heats and temperature < 58)
        taken = float(power_wh) if heats else 0.0
        history.take(slot, taken)
        temperature += (taken - draw(slot)) / wh_per_k
    history.read(start * SLOT_MS, temperature)
    return history, temperature


def test_litres_tell_what_a_kelvin_takes():
    history = HeatHistory(SLOT_S)
    assert history.wh_per_k(BAND) == pytest.approx(200 * WATER_WH)
    pump = Band(low_c=40, high_c=50, litres=300, cop=3)
    assert history.wh_per_k(pump) == pytest.approx(100 * WATER_WH)


@pytest.mark.parametrize("wh_per_k", [60, 233, 600])
def test_without_litres_it_is_learned_from_how_fast_heating_warms(wh_per_k):
    history, _ = lived(wh_per_k, draw=lambda slot: 20 + 100 * (slot % 96 in (28, 29, 80)))
    unsized = Band(low_c=45, high_c=60)
    assert history.wh_per_k(unsized) == pytest.approx(wh_per_k, rel=0.15)


@pytest.mark.parametrize(
    "history",
    [HeatHistory(SLOT_S), lived(233, power_wh=0, draw=lambda _: 0)[0], lived(1e9)[0]],
    ids=["nothing seen", "never heated", "never warmed"],
)
def test_a_tank_that_taught_nothing_stays_unknown(history):
    unsized = Band(low_c=45, high_c=60)
    assert history.wh_per_k(unsized) is None
    assert history.tank(unsized, NOW, TERMS.slots, 1_000) is None


def test_what_is_drawn_is_expected_at_its_time_of_day():
    history, temperature = lived(233, draw=lambda slot: 900.0 if slot % 96 == 28 else 10.0)
    tank = history.tank(BAND, NOW, TERMS.slots, 1_000)
    day = range(NOW_SLOT, NOW_SLOT + 96)
    assert sum(tank.draw_wh[slot] for slot in day) == pytest.approx(900 + 95 * 10, rel=0.05)
    morning = max(day, key=tank.draw_wh.__getitem__)
    assert morning % 96 == 28
    assert tank.stored_wh == pytest.approx((temperature - 45) * 200 * WATER_WH, abs=1)
    whole_wh = 15 * 200 * WATER_WH
    assert (tank.least_wh, tank.most_wh) == (round(0.1 * whole_wh), round(0.9 * whole_wh))


def test_of_a_new_tank_the_energy_is_expected_that_people_said():
    history = HeatHistory(SLOT_S)
    history.read(NOW, 50.0)
    tank = history.tank(BAND, NOW, TERMS.slots, 9_600)
    assert set(tank.draw_wh.values()) == {100}


def test_a_silent_thermometer_is_believed_for_an_hour():
    history = HeatHistory(SLOT_S)
    assert history.temperature_c(NOW) is None
    history.read(NOW, 50.0)
    assert history.temperature_c(NOW + 3_600_000) == 50.0
    assert history.temperature_c(NOW + 3_600_001) is None
    assert history.tank(BAND, NOW + 3_600_001, TERMS.slots, 1_000) is None


def test_a_gap_in_the_temperatures_teaches_nothing_of_it():
    history = HeatHistory(SLOT_S)
    for slot, temperature in ((0, 50.0), (3, 40.0), (4, 41.0)):
        history.read(slot * SLOT_MS, temperature)
        history.read(slot * SLOT_MS + 400_000, 99.0)
        history.take(slot, 100)
    assert [history._warmed.get(slot) for slot in range(4)] == [None, None, None, 1.0]


def test_what_was_learned_is_stored_and_bounded():
    history, _ = lived(233, days=40)
    stored = history.as_dict()
    assert len(stored["taken"]) == len(stored["warmed"]) == 28
    again = HeatHistory.from_dict(stored, SLOT_S)
    assert again.as_dict() == stored
    assert again.temperature_c(NOW) == history.temperature_c(NOW)
    assert HeatHistory.from_dict(HeatHistory(SLOT_S).as_dict(), SLOT_S).temperature_c(NOW) is None


# --- the ends of the band ---


@given(st.lists(st.floats(20, 80), max_size=40), st.floats(0.1, 1.4))
def test_a_flicker_of_the_thermometer_switches_nothing(temperatures, flicker):
    edge = None
    for temperature in temperatures:
        edge = BAND.edge(temperature, edge)
        if edge == "cold":
            assert temperature < BAND.low_c + BAND.spare_k
        elif edge == "hot":
            assert temperature > BAND.high_c - BAND.spare_k
        else:
            assert BAND.low_c <= temperature < BAND.high_c
    assert BAND.edge(44.9, None) == BAND.edge(44.9 + flicker, "cold") == "cold"
    assert BAND.edge(60.0, None) == BAND.edge(60.0 - flicker, "hot") == "hot"
    assert BAND.edge(46.6, "cold") is None
    assert BAND.edge(58.4, "hot") is None


def test_what_a_recorder_kept_teaches_as_much_as_having_seen_it():
    lived_through, _ = lived(233)
    slots = range(NOW_SLOT - 4 * 96, NOW_SLOT)
    taken = {slot: lived_through._taken.get(slot) for slot in slots}
    starts, temperature = {}, 52.0
    for slot in slots:
        starts[slot] = temperature
        temperature += lived_through._warmed.get(slot)
    seeded = HeatHistory(SLOT_S)
    seeded.seed(taken, starts | {NOW_SLOT: temperature})
    unsized = Band(low_c=45, high_c=60)
    assert seeded.wh_per_k(unsized) == pytest.approx(lived_through.wh_per_k(unsized))
    assert seeded.temperature_c(NOW) is None


HOT_AND_WISHES = st.lists(
    st.tuples(st.integers(1, 600), st.booleans(), st.sampled_from([None, "cold", "hot"])), max_size=60
)


@given(st.integers(0, 1_200), st.integers(0, 1_200), HOT_AND_WISHES)
def test_a_heat_pump_never_runs_nor_rests_too_short_but_to_stay_below_its_high_end(run_s, rest_s, steps):
    rhythm, turn, now_ms = Rhythm(run_s=run_s, rest_s=rest_s), Turn(runs=False, since_ms=0), 10**9
    turn = turn.turned(True, now_ms)
    for seconds, wanted, edge in steps:
        now_ms += seconds * 1000
        if rhythm.wait_ms(wanted, turn, now_ms, edge) or wanted == turn.runs:
            continue
        lasted_s = (now_ms - turn.since_ms) / 1000
        assert lasted_s >= rest_s if wanted else lasted_s >= run_s or edge == "hot"
        turn = turn.turned(wanted, now_ms)


@given(st.integers(0, 1_200), st.integers(0, 1_200), st.booleans(), st.integers(0, 2_000))
def test_what_has_to_wait_may_be_switched_when_the_wait_is_over_and_no_sooner(run_s, rest_s, runs, after_s):
    rhythm, turn, now_ms = Rhythm(run_s=run_s, rest_s=rest_s), Turn(not runs, 10**9), 10**9 + after_s * 1000
    wait_ms = rhythm.wait_ms(runs, turn, now_ms, None)
    assert rhythm.wait_ms(runs, turn, now_ms + wait_ms, None) == 0
    assert wait_ms == 0 or rhythm.wait_ms(runs, turn, now_ms + wait_ms - 1, None) == 1


def test_who_does_not_know_how_it_stands_may_switch():
    assert Rhythm(run_s=600, rest_s=600).wait_ms(True, None, 0, "cold") == 0


def test_staying_as_it_is_needs_no_wait_and_keeps_its_beginning():
    turn = Turn(True, 5)
    assert turn.turned(True, 900) is turn
    assert Rhythm(run_s=600).wait_ms(True, turn, 10, None) == 0


def test_a_thermometer_is_given_up_after_an_hour_in_which_it_was_asked_in_vain():
    history = HeatHistory(900)
    history.miss(1_000)
    history.miss(HOUR_MS)
    assert not history.is_blind(HOUR_MS)
    assert history.is_blind(HOUR_MS + 1_000)
    history.read(HOUR_MS + 2_000, 50.0)
    assert not history.is_blind(3 * HOUR_MS)
