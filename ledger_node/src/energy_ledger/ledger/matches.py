"""Trades that wait for their slot: those of one round and slot together, and as orders are told of them.

A round of a whole street makes thousands of trades at once, and until their slots start nothing happens to
any of them. So the ledger keeps them by the slot, names each side once, and makes a value of each trade only
when the slot starts.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import ClassVar, Final

from msgspec import Struct, to_builtins

from energy_ledger.ledger.rows import JsonRow
from energy_ledger.ledger.states import TradeState
from energy_ledger.ledger.trading_rows import Trade

MOST_TOLD: Final = 1_000
"""Trades in one event: who sells to a whole district is told of them in several."""

type Terms = tuple[int, int, int, int, int, int]
"""A trade as two orders agreed on it: number in its round, slot, Wh, seller's price, buyer's price, fee."""


class Side(Struct, frozen=True, kw_only=True, gc=False):
    """Who sells or buys in a round: under which order, and with which asset, `behind` which connection point.

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


class RoundSides(Struct, frozen=True, kw_only=True, gc=False):
    """The sides of all trades that a round made: offers, then bids, in ledger order.

    They are kept as long as there are `Matches` of the round.
    """

    table: ClassVar[str] = "sides"

    round: int
    sides: tuple[Side, ...]

    @property
    def key(self) -> str:
        """The round as text."""
        return str(self.round)

    def row(self) -> JsonRow:
        """Write the sides as JSON types."""
        row: JsonRow = to_builtins(self)
        return row


