"""Trades from match to settlement: who delivered and took what, and who pays whom for it.

Energy in Wh, money in nano-units. Per connection point and slot the settled sales never exceed what the
meter exported, the settled purchases never what it imported; `shares` has the arithmetic. A trade is settled
as soon as all meters that have a say in it are read, at the latest when the grace is over, and once more
when a claim put a reading right.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from msgspec.structs import replace

from energy_ledger.ledger.events import EventType
from energy_ledger.ledger.matches import Matches, RoundSides
from energy_ledger.ledger.shares import Meter, is_two_sided, measured, passed_on, settle_slot, settled
from energy_ledger.ledger.state import State
from energy_ledger.ledger.states import TRADE, TradeState, advance, may
from energy_ledger.ledger.trading_rows import Trade

type Event = Literal["match", "start", "meter", "miss", "keep", "settle", "dispute", "decide"]

_EVENTS: Final[dict[TradeState, EventType]] = {
    "delivering": "trade.delivering",
    "metered": "trade.metered",
    "overdue": "trade.overdue",
    "settled": "trade.settled",
    "disputed": "trade.disputed",
}
_MATCHED: Final = advance(TRADE, None, "match")

FIGURES: Final = (
    "delivered_wh",
    "taken_wh",
    "settled_wh",
    "passed_wh",
    "paid",
    "received",
    "seller_penalty",
    "buyer_penalty",
)
"""What a settled trade comes to, and a review may change."""


def add_matches(state: State, sides: RoundSides, made: Sequence[Matches]) -> None:
    """Take in the trades that a clearing matched, and hold the buyers' money for them."""
    if made:
        state.sides.put(sides)
    holds: dict[str, int] = {}
    for matches in made:
        state.matches.put(matches)
        state.index.await_slot(matches)
        state.slots.note(matches.slot)
        for buyer, hold in matches.holds(sides.sides):
            holds[buyer] = holds.get(buyer, 0) + hold
    for buyer, hold in holds.items():
        state.change_money(buyer, held=hold)


def start_slots(state: State) -> None:
    """Start the delivery of trades whose slot has begun."""
    for slot in sorted(state.index.waiting):
        if state.timing.start(slot) > state.time:
            break
        for key in state.index.start(slot):
            for trade in _start(state, state.matches[key]):
                state.index.add(state.trades.put(trade))
                _say(state, trade)


def _start(state: State, matches: Matches) -> list[Trade]:
    """Return what waited for its slot as trades by themselves, and forget it."""
    sides = state.sides[str(matches.round)]
    state.matches.forget(matches.key)
    if not state.index.awaits(matches.round):
        state.sides.forget(sides.key)
    return matches.trades(sides.sides, advance(TRADE, _MATCHED, "start"))


def end_slots(state: State) -> None:
    """Settle the trades that no meter will tell of, their slot being over: those behind one point."""
    for slot in sorted(state.index.internal):
        if state.timing.end(slot) > state.time:
            break
        for name in list(state.index.internal[slot]):
            _settle(state, _moved(state.trades[name], "keep"), 0)


def end_graces(state: State) -> list[int]:
    """Settle what is left of slots whose grace is over, a missing reading counting as zero.

    Returns these slots; in some of them nothing may have been traded.
    """
    ended = sorted(slot for slot in state.slots.open if state.timing.grace_over(slot) <= state.time)
    for slot in ended:
        for name in list(state.index.running.get(slot, ())):
            trade = state.trades[name]
            known = replace(trade, delivered_wh=trade.delivered_wh or 0, taken_wh=trade.taken_wh or 0)
            state.trades.put(_tell(state, known, "miss"))
        _settle_all(state, list(state.index.running.get(slot, ())))
        state.slots.close(slot)
    return ended


def meter(state: State, point: str, slot: int, shown: Meter) -> None:
    """Share a meter's reading over its trades, and settle those of which all is known now."""
    for trade in measured(point, trades_at(state, point, slot), shown):
        state.trades.put(trade)
    around = _neighbourhood(state, point, slot)
    ready = [name for name in around if _is_ready(state, state.trades[name])]
    for name in ready:
        state.trades.put(_tell(state, state.trades[name], "meter"))
    _settle_all(state, ready)


def trades_at(state: State, point: str, slot: int) -> list[Trade]:
    """Return the trades of a slot that a connection point's meter has a say in, in ledger order."""
    trades = (state.trades[name] for name in state.index.at(point, slot))
    return [trade for trade in trades if not trade.internal]


def _neighbourhood(state: State, point: str, slot: int) -> list[str]:
    """Return the trades whose settlement may have waited for a point's reading, in ledger order."""
    ours = trades_at(state, point, slot)
    found = {trade.id: trade for trade in ours}
    for other in dict.fromkeys(one for trade in ours for one in (trade.sell_point, trade.buy_point)):
        theirs = trades_at(state, other, slot)
        if is_two_sided(other, theirs):
            found |= {trade.id: trade for trade in theirs}
    return [trade.id for trade in sorted(found.values(), key=lambda trade: trade.place)]


