"""Trades from match to settlement: who delivered and took what, and who pays whom for it.

Energy in Wh, money in nano-units. Per connection point and slot the settled sales never exceed what the
meter exported, the settled purchases never what it imported: each trade settles the lesser of its shares.
"""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec.structs import replace

from energy_ledger.ledger.events import EventType
from energy_ledger.ledger.state import State
from energy_ledger.ledger.states import TRADE, TradeState, advance
from energy_ledger.ledger.trading_rows import Trade

type Event = Literal["match", "start", "meter", "miss", "settle"]

_EVENTS: Final[dict[TradeState, EventType]] = {
    "matched": "trade.matched",
    "delivering": "trade.delivering",
    "metered": "trade.metered",
    "overdue": "trade.overdue",
    "settled": "trade.settled",
}


def add_trades(state: State, trades: Sequence[Trade]) -> None:
    """Take in the trades that a clearing matched, and hold the buyers' money for them."""
    state.trades.add({trade.id: trade for trade in trades})
    holds: dict[str, int] = {}
    for trade in trades:
        state.index.add(trade)
        holds[trade.buyer] = holds.get(trade.buyer, 0) + trade.hold
        _say(state, trade)
    for buyer, hold in holds.items():
        state.change_money(buyer, held=hold)


def start_slots(state: State) -> None:
    """Start the delivery of trades whose slot has begun."""
    for slot in sorted(state.index.waiting):
        if state.timing.start(slot) > state.time:
            break
        for name in state.index.start(slot):
            _say(state, state.trades.put(_moved(state.trades[name], "start")))


def end_graces(state: State) -> None:
    """Settle what is left of slots whose grace is over, a missing reading counting as zero."""
    for slot in sorted(state.index.running):
        if state.timing.grace_over(slot) > state.time:
            break
        for name in list(state.index.running[slot]):
            trade = state.trades[name]
            _settle(state, trade, "miss", trade.delivered_wh or 0, trade.taken_wh or 0)
    for slot in sorted(state.index.readings):
        if state.timing.grace_over(slot) > state.time:
            break
        for key in sorted(state.index.readings.pop(slot)):
            state.readings.finish(state.readings[key])


def meter(state: State, point: str, slot: int, imported_wh: int, exported_wh: int) -> None:
    """Share a meter's reading over its trades, and settle those of which both sides are known now."""
    names = state.index.at(point, slot)
    sold = [trade for name in names if (trade := state.trades[name]).sell_point == point]
    for trade, wh in zip(sold, _shares(exported_wh, sold), strict=True):
        state.trades.put(replace(trade, delivered_wh=wh))
    bought = [trade for name in names if (trade := state.trades[name]).buy_point == point]
    for trade, wh in zip(bought, _shares(imported_wh, bought), strict=True):
        state.trades.put(replace(trade, taken_wh=wh))
    for name in names:
        trade = state.trades[name]
        if trade.delivered_wh is not None and trade.taken_wh is not None:
            _settle(state, trade, "meter", trade.delivered_wh, trade.taken_wh)


def _shares(measured_wh: int, trades: Sequence[Trade]) -> list[int]:
    """Share what the meter showed, no more than was traded, over the trades."""
    amounts = [trade.wh for trade in trades]
    return share(min(measured_wh, sum(amounts)), amounts)


def share(total: int, amounts: Sequence[int]) -> list[int]:
    """Share `total` in proportion to `amounts`, the sum of which it must not exceed, in whole units.

    Everybody gets the rounded-down share; what is left goes one by one to the largest remainders, of equals
    to the earlier (the method of the largest remainder).
    """
    whole = sum(amounts)
    if total == whole:
        return list(amounts)
    shares = [total * amount // whole for amount in amounts]
    by_remainder = sorted(range(len(amounts)), key=lambda place: (-(total * amounts[place] % whole), place))
    for place in by_remainder[: total - sum(shares)]:
        shares[place] += 1
    return shares


def _settle(
    state: State, trade: Trade, event: Literal["meter", "miss"], delivered_wh: int, taken_wh: int
) -> None:
    """Pay a trade: energy for what both sides kept to, a penalty from the one that fell shorter."""
    trade = _moved(replace(trade, delivered_wh=delivered_wh, taken_wh=taken_wh), event)
    _say(state, trade)
    tariff = state.schedule.of(trade.slot)
    settled = min(delivered_wh, taken_wh)
    trade = replace(
        _moved(trade, "settle"),
        settled_wh=settled,
        paid=settled * (trade.buyer_price + trade.fee),
        received=settled * trade.seller_price,
        seller_penalty=(taken_wh - settled) * max(0, tariff.price_cap - trade.buyer_price),
        buyer_penalty=(delivered_wh - settled) * max(0, trade.seller_price - tariff.price_floor),
    )
    _pay(state, trade)
    state.index.remove(trade)
    _say(state, state.trades.finish(trade))


def _pay(state: State, trade: Trade) -> None:
    """Move the money of a settled trade; what the seller does not get of the payment is the community's."""
    paid, received = trade.paid or 0, trade.received or 0
    penalty = (trade.buyer_penalty or 0) - (trade.seller_penalty or 0)
    state.change_money(trade.buyer, balance=-paid - penalty, held=-trade.hold)
    state.change_money(trade.seller, balance=received + penalty)
    state.count(community=state.totals.community + paid - received)


def _moved(trade: Trade, event: Event) -> Trade:
    return replace(trade, state=advance(TRADE, trade.state, event))


def _say(state: State, trade: Trade) -> None:
    state.emit(
        _EVENTS[trade.state],
        trade,
        accounts=(trade.seller, trade.buyer),
        assets=(trade.sell_asset, trade.buy_asset, trade.sell_point, trade.buy_point),
    )
