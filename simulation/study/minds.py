"""Who decides in a home of the study: the agent, with or without foresight, a greedy one, or nobody."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Protocol

from custom_components.energy_marketplace.ledger.answers import PlacedOrder, Trade
from custom_components.energy_marketplace.ledger.units import slot_at
from custom_components.energy_marketplace.trading.agent import Plan, plan
from custom_components.energy_marketplace.trading.dispatch import battery_w, load_w
from custom_components.energy_marketplace.trading.firm import Firm
from custom_components.energy_marketplace.trading.forecast import Forecast, Quantiles, by_habit, surplus
from custom_components.energy_marketplace.trading.heat import HeatHistory, Tank
from custom_components.energy_marketplace.trading.home import (
    Battery,
    Car,
    HeatStore,
    HomeModel,
    Load,
    Point,
    Roof,
    Settings,
)
from custom_components.energy_marketplace.trading.memory import Memory
from custom_components.energy_marketplace.trading.rules import (
    Decision,
    buy_consumption,
    ordered_wh,
    sell_surplus,
)
from custom_components.energy_marketplace.trading.timing import open_slots
from simulation.study.house import EFFICIENCY_PCT, WEAR, House
from simulation.study.recordings import SLOT_S
from simulation.study.street import PARAMETERS, START_SLOT, TARIFF

MAINS_W = 24_000


@dataclass(frozen=True)
class Ids:
    """A home's assets on the ledger; empty is what it does not have."""

    point: str
    roof: str = ""
    battery: str = ""
    car: str = ""
    heat: str = ""


@dataclass(frozen=True)
class Standing:
    """What a home has in the market."""

    orders: Sequence[PlacedOrder] = ()
    trades: Sequence[Trade] = ()
    prices: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Orders:
    """What to take back and what to place."""

    cancel: tuple[str, ...] = ()
    place: tuple[Decision, ...] = ()


class Mind(Protocol):
    """Decides for one home. Slots of the recording are relative, those of the market absolute."""

    def learn(self, slot: int, house: House) -> None:
        """Learn what a slot brought."""
        ...

    def decide(self, time_ms: int, house: House, standing: Standing) -> Orders:
        """Return what to do in the market."""
        ...

    def live(self, slot: int, house: House, standing: Standing) -> float:
        """Live through a slot; return what the meter showed (Wh, negative: given)."""
        ...


class Usual:
    """Nobody: the car charges when it comes, heat is made when drawn, the battery takes and gives at once."""

    def learn(self, slot: int, house: House) -> None:
        """Learn nothing."""

    def decide(self, _time_ms: int, _house: House, _standing: Standing) -> Orders:
        """Want nothing from the market."""
        return Orders()

    def live(self, slot: int, house: House, _standing: Standing) -> float:
        """Let everything run by itself."""
        car = house.charge_car(float("inf"))
        net = house.net_wh(slot, car, house.heat(slot, _kept_warm(house, slot)))
        most_w = float(house.battery_w)
        return net + house.move_battery(min(most_w, max(-most_w, -net * 3600 / SLOT_S)))


def _kept_warm(house: House, slot: int) -> float:
    """Return what keeps the tank as it was."""
    return float(house.recording.heat_wh[slot]) + max(0.0, house.tank_wh / 2 - house.heat_wh)


