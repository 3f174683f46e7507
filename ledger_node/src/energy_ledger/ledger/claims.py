"""Claims: what the reading of a slot should have been, and how the community decides about it.

A claim is taken from the end of the slot's grace until its claim window is over. While it is open, the trades
of its connection point in that slot are disputed. A founder decides, or it lapses after a week.
"""

from functools import partial
from typing import Final, Literal

from msgspec.structs import replace

from energy_ledger.ledger import issuing, settlement
from energy_ledger.ledger.readings import connection_point
from energy_ledger.ledger.rights import FOUNDER
from energy_ledger.ledger.rows import Asset, given
from energy_ledger.ledger.rules import Action, Request
from energy_ledger.ledger.state import State
from energy_ledger.ledger.states import CLAIM, advance
from energy_ledger.ledger.traced_rows import Claim
from energy_ledger.ledger.trading_rows import Reading, reading_key
from energy_ledger.payloads import ClaimDecide, ClaimOpen
from energy_ledger.refusals import Refused
from energy_ledger.units import DAY_MS

LIFE_MS: Final = 7 * DAY_MS
"""A claim that nobody decided about for so long is rejected."""

type Verdict = Literal["uphold", "reject", "lapse"]


def plan_open(request: Request, payload: ClaimOpen) -> Action:
    """Check that the slot may be claimed about by the sender; then its trades are disputed."""
    state = request.state
    asset = connection_point(state, payload.asset)
    _check_slot(request, payload)
    _check_party(request, payload, asset)
    reading = state.readings.get(reading_key(asset.id, payload.slot))
    said = (payload.imported_wh, payload.exported_wh)
    if reading is not None and said == (reading.imported_wh, reading.exported_wh):
        message = "This is what the reading says already; there is nothing to put right."
        raise Refused("bad_value", "imported_wh", message)
    claim = Claim(
        account=request.sender.account,
        asset=asset.id,
        commit=state.commit,
        commitment=given(payload.commitment),
        exported_wh=payload.exported_wh,
        id=request.id,
        imported_wh=payload.imported_wh,
        opened=state.time,
        owner=asset.account,
        reason=payload.reason,
        slot=payload.slot,
        state=advance(CLAIM, None, "open"),
    )
    return partial(_open, state, claim)


def _check_party(request: Request, payload: ClaimOpen, asset: Asset) -> None:
    """Refuse who neither owns the meter nor traded with it in that slot."""
    state, sender = request.state, request.sender.account
    trades = settlement.trades_at(state, asset.id, payload.slot)
    if sender != asset.account and not any(sender in (trade.seller, trade.buyer) for trade in trades):
        message = "Only its owner, or who traded with it in that slot, can claim about a meter."
        raise Refused("not_allowed", "asset", message)
    if not trades and state.rules.readings == "traded":
        raise Refused("bad_value", "slot", f"Nothing was traded here in slot {payload.slot}.")


def _check_slot(request: Request, payload: ClaimOpen) -> None:
    state, slot = request.state, payload.slot
    if request.time < state.timing.grace_over(slot):
        message = f"Slot {slot} still waits for readings; claim when its grace is over."
        raise Refused("slot_not_over", "slot", message)
    if request.time >= state.timing.final(slot):
        raise Refused("too_late", "slot", f"Slot {slot} is final; it can no longer be claimed about.")
    for name in state.slots.claims.get((payload.asset, slot), ()):
        if state.claims[name].account == request.sender.account:
            message = "You have an open claim about this reading already; wait for its decision."
            raise Refused("claim_exists", "slot", message)


def _open(state: State, claim: Claim) -> None:
    state.claims.put(claim)
    state.slots.close(claim.slot)
    state.slots.note_claim(claim)
    _say(state, "claim.opened", claim, claim.id)
    settlement.review(state, claim.slot)


def plan_decide(request: Request, payload: ClaimDecide) -> Action:
    """Check that the claim is open and not the founder's own; then it is decided."""
    state, sender = request.state, request.sender.account
    claim = state.claims.get(payload.claim)
    if claim is None:
        raise Refused("unknown_claim", "claim", "There is no open claim with this id.")
    if sender == claim.account and _others_can_decide(state, sender):
        raise Refused("not_allowed", "claim", "This is your own claim; another founder decides about it.")
    verdict: Verdict = "uphold" if payload.upheld else "reject"
    decided = replace(claim, decided_by=sender, note=given(payload.note))
    return partial(_decide, state, decided, verdict, request.id)


def _others_can_decide(state: State, sender: str) -> bool:
    founders = (one for one in state.accounts.values() if FOUNDER in one.roles and one.status == "active")
    return any(founder.account != sender for founder in founders)


def lapse_due(state: State) -> None:
    """Reject the claims that nobody decided about in time."""
    due = [claim for claim in state.claims.values() if claim.opened + LIFE_MS <= state.time]
    for claim in sorted(due, key=lambda claim: (claim.opened, claim.id)):
        _decide(state, claim, "lapse", None)


def next_lapse(state: State) -> int | None:
    """Return when the oldest open claim lapses."""
    return min((claim.opened + LIFE_MS for claim in state.claims.values()), default=None)


def _decide(state: State, claim: Claim, verdict: Verdict, transaction: str | None) -> None:
    """End a claim; an upheld one becomes the reading, and the slot is settled again."""
    changes = {"decided": state.time, "commit": state.commit}
    claim = replace(claim, state=advance(CLAIM, claim.state, verdict), **changes)
    state.slots.drop_claim(claim)
    _say(state, "claim.decided", state.claims.finish(claim), transaction)
    if verdict == "uphold":
        was_read = _correct(state, claim)
        settlement.review(state, claim.slot)
        issuing.correct(state, claim.slot)
        if not was_read:
            issuing.issue(state, claim.slot, claim.asset)
    else:
        settlement.review(state, claim.slot)


def _correct(state: State, claim: Claim) -> bool:
    """Put the reading right; tell whether there was one."""
    before = state.readings.get(reading_key(claim.asset, claim.slot))
    reading = Reading(
        asset=claim.asset,
        slot=claim.slot,
        imported_wh=claim.imported_wh,
        exported_wh=claim.exported_wh,
        commitment=claim.commitment or (before.commitment if before else None),
        quality="measured",
        account=claim.owner,
        commit=state.commit,
        transaction=before.transaction if before else claim.id,
        claim=claim.id,
    )
    state.slots.note_reading(state.readings.put(reading))
    return before is not None


def finish_slots(state: State) -> None:
    """Make the slots final whose claim window is over and about which nobody claims any more."""
    due = [slot for slot in state.slots.closed if state.timing.final(slot) <= state.time]
    for slot in due:
        if slot not in state.slots.claimed:
            settlement.forget_final(state, slot)
            issuing.forget_final(state, slot)
            state.slots.forget(slot)


def parties(state: State, claim: Claim) -> list[str]:
    """Return whom a claim concerns: claimant, owner, and who traded with the connection point in the slot."""
    trades = settlement.trades_at(state, *claim.place)
    both = (one for trade in trades for one in (trade.seller, trade.buyer))
    return list(dict.fromkeys((claim.account, claim.owner, *both)))


def _say(
    state: State, event: Literal["claim.opened", "claim.decided"], claim: Claim, transaction: str | None
) -> None:
    state.emit(
        event,
        claim.row(),
        accounts=parties(state, claim),
        assets=[claim.asset],
        transaction=transaction,
    )
