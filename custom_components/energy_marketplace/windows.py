"""Prices of slots, and the best of them for a load or a surplus: plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .ledger.tariff import NetworkTariff
from .ledger.units import slot_start_ms

_DAY_S = 86_400
_DAYS = 7
type Direction = Literal["import", "export"]


@dataclass(frozen=True, slots=True)
class SlotPrice:
    """What a Wh costs or brings in a slot (nano, fees included); `known` if the market traded it already."""

    slot: int
    buy: int
    sell: int
    known: bool

    def of(self, direction: Direction) -> int:
        """Return what counts for a direction."""
        return self.buy if direction == "import" else self.sell


@dataclass(frozen=True, slots=True)
class Window:
    """Slots in which to take or give energy, and their mean price (nano per Wh)."""

    slots: tuple[SlotPrice, ...]
    price: int


def slot_prices(
    slots: range, *, known: Mapping[int, int], tariff: NetworkTariff, slot_s: int
) -> list[SlotPrice]:
    """Return the prices of slots.

    A slot that nobody traded yet is expected to cost what the same slot cost on the days before, at most a
    week; where that is not known either, what the grid costs and pays.
    """
    return [_slot_price(slot, known, tariff, slot_s) for slot in slots]


def best_window(
    prices: list[SlotPrice],
    *,
    length: int,
    direction: Direction = "import",
    limit: int | None = None,
    contiguous: bool = True,
) -> Window | None:
    """Return the cheapest (dearest for export) slots; the earliest of equals.

    Args:
        prices: of consecutive slots.
        length: how many slots.
        direction: `import` looks for cheap slots, `export` for dear ones.
        limit: no slot may cost more (bring less) than that, nano per Wh.
        contiguous: whether the slots must follow each other.

    Returns:
        None where there are not enough slots within the limit.

    """
    sign = 1 if direction == "import" else -1
    costs = [sign * price.of(direction) for price in prices]
    fits = [limit is None or cost <= sign * limit for cost in costs]
    if contiguous:
        starts = [at for at in range(len(prices) - length + 1) if all(fits[at : at + length])]
        if not starts:
            return None
        start = min(starts, key=lambda at: sum(costs[at : at + length]))
        chosen = list(range(start, start + length))
    else:
        able = sorted((at for at, good in enumerate(fits) if good), key=lambda at: (costs[at], at))
        if len(able) < length:
            return None
        chosen = sorted(able[:length])
    return Window(tuple(prices[at] for at in chosen), sign * sum(costs[at] for at in chosen) // length)


def _slot_price(slot: int, known: Mapping[int, int], tariff: NetworkTariff, slot_s: int) -> SlotPrice:
    around = tariff.at(slot_start_ms(slot, slot_s))
    if (price := known.get(slot)) is not None:
        return SlotPrice(slot, price + around.grid_fee, price, known=True)
    per_day = _DAY_S // slot_s
    before = [known[past] for day in range(1, _DAYS + 1) if (past := slot - day * per_day) in known]
    if before:
        expected = sum(before) // len(before)
        return SlotPrice(slot, expected + around.grid_fee, expected, known=False)
    return SlotPrice(slot, around.price_cap + around.grid_fee, around.price_floor, known=False)
