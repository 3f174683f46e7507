"""What a member's events add up to: open orders, trades under way, and each asset's sums.

The book is a fold over the node's events for one account, in the order of their cursors. It is kept together
with the cursor, so that after a restart the events that came in between are added, none twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from .ledger import answers
from .ledger.answers import Event, PlacedOrder, Trade
from .ledger.matches import MATCHED, trades_in

OPEN = "open"
SETTLED = "trade.settled"
REVIEWED = "trade.reviewed"
_KEPT_SETTLED = 500
"""How many settled trades stay at hand, for the calendar; the ledger has them all."""
_KEPT_ORDERS = 1000
"""Of how many orders it is remembered who placed them."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What an asset traded so far, as settled: energy in Wh, money in nano, penalties included."""

    bought_wh: int = 0
    sold_wh: int = 0
    spent: int = 0
    earned: int = 0

    def plus(self, other: Totals, sign: int = 1) -> Totals:
        """Return the sum, or the difference with a sign of -1."""
        return Totals(
            self.bought_wh + sign * other.bought_wh,
            self.sold_wh + sign * other.sold_wh,
            self.spent + sign * other.spent,
            self.earned + sign * other.earned,
        )

    def with_sold(self, trade: Trade) -> Totals:
        """Add a settled trade that the asset sold."""
        return replace(
            self,
            sold_wh=self.sold_wh + trade.given_wh,
            earned=self.earned + (trade.received or 0) + (trade.buyer_penalty or 0),
            spent=self.spent + (trade.seller_penalty or 0),
        )

    def with_bought(self, trade: Trade) -> Totals:
        """Add a settled trade that the asset bought."""
        return replace(
            self,
            bought_wh=self.bought_wh + trade.received_wh,
            spent=self.spent + (trade.paid or 0) + (trade.buyer_penalty or 0),
            earned=self.earned + (trade.seller_penalty or 0),
        )


