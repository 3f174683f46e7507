"""What the neighbours want from the market: the integration's trading rules, fed with residents' foresight.

Residents know their habits and have heard the weather report, so they look ahead by asking the same curves
that drive their meters, and promise a little less than they expect. In one slot a house either sells or buys:
its one meter shows only the difference.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from custom_components.energy_marketplace.ledger.answers import Parameters, PlacedOrder, Trade
from custom_components.energy_marketplace.ledger.units import slot_at, slot_wh
from custom_components.energy_marketplace.trading import rules
from custom_components.energy_marketplace.trading.rules import Battery, Decision, WishError
from custom_components.energy_marketplace.trading.timing import open_slots
from simulation.devices import Store
from simulation.noise import dice
from simulation.street import MAINS_W, House

LOOK_AHEAD_SLOTS = 12
CAUTION = 0.94
EVENING_HOURS = range(17, 24)
CHARGE_SLOTS = 18
HALF_FULL = 0.5
BATTERY_SHARE = 0.3


@dataclass(frozen=True)
class Assets:
    """The ids of a house's assets on the ledger; None is what it does not have."""

    point: str
    roof: str | None = None
    battery: str | None = None
    charger: str | None = None


@dataclass(frozen=True)
class Book:
    """What one member has in the market."""

    orders: Mapping[str, PlacedOrder]
    trades: Mapping[str, Trade]

    def covered(self, asset: str, *, selling: bool) -> dict[int, int]:
        """Return the Wh by slot that the asset's orders cover already."""
        orders = [order for order in self.orders.values() if order.asset == asset]
        return rules.ordered_wh(orders, self.traded(asset, selling=selling), selling=selling)

    def traded(self, asset: str, *, selling: bool) -> list[Trade]:
        """Return the asset's trades on one side."""
        trades = self.trades.values()
        return [trade for trade in trades if (trade.sell_asset if selling else trade.buy_asset) == asset]

    def is_waiting(self, asset: str) -> bool:
        """Tell whether an order of the asset is still open."""
        return any(order.asset == asset and order.state == "open" for order in self.orders.values())


