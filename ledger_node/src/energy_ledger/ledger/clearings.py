"""Proposals of a clearing: read against the round's book, proven, and taken or kept as the best yet."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from energy_ledger.ledger import orders
from energy_ledger.ledger.committees import check_validator
from energy_ledger.ledger.rounds import clear
from energy_ledger.ledger.rules import Action, Request
from energy_ledger.ledger.state import Auction, State
from energy_ledger.ledger.trading_rows import Proposal
from energy_ledger.market.book import Book, Clearing, Fills
from energy_ledger.market.proof import gap_ppm
from energy_ledger.market.verifier import verify
from energy_ledger.market.verify_book import read_terms
from energy_ledger.market.verify_bound import bound_of
from energy_ledger.market.verify_fills import RefusedError, fill
from energy_ledger.payloads import ClearingPropose
from energy_ledger.refusals import Refused


def plan_propose(request: Request, payload: ClearingPropose) -> Action:
    """Check a proposal; one that cannot be bettered clears the round, else the best clears it at its end."""
    check_validator(request.state, request.sender)
    auction = _auction(request, payload.round)
    proposal = auction.judged.get(request.id)
    if proposal is None:
        proposal = _judge(request, auction.book, payload)
        auction.judged.clear()
        auction.judged[request.id] = proposal
    if proposal.gap_ppm == 0 and _is_divisible(auction.book):
        return partial(_clear_now, request.state, auction, proposal)
    return partial(_keep_best, request, proposal)


def _judge(request: Request, book: Book, payload: ClearingPropose) -> Proposal:
    """Check a proposal against its book. Raises Refused."""
    clearing = _read(book, payload)
    verdict = verify(book, clearing)
    if not verdict.valid:
        raise Refused("clearing_wrong", None, f"The clearing is wrong: {verdict.reason}.")
    return Proposal(
        round=payload.round,
        proposer=request.sender.account,
        transaction=request.id,
        ranks=clearing.fills.rank,
        slots=clearing.fills.slot,
        wh=clearing.fills.wh,
        prices=clearing.prices,
        welfare=verdict.welfare,
        bound=verdict.bound,
        gap_ppm=verdict.gap_ppm,
        volume_wh=clearing.volume_wh,
    )


def _auction(request: Request, number: int) -> Auction:
    """Return the round with this number, which must be open. Raises Refused."""
    state = request.state
    auction = state.auction
    if auction and auction.round == number and request.time < state.timing.decided_by(number):
        return auction
    if number <= state.totals.closed_round:
        raise Refused("round_over", "round", f"Round {number} is decided, or was not a round.")
    raise Refused("unknown_round", "round", f"Round {number} has not closed yet.")


def _read(book: Book, payload: ClearingPropose) -> Clearing:
    """Fit a proposal to its book. Raises Refused with `clearing_wrong` where it does not."""
    fills = payload.fills
    rows = sorted(zip(fills.order, fills.slot, fills.wh, strict=True))
    clearing = Clearing(
        fills=Fills(
            rank=tuple(rank for rank, _, _ in rows),
            slot=tuple(slot for _, slot, _ in rows),
            wh=tuple(wh for _, _, wh in rows),
        ),
        prices=_per_node(book, payload.prices, "prices"),
        node_duals=_per_node(book, payload.node_duals, "node_duals"),
        flexible_duals=_flexible_duals(book, payload.flexible_duals),
        welfare=0,
        bound=0,
        gap_ppm=0,
        volume_wh=0,
    )
    return _with_figures(book, clearing)


def _with_figures(book: Book, clearing: Clearing) -> Clearing:
    """Work out welfare, bound and volume, which a proposal leaves to whoever checks it."""
    terms = read_terms(book)
    try:
        filled = fill(terms, clearing.fills)
        bound = bound_of(terms, clearing)
    except RefusedError as error:
        raise Refused("clearing_wrong", None, f"The clearing is wrong: {error}.") from None
    return replace(
        clearing,
        welfare=filled.welfare,
        bound=bound,
        gap_ppm=gap_ppm(filled.welfare, bound),
        volume_wh=filled.volume,
    )


def _per_node[T](book: Book, rows: Mapping[str, tuple[T, ...]], field: str) -> tuple[tuple[T, ...], ...]:
    """Put the rows of an object in the order of the book's nodes: the busbar, then the feeders."""
    if rows.keys() != book.nodes.keys():
        raise Refused("clearing_wrong", field, "It must have one list per feeder, the busbar included.")
    for row in rows.values():
        if len(row) != book.slots:
            message = f"A list has {len(row)} values for the {book.slots} slots of the book."
            raise Refused("clearing_wrong", field, message)
    return tuple(rows[node] for node in book.nodes)


def _flexible_duals(book: Book, duals: Mapping[str, int]) -> tuple[int, ...]:
    """Put the flexible bids' numbers in the order of the book."""
    names = [str(rank) for rank, _ in book.flexible]
    if duals.keys() != set(names):
        message = "It must have one number per flexible bid, named by its index in the book."
        raise Refused("clearing_wrong", "flexible_duals", message)
    return tuple(duals[name] for name in names)


def _is_divisible(book: Book) -> bool:
    """Tell whether every order may be filled in part, so that a proof without a gap cannot be bettered."""
    return not book.blocks and all(bid.min_fill == "any" for _, bid in book.flexible)


def _clear_now(state: State, auction: Auction, proposal: Proposal) -> None:
    clear(state, auction, proposal)
    orders.lapse_due(state, state.time)


def _keep_best(request: Request, proposal: Proposal) -> None:
    """Keep a proposal for the round's end if it is better than the best yet; of equals the first stays."""
    best = request.state.proposals.get(proposal.key)
    if best is None or proposal.merit > best.merit:
        request.state.proposals.put(proposal)
