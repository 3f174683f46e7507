"""From a home's outlook to what each of its assets should do, slot by slot."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..ledger.units import slot_wh
from .batteries import Path, best_path, way_efficiency
from .daytable import Floats
from .firm import Firm
from .forecast import UNKNOWN
from .home import Appliance, Battery, Car, HeatStore, HomeModel, Load
from .loads import Envelope, Flow, cheapest_flow, cheapest_start
from .position import Position, position_of
from .terms import Terms

_SPARE_SLOTS: Final = 1
"""A load is planned to be ready so much earlier, where that is possible."""
SURELY_DRAWN: Final = 0.3

type _Costs = tuple[Position, Floats]
"""What energy costs a load, and what the point takes without it."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a home takes per slot without the assets that can be steered: quantiles as arrays (Wh)."""

    low: Floats
    middle: Floats
    high: Floats
    mean: Floats

    def at(self, level: float) -> Floats:
        """Return the need that is not reached with a probability of `level`, as `Quantiles.at`."""
        if level <= 0.5:
            return np.asarray(self.low + (self.middle - self.low) * max(0.0, level - 0.1) / 0.4)
        return np.asarray(self.middle + (self.high - self.middle) * min(0.4, level - 0.5) / 0.4)


@dataclass(frozen=True, slots=True)
class Schedules:
    """What the assets of a home do: flows by load, paths by battery, and the sums at the connection point."""

    need: Need
    position: Position
    flows: Mapping[str, Flow]
    paths: Mapping[str, Path]
    loads_wh: Floats
    batteries_wh: Floats

    @property
    def net(self) -> Floats:
        """What the connection point takes in each slot."""
        return self.need.mean + self.loads_wh + self.batteries_wh


def schedule(home: HomeModel, terms: Terms, firm: Firm) -> Schedules:
    """Return the cheapest schedules: loads that must be ready first come first, then the batteries."""
    need = need_of(home, terms)
    agreed = terms.by_place(firm.bought_at()) - terms.by_place(firm.sold_at())
    position = position_of(
        terms,
        agreed,
        sells=any(roof.settings.sells for roof in home.roofs) or home.point.settings.sells,
        buys=home.point.settings.buys,
    )
    loads = np.zeros(len(terms))
    flows: dict[str, Flow] = {}
    for load in sorted(home.loads, key=_urgency):
        bought = terms.by_place(firm.bought.get(load.id, {}))
        flow = _flow(load, home, terms, (_for_load(load, position, terms), need.mean + loads), bought)
        flows[load.id] = flow
        loads = loads + flow.wh
    net = need.mean + loads
    batteries = np.zeros(len(terms))
    paths: dict[str, Path] = {}
    for battery in home.batteries:
        own = _for_battery(battery, position, terms)
        path = best_path(battery, own, net + batteries, terms.slot_s, _rest_worth(battery, terms))
        paths[battery.id] = path
        batteries = batteries + path.wh
    return Schedules(need, position, flows, paths, loads, batteries)


def need_of(home: HomeModel, terms: Terms) -> Need:
    """Return base load less production, the errors of both taken as independent."""
    differences = [home.base.slots.get(slot, UNKNOWN).minus(home.production[slot]) for slot in terms.slots]
    columns = [(one.low, one.middle, one.high, one.mean) for one in differences]
    low, middle, high, mean = np.array(columns, dtype=np.float64).T
    return Need(low, middle, high, mean)


def _urgency(load: Load) -> tuple[float, str]:
    match load:
        case Car():
            return (float("inf") if load.ready_ms is None else load.ready_ms), load.id
        case Appliance():
            return load.ready_ms, load.id
        case HeatStore():
            return 0.0, load.id


def _for_load(load: Load, position: Position, terms: Terms) -> Position:
    """Return the costs that a load goes by: its strategy may count own sunshine as free, or not buy."""
    below, above = position.below, position.above
    if load.settings.strategy == "own_sunshine":
        below = np.zeros(len(terms))
    if not load.settings.buys:
        above = np.maximum(above, terms.buy)
    return Position(position.firm, below, above)


def _for_battery(battery: Battery, position: Position, terms: Terms) -> Position:
    """Return the costs that a battery goes by."""
    below, above = position.below, position.above
    if battery.settings.strategy == "own_sunshine" or not battery.settings.sells:
        below = np.minimum(below, terms.sell)
    if not battery.settings.buys:
        above = np.maximum(above, terms.buy)
    return Position(position.firm, below, above)


def _rest_worth(battery: Battery, terms: Terms) -> float:
    """Return what a stored Wh is worth at the horizon: what it would be sold for at the least."""
    return max(0.0, float(terms.sell.mean()) * way_efficiency(battery) - battery.wear)


