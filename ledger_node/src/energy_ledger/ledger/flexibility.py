"""Announcements of flexibility: what an asset could take or give, for who wants to plan with it."""

from functools import partial

from energy_ledger.ledger.assets import trading_asset
from energy_ledger.ledger.entries import check_rated, check_window
from energy_ledger.ledger.governing_rows import Flexibility
from energy_ledger.ledger.rows import given
from energy_ledger.ledger.rules import Action, Request
from energy_ledger.ledger.state import State
from energy_ledger.member_payloads import FlexibilityAnnounce


def plan_announce(request: Request, payload: FlexibilityAnnounce) -> Action:
    """Check it as a flexible order would be; then everybody can read it until its deadline."""
    state = request.state
    asset = trading_asset(request, payload.asset)
    check_window(state.timing, payload, request.time)
    rated = asset.rated_import_w if payload.direction == "consume" else asset.rated_export_w
    check_rated(payload.max_wh_per_slot, rated, state.rules.slot_s, "max_wh_per_slot")
    return partial(_announce, request, payload)


def _announce(request: Request, payload: FlexibilityAnnounce) -> None:
    state = request.state
    announced = Flexibility(
        id=request.id,
        account=request.sender.account,
        asset=payload.asset,
        direction=payload.direction,
        energy_wh=payload.energy_wh,
        earliest=payload.earliest,
        deadline=payload.deadline,
        max_wh_per_slot=payload.max_wh_per_slot,
        note=given(payload.note),
        announced=state.time,
    )
    state.flexibility.put(announced)
    state.emit(
        "flexibility.announced",
        announced.row(),
        accounts=[announced.account],
        assets=[announced.asset],
        transaction=request.id,
    )


def forget_past(state: State) -> None:
    """Forget the announcements whose deadline has come."""
    past = [one.id for one in state.flexibility.values() if state.timing.start(one.deadline) <= state.time]
    for key in sorted(past):
        state.flexibility.forget(key)


def withdraw(state: State, account: str) -> None:
    """Forget the announcements of a member that does not trade any more."""
    for key in sorted(one.id for one in state.flexibility.values() if one.account == account):
        state.flexibility.forget(key)


def next_due(state: State) -> int | None:
    """Return when the next announcement is to be forgotten."""
    return min((state.timing.start(one.deadline) for one in state.flexibility.values()), default=None)
