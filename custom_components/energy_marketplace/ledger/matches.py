"""Trades that a round made of one order, as the ledger tells them: together, and each side named once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .answers import AnswerError, Event, Trade, read

MATCHED = "trades.matched"
SINGLE = "trade.matched"
"""What one of these trades is called where they are told one by one; the ledger never says so."""


@dataclass(frozen=True)
class Side:
    """Who sells or buys, under which order, with which asset; `behind` its connection point, if another."""

    account: str
    asset: str
    behind: str | None
    order: str
    source: str | None

    @property
    def point(self) -> str:
        """The connection point at which it delivers or takes."""
        return self.asset if self.behind is None else self.behind


def trades_in(data: Mapping[str, Any]) -> list[Trade]:
    """Return the trades of an event `trades.matched`. Raises AnswerError where it does not fit."""
    own, sells, round_ = read(Side, data.get("own"), "own"), data.get("sells"), data.get("round")
    if not isinstance(sells, bool) or not isinstance(round_, int):
        raise AnswerError("`sells` or `round` is missing")
    found: list[Trade] = []
    for partner in _list(data, "partners"):
        if not isinstance(partner, Mapping):
            raise AnswerError("a partner is not an object")
        other = read(Side, partner.get("other"), "partners.other")
        sell, buy = (own, other) if sells else (other, own)
        found += [_trade(round_, sell, buy, terms) for terms in _list(partner, "trades")]
    return found


def singly(event: Event) -> list[Event]:
    """Return an event for each trade that a member hears of, or the event itself where it is of another kind.

    A member's trades with itself come with both of its orders; they are told with the offer. Raises
    AnswerError.
    """
    if event.type != MATCHED:
        return [event]
    sells = bool(event.data.get("sells"))
    return [
        replace(event, type=SINGLE, data=dict(vars(trade)))
        for trade in trades_in(event.data)
        if sells or trade.seller != trade.buyer
    ]


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    found = data.get(name)
    if not isinstance(found, list):
        raise AnswerError(f"`{name}` is not a list")
    return found


def _trade(round_: int, sell: Side, buy: Side, terms: object) -> Trade:
    if not isinstance(terms, list) or len(terms) != 6 or not all(type(one) is int for one in terms):
        raise AnswerError("the terms of a trade are not six integers")
    number, slot, wh, seller_price, buyer_price, fee = terms
    return Trade(
        id=f"{round_}.{number}",
        round=round_,
        slot=slot,
        wh=wh,
        seller_price=seller_price,
        buyer_price=buyer_price,
        fee=fee,
        state="matched",
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