def _is_ready(state: State, trade: Trade) -> bool:
    """Tell whether a trade is still to be settled and can be: what passes through its points is known too."""
    return may(TRADE, trade.state, "meter") and all(
        _is_known(trade) and _knows_what_it_passes_on(state, point, trade.slot)
        for point in (trade.sell_point, trade.buy_point)
    )


def _knows_what_it_passes_on(state: State, point: str, slot: int) -> bool:
    trades = trades_at(state, point, slot)
    return not is_two_sided(point, trades) or all(map(_is_known, trades))


def _is_known(trade: Trade) -> bool:
    return trade.delivered_wh is not None and trade.taken_wh is not None


def _settle_all(state: State, names: Iterable[str]) -> None:
    """Settle trades of one slot, the figures of which are known."""
    passed: dict[tuple[str, int], dict[str, int]] = {}
    for name in names:
        trade = state.trades[name]
        for place in ((trade.sell_point, trade.slot), (trade.buy_point, trade.slot)):
            if place not in passed:
                passed[place] = passed_on(place[0], trades_at(state, *place))
        both = (passed[point, trade.slot].get(name, 0) for point in (trade.sell_point, trade.buy_point))
        _settle(state, _moved(trade, "settle"), sum(both))


def _settle(state: State, trade: Trade, passed_wh: int) -> None:
    """Pay a trade: energy for what both sides kept to, a penalty from the one that fell shorter."""
    paid = settled(trade, passed_wh, state.schedule.of(trade.slot))
    _pay(state, trade, paid)
    state.change_money(trade.buyer, held=-trade.hold)
    state.index.settle(paid)
    _say(state, state.trades.put(paid))


def review(state: State, slot: int) -> None:
    """Bring a slot that was settled into line with its readings and open claims; pay the differences.

    A trade is disputed while there is an open claim about one of its two points.
    """
    trades = slot_trades(state, slot)
    meters = {
        reading.asset: Meter(reading.imported_wh, reading.exported_wh)
        for reading in (state.readings[key] for key in state.slots.readings.get(slot, ()))
    }
    for trade, right in zip(trades, settle_slot(trades, meters, state.schedule.of(slot)), strict=True):
        points = () if trade.internal else (trade.sell_point, trade.buy_point)
        disputed = any((point, slot) in state.slots.claims for point in points)
        moved = right if disputed == (trade.state == "disputed") else _moved(right, _turn(disputed))
        if moved == trade:
            continue
        state.trades.put(moved)
        if disputed and _figures(moved) == _figures(trade):
            _say(state, moved)
        else:
            _pay(state, trade, moved)
            _tell_review(state, trade, moved)


def _tell_review(state: State, before: Trade, after: Trade) -> None:
    """Say what a trade comes to now, and what it came to before."""
    data = {**after.row(), "before": _figures(before)}
    state.emit("trade.reviewed", data, accounts=(after.seller, after.buyer), assets=_assets(after))


def _figures(trade: Trade) -> dict[str, int | None]:
    return {name: getattr(trade, name) for name in FIGURES}


def _assets(trade: Trade) -> tuple[str, ...]:
    return trade.sell_asset, trade.buy_asset, trade.sell_point, trade.buy_point


def _turn(disputed: bool) -> Event:
    return "dispute" if disputed else "decide"


def slot_trades(state: State, slot: int) -> list[Trade]:
    """Return all trades of a slot, in ledger order."""
    trades = (state.trades[name] for name in state.index.of_slot(slot))
    return sorted(trades, key=lambda trade: trade.place)


def forget_final(state: State, slot: int) -> None:
    """Put away the trades and readings of a slot that can no longer change."""
    for trade in slot_trades(state, slot):
        state.index.forget(trade)
        state.trades.finish(trade)
    for key in sorted(state.slots.readings.get(slot, ())):
        state.readings.finish(state.readings[key])


def _pay(state: State, before: Trade, after: Trade) -> None:
    """Move the money by which a trade comes to something else than before.

    What the seller does not get of the payment is the community's.
    """
    paid = (after.paid or 0) - (before.paid or 0)
    received = (after.received or 0) - (before.received or 0)
    penalty = _penalty(after) - _penalty(before)
    state.change_money(after.buyer, balance=-paid - penalty)
    state.change_money(after.seller, balance=received + penalty)
    state.count(community=state.totals.community + paid - received)


def _penalty(trade: Trade) -> int:
    """Return what the buyer owes the seller beyond the payment; negative the other way round."""
    return (trade.buyer_penalty or 0) - (trade.seller_penalty or 0)


def _tell(state: State, trade: Trade, event: Event) -> Trade:
    """Move a trade on and say so."""
    moved = _moved(trade, event)
    _say(state, moved)
    return moved


def _moved(trade: Trade, event: Event) -> Trade:
    return replace(trade, state=advance(TRADE, trade.state, event))


def _say(state: State, trade: Trade) -> None:
    state.emit(
        _EVENTS[trade.state],
        trade,
        accounts=(trade.seller, trade.buyer),
        assets=_assets(trade),
    )