def _flow(load: Load, home: HomeModel, terms: Terms, costs: _Costs, bought: Floats) -> Flow:
    if isinstance(load, Appliance):
        return _run(load, terms, costs, bought)
    position, net = costs
    room = np.maximum(0.0, slot_wh(home.point.rated_import_w, terms.slot_s) - net)
    envelope = car_envelope(load, terms) if isinstance(load, Car) else heat_envelope(load, terms)
    envelope = Envelope(envelope.least, envelope.most, np.minimum(envelope.power, room), bought)
    return cheapest_flow(envelope, position, net, load.settings.only_below)


def car_envelope(car: Car, terms: Terms) -> Envelope:
    """Return what a car may take: nothing must flow before it is to be ready, a slot to spare."""
    count = len(terms)
    power = np.full(count, float(slot_wh(car.power_w, terms.slot_s) if car.plugged_in else 0))
    if car.ready_ms is not None:
        ready = terms.place(car.ready_ms // (terms.slot_s * 1000))
        power[ready:] = 0.0
    else:
        ready = count
    least = np.zeros(count)
    slots_needed = -(-car.needs_wh // max(1, slot_wh(car.power_w, terms.slot_s)))
    spare = ready - _SPARE_SLOTS if ready - _SPARE_SLOTS >= slots_needed else ready
    least[max(0, spare - 1) :] = car.needs_wh
    return Envelope(least, np.full(count, float(car.needs_wh)), power, np.zeros(count))


def heat_envelope(store: HeatStore, terms: Terms) -> Envelope:
    """Return what a heat store may take, as electricity: enough to stay above its low end, never too warm."""
    drawn = _drawn(store, terms)
    gain = store.heat_pct / 100
    power = np.full(len(terms), float(slot_wh(store.power_w, terms.slot_s)))
    least = np.maximum.accumulate(np.maximum(0.0, (store.low_wh - store.stored_wh + drawn) / gain))
    most = np.maximum(least, np.maximum(0.0, (store.high_wh - store.stored_wh + drawn) / gain))
    return Envelope(least, most, power, np.zeros(len(terms)))


def sure_room(load: Car | HeatStore, terms: Terms) -> Floats:
    """Return what a load can surely take in all by the end of each slot.

    Of the heat that is expected to be drawn, only `SURELY_DRAWN` makes room.
    """
    if isinstance(load, Car):
        return np.full(len(terms), float(load.needs_wh))
    drawn = SURELY_DRAWN * _drawn(load, terms)
    return np.maximum(0.0, (load.high_wh - load.stored_wh + drawn) * 100 / load.heat_pct)


def surely_bought(battery: Battery, schedules: Schedules, terms: Terms) -> float:
    """Return what a battery buys in all (Wh) even if the sun stays at its high end and need at its low."""
    path = schedules.paths[battery.id]
    net = schedules.need.low + schedules.loads_wh + schedules.batteries_wh - path.wh
    own = _for_battery(battery, schedules.position, terms)
    sunny = best_path(battery, own, net, terms.slot_s, _rest_worth(battery, terms))
    return float(np.minimum(np.maximum(0.0, sunny.wh), np.maximum(0.0, net + sunny.wh)).sum())


def _drawn(store: HeatStore, terms: Terms) -> Floats:
    return np.cumsum(terms.by_place(store.draw_wh) + slot_wh(store.loss_w, terms.slot_s))


def run_starts(run: Appliance, terms: Terms) -> range:
    """Return the places at which a run may start."""
    slot_ms = terms.slot_s * 1000
    first = max(terms.first, -(-run.earliest_ms // slot_ms))
    last = min(run.ready_ms // slot_ms, terms.slots.stop) - len(run.profile_wh)
    return range(first - terms.first, last - terms.first + 1)


def _run(run: Appliance, terms: Terms, costs: _Costs, bought: Floats) -> Flow:
    position, net = costs
    profile = np.array(run.profile_wh, dtype=np.float64)
    wh, own = np.zeros(len(terms)), np.zeros(len(terms))
    if bought.any():
        start = int(np.argmax(bought > 0))
        length = min(len(profile), len(terms) - start)
        wh[start : start + length] = profile[:length]
        return Flow(wh, own)
    starts = run_starts(run, terms)
    if not starts:
        return Flow(wh, own, float(profile.sum()))
    start, cost = cheapest_start(profile, starts, position, net)
    there = slice(start, start + len(profile))
    limit = run.settings.only_below
    if limit is not None and cost > limit * profile.sum():
        return Flow(wh, own)
    wh[there] = profile
    own[there] = np.minimum(profile, position.free_wh(net)[there])
    return Flow(wh, own)