@dataclass(frozen=True)
class Strategy:
    """A resident's mind: the house, its assets, and the market's clockwork."""

    house: House
    assets: Assets
    parameters: Parameters

    def decide(self, book: Book, time_ms: int) -> list[Decision]:
        """Return the orders to place now."""
        wanted = self._net_wh(time_ms)
        decisions = (
            self._sell_roof(book, wanted, time_ms),
            self._buy_home(book, wanted, time_ms),
            self._sell_battery(book, time_ms),
            self._charge_car(book, time_ms),
        )
        return [decision for decision in decisions if decision]

    def apply(self, book: Book, time_ms: int) -> None:
        """Make car and battery follow the trades of their slots; a part of the roof's energy is stored."""
        if (car := self.house.car) and self.assets.charger:
            car.plan_w = self._agreed_w(book.traded(self.assets.charger, selling=False))
        if (battery := self.house.battery) and self.assets.battery:
            sold = self._agreed_w(book.traded(self.assets.battery, selling=True))
            given = {slot: -watts - max(0.0, -self._surplus_w(slot)) for slot, watts in sold.items()}
            now = slot_at(time_ms, self.parameters.slot_s)
            battery.plan_w = {slot: self._kept_w(slot) for slot in (now, now + 1)} | given

    def _net_wh(self, time_ms: int) -> dict[int, int]:
        """Return what the house will have left (negative: need) in the coming slots, cautiously."""
        coming = open_slots(time_ms, self.parameters)[:LOOK_AHEAD_SLOTS]
        return {slot: self._cautious_wh(slot) for slot in coming}

    def _cautious_wh(self, slot: int) -> int:
        """Return the least that three moments of the slot promise, 0 if they contradict each other."""
        looks = [self._surplus_w(slot, part) for part in (0.2, 0.5, 0.8)]
        if min(looks) * max(looks) <= 0:
            return 0
        least_w = min(looks, key=abs)
        return int((least_w - self._kept_w(slot)) * CAUTION * self.parameters.slot_s / 3600)

    def _surplus_w(self, slot: int, part: float = 0.5) -> float:
        """Return what roof and people leave over (negative: need) at a moment of a slot."""
        return -self.house.uncontrolled_w((slot + part) * self.parameters.slot_s)

    def _kept_w(self, slot: int) -> float:
        """Return what goes into the house's own battery."""
        if not self.house.battery:
            return 0.0
        return min(self.house.neighbour.battery_w, max(0.0, self._surplus_w(slot)) * BATTERY_SHARE)

    def _agreed_w(self, trades: Iterable[Trade]) -> dict[int, float]:
        watts: dict[int, float] = {}
        for trade in trades:
            watts[trade.slot] = (
                watts.get(trade.slot, 0.0) + trade.wh * 3600 / self.parameters.slot_s / CAUTION
            )
        return watts

    def _sell_roof(self, book: Book, wanted: Mapping[int, int], time_ms: int) -> Decision | None:
        if not self.assets.roof:
            return None
        return rules.sell_surplus(
            self.assets.roof,
            wanted,
            price=90_000 + int(50_000 * dice(self.house.neighbour.name, time_ms // 60_000)),
            rated_export_w=self.house.neighbour.roof_w,
            ordered=book.covered(self.assets.roof, selling=True),
            time_ms=time_ms,
            parameters=self.parameters,
        )

    def _buy_home(self, book: Book, wanted: Mapping[int, int], time_ms: int) -> Decision | None:
        if self.assets.battery:
            return None
        return rules.buy_consumption(
            self.assets.point,
            {slot: -wh for slot, wh in wanted.items()},
            price=200_000 + int(80_000 * dice(self.house.neighbour.name, time_ms // 60_000)),
            rated_import_w=MAINS_W,
            ordered=book.covered(self.assets.point, selling=False),
            time_ms=time_ms,
            parameters=self.parameters,
        )

    def _sell_battery(self, book: Book, time_ms: int) -> Decision | None:
        battery, asset = self.house.battery, self.assets.battery
        coming = open_slots(time_ms, self.parameters)[:LOOK_AHEAD_SLOTS]
        evening = [slot for slot in coming if self._is_evening(slot)]
        if not battery or not asset or not evening:
            return None
        return rules.sell_stored(
            asset,
            self._seen(battery),
            evening,
            price=150_000,
            ordered=book.covered(asset, selling=True),
            time_ms=time_ms,
            parameters=self.parameters,
        )

    def _is_evening(self, slot: int) -> bool:
        """Tell whether the house needs more than its roof gives, late in the day."""
        hour = self.house.home.day.hour(slot * self.parameters.slot_s)
        return int(hour) % 24 in EVENING_HOURS and self._surplus_w(slot) < 0

    def _seen(self, battery: Store) -> Battery:
        power_w = self.house.neighbour.battery_w
        return Battery(
            stored_wh=int(battery.level_wh),
            capacity_wh=int(battery.capacity_wh),
            reserve_wh=int(battery.capacity_wh * 0.1),
            charge_w=power_w,
            discharge_w=power_w,
        )

    def _charge_car(self, book: Book, time_ms: int) -> Decision | None:
        car, asset = self.house.car, self.assets.charger
        if not car or not asset or book.is_waiting(asset) or car.level_wh > car.capacity_wh * HALF_FULL:
            return None
        power_w, slot_ms = self.house.neighbour.charger_w, self.parameters.slot_s * 1000
        # After what is agreed already: two orders for one slot would ask more of the charger than it gives.
        start = max((trade.slot + 1 for trade in book.traded(asset, selling=False)), default=0)
        start_ms = max(start * slot_ms, time_ms)
        try:
            return rules.request_energy(
                asset,
                energy_wh=slot_wh(power_w, self.parameters.slot_s) * CHARGE_SLOTS // 4,
                power_w=power_w,
                price=180_000,
                start_ms=start_ms,
                finish_ms=start_ms + (CHARGE_SLOTS + 2) * slot_ms,
                time_ms=time_ms,
                parameters=self.parameters,
            )
        except WishError:
            return None
