"""Trades that wait for their slot: those of one round and slot together, and as orders are told of them.

A round of a whole street makes thousands of trades at once, and until their slots start nothing happens to
any of them. So the ledger keeps them by the slot, names each side once, and makes a value of each trade only
when the slot starts.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import ClassVar

from msgspec import Struct, to_builtins

from energy_ledger.ledger.rows import JsonRow
from energy_ledger.ledger.states import TradeState
from energy_ledger.ledger.trading_rows import Trade

type Terms = tuple[int, int, int, int, int, int]
"""A trade as two orders agreed on it: number in its round, slot, Wh, seller's price, buyer's price, fee."""


class Side(Struct, frozen=True, kw_only=True, gc=False):
    """Who sells or buys: under which order, and with which asset, `behind` which connection point.

    `behind` is None of an asset that is a connection point itself, `source` that of the energy sold, None of
    a buyer. Fields stand in the order of their names, here and below, so that it is canonical JSON.
    """

    account: str
    asset: str
    behind: str | None
    order: str
    source: str | None

    @property
    def point(self) -> str:
        """The connection point at which it delivers or takes."""
        return self.asset if self.behind is None else self.behind


class Matches(Struct, frozen=True, kw_only=True, gc=False):
    """The trades that a round made in a slot, in columns; `buyer` and `seller` are places among the sides.

    Prices (nano per Wh) are those of the sides, `fee` the grid fee of the slot, `number` each trade's place
    in its round, rising.
    """

    table: ClassVar[str] = "matches"

    buyer: tuple[int, ...]
    buyer_prices: tuple[int, ...]
    buyers: tuple[Side, ...]
    fee: int
    number: tuple[int, ...]
    round: int
    seller: tuple[int, ...]
    seller_prices: tuple[int, ...]
    sellers: tuple[Side, ...]
    slot: int
    wh: tuple[int, ...]

    @property
    def key(self) -> str:
        """The round and the slot."""
        return f"{self.round}/{self.slot}"

    @property
    def sides(self) -> Iterator[Side]:
        """All sides, the sellers first."""
        return chain(self.sellers, self.buyers)

    @property
    def holds(self) -> Iterator[tuple[str, int]]:
        """Give for every trade the buyer's account, and what of its money is bound until settlement."""
        costs = [price + self.fee for price in self.buyer_prices]
        accounts = [side.account for side in self.buyers]
        return ((accounts[buyer], wh * costs[buyer]) for buyer, wh in zip(self.buyer, self.wh, strict=True))

    def row(self) -> JsonRow:
        """Write the trades as JSON types."""
        row: JsonRow = to_builtins(self)
        return row

    def trades(self, state: TradeState = "matched") -> list[Trade]:
        """Return each trade as a value of its own, in the order of their numbers."""
        columns = zip(self.number, self.seller, self.buyer, self.wh, strict=True)
        return [self._trade(number, seller, buyer, wh, state) for number, seller, buyer, wh in columns]

    def _trade(self, number: int, seller: int, buyer: int, wh: int, state: TradeState) -> Trade:
        sell, buy = self.sellers[seller], self.buyers[buyer]
        return Trade(
            id=f"{self.round}.{number}",
            round=self.round,
            slot=self.slot,
            wh=wh,
            seller_price=self.seller_prices[seller],
            buyer_price=self.buyer_prices[buyer],
            fee=self.fee,
            state=state,
            seller=sell.account,
            buyer=buy.account,
            sell_order=sell.order,
            buy_order=buy.order,
            sell_asset=sell.asset,
            buy_asset=buy.asset,
            sell_point=sell.point,
            buy_point=buy.point,
            source=sell.source,
        )


class Partner(Struct, frozen=True, gc=False):
    """Whom an order met in a round, and the terms of each trade with it."""

    other: Side
    trades: list[Terms]


class OrderMatches(Struct, frozen=True, gc=False):
    """All trades that a round made of an order: what the two sides have in common once, then each trade."""

    own: Side
    partners: Sequence[Partner]
    round: int
    sells: bool


type _Meetings = dict[str, tuple[Side, dict[str, Partner]]]
"""By order, its side, and by the order it met that one's side and their trades."""


def by_order(round_: int, made: Iterable[Matches], orders: Iterable[str]) -> Iterator[OrderMatches]:
    """Give the trades of a round by the order, for these orders of theirs, in their order."""
    sold: _Meetings = {}
    bought: _Meetings = {}
    for matches in made:
        _meet(matches, sold, bought)
    for order in orders:
        sells = order in sold
        own, met = (sold if sells else bought)[order]
        yield OrderMatches(own, list(met.values()), round_, sells)


def _meet(matches: Matches, sold: _Meetings, bought: _Meetings) -> None:
    """Note who met whom in a slot, and on which terms; both sides are given the same list."""
    slot, fee = matches.slot, matches.fee
    sells = [(side, sold.setdefault(side.order, (side, {}))[1]) for side in matches.sellers]
    buys = [(side, bought.setdefault(side.order, (side, {}))[1]) for side in matches.buyers]
    gets, pays = matches.seller_prices, matches.buyer_prices
    columns = zip(matches.number, matches.seller, matches.buyer, matches.wh, strict=True)
    for number, seller, buyer, wh in columns:
        sell, its_buyers = sells[seller]
        buy, its_sellers = buys[buyer]
        known = its_buyers.get(buy.order)
        if known is None:
            terms: list[Terms] = []
            known = its_buyers[buy.order] = Partner(buy, terms)
            its_sellers[sell.order] = Partner(sell, terms)
        known.trades.append((number, slot, wh, gets[seller], pays[buyer], fee))


def gathered(trades: Sequence[Trade]) -> Matches:
    """Put trades of one round and slot into columns."""
    sellers: dict[tuple[Side, int], int] = {}
    buyers: dict[tuple[Side, int], int] = {}
    first = trades[0]
    return Matches(
        seller=tuple([sellers.setdefault(_seller(trade), len(sellers)) for trade in trades]),
        buyer=tuple([buyers.setdefault(_buyer(trade), len(buyers)) for trade in trades]),
        sellers=tuple([side for side, _ in sellers]),
        buyers=tuple([side for side, _ in buyers]),
        seller_prices=tuple([price for _, price in sellers]),
        buyer_prices=tuple([price for _, price in buyers]),
        fee=first.fee,
        number=tuple([trade.place[1] for trade in trades]),
        round=first.round,
        slot=first.slot,
        wh=tuple([trade.wh for trade in trades]),
    )


def _seller(trade: Trade) -> tuple[Side, int]:
    side = Side(
        account=trade.seller,
        asset=trade.sell_asset,
        behind=_behind(trade.sell_asset, trade.sell_point),
        order=trade.sell_order,
        source=trade.source,
    )
    return side, trade.seller_price


def _buyer(trade: Trade) -> tuple[Side, int]:
    side = Side(
        account=trade.buyer,
        asset=trade.buy_asset,
        behind=_behind(trade.buy_asset, trade.buy_point),
        order=trade.buy_order,
        source=None,
    )
    return side, trade.buyer_price


def _behind(asset: str, point: str) -> str | None:
    return None if point == asset else point
