"""Rounds: when a book is frozen, which proposal clears it, and what a round leaves behind."""

from collections.abc import Iterable
from typing import Literal

from msgspec.structs import replace

from energy_ledger.ledger import orders
from energy_ledger.ledger.books import build_book
from energy_ledger.ledger.state import Auction, State
from energy_ledger.ledger.states import ROUND, advance
from energy_ledger.ledger.trades import match
from energy_ledger.ledger.trading_rows import Order, Proposal, RefusedClearing, Round
from energy_ledger.refusals import Refused


def close_round(state: State) -> None:
    """Freeze the book of the latest round whose close has passed.

    It is not a round if its proposals' time is over already, or if nobody sells or nobody buys.
    """
    timing = state.timing
    latest = timing.round_at(state.time)
    if latest <= state.totals.closed_round:
        return
    state.count(closed_round=latest)
    if state.time >= timing.decided_by(latest):
        return
    orders.lapse_due(state, timing.close(latest))
    if not has_two_sides(state):
        return
    state.count(open_round=latest, open_until=state.totals.placed)
    state.lapses.clear()
    auction = open_auction(state, latest)
    frozen = list(state.orders.values())
    row = Round(
        round=latest,
        closed=timing.close(latest),
        first_slot=timing.first_slot(latest),
        slots=auction.book.slots,
        orders=len(auction.book.orders),
        state=advance(ROUND, None, "close"),
        numbers=_spans([order.number for order in frozen]),
        feeders=_feeder_places(state, frozen),
    )
    state.emit("round.closed", state.rounds.put(row).summary())


def _spans(numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Write rising numbers as spans without a gap."""
    spans: list[tuple[int, int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    return tuple(spans)


def _feeder_places(state: State, frozen: Iterable[Order]) -> tuple[int, ...]:
    places = {"": 0} | {feeder.id: place for place, feeder in enumerate(state.rules.feeders, 1)}
    found = tuple(places[state.assets[order.asset].feeder] for order in frozen)
    return found if any(found) else ()


def has_two_sides(state: State) -> bool:
    """Tell whether there are both offers and bids."""
    sides = [order.is_offer for order in state.orders.values()]
    return any(sides) and not all(sides)


def open_auction(state: State, number: int) -> Auction:
    """Build the book of the open round: whatever was open at its close stays so until it is decided."""
    until = state.totals.open_until
    frozen = [order for order in state.orders.values() if order.number <= until]
    feeders = [state.assets[order.asset].feeder for order in frozen]
    book = build_book(state.rules, state.schedule, frozen, feeders, state.timing.first_slot(number))
    auction = Auction(number, until, book)
    state.auction = auction
    return auction


def end_round(state: State) -> None:
    """Decide the open round when its proposals' time is over: the best one clears it, or nobody does.

    A commit that comes so late that the first slot has started cannot trade it any more.
    """
    auction = state.auction
    if auction is None or state.time < state.timing.decided_by(auction.round):
        return
    row = state.rounds[str(auction.round)]
    best = state.proposals.get(row.key)
    if best is not None and state.time < state.timing.start(row.first_slot):
        clear(state, auction, best)
    else:
        _leave(state, auction, replace(row, state=advance(ROUND, row.state, "end")), None)


def clear(state: State, auction: Auction, proposal: Proposal) -> None:
    """Make the trades of a proposal and fill its orders; the round is over."""
    row = state.rounds[proposal.key]
    row = replace(
        row,
        state=advance(ROUND, row.state, "clear"),
        welfare=proposal.welfare,
        bound=proposal.bound,
        gap_ppm=proposal.gap_ppm,
        volume_wh=proposal.volume_wh,
        prices=dict(zip(auction.book.nodes, proposal.prices, strict=True)),
        proposer=proposal.proposer,
        transaction=proposal.transaction,
    )
    _leave(state, auction, row, proposal)


def _leave(state: State, auction: Auction, row: Round, proposal: Proposal | None) -> None:
    """End the open round; its orders are free again to be filled, cancelled or lapse."""
    event: Literal["round.cleared", "round.void"] = "round.cleared" if proposal else "round.void"
    state.emit(event, state.rounds.finish(row).summary(), transaction=row.transaction)
    if proposal is not None:
        match(state, auction.book, row, proposal)
    if row.key in state.proposals:
        state.proposals.forget(row.key)
    cancelling = state.totals.cancelling
    state.auction = None
    state.count(open_round=None, open_until=0, cancelling={})
    orders.end_orders(state, [order.id for order in auction.book.orders], cancelling)


def count_refusal(state: State, proposer: str, transaction: str, refused: Refused) -> None:
    """Count a wrong proposal of the open round against who sent it."""
    row = state.rounds[str(state.totals.open_round)]
    entry = RefusedClearing(account=proposer, code=refused.code, message=refused.message)
    state.rounds.put(replace(row, refused=(*row.refused, entry)))
    data = {"round": row.round, "account": proposer, "code": refused.code, "message": refused.message}
    state.emit("clearing.refused", data, accounts=[proposer], transaction=transaction)
