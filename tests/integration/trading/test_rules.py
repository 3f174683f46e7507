"""From forecasts and wishes to orders."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_marketplace.ledger.orders import FixedBid, FlexibleBid, Offer
from custom_components.energy_marketplace.trading import forecast, rules
from custom_components.energy_marketplace.trading.rules import Battery, WishError
from custom_components.energy_marketplace.trading.timing import next_round_close_ms, open_slots
from tests.integration.trading.market import NOW, NOW_SLOT, PARAMETERS, SLOT_MS, placed, trade

MARKET = {"time_ms": NOW, "parameters": PARAMETERS}
slots = st.integers(NOW_SLOT - 5, NOW_SLOT + 200)
by_slot = st.dictionaries(slots, st.integers(-5000, 5000), max_size=20)


@given(st.integers(0, 10**13))
def test_an_open_slot_starts_after_the_round_and_its_gate(time_ms):
    close = next_round_close_ms(time_ms, PARAMETERS)
    window = open_slots(time_ms, PARAMETERS)
    assert time_ms < close <= time_ms + 300_000
    assert close % 300_000 == 0
    assert close + 60_000 <= window.start * SLOT_MS < close + 60_000 + SLOT_MS
    assert len(window) == 144


@given(by_slot, st.dictionaries(slots, st.integers(0, 5000), max_size=10))
def test_surplus_is_offered_once_where_it_is_expected_and_can_flow(surplus, ordered):
    decision = rules.sell_surplus("roof", surplus, price=90, rated_export_w=8000, ordered=ordered, **MARKET)
    offered = decision.order.slots if decision else {}
    window = open_slots(NOW, PARAMETERS)
    for slot in set(surplus) | set(offered):
        wanted = min(surplus.get(slot, 0), 2000) - ordered.get(slot, 0) if slot in window else 0
        assert offered.get(slot, 0) == max(0, wanted)


def test_an_offer_says_why():
    decision = rules.sell_surplus(
        "roof", {NOW_SLOT + 3: 500}, price=90, rated_export_w=8000, ordered={}, **MARKET
    )
    assert (decision.asset, decision.order) == ("roof", Offer(price=90, slots={NOW_SLOT + 3: 500}))
    assert decision.because == rules.Sentence("sell_surplus", {"energy_wh": 500, "price": 90})


def test_consumption_is_bid_for_where_no_bid_stands():
    decision = rules.buy_consumption(
        "home",
        {NOW_SLOT + 3: 500, NOW_SLOT + 4: 300},
        price=250,
        rated_import_w=9000,
        ordered={NOW_SLOT + 4: 300},
        **MARKET,
    )
    assert decision.order == FixedBid(price=250, slots={NOW_SLOT + 3: 500})
    assert rules.buy_consumption("home", {}, price=1, rated_import_w=1, ordered={}, **MARKET) is None


BATTERY = Battery(stored_wh=6000, capacity_wh=10_000, reserve_wh=1000, charge_w=4000, discharge_w=8000)


@given(st.lists(slots, unique=True), st.dictionaries(slots, st.integers(0, 2000), max_size=5))
def test_a_battery_never_promises_more_than_it_holds(best_first, ordered):
    decision = rules.sell_stored("battery", BATTERY, best_first, price=200, ordered=ordered, **MARKET)
    offered = decision.order.slots if decision else {}
    coming = {slot: wh for slot, wh in ordered.items() if slot >= NOW_SLOT}
    assert sum(offered.values()) + min(sum(coming.values()), 5000) <= 5000
    assert all(0 < wh + ordered.get(slot, 0) <= 2000 for slot, wh in offered.items())


def test_a_battery_sells_in_the_dearest_slots_first():
    best_first = [NOW_SLOT + 9, NOW_SLOT + 3, NOW_SLOT + 5, NOW_SLOT + 7]
    decision = rules.sell_stored("battery", BATTERY, best_first, price=200, ordered={}, **MARKET)
    assert decision.order.slots == {NOW_SLOT + 9: 2000, NOW_SLOT + 3: 2000, NOW_SLOT + 5: 1000}


def test_a_battery_bids_for_the_room_it_has_and_can_fill_in_time():
    decision = rules.fill_battery(
        "battery", BATTERY, price=120, ordered_wh=500, until_slot=NOW_SLOT + 40, **MARKET
    )
    assert isinstance(decision.order, FlexibleBid)
    assert (decision.order.energy_wh, decision.order.max_wh_per_slot) == (3500, 1000)
    start = open_slots(NOW, PARAMETERS).start
    hurried = rules.fill_battery("battery", BATTERY, price=120, ordered_wh=0, until_slot=start + 2, **MARKET)
    assert hurried.order.energy_wh == 2000
    full = rules.fill_battery("battery", BATTERY, price=1, ordered_wh=4000, until_slot=start + 9, **MARKET)
    assert full is None
    assert rules.fill_battery("battery", BATTERY, price=1, ordered_wh=0, until_slot=start, **MARKET) is None


def wish(**changes):
    values = {"energy_wh": 3000, "power_w": 4000, "price": 200, "finish_ms": NOW + 20 * SLOT_MS}
    return rules.request_energy("car", **(values | changes), **MARKET)


def test_a_wish_becomes_a_flexible_bid_with_whole_slots_inside_its_window():
    decision = wish(finish_ms=NOW + 20 * SLOT_MS + 5, start_ms=NOW + 10 * SLOT_MS + 5)
    assert decision.order == FlexibleBid(
        price=200, energy_wh=3000, earliest=NOW_SLOT + 11, deadline=NOW_SLOT + 20, max_wh_per_slot=1000
    )
    assert decision.because.values["finish_ms"] == NOW + 20 * SLOT_MS


def test_a_small_wish_asks_for_no_more_per_slot_than_in_all():
    assert wish(energy_wh=300).order.max_wh_per_slot == 300


def test_a_wish_beyond_the_horizon_is_cut_to_it():
    assert wish(finish_ms=NOW + 9000 * SLOT_MS).order.deadline == open_slots(NOW, PARAMETERS).stop


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"finish_ms": NOW}, "finish_too_early"),
        ({"start_ms": NOW + 20 * SLOT_MS}, "finish_too_early"),
        ({"energy_wh": 30_000}, "window_too_short"),
        ({"power_w": 0}, "window_too_short"),
    ],
)
def test_a_wish_that_cannot_be_fulfilled_says_why(changes, key):
    with pytest.raises(WishError) as caught:
        wish(**changes)
    assert caught.value.key == key
    assert caught.value.values


def test_what_is_ordered_counts_once_whether_it_is_traded_or_not():
    offer = placed("o1", {"type": "offer", "price": 1, "slots": {"5": 100, "6": 100}})
    bid = placed("b1", {"type": "fixed", "price": 1, "slots": {"5": 70}})
    flexible = placed("b2", {"type": "flexible", "price": 1})
    trades = [
        trade(5, 60, sell_order="o1"),
        trade(7, 40, sell_order="gone"),
        trade(8, 30, sell_order="x", buy_order="b2"),
    ]
    orders = [offer, bid, flexible, placed("gone", {"type": "offer", "slots": {"7": 100}}, "cancelled")]
    assert rules.ordered_wh(orders, trades[:2], selling=True) == {5: 100, 6: 100, 7: 40}
    assert rules.ordered_wh(orders, trades[2:], selling=False) == {5: 70, 8: 30}


def test_a_habit_is_the_mean_of_the_same_slots_of_the_days_before():
    day = 96
    history = {NOW_SLOT - day: 100, NOW_SLOT - 2 * day: 201, NOW_SLOT - 8 * day: 9999}
    expected = forecast.by_habit(history, [NOW_SLOT, NOW_SLOT + 1], slot_s=900)
    assert expected == {NOW_SLOT: 150}


def test_a_slot_more_than_a_day_ahead_is_expected_from_what_is_known():
    history = {NOW_SLOT - 96: 100, NOW_SLOT - 90: 7}
    assert forecast.by_habit(history, [NOW_SLOT + 96], slot_s=900) == {NOW_SLOT + 96: 100}


def test_surplus_is_production_less_consumption():
    assert forecast.surplus({1: 100, 2: 50}, {2: 80, 3: 10}) == {1: 100, 2: -30, 3: -10}