class Greedy(Usual):
    """Lives as usual, offers what the same slots of last week left over and bids for what they needed.

    It looks four hours ahead, offers at the floor and bids at the supplier's price.
    """

    look_ahead = 16

    def __init__(self, ids: Ids) -> None:
        self.ids = ids
        self.base: dict[int, int] = {}
        self.roof: dict[int, int] = {}

    def learn(self, slot: int, house: House) -> None:
        """Keep what was measured."""
        recording = house.recording
        self.base[START_SLOT + slot] = int(recording.base_wh[slot] + recording.heat_wh[slot])
        self.roof[START_SLOT + slot] = int(recording.roof_wh[slot])

    def decide(self, time_ms: int, house: House, standing: Standing) -> Orders:
        """Offer and bid for the next hours."""
        coming = open_slots(time_ms, PARAMETERS)[: self.look_ahead]
        base, roof = (by_habit(known, coming, slot_s=SLOT_S) for known in (self.base, self.roof))
        left = surplus(roof, base)
        asset = self.ids.roof or self.ids.point
        offer = sell_surplus(
            asset,
            left,
            price=TARIFF.price_floor,
            rated_export_w=max(1, house.recording.plan.roof_w),
            ordered=_ordered(standing, asset, selling=True),
            time_ms=time_ms,
            parameters=PARAMETERS,
        )
        bid = buy_consumption(
            self.ids.point,
            {slot: -wh for slot, wh in left.items()},
            price=TARIFF.price_cap + TARIFF.grid_fee,
            rated_import_w=MAINS_W,
            ordered=_ordered(standing, self.ids.point, selling=False),
            time_ms=time_ms,
            parameters=PARAMETERS,
        )
        return Orders(place=tuple(decision for decision in (offer, bid) if decision))


def _ordered(standing: Standing, asset: str, *, selling: bool) -> dict[int, int]:
    orders = [order for order in standing.orders if order.asset == asset]
    trades = [
        trade for trade in standing.trades if (trade.sell_asset if selling else trade.buy_asset) == asset
    ]
    return ordered_wh(orders, trades, selling=selling)


