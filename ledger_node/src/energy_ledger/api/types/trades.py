"""Trades, and why each came to what it came to."""

from typing import Literal

import msgspec

type TradeState = Literal["matched", "delivering", "metered", "overdue", "settled", "disputed"]


class Trade(msgspec.Struct, frozen=True):
    """A part of an offer and a bid that met in one slot; what is not known yet is null."""

    id: str
    round: int
    slot: int
    wh: int
    seller_price: int
    buyer_price: int
    fee: int
    state: TradeState
    seller: str
    buyer: str
    sell_order: str
    buy_order: str
    sell_asset: str
    buy_asset: str
    sell_point: str
    buy_point: str
    source: str | None
    delivered_wh: int | None
    taken_wh: int | None
    settled_wh: int | None
    paid: int | None
    received: int | None
    seller_penalty: int | None
    buyer_penalty: int | None
    passed_wh: int | None


class TradeSide(msgspec.Struct, frozen=True):
    """One side of a trade: what its connection point traded and its meter showed in the slot.

    `read_wh` is null without a reading, which counts as zero; `share_wh` of it fell to this trade. `short_wh`
    is what this side kept less to than the other; for each it owes the difference of `outside` and `inside`,
    the price it would have had to pay or would have got without the neighbours, and the price of the trade.
    """

    point: str
    traded_wh: int
    read_wh: int | None
    share_wh: int | None
    passed_wh: int
    short_wh: int
    outside: int
    inside: int
    penalty: int | None


class Explanation(msgspec.Struct, frozen=True):
    """Why a trade came to what it came to; nulls and zeros where nothing is known yet."""

    seller: TradeSide
    buyer: TradeSide
    claims: list[str]


class TradeReport(Trade, frozen=True):
    """A trade with all that its parties may ask about it."""

    explanation: Explanation
