"""The terms of the coming slots: what a Wh costs and brings, at the supplier and among neighbours."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..ledger.answers import Parameters
from ..ledger.tariff import NetworkTariff
from ..ledger.units import slot_at, slot_start_ms
from .daytable import Floats
from .home import SupplierPrices
from .timing import open_slots

_DAY_S: Final = 86_400
_PAST_DAYS: Final = 7
_TRUST: Final = 0.8
"""The most that is believed of finding a neighbour, however sure the past was."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Prices (nano per Wh) per slot, from the running one (`first`) to the horizon.

    `buy` and `sell` are the supplier's, fee included; `floor`, `cap`, `fee` the network's. `import_price` and
    `export_price` are what to expect when neighbours are reckoned with. `closed` slots cannot be traded any
    more.
    """

    first: int
    slot_s: int
    closed: int
    buy: Floats
    sell: Floats
    floor: Floats
    cap: Floats
    fee: Floats
    import_price: Floats
    export_price: Floats

    def __len__(self) -> int:
        """Return how many slots there are."""
        return len(self.buy)

    @property
    def slots(self) -> range:
        """The slots, the running one first."""
        return range(self.first, self.first + len(self))

    @property
    def open(self) -> range:
        """The slots that an order may name."""
        return range(self.first + self.closed, self.first + len(self))

    def place(self, slot: int) -> int:
        """Return where a slot stands, 0 … len (beyond it: len)."""
        return min(max(0, slot - self.first), len(self))

    def by_place(self, energy: Mapping[int, int]) -> Floats:
        """Return energies by slot as an array; slots outside are left out."""
        array = np.zeros(len(self))
        for slot, wh in energy.items():
            if 0 <= slot - self.first < len(self):
                array[slot - self.first] = wh
        return array


def terms_of(
    time_ms: int,
    parameters: Parameters,
    tariff: NetworkTariff,
    supplier: SupplierPrices,
    prices: Mapping[int, int],
) -> Terms:
    """Return the terms of all slots from the running one to the last that can be traded."""
    window = open_slots(time_ms, parameters)
    first = slot_at(time_ms, parameters.slot_s)
    slots = range(first, window.stop)
    tariffs = [tariff.at(slot_start_ms(slot, parameters.slot_s)) for slot in slots]
    floor = np.array([one.price_floor for one in tariffs], dtype=np.float64)
    cap = np.array([one.price_cap for one in tariffs], dtype=np.float64)
    fee = np.array([one.grid_fee for one in tariffs], dtype=np.float64)
    buy = _with(supplier.buy, cap + fee, first)
    sell = _with(supplier.sell, floor, first)
    price, likely = _expected(slots, prices, parameters.slot_s)
    likely[: window.start - first] = 0.0
    room = np.maximum(1.0, cap - floor)
    # A price near the cap tells of more bids than offers: then an offer is filled and a bid hardly is.
    sold = likely * np.clip(2.0 * (price - floor) / room, 0.0, 1.0)
    bought = likely * np.clip(2.0 * (cap - price) / room, 0.0, 1.0)
    return Terms(
        first=first,
        slot_s=parameters.slot_s,
        closed=window.start - first,
        buy=buy,
        sell=sell,
        floor=floor,
        cap=cap,
        fee=fee,
        import_price=buy - bought * np.maximum(0.0, buy - price - fee),
        export_price=sell + sold * np.maximum(0.0, price - sell),
    )


def _with(known: Mapping[int, int], usual: Floats, first: int) -> Floats:
    array = usual.copy()
    for slot, price in known.items():
        if 0 <= slot - first < len(array):
            array[slot - first] = price
    return array


def _expected(slots: range, prices: Mapping[int, int], slot_s: int) -> tuple[Floats, Floats]:
    """Return the price to expect in each slot, and how likely it is to trade at it.

    A slot traded already has its price; others are like the same time on the days before, yesterday most.
    """
    per_day = max(1, _DAY_S // slot_s)
    price, likely = np.zeros(len(slots)), np.zeros(len(slots))
    for place, slot in enumerate(slots):
        if slot in prices:
            price[place], likely[place] = prices[slot], _TRUST
            continue
        back = -(-(place + 1) // per_day)
        weights = {slot - per_day * day: 0.5 ** (day / 2) for day in range(back, back + _PAST_DAYS)}
        known = sum(weight for past, weight in weights.items() if past in prices)
        if known:
            total = sum(weight * prices[past] for past, weight in weights.items() if past in prices)
            price[place] = total / known
            likely[place] = _TRUST * known / sum(weights.values())
    return price, likely
