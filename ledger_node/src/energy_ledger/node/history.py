"""Rounds of the past as neighbours ask about them, worked out again from the rows on the disk."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Final

import msgspec

from energy_ledger.api import types
from energy_ledger.genesis import Genesis
from energy_ledger.ledger.governing_rows import TariffEntry
from energy_ledger.ledger.recall import Past, recall
from energy_ledger.ledger.trading_rows import Order, Round, Trade
from energy_ledger.market.depth import Step, depth
from energy_ledger.market.explain import Interval, Table, asked_wh, explain, find_interval
from energy_ledger.storage.reader import Reader
from energy_ledger.tariffs import Schedule

_REMEMBERED: Final = 8
"""Decided rounds that are kept worked out: they never change."""


@dataclass(frozen=True)
class Told:
    """A round, its book and fills, and what follows from them, worked out when first asked for."""

    row: Round
    past: Past
    accounts: tuple[str, ...]
    """Who placed the book's orders, by rank."""

    @cached_property
    def interval(self) -> Interval | None:
        """The ends of the prices of a cleared round, None of another."""
        return find_interval(self.past.book, self.past.fills) if self.row.state == "cleared" else None

    @cached_property
    def outcomes(self) -> list[types.OrderOutcome]:
        """What became of the orders of a decided round, in the order of the book."""
        book = self.past.book
        if self.interval is None:
            return [
                types.OrderOutcome(order.id, account, asked_wh(order), 0, "not_cleared", None, None, None)
                for order, account in zip(book.orders, self.accounts, strict=True)
            ]
        return [
            types.OrderOutcome(
                order=book.orders[one.rank].id,
                account=self.accounts[one.rank],
                asked_wh=one.asked_wh,
                filled_wh=one.filled_wh,
                reason=one.reason,
                slot=None if one.slot is None else self.row.first_slot + one.slot,
                price=one.price,
                feeder=one.feeder,
            )
            for one in explain(book, self.past.fills, self._charged(self.interval))
        ]

    def _charged(self, interval: Interval) -> Table:
        """Return the round's prices, with the middle of the interval where nobody trades."""
        prices = self.row.prices or {}
        return tuple(
            tuple(
                (low + high) // 2 if price is None else price
                for price, low, high in zip(prices[node], lows, highs, strict=True)
            )
            for node, lows, highs in zip(self.past.book.nodes, interval.least, interval.greatest, strict=True)
        )

    def curves(self, slot: int) -> tuple[list[types.DepthStep], list[types.DepthStep]]:
        """Return what was offered and what was wanted in a slot that the book reaches."""
        found = depth(self.past.book, slot - self.row.first_slot)
        return _steps(found.supply), _steps(found.demand)

    def _per_feeder(self, table: Table) -> dict[str, list[int]]:
        """Name the rows of a table."""
        return {node: list(row) for node, row in zip(self.past.book.nodes, table, strict=True)}

    def ends(self, slot: int) -> tuple[dict[str, int], dict[str, int]] | None:
        """Return the ends of the prices per feeder in a slot that the book reaches."""
        if self.interval is None:
            return None
        place = slot - self.row.first_slot
        least, greatest = (
            {node: row[place] for node, row in self._per_feeder(table).items()}
            for table in (self.interval.least, self.interval.greatest)
        )
        return least, greatest

    def report(self) -> types.RoundReport:
        """Show the round with all that is to be said about it."""
        interval, is_open = self.interval, self.row.state == "open"
        shown = msgspec.to_builtins(self.row) | {
            "least": self._per_feeder(interval.least) if interval else None,
            "greatest": self._per_feeder(interval.greatest) if interval else None,
            "outcomes": None if is_open else self.outcomes,
        }
        return msgspec.convert(shown, types.RoundReport)


class History:
    """Works rounds out from what one node keeps. Its methods are called in threads."""

    def __init__(self, reader: Reader, genesis: Genesis) -> None:
        self._reader = reader
        self._rules = genesis.rules
        self._decided = lru_cache(maxsize=_REMEMBERED)(self._work_out)

    def tariffs(self) -> Schedule:
        """Return the tariffs of the network, the later ones as they stand on the disk."""
        entries = [_row(row, TariffEntry) for _, row in self._reader.live("tariffs")]
        return self._rules.schedule((one.from_slot, one.tariff) for one in entries)

    def round(self, key: str) -> Told | None:
        """Return a round by its number, None when there is none."""
        row = self._reader.one("rounds", key)
        return None if row is None else self._told(row)

    def of_slot(self, slot: int) -> Told | None:
        """Return the round that traded a slot last, or else the last that could have; None if none could."""
        row = self._reader.latest_round(slot, self._rules.horizon_slots)
        return None if row is None else self._told(row)

    def _told(self, row: str) -> Told:
        state = _state.decode(row).state
        return self._work_out(row) if state == "open" else self._decided(row)

    def _work_out(self, text: str) -> Told:
        row = _row(text, Round)
        with self._reader.moment():
            found = chain.from_iterable(self._reader.orders_numbered(*span) for span in row.numbers)
            orders = [_row(one, Order) for one in found]
            past = recall(self._rules, self.tariffs(), row, orders, self._trades(orders))
        owners = {order.id: order.account for order in orders}
        return Told(row, past, tuple(owners[order.id] for order in past.book.orders))

    def _trades(self, orders: Iterable[Order]) -> Iterable[Trade]:
        return self._reader.trades_of(order.id for order in orders)


class _State(msgspec.Struct, frozen=True):
    state: types.RoundState


_state = msgspec.json.Decoder(_State)


def _row[T](text: str, kind: type[T]) -> T:
    return msgspec.convert(msgspec.json.decode(text), kind, str_keys=True)


def _steps(found: Iterable[Step]) -> list[types.DepthStep]:
    """Show the steps of a curve."""
    return [types.DepthStep(step.price, step.wh, step.movable_wh) for step in found]