class Agent:
    """The integration's agent; it may know what comes, or plan without neighbours."""

    def __init__(self, ids: Ids, *, foresight: bool = False, trades: bool = True) -> None:
        self.ids = ids
        self.foresight = foresight
        self.memory = Memory(SLOT_S, UTC)
        self.heat = HeatHistory(SLOT_S, UTC)
        self.plan: Plan | None = None
        self.trades = trades

    def learn(self, slot: int, house: House) -> None:
        """Remember what a slot brought."""
        recording = house.recording
        self.memory.note(START_SLOT + slot, recording.base_wh[slot], recording.roof_wh[slot])
        if self.ids.heat and house.heated_wh is not None:
            self.heat.take(START_SLOT + slot, house.heated_wh)
        elif self.ids.heat:
            self.heat.read((START_SLOT + slot) * SLOT_S * 1000, house.temperature_c)
            self.heat.take(START_SLOT + slot, recording.heat_wh[slot])

    def decide(self, time_ms: int, house: House, standing: Standing) -> Orders:
        """Plan, and say what follows for the market."""
        self.memory.learn_prices(standing.prices)
        self.plan = plan(
            self.model(time_ms, house),
            time_ms=time_ms,
            parameters=PARAMETERS,
            tariff=TARIFF,
            prices=self.memory.prices if self.trades else {},
            trades=standing.trades,
            orders=standing.orders,
            own={order.id for order in standing.orders},
            settings=Settings(),
            zone=UTC,
        )
        if not self.trades:
            return Orders()
        return Orders(tuple(one.order for one in self.plan.cancel), self.plan.place)

    def model(self, time_ms: int, house: House) -> HomeModel:
        """Return the home as it stands."""
        now = slot_at(time_ms, SLOT_S)
        slots = range(now, open_slots(time_ms, PARAMETERS).stop)
        base, production = self._outlook(time_ms, slots, house)
        plan_ = house.recording.plan
        point = Point(id=self.ids.point, rated_import_w=MAINS_W, rated_export_w=MAINS_W)
        return HomeModel(
            point=point,
            base=base,
            production=production,
            roofs=(Roof(id=self.ids.roof, rated_w=plan_.roof_w),) if self.ids.roof else (),
            batteries=(self._battery(house),) if self.ids.battery else (),
            loads=tuple(self._loads(time_ms, slots, house)),
        )

    def _outlook(self, time_ms: int, slots: range, house: House) -> tuple[Forecast, Forecast]:
        if self.foresight:
            recording = house.recording
            return _certain(recording.base_wh, slots), _certain(recording.roof_wh, slots)
        outlook = self.memory.outlook(time_ms, slots)
        self.memory.remember(outlook, time_ms)
        return outlook.base, outlook.production

    def _battery(self, house: House) -> Battery:
        return Battery(
            id=self.ids.battery,
            stored_wh=round(house.stored_wh),
            capacity_wh=house.capacity_wh,
            reserve_wh=house.reserve_wh,
            charge_w=house.battery_w,
            discharge_w=house.battery_w,
            efficiency_pct=EFFICIENCY_PCT,
            wear=WEAR,
        )

    def _loads(self, time_ms: int, slots: range, house: House) -> Iterable[Load]:
        if house.visit is not None and house.car_needs_wh >= 1:
            ready_ms = (START_SLOT + house.visit.ready) * SLOT_S * 1000
            power_w = house.recording.plan.car_w
            yield Car(id=self.ids.car, needs_wh=int(house.car_needs_wh), power_w=power_w, ready_ms=ready_ms)
        if self.ids.heat and (tank := self._tank(time_ms, slots, house)):
            yield HeatStore(
                id=self.ids.heat,
                stored_wh=tank.stored_wh,
                low_wh=tank.least_wh,
                high_wh=tank.most_wh,
                power_w=house.heat_w,
                draw_wh=tank.draw_wh,
            )

    def _tank(self, time_ms: int, slots: range, house: House) -> Tank | None:
        self.heat.read(time_ms, house.temperature_c)
        tank = self.heat.tank(house.band, time_ms, slots, 0)
        if tank is None or not self.foresight:
            return tank
        return replace(tank, draw_wh=dict(enumerate(map(int, house.recording.heat_wh), START_SLOT)))

    def live(self, slot: int, house: House, standing: Standing) -> float:
        """Follow the plan; the battery keeps the promises within the slot."""
        now = START_SLOT + slot
        firm = Firm.of(standing.trades, self.ids.point)
        firm_wh = firm.bought_at().get(now, 0) - firm.sold_at().get(now, 0)
        car, heat = self._planned(self.ids.car, now), self._planned(self.ids.heat, now)
        car = min(car, house.car_needs_wh)
        battery = self._steer(house, firm_wh, house.net_wh(slot, car, heat))
        rest = house.net_wh(slot, car, heat) + battery
        if self.ids.heat:
            more = self._adjusted(heat, house.heat_w, firm_wh, rest)
            heat, planned = house.heat(slot, more), heat
            rest += heat - planned
        if house.visit is not None:
            more = self._adjusted(car, house.recording.plan.car_w, firm_wh, rest)
            rest += house.charge_car(more) - car
        return rest

    def _planned(self, asset: str, slot: int) -> float:
        schedules = self.plan.schedules if self.plan else {}
        return float(schedules[asset].wh(slot)) if asset in schedules else 0.0

    def _adjusted(self, planned_wh: float, most_w: float, firm_wh: int, net_wh: float) -> float:
        """Return what a load takes in a slot to keep what was agreed."""
        hours = SLOT_S / 3600
        return hours * load_w(
            planned_w=planned_wh / hours,
            most_w=most_w,
            slot_s=SLOT_S,
            firm_wh=firm_wh,
            net_w=net_wh / hours,
        )

    def _steer(self, house: House, firm_wh: int, net_wh: float) -> float:
        """Let the battery work for a slot; return what it took."""
        if not self.ids.battery or self.plan is None:
            return 0.0
        power_w = battery_w(
            self._battery(house),
            self.plan.schedules[self.ids.battery],
            slot_s=SLOT_S,
            firm_wh=firm_wh,
            net_w=net_wh * 3600 / SLOT_S,
            supplier_buy=TARIFF.price_cap + TARIFF.grid_fee,
            supplier_sell=TARIFF.price_floor,
        )
        return house.move_battery(power_w)


def _certain(wh: Iterable[float], slots: range) -> Forecast:
    """Return a forecast that is right."""
    known = dict(enumerate(wh, START_SLOT))
    return Forecast(
        {slot: Quantiles(known[slot], known[slot], known[slot]) for slot in slots if slot in known}
    )
