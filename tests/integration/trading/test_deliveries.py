"""From trades to deliveries."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_marketplace.meter.journal import Traded
from custom_components.energy_marketplace.trading.deliveries import (
    deliveries,
    delivery_at,
    next_delivery,
    traded_at,
)
from tests.integration.trading.market import SLOT_MS, trade


def of(asset, *trades):
    return deliveries(trades, slot_s=900, asset=asset)


def test_slots_in_a_row_are_one_delivery():
    first, second = of("car", trade(8, 100), trade(6, 300), trade(5, 200))
    assert (first.first, first.end, first.slots_wh, first.energy_wh) == (5, 7, (200, 300), 500)
    assert (first.start_ms, first.end_ms) == (5 * SLOT_MS, 7 * SLOT_MS)
    assert (second.first, second.slots_wh) == (8, (100,))


def test_several_trades_of_a_slot_add_up():
    [delivery] = of("car", trade(5, 100, id="1.0"), trade(5, 50, id="1.1", buyer_price=200, buy_order="more"))
    assert delivery.slots_wh == (150,)
    assert delivery.money == 100 * 115 + 50 * 205
    assert delivery.price == delivery.money // 150
    assert (delivery.trades, delivery.orders) == (("1.0", "1.1"), ("bid", "more"))


def test_a_seller_earns_its_own_price_without_the_fee():
    [delivery] = of("roof", trade(5, 100))
    assert (delivery.role, delivery.money) == ("give", 10_000)


def test_an_asset_that_gives_and_takes_has_both():
    battery = of("battery", trade(5, 100, buy_asset="battery"), trade(6, 50, sell_asset="battery"))
    assert [(one.role, one.first) for one in battery] == [("take", 5), ("give", 6)]


def test_the_agreed_power_is_that_of_the_present_slot():
    [delivery] = of("car", trade(5, 100), trade(6, 300))
    assert [delivery.power_w(at) for at in (5 * SLOT_MS - 1, 5 * SLOT_MS, 6 * SLOT_MS, 7 * SLOT_MS)] == [
        0,
        400,
        1200,
        0,
    ]


def test_now_and_next_are_told_apart():
    early, late = of("car", trade(5, 100), trade(9, 100))
    both = [late, early]
    assert delivery_at(both, 5 * SLOT_MS) is early
    assert delivery_at(both, 7 * SLOT_MS) is None
    assert next_delivery(both, 0) is early
    assert next_delivery(both, 5 * SLOT_MS) is late
    assert next_delivery(both, 9 * SLOT_MS) is None


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10**6))))
def test_no_energy_is_lost_and_windows_never_touch(pieces):
    trades = [trade(slot, wh, id=f"1.{n}") for n, (slot, wh) in enumerate(pieces)]
    windows = of("car", *trades)
    assert sum(one.energy_wh for one in windows) == sum(wh for _, wh in pieces)
    assert sum(one.money for one in windows) == sum(wh * 115 for _, wh in pieces)
    assert sorted(name for one in windows for name in one.trades) == sorted(one.id for one in trades)
    assert all(before.end < after.first for before, after in itertools.pairwise(windows))


def test_a_points_readings_are_held_against_all_its_assets_trades():
    trades = [
        trade(5, 100),
        trade(5, 30, sell_asset="battery"),
        trade(5, 7, sell_point="x", buy_point="house"),
        trade(6, 1, sell_point="x"),
    ]
    assert traded_at(trades, "house") == {5: Traded(sold_wh=130, bought_wh=7)}
