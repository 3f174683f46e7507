"""Who agrees: the validators vote for the next committee, and a quorum of them starts its epoch.

A vote names the whole next committee and the epoch it is for, so none outlives the epoch it was cast in.
A validator's newer vote takes the place of its older one. As soon as a quorum of the present committee wants
the very same list, the epoch begins: with the end of the commit that orders the deciding vote.
"""

from functools import partial

from energy_ledger.ledger.members import open_node_account
from energy_ledger.ledger.rows import Account, CommitteeWish, Handover
from energy_ledger.ledger.rules import Action, Request
from energy_ledger.ledger.state import State
from energy_ledger.payloads import CommitteeVote
from energy_ledger.quorum import quorum_of
from energy_ledger.refusals import Refused


def check_validator(state: State, sender: Account) -> None:
    """Refuse a node that is not in the present committee."""
    if sender.keys[0].public not in state.totals.committee:
        raise Refused("not_allowed", "kind", "Only a validator of the present committee may do this.")


def plan_vote(request: Request, payload: CommitteeVote) -> Action:
    """Check that the vote is for the next epoch; then it counts."""
    totals = request.state.totals
    check_validator(request.state, request.sender)
    if payload.epoch != totals.epoch + 1:
        message = f"The present epoch is {totals.epoch}, so the next one is {totals.epoch + 1}."
        raise Refused("bad_value", "epoch", message)
    return partial(_vote, request, payload)


def _vote(request: Request, payload: CommitteeVote) -> None:
    state, voter = request.state, request.sender.keys[0].public
    votes = state.totals.votes | {voter: CommitteeWish(payload.committee, request.id)}
    state.count(votes=votes)
    data = {"validator": voter, "epoch": payload.epoch, "committee": list(payload.committee)}
    state.emit("committee.voted", data, accounts=[payload.account], transaction=request.id)
    agreeing = [votes[one] for one in state.totals.committee if one in votes]
    agreeing = [wish for wish in agreeing if wish.committee == payload.committee]
    if len(agreeing) >= quorum_of(len(state.totals.committee)):
        _begin(state, payload.committee, [wish.transaction for wish in agreeing])


def _begin(state: State, committee: tuple[str, ...], votes: list[str]) -> None:
    state.count(epoch=state.totals.epoch + 1, committee=committee, votes={})
    for public in committee:
        open_node_account(state, public)
    handover = Handover(epoch=state.totals.epoch, committee=committee, votes=tuple(votes))
    state.handovers.finish(handover)
    data = {"epoch": handover.epoch, "committee": list(committee), "votes": votes}
    state.emit("committee.changed", data)
