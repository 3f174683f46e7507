"""From trades to deliveries: the windows in which an asset gives or takes the agreed energy."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from ..ledger.answers import Trade
from ..ledger.units import slot_at, slot_start_ms
from ..meter.journal import Traded

type Role = Literal["give", "take"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Consecutive slots in which an asset gives or takes energy that was traded.

    `slots_wh` holds the Wh of each slot from `first` on, `money` what is earned or paid for it all in nano
    (fees included), `trades` and `orders` the ids behind it.
    """

    asset: str
    role: Role
    first: int
    slots_wh: tuple[int, ...]
    money: int
    slot_s: int
    trades: tuple[str, ...]
    orders: tuple[str, ...]

    @property
    def end(self) -> int:
        """The slot after the last."""
        return self.first + len(self.slots_wh)

    @property
    def start_ms(self) -> int:
        """When it starts."""
        return slot_start_ms(self.first, self.slot_s)

    @property
    def end_ms(self) -> int:
        """When it is over."""
        return slot_start_ms(self.end, self.slot_s)

    @property
    def energy_wh(self) -> int:
        """The energy of all its slots."""
        return sum(self.slots_wh)

    @property
    def price(self) -> int:
        """The mean price in nano per Wh, rounded down (fees included for a buyer)."""
        return self.money // self.energy_wh

    def covers(self, time_ms: int) -> bool:
        """Return whether it is under way at a time."""
        return self.start_ms <= time_ms < self.end_ms

    def power_w(self, time_ms: int) -> int:
        """Return the agreed mean power of the slot at a time; 0 outside."""
        if not self.covers(time_ms):
            return 0
        return self.slots_wh[slot_at(time_ms, self.slot_s) - self.first] * 3600 // self.slot_s


def deliveries(trades: Iterable[Trade], *, slot_s: int, asset: str) -> list[Delivery]:
    """Return an asset's deliveries, those of neighbouring slots joined, oldest first."""
    return sorted(
        [
            *_windows(trades := list(trades), "give", asset, slot_s),
            *_windows(trades, "take", asset, slot_s),
        ],
        key=lambda delivery: (delivery.first, delivery.role),
    )


def delivery_at(all_deliveries: Iterable[Delivery], time_ms: int) -> Delivery | None:
    """Return the delivery that is under way at a time."""
    return next((delivery for delivery in all_deliveries if delivery.covers(time_ms)), None)


def next_delivery(all_deliveries: Iterable[Delivery], time_ms: int) -> Delivery | None:
    """Return the first delivery that starts after a time."""
    coming = (delivery for delivery in all_deliveries if delivery.start_ms > time_ms)
    return min(coming, key=lambda delivery: delivery.first, default=None)


def traded_at(trades: Iterable[Trade], point: str) -> dict[int, Traded]:
    """Return what a connection point sold and bought, by slot: what its readings are held against.

    A trade that stays behind one connection point is seen by no meter.
    """
    traded: dict[int, Traded] = {}
    for trade in trades:
        if trade.sell_point == trade.buy_point:
            continue
        before = traded.get(trade.slot, Traded())
        sold = trade.wh if trade.sell_point == point else 0
        bought = trade.wh if trade.buy_point == point else 0
        if sold or bought:
            traded[trade.slot] = Traded(before.sold_wh + sold, before.bought_wh + bought)
    return traded


def _windows(trades: list[Trade], role: Role, asset: str, slot_s: int) -> list[Delivery]:
    mine = [trade for trade in trades if _asset(trade, role) == asset]
    by_slot: dict[int, list[Trade]] = {}
    for trade in mine:
        by_slot.setdefault(trade.slot, []).append(trade)
    # Slots in a row differ from their place in the list by the same number.
    runs = groupby(enumerate(sorted(by_slot)), key=lambda item: item[1] - item[0])
    return [_delivery([by_slot[slot] for _, slot in run], role, asset, slot_s) for _, run in runs]


def _delivery(slots: list[list[Trade]], role: Role, asset: str, slot_s: int) -> Delivery:
    trades = [trade for slot in slots for trade in slot]
    return Delivery(
        asset=asset,
        role=role,
        first=trades[0].slot,
        slots_wh=tuple(sum(trade.wh for trade in slot) for slot in slots),
        money=sum(trade.wh * _price(trade, role) for trade in trades),
        slot_s=slot_s,
        trades=tuple(trade.id for trade in trades),
        orders=tuple(dict.fromkeys(_order(trade, role) for trade in trades)),
    )


def _asset(trade: Trade, role: Role) -> str:
    return trade.sell_asset if role == "give" else trade.buy_asset


def _order(trade: Trade, role: Role) -> str:
    return trade.sell_order if role == "give" else trade.buy_order


def _price(trade: Trade, role: Role) -> int:
    return trade.seller_price if role == "give" else trade.buyer_price + trade.fee
