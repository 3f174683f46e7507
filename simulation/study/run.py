"""Plays recorded days with ten homes of one mind each, and adds up what every home pays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from custom_components.energy_marketplace.ledger.answers import Trade
from custom_components.energy_marketplace.trading.memory import Errors
from simulation.study.house import House
from simulation.study.minds import MAINS_W, Agent, Greedy, Ids, Mind, Standing, Usual
from simulation.study.recordings import PER_DAY, SLOT_S, Floats, Recording
from simulation.study.street import START_SLOT, TARIFF, StudyStreet

type Say = Callable[[str], None]

BUY = TARIFF.price_cap + TARIFF.grid_fee
SELL = TARIFF.price_floor


@dataclass(frozen=True)
class Days:
    """How many days of a recording homes only learn, and how many they live and trade."""

    learned: int
    lived: int


@dataclass
class Home:
    """A home while it is played."""

    recording: Recording
    ids: Ids
    house: House
    mind: Mind
    net_wh: Floats
    kept_wh: Floats
    plan_s: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Played:
    """What a run came to, by home: Wh at the meter and kept at each slot's end; and the settled trades."""

    names: tuple[str, ...]
    net_wh: dict[str, Floats]
    kept_wh: dict[str, Floats]
    points: dict[str, str]
    trades: tuple[Trade, ...]
    missed_wh: dict[str, float]
    cold_slots: dict[str, int]
    refusals: tuple[str, ...]
    orders: int
    plan_ms: tuple[float, ...]
    errors: dict[str, Errors]


def play(recordings: Sequence[Recording], make_mind: Callable[[Ids], Mind], days: Days, say: Say) -> Played:
    """Let homes live through their recordings; in the first days they only learn."""
    learn_days, count = days.learned, (days.learned + days.lived) * PER_DAY
    start = learn_days * PER_DAY
    street = StudyStreet((START_SLOT + start) * SLOT_S * 1000 - 30_000)
    homes = [_home(street, recording, make_mind) for recording in recordings]
    for home in homes:
        home.house.begin(start)
        for slot in range(start):
            home.mind.learn(slot, home.house)
    orders = 0
    for slot in range(start, count):
        orders += _slot(street, homes, slot, start)
        if slot % PER_DAY == PER_DAY - 1:
            say(f"day {slot // PER_DAY + 1 - learn_days} of {days.lived}")
    _finish(street, homes, count)
    return _played(street, homes, orders, days)


