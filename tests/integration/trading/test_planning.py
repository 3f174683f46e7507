"""Loads and batteries are planned as cheaply as can be: held against every possibility and against bounds."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.energy_marketplace.trading.agent import Schedule
from custom_components.energy_marketplace.trading.batteries import best_path
from custom_components.energy_marketplace.trading.dispatch import battery_w, load_w
from custom_components.energy_marketplace.trading.home import AssetSettings, Battery, SupplierPrices
from custom_components.energy_marketplace.trading.loads import Envelope, cheapest_flow, cheapest_start
from custom_components.energy_marketplace.trading.position import Position, position_of
from custom_components.energy_marketplace.trading.sentences import Sentence
from custom_components.energy_marketplace.trading.terms import terms_of
from tests.integration.trading.homes import TARIFF
from tests.integration.trading.market import NOW, NOW_SLOT, PARAMETERS

SLOTS = 5
prices = st.lists(st.integers(1, 9), min_size=SLOTS, max_size=SLOTS)


@st.composite
def small_cases(draw):
    """Return an envelope in units of one Wh, costs, and what the point takes without the load."""
    least = np.maximum.accumulate(
        np.array(draw(st.lists(st.integers(0, 4), min_size=SLOTS, max_size=SLOTS)), float)
    )
    room = np.array(draw(st.lists(st.integers(0, 3), min_size=SLOTS, max_size=SLOTS)), float)
    most = np.maximum.accumulate(least + room)
    power = np.array(draw(st.lists(st.integers(0, 2), min_size=SLOTS, max_size=SLOTS)), float)
    below = np.array(draw(prices), float)
    above = below + np.array(draw(prices), float)
    net = np.array(draw(st.lists(st.integers(-2, 1), min_size=SLOTS, max_size=SLOTS)), float)
    return Envelope(least, most, power, np.zeros(SLOTS)), Position(np.zeros(SLOTS), below, above), net


@settings(max_examples=150, deadline=None)
@given(small_cases())
def test_no_feasible_flow_is_cheaper(case):
    envelope, position, net = case
    flow = cheapest_flow(envelope, position, net)
    feasible = [
        wh
        for wh in map(np.array, product(*[range(int(power) + 1) for power in envelope.power]))
        if (np.cumsum(wh) >= envelope.least).all() and (np.cumsum(wh) <= envelope.most).all()
    ]
    if feasible:
        assert flow.missing_wh == 0
        cheapest = min(position.cost(net + wh).sum() for wh in feasible)
        assert position.cost(net + flow.wh).sum() == pytest.approx(cheapest, abs=0.1)
    assert (flow.wh <= envelope.power + 1e-9).all()
    assert (np.cumsum(flow.wh) <= envelope.most + 1e-9).all()
    assert (flow.own <= np.maximum(0, -net) + 1e-9).all()


@settings(max_examples=100, deadline=None)
@given(
    prices,
    prices,
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.lists(st.integers(-3, 2), min_size=SLOTS, max_size=SLOTS),
)
def test_no_start_is_cheaper(below, more, profile, net):
    position = Position(
        np.zeros(SLOTS), np.array(below, float), np.array(below, float) + np.array(more, float)
    )
    shape, net = np.array(profile, float), np.array(net, float)
    starts = range(SLOTS - len(profile) + 1)
    start, cost = cheapest_start(shape, starts, position, net)

    def costs(at):
        moved = net.copy()
        moved[at : at + len(shape)] += shape
        return position.cost(moved).sum() - position.cost(net).sum()

    assert cost == pytest.approx(costs(start))
    assert cost == pytest.approx(min(map(costs, starts)))


def test_a_limit_leaves_dear_energy_alone():
    envelope = Envelope(np.full(2, 3.0), np.full(2, 3.0), np.full(2, 2.0), np.zeros(2))
    position = Position(np.zeros(2), np.array([1.0, 1.0]), np.array([5.0, 9.0]))
    flow = cheapest_flow(envelope, position, np.array([0.0, -1.0]), limit=4.0)
    assert flow.wh.tolist() == [0.0, 1.0]
    assert flow.missing_wh == 2.0


@st.composite
def battery_cases(draw):
    count = draw(st.integers(1, 30))
    agreed = st.sampled_from([0, 0, 0, 300, -300])
    firm = np.array(draw(st.lists(agreed, min_size=count, max_size=count)), float)
    net = np.array(draw(st.lists(st.integers(-1_500, 1_500), min_size=count, max_size=count)), float)
    sell = np.array(draw(st.lists(st.integers(0, 200), min_size=count, max_size=count)), float)
    buy = sell + np.array(draw(st.lists(st.integers(0, 300), min_size=count, max_size=count)), float)
    battery = Battery(
        id="battery", stored_wh=draw(st.integers(500, 4_000)), capacity_wh=4_000, reserve_wh=500,
        charge_w=2_000, discharge_w=3_000, efficiency_pct=draw(st.sampled_from([70, 90, 100])),
        wear=draw(st.integers(0, 50)),
    )  # fmt: skip
    return battery, Position(firm, sell, buy), net


@settings(max_examples=80, deadline=None)
@given(battery_cases())
def test_a_battery_stays_within_its_bounds_and_never_costs_more_than_resting(case):
    battery, position, net = case
    path = best_path(battery, position, net, 900, 0.0)
    way = (battery.efficiency_pct / 100) ** 0.5
    assert (path.wh <= 500 + 1e-6).all()
    assert (path.wh >= -750 - 1e-6).all()
    stored = battery.stored_wh + np.cumsum(np.where(path.wh > 0, path.wh * way, path.wh / way))
    assert stored == pytest.approx(path.stored, abs=1e-3)
    assert (stored >= 500 - 1e-6).all()
    assert (stored <= 4_000 + 1e-6).all()
    wear = battery.wear * np.maximum(0, -path.wh).sum()
    # A path that is worked out on levels may be worse than resting by what a level is coarse.
    coarse = 0.02 * (position.above * np.abs(net)).sum() + 60 * len(net)
    assert position.cost(net + path.wh).sum() + wear <= position.cost(net).sum() + coarse


def test_a_battery_carries_sunshine_into_the_evening():
    net = np.array([-1_000.0] * 4 + [400.0] * 8)
    flat = Position(np.zeros(12), np.full(12, 80.0), np.full(12, 300.0))
    battery = Battery(
        id="b", stored_wh=0, capacity_wh=8_000, reserve_wh=0, charge_w=8_000, discharge_w=8_000, wear=10
    )
    path = best_path(battery, flat, net, 900, 0.0)
    assert path.wh[:4].sum() == pytest.approx(3_200 / 0.9, rel=0.12)
    assert path.wh[4:] == pytest.approx(np.full(8, -400.0), rel=0.2)


def test_a_store_that_is_too_cold_catches_up_as_fast_as_it_can():
    envelope = Envelope(np.full(4, 5.0), np.full(4, 8.0), np.full(4, 2.0), np.zeros(4))
    flow = cheapest_flow(envelope, Position(np.zeros(4), np.ones(4), np.full(4, 3.0)), np.zeros(4))
    assert flow.wh.tolist() == [2.0, 2.0, 1.0, 0.0]
    assert flow.missing_wh == 0


def test_a_full_battery_without_room_rests():
    battery = Battery(id="b", stored_wh=0, capacity_wh=0, reserve_wh=0, charge_w=1, discharge_w=1)
    path = best_path(battery, Position(np.zeros(2), np.ones(2), np.ones(2)), np.zeros(2), 900, 7.0)
    assert path.wh.tolist() == [0.0, 0.0]


# --- terms ---


def test_slots_that_were_traded_have_their_price_and_others_that_of_the_days_before():
    slot = NOW_SLOT + 20
    traded = terms_of(NOW, PARAMETERS, TARIFF, SupplierPrices(), {slot: 100_000})
    habitual = terms_of(NOW, PARAMETERS, TARIFF, SupplierPrices(), {slot - 96: 100_000})
    place = traded.place(slot)
    assert 105_000 < traded.import_price[place] < habitual.import_price[place] < 305_000
    assert traded.import_price[place + 1] == 305_000
    assert traded.export_price[place] > 80_000
    closed = terms_of(NOW, PARAMETERS, TARIFF, SupplierPrices(), {NOW_SLOT: 100_000})
    assert closed.import_price[0] == 305_000


def test_a_supplier_may_have_prices_of_its_own():
    supplier = SupplierPrices(buy={NOW_SLOT + 3: 90_000, NOW_SLOT - 1: 1}, sell={NOW_SLOT + 4: 200_000})
    terms = terms_of(NOW, PARAMETERS, TARIFF, supplier, {})
    assert terms.buy[[2, 3, 4]].tolist() == [305_000, 90_000, 305_000]
    assert terms.sell[[3, 4]].tolist() == [80_000, 200_000]


def test_what_is_agreed_weighs_more_than_any_price():
    terms = terms_of(NOW, PARAMETERS, TARIFF, SupplierPrices(), {})
    firm = np.zeros(len(terms))
    firm[0], firm[1] = -500.0, 500.0
    position = position_of(terms, firm, sells=True, buys=True)
    assert position.above[0] > terms.buy[0]
    assert position.below[1] == 0.0
    assert position.below[2] == 80_000


# --- within a slot ---

STORE = Battery(
    id="b", stored_wh=5_000, capacity_wh=10_000, reserve_wh=1_000, charge_w=3_000, discharge_w=3_000
)


def steer(worth, net_w, firm_wh=0, battery=STORE, buy=300_000, sell=80_000):
    schedule = Schedule("b", NOW_SLOT, (0,), Sentence("rests"), worth)
    return battery_w(
        battery, schedule, slot_s=900, firm_wh=firm_wh, net_w=net_w, supplier_buy=buy, supplier_sell=sell
    )


@pytest.mark.parametrize(
    ("worth", "net_w", "firm_wh", "power_w"),
    [
        (200_000, 800.0, 0, -800),  # what the home needs is dearer than what is stored
        (200_000, -800.0, 0, 800),  # what is left over is worth storing
        (50_000, -800.0, 0, 0),  # and here it is not
        (310_000, 500.0, 0, 0),  # later it will be worth more
        (310_000, 500.0, -200, -1_300),  # but what was sold is given
        (50_000, -800.0, 100, 1_200),  # and what was bought is taken
        (400_000, 500.0, 0, 3_000),  # even the supplier is cheaper than later
        (200_000, 9_000.0, 0, -3_000),  # no faster than it can
    ],
)
def test_a_battery_keeps_promises_first_and_then_what_is_worth_most(worth, net_w, firm_wh, power_w):
    assert steer(worth, net_w, firm_wh) == power_w


def test_an_empty_battery_gives_nothing_and_a_full_one_takes_nothing():
    empty = Battery(
        id="b", stored_wh=1_000, capacity_wh=9_000, reserve_wh=1_000, charge_w=3_000, discharge_w=3_000
    )
    full = Battery(
        id="b", stored_wh=9_000, capacity_wh=9_000, reserve_wh=1_000, charge_w=3_000, discharge_w=3_000
    )
    assert steer(200_000, 800.0, -500, empty) == 0
    assert steer(200_000, -800.0, 500, full) == 0


@pytest.mark.parametrize(
    ("firm_wh", "net_w", "power_w"),
    [
        (0, 5_000, 1_000),
        (500, 1_500, 1_500),
        (500, -3_000, 3_000),
        (-500, -1_500, 500),
        (-500, 4_000, 0),
        (-500, -2_500, 1_000),
    ],
)
def test_a_load_helps_to_keep_promises(firm_wh, net_w, power_w):
    assert load_w(planned_w=1_000, most_w=3_000, slot_s=900, firm_wh=firm_wh, net_w=net_w) == power_w


def test_settings_say_which_side_an_asset_trades():
    assert [AssetSettings(strategy=one).sells for one in ("save_money", "only_buy")] == [True, False]
    assert [AssetSettings(strategy=one).buys for one in ("save_money", "only_sell")] == [True, False]
    assert not AssetSettings(automatic=False).sells
