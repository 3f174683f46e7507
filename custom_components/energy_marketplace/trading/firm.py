"""What a home agreed with its neighbours, by asset and slot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from ..ledger.answers import Trade


@dataclass(frozen=True, slots=True)
class Firm:
    """Wh by asset and slot that were `sold` and `bought` and are not settled yet."""

    sold: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    bought: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, trades: Iterable[Trade], point: str) -> Self:
        """Add up the trades of a connection point."""
        sold: dict[str, dict[int, int]] = {}
        bought: dict[str, dict[int, int]] = {}
        for trade in trades:
            if trade.sell_point == point:
                _add(sold, trade.sell_asset, trade)
            if trade.buy_point == point:
                _add(bought, trade.buy_asset, trade)
        return cls(sold, bought)

    def sold_at(self) -> dict[int, int]:
        """Return what was sold in all, by slot."""
        return _together(self.sold)

    def bought_at(self) -> dict[int, int]:
        """Return what was bought in all, by slot."""
        return _together(self.bought)


def _add(sums: dict[str, dict[int, int]], asset: str, trade: Trade) -> None:
    slots = sums.setdefault(asset, {})
    slots[trade.slot] = slots.get(trade.slot, 0) + trade.wh


def _together(sums: Mapping[str, Mapping[int, int]]) -> dict[int, int]:
    total: dict[int, int] = {}
    for slots in sums.values():
        for slot, wh in slots.items():
            total[slot] = total.get(slot, 0) + wh
    return total