def _home(street: StudyStreet, recording: Recording, make_mind: Callable[[Ids], Mind]) -> Home:
    plan, name = recording.plan, recording.plan.name
    street.join(name)
    point = street.register(name, "home", None, MAINS_W, MAINS_W)
    ids = Ids(
        point,
        roof=street.register(name, "solar", point, 0, plan.roof_w) if plan.roof_w else "",
        battery=street.register(name, "battery", point, plan.battery_wh // 2, plan.battery_wh // 2)
        if plan.battery_wh
        else "",
        car=street.register(name, "charger", point, plan.car_w, 0) if plan.car_w else "",
        heat=street.register(name, "heat_pump", point, plan.heat_year_kwh, 0) if plan.heat else "",
    )
    count = len(recording.base_wh)
    return Home(recording, ids, House(recording), make_mind(ids), np.zeros(count), np.zeros(count))


def _slot(street: StudyStreet, homes: Sequence[Home], slot: int, start: int) -> int:
    """Close a round at the slot's start, attest the slot before, plan, and live through the slot."""
    street.time = (START_SLOT + slot) * SLOT_S * 1000
    street.hold_round()
    if slot > start:
        _attest(street, homes, slot - 1)
    street.time += 30_000
    sent = []
    for home in homes:
        name = home.recording.plan.name
        home.house.arrive(slot)
        before = perf_counter()
        orders = home.mind.decide(street.time, home.house, _standing(street, name))
        home.plan_s.append(perf_counter() - before)
        sent += [street.cancel(name, order) for order in orders.cancel]
        sent += [street.place(name, one.asset, one.order) for one in orders.place]
    street.send(*sent)
    for home in homes:
        standing = _standing(street, home.recording.plan.name)
        home.net_wh[slot] = home.mind.live(slot, home.house, standing)
        home.kept_wh[slot] = home.house.kept_wh()
        home.mind.learn(slot, home.house)
    return len(sent)


def _standing(street: StudyStreet, name: str) -> Standing:
    address = street.people[name].address
    return Standing(
        tuple(street.orders[address].values()), tuple(street.trades[address].values()), dict(street.prices)
    )


def _attest(street: StudyStreet, homes: Sequence[Home], slot: int) -> None:
    street.send(
        *(
            street.attest(
                home.recording.plan.name, home.ids.point, START_SLOT + slot, round(home.net_wh[slot])
            )
            for home in homes
        )
    )


def _finish(street: StudyStreet, homes: Sequence[Home], count: int) -> None:
    """Attest the last slot; trades of slots that are not played are left aside."""
    street.time = (START_SLOT + count) * SLOT_S * 1000
    street.send()
    _attest(street, homes, count - 1)


def _played(street: StudyStreet, homes: Sequence[Home], orders: int, days: Days) -> Played:
    named = {home.recording.plan.name: home for home in homes}
    last = START_SLOT + (days.learned + days.lived) * PER_DAY
    return Played(
        names=tuple(named),
        net_wh={name: home.net_wh for name, home in named.items()},
        kept_wh={name: home.kept_wh for name, home in named.items()},
        points={name: home.ids.point for name, home in named.items()},
        trades=tuple(trade for trade in street.settled if trade.slot < last),
        missed_wh={name: home.house.missed_wh for name, home in named.items()},
        cold_slots={name: home.house.cold_slots for name, home in named.items()},
        refusals=tuple(street.refusals),
        orders=orders,
        plan_ms=tuple(1000 * seconds for home in homes for seconds in home.plan_s),
        errors={
            name: home.mind.memory.errors for name, home in named.items() if isinstance(home.mind, Agent)
        },
    )


@dataclass(frozen=True)
class Day:
    """What a home paid (nano) on a day, of which the market saved it `gained`, and its promises (Wh).

    `bill` counts what was kept in stores at the day's end against its beginning: what is missing at the
    supplier's price, what is more at what the supplier would have paid.
    """

    home: str
    day: int
    bill: float
    gained: int
    sold_wh: int
    bought_wh: int
    short_sold_wh: int
    short_bought_wh: int
    penalties: int


def days_of(played: Played, days: Days) -> list[Day]:
    """Return every home's days."""
    lived = range(days.learned, days.learned + days.lived)
    return [_day(played, name, day) for name in played.names for day in lived]


def _day(played: Played, name: str, day: int) -> Day:
    here = slice(day * PER_DAY, (day + 1) * PER_DAY)
    net, kept = np.rint(played.net_wh[name][here]), played.kept_wh[name]
    more = float(kept[here.stop - 1] - kept[here.start - 1])
    alone = float(np.where(net > 0, net * BUY, net * SELL).sum()) - more * (SELL if more > 0 else BUY)
    slots = range(START_SLOT + here.start, START_SLOT + here.stop)
    trades = [trade for trade in played.trades if trade.slot in slots]
    sold = [trade for trade in trades if trade.sell_point == played.points[name]]
    bought = [trade for trade in trades if trade.buy_point == played.points[name]]
    # What neighbours settle, the supplier neither pays nor charges.
    gained = sum(_received(trade) - (trade.settled_wh or 0) * SELL for trade in sold)
    gained += sum((trade.settled_wh or 0) * BUY - _paid(trade) for trade in bought)
    return Day(
        home=name,
        day=day,
        bill=alone - gained,
        gained=gained,
        sold_wh=sum(trade.wh for trade in sold),
        bought_wh=sum(trade.wh for trade in bought),
        short_sold_wh=sum(trade.wh - (trade.delivered_wh or 0) for trade in sold),
        short_bought_wh=sum(trade.wh - (trade.taken_wh or 0) for trade in bought),
        penalties=sum(trade.seller_penalty or 0 for trade in sold)
        + sum(trade.buyer_penalty or 0 for trade in bought),
    )


def _received(trade: Trade) -> int:
    """Return what a settled trade brought its seller (nano)."""
    return (trade.received or 0) + (trade.buyer_penalty or 0) - (trade.seller_penalty or 0)


def _paid(trade: Trade) -> int:
    """Return what a settled trade cost its buyer (nano)."""
    return (trade.paid or 0) + (trade.buyer_penalty or 0) - (trade.seller_penalty or 0)


MINDS: dict[str, Callable[[Ids], Mind]] = {
    "usual": lambda _: Usual(),
    "alone": lambda ids: Agent(ids, trades=False),
    "greedy": Greedy,
    "agent": Agent,
    "foresight": lambda ids: Agent(ids, foresight=True),
}