@dataclass
class Book:
    """The state of one account's market, up to `cursor`; 0 is before anything happened."""

    account: str
    cursor: int = 0
    commit: int = 0
    """The commit of the last event."""
    orders: dict[str, PlacedOrder] = field(default_factory=dict)
    trades: dict[str, Trade] = field(default_factory=dict)
    totals: dict[str, Totals] = field(default_factory=dict)
    placed_by: dict[str, str] = field(default_factory=dict)
    changes: int = field(default=0, compare=False)
    """How often trades changed since the start, for whoever works something out of them."""
    counted: list[tuple[Trade, int]] = field(default_factory=list, compare=False)
    """Trades that came into the sums (1) or went out of them (-1), until `take_counted`."""

    def apply(self, event: Event) -> bool:
        """Add an event; return whether it was new."""
        if event.cursor <= self.cursor:
            return False
        self.cursor, self.commit = event.cursor, event.commit
        if event.type.startswith("order."):
            self._order(answers.read(PlacedOrder, event.data))
        elif event.type.startswith("trade."):
            self.changes += 1
            self._trade(event)
        elif event.type == MATCHED:
            self.changes += 1
            self._match(trades_in(event.data))
        return True

    def begin_anew(self, orders: Iterable[PlacedOrder], trades: Iterable[Trade]) -> None:
        """Take the node's lists: of open orders, and at least of the trades that are not settled here.

        What was settled before stays in the sums. A settled trade counts if it is not known as such, unless
        so many were settled since that it may have been forgotten here.
        """
        self.orders = {order.id: order for order in orders if order.state == OPEN}
        known = {trade.id: trade for trade in self.trades.values() if trade.is_settled}
        forgotten = min(trade.slot for trade in known.values()) if len(known) >= _KEPT_SETTLED else 0
        before, self.trades = self.trades, dict(known)
        self.changes += 1
        for trade in trades:
            if trade.is_settled and trade.id not in before and trade.slot < forgotten:
                continue
            if trade.id in known:
                self._count(known[trade.id], -1)
            if trade.is_settled:
                self._count(trade, 1)
            self.trades[trade.id] = trade
        self._forget_oldest()

    def take_counted(self) -> list[tuple[Trade, int]]:
        """Return what came into the sums (1) and went out of them (-1) since the last time."""
        taken, self.counted = self.counted, []
        return taken

    def note_origin(self, order: str, placed_by: str) -> None:
        """Remember who placed an order; the oldest are forgotten when there are many."""
        self.placed_by[order] = placed_by
        for oldest in list(self.placed_by)[:-_KEPT_ORDERS]:
            del self.placed_by[oldest]

    def open_orders(self, asset: str) -> list[PlacedOrder]:
        """Return an asset's open orders, oldest first."""
        return [order for order in self.orders.values() if order.asset == asset]

    def trades_of(self, asset: str) -> list[Trade]:
        """Return the trades at hand in which an asset takes part."""
        return [trade for trade in self.trades.values() if asset in (trade.sell_asset, trade.buy_asset)]

    def totals_of(self, asset: str) -> Totals:
        """Return what an asset traded so far."""
        return self.totals.get(asset, Totals())

    def unsettled(self) -> Iterable[Trade]:
        """Return the trades that are still to be settled."""
        return (trade for trade in self.trades.values() if not trade.is_settled)

    def as_dict(self) -> dict[str, Any]:
        """Return the book as it is stored."""
        return {
            "account": self.account,
            "cursor": self.cursor,
            "commit": self.commit,
            # Not `asdict`, which copies in depth and would hold the event loop for a tenth of a second.
            "orders": [dict(vars(order)) for order in self.orders.values()],
            "trades": [dict(vars(trade)) for trade in self.trades.values()],
            "totals": {asset: asdict(totals) for asset, totals in self.totals.items()},
            "placed_by": dict(self.placed_by),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the book as it was stored."""
        orders = [answers.read(PlacedOrder, order) for order in data["orders"]]
        trades = [answers.read(Trade, trade) for trade in data["trades"]]
        return cls(
            account=data["account"],
            cursor=data["cursor"],
            commit=data.get("commit", 0),
            orders={order.id: order for order in orders},
            trades={trade.id: trade for trade in trades},
            totals={asset: Totals(**totals) for asset, totals in data["totals"].items()},
            placed_by=dict(data["placed_by"]),
        )

    def _order(self, order: PlacedOrder) -> None:
        if order.account != self.account:
            return
        if order.state == OPEN:
            self.orders[order.id] = order
        else:
            self.orders.pop(order.id, None)

    def _match(self, trades: Iterable[Trade]) -> None:
        """Take in trades that were made; those known by now were read from the lists, or are with oneself."""
        for trade in trades:
            self.trades.setdefault(trade.id, trade)

    def _trade(self, event: Event) -> None:
        """Take in a step of a trade, be it told again: what it came to before no longer counts."""
        trade = answers.read(Trade, event.data)
        known = self.trades.get(trade.id)
        if known == trade:
            return  # read from the node's lists
        counts = event.type in {SETTLED, REVIEWED}
        if known is not None and known.is_settled:
            if not trade.is_settled:
                return  # its beginning, told again by a node that fell behind
            if not counts:
                trade = replace(known, state=trade.state)
        if counts:
            self._uncount(known, event)
            self._count(trade, 1)
        if event.type == SETTLED:
            self.trades.pop(trade.id, None)
        elif trade.is_settled and trade.id not in self.trades:
            return
        self.trades[trade.id] = trade
        self._forget_oldest()

    def _uncount(self, known: Trade | None, event: Event) -> None:
        """Take out of the sums what a trade came to until now; its review tells it of one forgotten here."""
        if known is not None and known.is_settled:
            self._count(known, -1)
        elif event.type == REVIEWED:
            self._count(_before(event), -1)

    def _forget_oldest(self) -> None:
        settled = [trade.id for trade in self.trades.values() if trade.is_settled]
        for oldest in settled[:-_KEPT_SETTLED]:
            del self.trades[oldest]

    def _count(self, trade: Trade, sign: int) -> None:
        self.counted.append((trade, sign))
        if trade.seller == self.account:
            sold = Totals().with_sold(trade)
            self.totals[trade.sell_asset] = self.totals_of(trade.sell_asset).plus(sold, sign)
        if trade.buyer == self.account:
            bought = Totals().with_bought(trade)
            self.totals[trade.buy_asset] = self.totals_of(trade.buy_asset).plus(bought, sign)


def _before(event: Event) -> Trade:
    """Return a reviewed trade as it was before. Raises AnswerError."""
    before = event.data.get("before")
    if not isinstance(before, Mapping):
        raise answers.AnswerError("`before` is missing")
    return answers.read(Trade, {**event.data, **before})
