"""From cleared rounds to the prices of slots."""

from collections.abc import Iterable

from ..ledger.answers import MarketRound
from ..ledger.units import slot_at


class PriceBook:
    """The latest price (nano per Wh, without fee) at which each slot was traded at one feeder.

    A later round in which nothing was traded for a slot leaves its price as it was.
    """

    def __init__(self, *, slot_s: int, feeder: str = "") -> None:
        self._slot_s = slot_s
        self._feeder = feeder
        self._prices: dict[int, tuple[int, int]] = {}

    def learn(self, rounds: Iterable[MarketRound]) -> None:
        """Take in rounds, in any order."""
        for market_round in rounds:
            prices = (market_round.prices or {}).get(self._feeder) or []
            for slot, price in enumerate(prices, market_round.first_slot):
                if price is not None and market_round.round >= self._prices.get(slot, (0, 0))[0]:
                    self._prices[slot] = (market_round.round, price)

    def forget_before(self, slot: int) -> None:
        """Drop what is past."""
        self._prices = {key: value for key, value in self._prices.items() if key >= slot}

    def price(self, slot: int) -> int | None:
        """Return a slot's price; None where nothing was traded."""
        known = self._prices.get(slot)
        return known[1] if known else None

    def known(self) -> dict[int, int]:
        """Return the prices of all slots that are not forgotten."""
        return {slot: price for slot, (_, price) in sorted(self._prices.items())}

    def now(self, time_ms: int) -> int | None:
        """Return the price of the slot at a time."""
        return self.price(slot_at(time_ms, self._slot_s))

    def next(self, time_ms: int) -> int | None:
        """Return the price of the slot after that."""
        return self.price(slot_at(time_ms, self._slot_s) + 1)

    def coming(self, time_ms: int) -> dict[int, int]:
        """Return the prices of the slot at a time and all later ones that have one."""
        first = slot_at(time_ms, self._slot_s)
        return {slot: price for slot, (_, price) in sorted(self._prices.items()) if slot >= first}
