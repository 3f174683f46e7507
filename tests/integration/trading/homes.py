"""Homes of many kinds for the tests of the agent."""

from hypothesis import strategies as st

from custom_components.energy_marketplace.ledger.answers import PlacedOrder
from custom_components.energy_marketplace.ledger.tariff import NetworkTariff
from custom_components.energy_marketplace.ledger.units import slot_at
from custom_components.energy_marketplace.trading.agent import Plan, plan
from custom_components.energy_marketplace.trading.forecast import Forecast, Quantiles
from custom_components.energy_marketplace.trading.home import (
    Appliance,
    AssetSettings,
    Battery,
    Car,
    HeatStore,
    HomeModel,
    Point,
    Roof,
    Settings,
)
from custom_components.energy_marketplace.trading.timing import open_slots
from tests.integration.trading.market import NOW, NOW_SLOT, PARAMETERS, SLOT_MS, trade

TARIFF = NetworkTariff(price_floor=80_000, price_cap=300_000, grid_fee=5_000)
BUY, SELL = 305_000, 80_000
WINDOW = range(NOW_SLOT, open_slots(NOW, PARAMETERS).stop)
POINT = Point(id="home", rated_import_w=17_000, rated_export_w=17_000)


def forecast(wh, spread=0.0, slots=WINDOW):
    """Expect `wh` (a number or a function of the place) give or take a share."""
    value = wh if callable(wh) else lambda _: wh
    return Forecast(
        {
            slot: Quantiles(value(place) * (1 - spread), value(place), value(place) * (1 + spread))
            for place, slot in enumerate(slots)
        }
    )


def home(base=100, production=0, spread=0.0, **assets):
    return HomeModel(
        point=assets.pop("point", POINT),
        base=forecast(base, spread),
        production=forecast(production, spread),
        **assets,
    )


def decide(
    model, *, trades=(), orders=(), own=None, prices=None, settings=None, tariff=TARIFF, time_ms=NOW, **more
) -> Plan:
    return plan(
        model,
        time_ms=time_ms,
        parameters=PARAMETERS,
        tariff=tariff,
        prices=prices or {},
        trades=list(trades),
        orders=list(orders),
        own={order.id for order in orders} if own is None else own,
        settings=settings or Settings(),
        **more,
    )


def as_placed(planned: Plan, kept=()) -> list[PlacedOrder]:
    """Return the orders that stand once a plan is carried out."""
    gone = {cancellation.order for cancellation in planned.cancel}
    return [order for order in kept if order.id not in gone] + [
        PlacedOrder(
            id=f"{planned.made_ms}.{number}",
            account="a",
            asset=decision.asset,
            order=decision.order.as_dict(),
            state="open",
            filled_wh=0,
            held=0,
            placed=planned.made_ms,
            commit=1,
        )
        for number, decision in enumerate(planned.place)
    ]


def sold(slot, wh, asset="roof"):
    return trade(slot, wh, id=f"s{slot}", sell_asset=asset, sell_point="home", buy_point="other")


def bought(slot, wh, asset="home", **changes):
    return trade(
        slot,
        wh,
        id=f"b{slot}",
        buy_asset=asset,
        buy_point="home",
        sell_point="other",
        sell_asset="x",
        **changes,
    )


def offered(orders) -> dict[int, int]:
    """Add up what is offered, by slot."""
    return _by_slot(order.as_dict() for order in orders if order.as_dict()["type"] == "offer")


def bid_for(orders) -> dict[int, int]:
    """Add up what fixed bids ask for, by slot."""
    return _by_slot(order.as_dict() for order in orders if order.as_dict()["type"] == "fixed")


def _by_slot(texts) -> dict[int, int]:
    slots: dict[int, int] = {}
    for text in texts:
        for slot, wh in text["slots"].items():
            slots[int(slot)] = slots.get(int(slot), 0) + wh
    return slots


energies = st.integers(0, 2_000)
curves = st.lists(energies, min_size=len(WINDOW), max_size=len(WINDOW))
strategies = st.sampled_from(["save_money", "own_sunshine", "help_street", "only_sell", "only_buy"])
settings_of = st.builds(
    AssetSettings,
    automatic=st.booleans(),
    strategy=strategies,
    min_sell_price=st.none() | st.integers(80_000, 300_000),
    max_buy_price=st.none() | st.integers(80_000, 310_000),
    only_below=st.none() | st.integers(50_000, 310_000),
)
plain_settings = st.builds(AssetSettings, strategy=strategies)


@st.composite
def batteries(draw, settings=plain_settings):
    capacity = draw(st.integers(500, 15_000))
    reserve = draw(st.integers(0, capacity // 2))
    return Battery(
        id="battery",
        stored_wh=draw(st.integers(reserve, capacity)),
        capacity_wh=capacity,
        reserve_wh=reserve,
        charge_w=draw(st.integers(200, 6_000)),
        discharge_w=draw(st.integers(200, 6_000)),
        efficiency_pct=draw(st.integers(60, 100)),
        wear=draw(st.integers(0, 60_000)),
        settings=draw(settings),
    )


@st.composite
def cars(draw, settings=plain_settings):
    power = draw(st.integers(1_400, 11_000))
    return Car(
        id="car",
        needs_wh=draw(st.integers(1, power * 6)),
        power_w=power,
        ready_ms=draw(st.none() | st.integers(NOW + SLOT_MS, NOW + 160 * SLOT_MS)),
        plugged_in=draw(st.booleans()),
        settings=draw(settings),
    )


@st.composite
def heat_stores(draw, settings=plain_settings):
    low = draw(st.integers(0, 2_000))
    high = low + draw(st.integers(500, 8_000))
    return HeatStore(
        id="boiler",
        stored_wh=draw(st.integers(low, high)),
        low_wh=low,
        high_wh=high,
        power_w=draw(st.integers(1_000, 4_000)),
        heat_pct=draw(st.sampled_from([100, 300])),
        loss_w=draw(st.integers(0, 100)),
        draw_wh=dict.fromkeys(WINDOW, draw(st.integers(0, 200))),
        settings=draw(settings),
    )


@st.composite
def runs(draw, settings=plain_settings):
    profile = tuple(draw(st.lists(st.integers(1, 700), min_size=1, max_size=8)))
    return Appliance(
        id="washer",
        profile_wh=profile,
        ready_ms=NOW + draw(st.integers(len(profile) + 1, 100)) * SLOT_MS,
        earliest_ms=NOW + draw(st.integers(0, 10)) * SLOT_MS,
        settings=draw(settings),
    )


@st.composite
def homes(draw, settings=plain_settings):
    base, production = draw(st.tuples(energies, energies)), draw(st.tuples(energies, energies))
    turn = draw(st.integers(1, len(WINDOW) - 1))
    spread = draw(st.sampled_from([0.0, 0.2, 0.9]))
    loads = [
        load for load in (draw(st.none() | kind(settings)) for kind in (cars, heat_stores, runs)) if load
    ]
    return HomeModel(
        point=Point(id="home", rated_import_w=17_000, rated_export_w=17_000, settings=draw(settings)),
        base=forecast(lambda place: base[place >= turn], spread),
        production=forecast(lambda place: production[place % 48 >= turn % 48], spread),
        roofs=(Roof(id="roof", rated_w=9_000, settings=draw(settings)),) if draw(st.booleans()) else (),
        batteries=(draw(batteries(settings)),) if draw(st.booleans()) else (),
        loads=tuple(loads),
    )


def slot_of(time_ms):
    return slot_at(time_ms, PARAMETERS.slot_s)
