"""What the agent promises, whatever the home."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custom_components.energy_marketplace.ledger.orders import BlockBid, FixedBid, FlexibleBid, Offer
from custom_components.energy_marketplace.ledger.tariff import NetworkTariff, TariffStep
from custom_components.energy_marketplace.trading.forecast import Forecast, Quantiles
from custom_components.energy_marketplace.trading.home import (
    Appliance,
    AssetSettings,
    Battery,
    Car,
    HeatStore,
    Point,
    Roof,
    Settings,
    SupplierPrices,
)
from custom_components.energy_marketplace.trading.sentences import ENGLISH
from custom_components.energy_marketplace.trading.timing import open_slots
from tests.integration.trading import homes as h
from tests.integration.trading.market import NOW, NOW_SLOT, PARAMETERS, SLOT_MS

some = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
OPEN = open_slots(NOW, PARAMETERS)
ROOF = Roof(id="roof", rated_w=9_000)
BATTERY = Battery(
    id="battery", stored_wh=6_000, capacity_wh=10_000, reserve_wh=1_000, charge_w=4_000, discharge_w=4_000
)


def noon(place):
    """Shine for some hours in the middle of the window."""
    return 1_500 if 40 <= place < 60 else 0


def orders_of(planned, kind):
    return [decision.order for decision in planned.place if isinstance(decision.order, kind)]


# --- what is certain enough is sold ---


def test_surplus_is_offered_as_far_as_it_is_certain():
    planned = h.decide(h.home(100, noon, 0.2, roofs=(ROOF,)))
    safe = 1_400 - np.hypot(1_500 * 0.2, 100 * 0.2)
    first = min(orders_of(planned, Offer), key=lambda order: order.price)
    assert set(h.offered([first])) <= set(range(NOW_SLOT + 40, NOW_SLOT + 60))
    assert all(0.98 * safe - 10 < wh <= safe for wh in first.slots.values())


@some
@given(h.homes())
def test_never_more_is_offered_than_is_certainly_left_over_and_stored(model):
    planned = h.decide(model)
    flows = [s for asset, s in planned.schedules.items() if asset in ("car", "boiler", "washer")]
    stored = planned.schedules.get("battery")
    for slot, wh in h.offered(decision.order for decision in planned.place).items():
        expected = model.production[slot].minus(model.base[slot])
        surplus = expected.at(0.3) - sum(flow.wh(slot) for flow in flows)
        charge = stored.wh(slot) if stored else 0
        assert wh <= max(0.0, surplus - max(0, charge)) + max(0, -charge) + len(flows) + 1


@some
@given(h.homes())
def test_a_battery_is_never_offered_below_its_reserve(model):
    planned = h.decide(model)
    for battery in model.batteries:
        offers = h.offered(one.order for one in planned.place if one.asset == battery.id)
        charged = sum(max(0, wh) for wh in planned.schedules[battery.id].slots_wh)
        assert sum(offers.values()) <= battery.stored_wh - battery.reserve_wh + charged + 1


@some
@given(h.homes())
def test_no_slot_is_both_sold_and_bought(model):
    planned = h.decide(model)
    selling = set(h.offered(one.order for one in planned.place))
    buying = set(h.bid_for(one.order for one in planned.place))
    for order in [*orders_of(planned, FlexibleBid), *orders_of(planned, BlockBid)]:
        buying |= set(range(order.earliest, order.deadline))
    assert not selling & buying


@some
@given(h.homes(), st.lists(st.tuples(st.integers(2, 100), st.integers(1, 900), st.booleans()), max_size=6))
def test_what_is_agreed_is_never_contradicted(model, agreed):
    slots = {place: (wh, selling) for place, wh, selling in agreed}
    trades = [
        (h.sold if selling else h.bought)(NOW_SLOT + place, wh, "home")
        for place, (wh, selling) in slots.items()
    ]
    planned = h.decide(model, trades=trades)
    orders = [one.order for one in planned.place]
    flexible = [*orders_of(planned, FlexibleBid), *orders_of(planned, BlockBid)]
    for place, (_, selling) in slots.items():
        slot = NOW_SLOT + place
        if selling:
            assert slot not in h.bid_for(orders)
            assert not any(order.earliest <= slot < order.deadline for order in flexible)
        else:
            assert slot not in h.offered(orders)


def test_what_was_sold_is_not_offered_again():
    model = h.home(100, noon, roofs=(ROOF,))
    before = h.offered(one.order for one in h.decide(model).place)
    slot = NOW_SLOT + 45
    after = h.offered(one.order for one in h.decide(model, trades=[h.sold(slot, 600)]).place)
    assert after[slot] == before[slot] - 600
    assert {k: v for k, v in after.items() if k != slot} == {k: v for k, v in before.items() if k != slot}


# --- limits ---


@some
@given(h.homes())
def test_no_order_is_worse_than_the_supplier(model):
    for decision in h.decide(model).place:
        if isinstance(decision.order, Offer):
            assert decision.order.price >= h.SELL
        else:
            assert decision.order.price <= h.BUY


@some
@given(h.homes(h.settings_of))
def test_orders_keep_the_limits_of_the_people(model):
    assets = {asset.id: asset.settings for asset in model.assets}
    for decision in h.decide(model).place:
        wanted = assets[decision.asset]
        assert wanted.automatic
        if isinstance(decision.order, Offer):
            assert wanted.strategy != "only_buy"
            assert decision.order.price >= (wanted.min_sell_price or 0)
        else:
            assert wanted.strategy != "only_sell"
            assert decision.order.price <= (wanted.max_buy_price or h.BUY)
            assert decision.order.price <= (wanted.only_below or h.BUY)


@some
@given(h.homes(), st.integers(0, 3_000_000_000), st.integers(0, 900))
def test_the_daily_limit_and_the_money_at_hand_are_never_overstepped(model, limit, wh):
    trades = [h.bought(NOW_SLOT + 3, wh, buyer_price=200_000)] if wh else []
    zone = ZoneInfo("Europe/Lisbon")
    planned = h.decide(model, trades=trades, settings=Settings(daily_limit=limit, available=limit), zone=zone)
    spent: dict[int, int] = {}

    def spend(slots, money):
        for day in {datetime.fromtimestamp(slot * 900, zone).toordinal() for slot in slots}:
            spent[day] = spent.get(day, 0) + money

    for decision in planned.place:
        order = decision.order
        match order:
            case FixedBid():
                for slot, energy in order.slots.items():
                    spend([slot], energy * order.price)
            case FlexibleBid():
                spend(range(order.earliest, order.deadline), order.energy_wh * order.price)
            case BlockBid():
                spend(range(order.earliest, order.deadline), sum(order.profile_wh) * order.price)
    new = dict(spent)
    if wh and new:
        spend([NOW_SLOT + 3], wh * 200_005)
    assert all(money <= limit for day, money in spent.items() if new.get(day))
    assert sum(_cost(one.order) for one in planned.place) <= limit


def _cost(order):
    match order:
        case Offer():
            return 0
        case FixedBid():
            return order.price * sum(order.slots.values())
        case FlexibleBid():
            return order.price * order.energy_wh
        case BlockBid():
            return order.price * sum(order.profile_wh)


def test_riskier_energy_asks_for_more():
    offers = orders_of(h.decide(h.home(100, noon, 0.3, roofs=(ROOF,))), Offer)
    assert {order.price for order in offers} == {102_500, 147_500}
    helping = AssetSettings(strategy="help_street")
    roof = Roof(id="roof", rated_w=9_000, settings=helping)
    assert {order.price for order in orders_of(h.decide(h.home(100, noon, 0.3, roofs=(roof,))), Offer)} == {
        80_000
    }


def test_a_supplier_that_pays_more_than_the_floor_is_the_one_to_beat():
    supplier = SupplierPrices(sell=dict.fromkeys(h.WINDOW, 200_000), buy=dict.fromkeys(h.WINDOW, 250_000))
    planned = h.decide(h.home(100, noon, 0.1, roofs=(ROOF,), supplier=supplier))
    assert min(order.price for order in orders_of(planned, Offer)) >= 200_000
    assert max(order.price for order in orders_of(planned, FixedBid)) <= 250_000


# --- the plan ---


@some
@given(
    h.homes(h.settings_of),
    st.dictionaries(st.integers(NOW_SLOT - 300, NOW_SLOT + 60), st.integers(80_000, 300_000), max_size=200),
)
def test_the_plan_is_feasible(model, prices):
    planned = h.decide(model, prices=prices)
    assert set(planned.schedules) == {asset.id for asset in model.assets}
    for battery in model.batteries:
        _check_battery(battery, planned.schedules[battery.id].slots_wh)
    for load in model.loads:
        wh = planned.schedules[load.id].slots_wh
        assert min(wh) >= 0
        match load:
            case Car():
                assert max(wh) <= load.power_w / 4 + 1
                assert sum(wh) <= load.needs_wh + len(wh)
            case HeatStore():
                assert max(wh) <= load.power_w / 4 + 1
            case Appliance():
                busy = [energy for energy in wh if energy]
                assert busy in ([], list(load.profile_wh))


def _check_battery(battery, slots_wh):
    way = (battery.efficiency_pct / 100) ** 0.5
    stored = float(battery.stored_wh)
    for wh in slots_wh:
        assert -battery.discharge_w / 4 - 1 <= wh <= battery.charge_w / 4 + 1
        stored += wh * way if wh > 0 else wh / way
        assert battery.reserve_wh - len(slots_wh) <= stored <= battery.capacity_wh + len(slots_wh)


@some
@given(h.homes())
def test_a_car_is_ready_in_time_if_that_is_possible_at_all(model):
    for car in model.loads:
        if isinstance(car, Car) and car.plugged_in:
            slots = (car.ready_ms // SLOT_MS if car.ready_ms else h.WINDOW.stop) - NOW_SLOT
            others = sum(1 for load in model.loads) > 1
            if not others:
                possible = min(car.needs_wh, int(car.power_w / 4) * min(slots, len(h.WINDOW)))
                planned = h.decide(model).schedules["car"].slots_wh[:slots]
                assert sum(planned) >= possible - len(planned)


@some
@given(h.homes(h.settings_of))
def test_the_same_home_is_planned_the_same_way(model):
    assert h.decide(model) == h.decide(model)


@some
@given(h.homes(h.settings_of))
def test_a_plan_that_is_carried_out_leaves_nothing_to_do(model):
    first = h.decide(model)
    again = h.decide(model, orders=h.as_placed(first))
    assert (again.place, again.cancel) == ((), ())


def test_an_order_that_is_not_the_agents_stays_and_counts():
    model = h.home(100, noon, roofs=(ROOF,))
    theirs = h.as_placed(h.decide(model))
    planned = h.decide(model, orders=theirs, own=())
    assert (planned.place, planned.cancel) == ((), ())


def test_orders_that_fit_no_longer_are_taken_back():
    standing = h.as_placed(h.decide(h.home(100, noon, roofs=(ROOF,))))
    offers = {order.id for order in standing if order.order["type"] == "offer"}
    planned = h.decide(h.home(100, lambda place: noon(place) / 2, roofs=(ROOF,)), orders=standing)
    assert {cancellation.order for cancellation in planned.cancel} >= offers
    assert all(one.because.key == "takes_back" for one in planned.cancel)
    assert max(h.offered(one.order for one in planned.place).values()) <= 650


def test_a_small_change_of_mind_changes_no_order():
    standing = h.as_placed(h.decide(h.home(100, noon, roofs=(ROOF,))))
    planned = h.decide(h.home(102, lambda place: noon(place) * 1.02, roofs=(ROOF,)), orders=standing)
    assert (planned.place, planned.cancel) == ((), ())


# --- each asset ---


def test_own_sunshine_charges_the_car_first():
    car = Car(id="car", needs_wh=4_000, power_w=3_700, ready_ms=NOW + 70 * SLOT_MS)
    schedule = h.decide(h.home(100, noon, roofs=(ROOF,), loads=(car,))).schedules["car"]
    assert sum(schedule.slots_wh[40:60]) == pytest.approx(4_000, abs=5)
    assert schedule.because.key == "takes_sunshine"


def test_a_car_without_sunshine_bids_for_all_it_needs_and_leaves_the_time_to_the_auction():
    car = Car(id="car", needs_wh=4_000, power_w=3_700, ready_ms=NOW + 30 * SLOT_MS)
    planned = h.decide(h.home(100, loads=(car,)))
    (bid,) = orders_of(planned, FlexibleBid)
    assert (bid.energy_wh, bid.max_wh_per_slot, bid.price) == (4_000, 925, 305_000)
    assert (bid.earliest, bid.deadline) == (OPEN.start, NOW_SLOT + 29)
    assert sum(planned.schedules["car"].slots_wh[:30]) == pytest.approx(4_000, abs=5)


def test_what_the_car_bought_is_what_it_takes():
    car = Car(id="car", needs_wh=2_000, power_w=3_700, ready_ms=NOW + 30 * SLOT_MS)
    planned = h.decide(h.home(100, loads=(car,)), trades=[h.bought(NOW_SLOT + 5, 900, "car")])
    assert planned.schedules["car"].wh(NOW_SLOT + 5) == 900
    assert planned.schedules["car"].because.key == "takes_agreed"
    (bid,) = orders_of(planned, FlexibleBid)
    assert bid.energy_wh == 1_100


@pytest.mark.parametrize(
    ("bought_wh", "most", "meets"), [(0, 925, True), (400, 525, True), (900, 925, False)]
)
def test_a_bid_asks_for_no_more_a_slot_than_is_left_beside_what_was_bought(bought_wh, most, meets):
    """A slot in which little is left is left out, rather than holding the others down to it."""
    car = Car(id="car", needs_wh=4_000, power_w=3_700, ready_ms=NOW + 30 * SLOT_MS)
    agreed = OPEN.start + 3
    trades = [h.bought(agreed, bought_wh, "car")] if bought_wh else []
    (bid,) = orders_of(h.decide(h.home(100, loads=(car,)), trades=trades), FlexibleBid)
    assert bid.max_wh_per_slot == most
    assert (agreed in range(bid.earliest, bid.deadline)) == meets


def test_a_car_that_cannot_be_ready_says_so_and_does_what_it_can():
    car = Car(id="car", needs_wh=9_000, power_w=3_700, ready_ms=NOW + 4 * SLOT_MS)
    schedule = h.decide(h.home(100, loads=(car,))).schedules["car"]
    assert schedule.slots_wh[:4] == (925,) * 4
    assert schedule.because.key == "cannot_be_ready"
    assert schedule.because.values["missing_wh"] == 5_300


def test_a_car_that_is_not_there_takes_nothing():
    car = Car(id="car", needs_wh=4_000, power_w=3_700, plugged_in=False)
    planned = h.decide(h.home(100, loads=(car,)))
    assert sum(planned.schedules["car"].slots_wh) == 0
    assert not orders_of(planned, FlexibleBid)


def test_only_when_it_is_cheap_enough():
    cheap = AssetSettings(only_below=120_000)
    car = Car(id="car", needs_wh=4_000, power_w=3_700, ready_ms=NOW + 30 * SLOT_MS, settings=cheap)
    planned = h.decide(h.home(100, loads=(car,)))
    assert sum(planned.schedules["car"].slots_wh) == 0
    assert planned.schedules["car"].because.key == "waits_cheaper"
    (bid,) = orders_of(planned, FlexibleBid)
    assert bid.price == 120_000
    sunny = h.decide(h.home(100, lambda _: 600, roofs=(ROOF,), loads=(car,)))
    assert sum(sunny.schedules["car"].slots_wh) > 3_000


def test_a_boiler_stays_within_its_band():
    boiler = HeatStore(
        id="boiler", stored_wh=3_000, low_wh=1_000, high_wh=6_000, power_w=2_000, loss_w=40,
        draw_wh=dict.fromkeys(h.WINDOW, 100),
    )  # fmt: skip
    planned = h.decide(h.home(100, noon, roofs=(ROOF,), loads=(boiler,)))
    stored = 3_000
    for wh in planned.schedules["boiler"].slots_wh:
        stored += wh - 110
        assert 1_000 - len(h.WINDOW) <= stored <= 6_000 + len(h.WINDOW)
    assert sum(planned.schedules["boiler"].slots_wh[40:60]) > 3_000


def test_a_boiler_that_heats_in_dear_hours_says_that_it_would_be_too_cold():
    dear = SupplierPrices(buy={slot: 300_000 if slot < NOW_SLOT + 8 else 150_000 for slot in h.WINDOW})
    boiler = HeatStore(
        id="boiler", stored_wh=1_000, low_wh=1_000, high_wh=6_000, power_w=2_000,
        draw_wh=dict.fromkeys(h.WINDOW, 100),
    )  # fmt: skip
    because = h.decide(h.home(100, loads=(boiler,), supplier=dear)).schedules["boiler"].because
    assert because.key == "takes_warmth"
    assert because.english().endswith("because it would become too cold otherwise.")


def test_a_run_is_bid_for_in_one_piece_and_starts_where_it_is_bought():
    run = Appliance(id="washer", profile_wh=(500, 400, 100), ready_ms=NOW + 40 * SLOT_MS)
    planned = h.decide(h.home(100, loads=(run,)))
    (bid,) = orders_of(planned, BlockBid)
    assert (bid.profile_wh, bid.earliest, bid.deadline) == ((500, 400, 100), OPEN.start, NOW_SLOT + 40)
    trades = [h.bought(NOW_SLOT + 7 + place, wh, "washer") for place, wh in enumerate((500, 400, 100))]
    agreed = h.decide(h.home(100, loads=(run,)), trades=trades)
    assert agreed.schedules["washer"].slots_wh[6:11] == (0, 500, 400, 100, 0)
    assert not orders_of(agreed, BlockBid)


def test_a_run_too_late_to_finish_says_so():
    run = Appliance(id="washer", profile_wh=(500,) * 8, ready_ms=NOW + 4 * SLOT_MS)
    planned = h.decide(h.home(100, loads=(run,)))
    assert planned.schedules["washer"].because.key == "cannot_be_ready"


def test_a_run_waits_for_a_price():
    run = Appliance(
        id="washer",
        profile_wh=(500,),
        ready_ms=NOW + 40 * SLOT_MS,
        settings=AssetSettings(only_below=100_000),
    )
    planned = h.decide(h.home(100, loads=(run,)))
    assert planned.schedules["washer"].because.key == "waits_cheaper"
    assert orders_of(planned, BlockBid)[0].price == 100_000


def test_a_battery_covers_the_home_and_keeps_what_was_sold():
    model = h.home(100, roofs=(ROOF,), batteries=(BATTERY,))
    assert h.decide(model).schedules["battery"].wh(NOW_SLOT) == -100
    kept = h.decide(model, trades=[h.sold(NOW_SLOT, 500, "battery")]).schedules["battery"]
    assert kept.wh(NOW_SLOT) == -600
    assert kept.because.key == "gives_agreed"


def test_a_battery_buys_where_nights_are_cheap_and_days_are_dear():
    night = NetworkTariff(
        price_floor=80_000, price_cap=400_000, grid_fee=5_000,
        week={"price_cap": tuple(TariffStep(hour * 60, 400_000 if hour % 24 >= 6 else 100_000)
                                 for hour in range(168))},
    )  # fmt: skip
    empty = Battery(
        id="battery", stored_wh=1_000, capacity_wh=10_000, reserve_wh=1_000, charge_w=4_000, discharge_w=4_000
    )
    planned = h.decide(h.home(300, batteries=(empty,)), tariff=night)
    taken = [slot for slot in h.WINDOW if planned.schedules["battery"].wh(slot) > 0]
    assert taken
    assert all(datetime.fromtimestamp(slot * 900, UTC).hour < 6 for slot in taken)
    assert any(decision.asset == "battery" for decision in planned.place)
    assert planned.schedules["battery"].because.key in ("takes_at", "rests", "gives_home")


CHEAP_NIGHT = {
    slot - 96 * day: 90_000 for slot in h.WINDOW if 10 <= slot - NOW_SLOT < 30 for day in range(1, 8)
}
EMPTY = Battery(id="battery", stored_wh=0, capacity_wh=6_000, reserve_wh=0, charge_w=4_000, discharge_w=4_000)


def bids_at_night(model):
    """Return what a battery bids for in all (Wh) that is planned to fill itself in a cheap night."""
    planned = h.decide(replace(model, batteries=(EMPTY,)), prices=CHEAP_NIGHT)
    assert sum(planned.schedules["battery"].slots_wh[10:30]) > 3_000
    return sum(one.order.energy_wh for one in planned.place if one.asset == "battery")


def test_a_battery_without_a_roof_buys_where_neighbours_are_usually_cheap():
    assert bids_at_night(h.home(300, 0, 0.2)) > 5_000


def test_a_battery_buys_only_what_a_sunnier_day_leaves_room_for():
    def shines(most):
        day = {slot: Quantiles(0, 250, most) for slot in h.WINDOW[40:]}
        return replace(h.home(300, roofs=(ROOF,)), production=Forecast(day))

    certain, uncertain = bids_at_night(shines(260)), bids_at_night(shines(900))
    assert certain > 3_000
    assert uncertain < certain / 2


def test_a_battery_sells_in_the_evening_what_neighbours_usually_pay_for():
    evening = [slot for slot in h.WINDOW if 20 <= slot - NOW_SLOT < 30]
    prices = {slot - 96 * day: 290_000 for slot in evening for day in range(1, 8)}
    full = Battery(
        id="battery", stored_wh=10_000, capacity_wh=10_000, reserve_wh=0, charge_w=8_000, discharge_w=8_000
    )
    home = h.home(5, lambda place: 900 if place > 60 else 0, roofs=(ROOF,), batteries=(full,))
    planned = h.decide(home, prices=prices)
    offers = h.offered(one.order for one in planned.place if one.asset == "battery")
    assert set(offers) <= {slot + 96 * day for slot in evening for day in (0, 1)}
    assert sum(offers.values()) > 5_000


# --- with right forecasts the bill is never higher ---


@some
@given(h.homes())
def test_with_right_forecasts_the_plan_costs_no_more_than_with_the_supplier_alone(model):
    sure = h.forecast(lambda place: model.base[h.WINDOW[place]].middle)
    sun = h.forecast(lambda place: model.production[h.WINDOW[place]].middle)
    planned = h.decide(
        type(model)(
            point=model.point, base=sure, production=sun, roofs=model.roofs, batteries=model.batteries
        )
    )
    alone = sum(
        h.BUY * max(0, net) + h.SELL * min(0, net)
        for net in (sure[slot].middle - sun[slot].middle for slot in h.WINDOW)
    )
    assert planned.supplier_cost <= alone + 1_000
    assert planned.cost <= planned.supplier_cost


# --- every asset says why ---


@some
@given(h.homes(h.settings_of))
def test_every_asset_and_order_says_why_in_words(model):
    planned = h.decide(model)
    said = [schedule.because for schedule in planned.schedules.values()]
    said += [decision.because for decision in planned.place]
    for sentence in said:
        assert sentence.key in ENGLISH
        assert "{" not in sentence.english(ZoneInfo("Europe/Lisbon"), "EUR")


def test_an_asset_that_is_switched_off_says_so():
    point = Point(
        id="home", rated_import_w=9_000, rated_export_w=9_000, settings=AssetSettings(automatic=False)
    )
    planned = h.decide(h.home(100, point=point))
    assert planned.place == ()
    assert planned.schedules["home"].because.english() == (
        "Does not trade by itself, because automatic trading is switched off."
    )


def test_a_connection_point_tells_its_next_delivery():
    planned = h.decide(h.home(100), trades=[h.bought(NOW_SLOT + 3, 80), h.bought(NOW_SLOT + 4, 40)])
    because = planned.schedules["home"].because
    assert because.key == "takes_agreed"
    assert because.values["energy_wh"] == 120
    assert planned.schedules["home"].wh(NOW_SLOT + 4) == 40
    assert planned.schedules["home"].wh(NOW_SLOT - 1) == 0


def test_nothing_is_sold_of_a_home_that_is_not_known_yet():
    model = h.home(0, noon, roofs=(ROOF,))
    unknown = type(model)(
        point=model.point, base=type(model.base)(), production=model.production, roofs=(ROOF,)
    )
    assert h.decide(unknown).place == ()


def test_a_load_never_bids_for_more_than_it_can_take_beside_what_it_bought():
    boiler = HeatStore(
        id="boiler", stored_wh=1_000, low_wh=1_000, high_wh=4_000, power_w=2_000,
        draw_wh=dict.fromkeys(h.WINDOW, 60),
    )  # fmt: skip
    first = h.decide(h.home(100, loads=(boiler,)))
    noon_slot = OPEN.start + 20
    agreed = [h.bought(noon_slot + place, 480, "boiler") for place in range(5)]
    planned = h.decide(h.home(100, loads=(boiler,)), trades=agreed)
    for order in orders_of(first, FlexibleBid):
        assert order.max_wh_per_slot <= 500
    for order in orders_of(planned, FlexibleBid):
        assert not set(range(order.earliest, order.deadline)) & {trade.slot for trade in agreed}
    before = sum(order.energy_wh for order in orders_of(first, FlexibleBid))
    after = sum(order.energy_wh for order in orders_of(planned, FlexibleBid))
    assert after <= before - 1_500


def test_standing_bids_of_a_load_are_not_replaced_as_time_passes():
    car = Car(id="car", needs_wh=4_000, power_w=3_700, ready_ms=NOW + 60 * SLOT_MS)
    boiler = HeatStore(
        id="boiler", stored_wh=3_000, low_wh=1_000, high_wh=4_000, power_w=2_000,
        draw_wh=dict.fromkeys(range(NOW_SLOT, NOW_SLOT + 200), 60),
    )  # fmt: skip
    model = h.home(0, loads=(car, boiler))
    first = h.decide(model)
    later = h.decide(model, orders=h.as_placed(first), time_ms=NOW + 300_000)
    assert (later.place, later.cancel) == ((), ())


def test_a_home_whose_money_is_spent_says_so():
    planned = h.decide(h.home(100), settings=Settings(daily_limit=0))
    assert planned.place == ()
    assert planned.schedules["home"].because.english() == (
        "Waits, because the spending limit of 0.00 EUR a day is reached."
    )


def test_standing_orders_are_explained_as_new_ones_are():
    first = h.decide(h.home(100))
    again = h.decide(h.home(100), orders=h.as_placed(first))
    assert again.place == ()
    assert again.schedules["home"].because == first.schedules["home"].because
    assert again.schedules["home"].because.key == "bids_base"


def test_what_is_agreed_is_reckoned_at_its_price():
    plain = h.decide(h.home(100))
    cheap = h.bought(NOW_SLOT + 3, 100, buyer_price=100_000, fee=5_000)
    assert h.decide(h.home(100), trades=[cheap]).cost == plain.cost - 100 * 200_000
    dear = h.sold(NOW_SLOT + 3, 100, "home")
    sunny = h.home(0, 100)
    assert h.decide(sunny, trades=[dear]).cost == h.decide(sunny).cost + 100 * (80_000 - 100)


def test_a_battery_bought_from_neighbours_or_filled_by_the_sun_says_so():
    sunny = h.home(100, lambda place: 900 if place < 10 else 0, roofs=(ROOF,), batteries=(BATTERY,))
    assert h.decide(sunny).schedules["battery"].because.key == "takes_sunshine"
    agreed = [h.bought(NOW_SLOT, 500, "battery")]
    bought = h.decide(h.home(100, batteries=(BATTERY,)), trades=agreed)
    assert bought.schedules["battery"].wh(NOW_SLOT) == 400
    assert bought.schedules["battery"].because.key == "takes_agreed"


def test_what_was_sold_is_not_bought_from_the_supplier():
    empty = Battery(
        id="battery", stored_wh=1_000, capacity_wh=10_000, reserve_wh=1_000, charge_w=4_000, discharge_w=4_000
    )
    agreed = [h.sold(NOW_SLOT + place, 500, "battery") for place in range(10, 14)]
    planned = h.decide(h.home(100, roofs=(ROOF,), batteries=(empty,)), trades=agreed)
    assert max(planned.schedules["battery"].slots_wh) <= 0
    full = h.decide(h.home(100, roofs=(ROOF,), batteries=(BATTERY,)), trades=agreed)
    assert [full.schedules["battery"].wh(trade.slot) for trade in agreed] == [-600] * 4
