"""The agent: from forecasts, wishes, prices and what is agreed already to orders and schedules.

`plan` is a pure function. It is called each round (and whenever a wish changes) with how things stand then,
and answers what to place, what to take back, and what each asset should do. Firm trades are kept; an order
that is still right is left alone. Call it again with its own answer carried out and nothing changes.

How it decides: see docs/trading.md.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

import numpy as np

from ..ledger.answers import Parameters, PlacedOrder, Trade
from ..ledger.tariff import NetworkTariff
from .daytable import Floats
from .explain import why_battery, why_load, why_trader
from .firm import Firm
from .home import Asset, HomeModel, Settings
from .reconcile import Changes, beside, reconcile, standing
from .rules import Decision
from .scheduling import schedule
from .sentences import Sentence
from .terms import terms_of
from .want import Want
from .wanted import Budget, affordable, wishes
from .wishes import Wish


@dataclass(frozen=True, slots=True)
class Cancellation:
    """An order to take back, and why."""

    order: str
    asset: str
    because: Sentence


@dataclass(frozen=True, slots=True)
class Schedule:
    """What an asset should take (positive Wh) or give (negative) in each slot from `first` on.

    `worth` is what a Wh kept in a battery will be worth later (nano); 0 for all else. `because` explains the
    window that runs or comes next, or why there is none.
    """

    asset: str
    first: int
    slots_wh: tuple[int, ...]
    because: Sentence
    worth: int = 0

    def wh(self, slot: int) -> int:
        """Return what is scheduled for a slot; 0 outside."""
        place = slot - self.first
        return self.slots_wh[place] if 0 <= place < len(self.slots_wh) else 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now.

    `cost` is what supplier and market are expected to charge (nano) until the horizon, what they pay taken
    off; `supplier_cost` what the same schedules would cost without neighbours.
    """

    made_ms: int
    place: tuple[Decision, ...] = ()
    cancel: tuple[Cancellation, ...] = ()
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    cost: int = 0
    supplier_cost: int = 0


def plan(
    home: HomeModel,
    *,
    time_ms: int,
    parameters: Parameters,
    tariff: NetworkTariff,
    prices: Mapping[int, int],
    trades: Sequence[Trade],
    orders: Sequence[PlacedOrder],
    own: Collection[str],
    settings: Settings,
    zone: tzinfo = UTC,
) -> Plan:
    """Decide what a home should do.

    Args:
        home: what is in it, how it stands now, what is expected of it.
        time_ms: now.
        parameters: of the network.
        tariff: of the network.
        prices: slot prices (nano per Wh, without fee) at the home's feeder, of past and coming slots.
        trades: the home's that are not settled yet; past ones of today count for the spending limit.
        orders: the home's open orders, whoever placed them.
        own: ids of those that the agent placed and may take back.
        settings: of the whole home.
        zone: where the home is; a day of the spending limit is a local one.

    """
    terms = terms_of(time_ms, parameters, tariff, home.supplier, prices)
    book = _Book(home.point.id, trades, [order for order in orders if order.state == "open"], own)
    due = [trade for trade in trades if trade.slot >= terms.first and _is_due(trade)]
    firm = Firm.of(due, home.point.id)
    want = Want(home, terms, firm, schedule(home, terms, firm))
    wished = beside(wishes(want), orders, trades, own, terms.open.start)
    wanted = affordable(wished, book.budget(settings, terms.slot_s, zone))
    changes = reconcile(
        wanted, standing(book.mine, trades, terms.open.start), exact=settings.daily_limit is not None
    )
    return _plan_of(time_ms, want, due, changes, _said(wished, wanted, settings))


def _plan_of(
    time_ms: int, want: Want, due: Sequence[Trade], changes: Changes, said: Mapping[str, Sentence]
) -> Plan:
    """Return what was decided, with what it costs and why."""
    return Plan(
        made_ms=time_ms,
        place=tuple(Decision(wish.asset, wish.order(), wish.because) for wish in changes.place),
        cancel=tuple(Cancellation(one.id, one.asset, Sentence("takes_back")) for one in changes.cancel),
        schedules={asset.id: _schedule(want, asset, said) for asset in want.home.assets},
        cost=_market_cost(want, due),
        supplier_cost=_cost(want.schedules.net, want.terms.buy, want.terms.sell),
    )


@dataclass(frozen=True, slots=True)
class _Book:
    """What a connection point has in the market; `own` are the agent's orders among the open ones."""

    point: str
    trades: Sequence[Trade]
    orders: Sequence[PlacedOrder]
    own: Collection[str]

    @property
    def mine(self) -> list[PlacedOrder]:
        """The agent's open orders."""
        return [order for order in self.orders if order.id in self.own]

    def budget(self, settings: Settings, slot_s: int, zone: tzinfo) -> Budget:
        """Return what may still be spent; what the agent's own orders hold comes back if they go."""
        held = sum(order.held for order in self.mine)
        return Budget.of(
            settings.daily_limit,
            None if settings.available is None else settings.available + held,
            slot_s=slot_s,
            zone=zone,
            trades=self.trades,
            others=[order for order in self.orders if order.id not in self.own],
            point=self.point,
        )


def _said(wished: Sequence[Wish], wanted: Sequence[Wish], settings: Settings) -> Mapping[str, Sentence]:
    """Return by asset why it has the first of its wishes, or that the money for it is spent."""
    limits = [limit for limit in (settings.daily_limit, settings.available) if limit is not None]
    short = Sentence("waits_limit", {"money": min(limits, default=0)})
    said = {wish.asset: short for wish in reversed(wished)}
    return said | {wish.asset: wish.because for wish in reversed(wanted)}


def _market_cost(want: Want, due: Iterable[Trade]) -> int:
    """Return what the schedules cost: what is agreed at its price, the rest at what is expected."""
    agreed = sum(_price_of(trade, want.home.point.id) for trade in due)
    rest = want.schedules.net - want.schedules.position.firm
    return agreed + _cost(rest, want.terms.import_price, want.terms.export_price)


def _price_of(trade: Trade, point: str) -> int:
    """Return what a trade costs a connection point (negative: brings it)."""
    paid = trade.wh * (trade.buyer_price + trade.fee) if trade.buy_point == point else 0
    return paid - (trade.wh * trade.seller_price if trade.sell_point == point else 0)


def _is_due(trade: Trade) -> bool:
    return trade.state not in ("settled", "cancelled")


def _schedule(want: Want, asset: Asset, said: Mapping[str, Sentence]) -> Schedule:
    """Return what an asset does in each slot, and why."""
    terms, schedules = want.terms, want.schedules
    if asset.id in schedules.flows:
        flow = schedules.flows[asset.id]
        return Schedule(asset.id, terms.first, _whole(flow.wh), why_load(want, asset, flow))
    if asset.id in schedules.paths:
        path = schedules.paths[asset.id]
        because = why_battery(want, asset, path.wh)
        return Schedule(asset.id, terms.first, _whole(path.wh), because, round(float(path.worth[0])))
    agreed = terms.by_place(want.firm.bought.get(asset.id, {})) - terms.by_place(
        want.firm.sold.get(asset.id, {})
    )
    return Schedule(asset.id, terms.first, _whole(agreed), why_trader(want, asset, said))


def _whole(wh: Floats) -> tuple[int, ...]:
    return tuple(int(value) for value in np.rint(wh))


def _cost(net: Floats, buy: Floats, sell: Floats) -> int:
    """Return what flows at the connection point cost at these prices."""
    return round(float(np.where(net > 0, buy * net, sell * net).sum()))