class Matches(Struct, frozen=True, kw_only=True, gc=False):
    """The trades that a round made in a slot, in columns.

    `buyers` and `sellers` are places among the sides of the round, each with its price (nano per Wh) there;
    `buyer` and `seller` say for each trade which of them it is. `fee` is the grid fee of the slot, `number`
    each trade's place in its round, rising.
    """

    table: ClassVar[str] = "matches"

    buyer: tuple[int, ...]
    buyer_prices: tuple[int, ...]
    buyers: tuple[int, ...]
    fee: int
    number: tuple[int, ...]
    round: int
    seller: tuple[int, ...]
    seller_prices: tuple[int, ...]
    sellers: tuple[int, ...]
    slot: int
    wh: tuple[int, ...]

    @property
    def key(self) -> str:
        """The round and the slot."""
        return f"{self.round}/{self.slot}"

    def sides_among(self, sides: Sequence[Side]) -> Iterator[Side]:
        """Give the sides of these trades, out of all of the round, the sellers first."""
        return (sides[place] for place in chain(self.sellers, self.buyers))

    def holds(self, sides: Sequence[Side]) -> Iterator[tuple[str, int]]:
        """Give for every trade the buyer's account, and what of its money is bound until settlement."""
        costs = [price + self.fee for price in self.buyer_prices]
        accounts = [sides[place].account for place in self.buyers]
        return ((accounts[buyer], wh * costs[buyer]) for buyer, wh in zip(self.buyer, self.wh, strict=True))

    def row(self) -> JsonRow:
        """Write the trades as JSON types."""
        row: JsonRow = to_builtins(self)
        return row

    def trades(self, sides: Sequence[Side], state: TradeState = "matched") -> list[Trade]:
        """Return each trade as a value of its own, in the order of their numbers."""
        columns = zip(self.number, self.seller, self.buyer, self.wh, strict=True)
        sells, buys = [sides[place] for place in self.sellers], [sides[place] for place in self.buyers]
        return [
            self._trade(
                number,
                (sells[seller], self.seller_prices[seller]),
                (buys[buyer], self.buyer_prices[buyer]),
                wh,
                state,
            )
            for number, seller, buyer, wh in columns
        ]

    def _trade(
        self, number: int, selling: tuple[Side, int], buying: tuple[Side, int], wh: int, state: TradeState
    ) -> Trade:
        (sell, seller_price), (buy, buyer_price) = selling, buying
        return Trade(
            id=f"{self.round}.{number}",
            round=self.round,
            slot=self.slot,
            wh=wh,
            seller_price=seller_price,
            buyer_price=buyer_price,
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
    """Trades that a round made of an order: what the two sides have in common once, then each trade."""

    own: Side
    partners: Sequence[Partner]
    round: int
    sells: bool


type _Meetings = list[dict[int, Partner]]
"""By a side's place in the round, and by that of each other side it met, that one and their trades."""


def by_order(sides: RoundSides, made: Iterable[Matches]) -> Iterator[OrderMatches]:
    """Give the trades of a round by the order, in the order of its sides; of one with many some at a time."""
    met: _Meetings = [{} for _ in sides.sides]
    sells = [False] * len(met)
    for matches in made:
        _meet(matches, sides.sides, met)
        for place in matches.sellers:
            sells[place] = True
    for own, partners, side in zip(sells, met, sides.sides, strict=True):
        for part in _parts(partners.values()):
            yield OrderMatches(side, part, sides.round, own)


def _parts(partners: Iterable[Partner]) -> Iterator[list[Partner]]:
    """Part partners so that no part has more trades than may be told at a time."""
    part: list[Partner] = []
    size = 0
    for partner in partners:
        size += len(partner.trades)
        if part and size > MOST_TOLD:
            yield part
            part, size = [], len(partner.trades)
        part.append(partner)
    yield part


def _meet(matches: Matches, sides: Sequence[Side], met: _Meetings) -> None:
    """Note who met whom in a slot, and on which terms; both sides are given the same list."""
    slot, fee, sellers, buyers = matches.slot, matches.fee, matches.sellers, matches.buyers
    gets, pays = matches.seller_prices, matches.buyer_prices
    columns = zip(matches.number, matches.seller, matches.buyer, matches.wh, strict=True)
    for number, seller, buyer, wh in columns:
        sell, buy = sellers[seller], buyers[buyer]
        known = met[sell].get(buy)
        if known is None:
            terms: list[Terms] = []
            known = met[sell][buy] = Partner(sides[buy], terms)
            met[buy][sell] = Partner(sides[sell], terms)
        known.trades.append((number, slot, wh, gets[seller], pays[buyer], fee))


def gathered(trades: Sequence[Trade], known: Iterable[Side] = ()) -> tuple[Matches, RoundSides]:
    """Put trades of one round and slot into columns; to the sides known of the round add theirs."""
    places = {side: place for place, side in enumerate(known)}
    sellers: dict[tuple[int, int], int] = {}
    buyers: dict[tuple[int, int], int] = {}
    sold = [(places.setdefault(_seller(one), len(places)), one.seller_price) for one in trades]
    bought = [(places.setdefault(_buyer(one), len(places)), one.buyer_price) for one in trades]
    first = trades[0]
    matches = Matches(
        seller=tuple([sellers.setdefault(one, len(sellers)) for one in sold]),
        buyer=tuple([buyers.setdefault(one, len(buyers)) for one in bought]),
        sellers=tuple([place for place, _ in sellers]),
        buyers=tuple([place for place, _ in buyers]),
        seller_prices=tuple([price for _, price in sellers]),
        buyer_prices=tuple([price for _, price in buyers]),
        fee=first.fee,
        number=tuple([trade.place[1] for trade in trades]),
        round=first.round,
        slot=first.slot,
        wh=tuple([trade.wh for trade in trades]),
    )
    return matches, RoundSides(round=first.round, sides=tuple(places))


def _seller(trade: Trade) -> Side:
    return Side(
        account=trade.seller,
        asset=trade.sell_asset,
        behind=_behind(trade.sell_asset, trade.sell_point),
        order=trade.sell_order,
        source=trade.source,
    )


def _buyer(trade: Trade) -> Side:
    return Side(
        account=trade.buyer,
        asset=trade.buy_asset,
        behind=_behind(trade.buy_asset, trade.buy_point),
        order=trade.buy_order,
        source=None,
    )


def _behind(asset: str, point: str) -> str | None:
    return None if point == asset else point
