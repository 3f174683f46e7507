"""Vouchers back into real money: a member asks, the treasurer pays out or gives back. Amounts in nano-units.

What is asked for is held until it is settled, and burnt once it is paid: then that much less is issued.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final, Literal

from msgspec.structs import replace

from energy_ledger.ledger.events import EventType
from energy_ledger.ledger.governing_rows import Redemption
from energy_ledger.ledger.rows import given
from energy_ledger.ledger.rules import Action, Request
from energy_ledger.ledger.state import State
from energy_ledger.ledger.states import REDEMPTION, RedemptionState, advance, may
from energy_ledger.member_payloads import VoucherRedeem, VoucherSettle
from energy_ledger.refusals import Refused
from energy_ledger.units import DAY_MS

_EVENTS: Final[Mapping[RedemptionState, EventType]] = {
    "requested": "voucher.requested",
    "paid": "voucher.paid",
    "returned": "voucher.returned",
}


def plan_redeem(request: Request, payload: VoucherRedeem) -> Action:
    """Check that the member has the money, which credit is not; then it is held."""
    own = max(0, request.sender.balance - request.sender.held)
    if payload.amount > own:
        message = f"Only {own} can be redeemed (nano-units): the balance that nothing else is held of."
        raise Refused("not_enough_money", "amount", message)
    return partial(_redeem, request, payload)


def _redeem(request: Request, payload: VoucherRedeem) -> None:
    state = request.state
    redemption = Redemption(
        id=request.id,
        account=request.sender.account,
        amount=payload.amount,
        reference=payload.reference,
        state=advance(REDEMPTION, None, "request"),
        requested=state.time,
    )
    state.change_money(redemption.account, held=redemption.amount)
    _say(request, state.redemptions.put(redemption))


def plan_settle(request: Request, payload: VoucherSettle) -> Action:
    """Check that the redemption is open; then it is paid or returned."""
    redemption = request.state.redemptions.get(payload.redemption)
    event: Literal["pay", "return"] = "pay" if payload.paid else "return"
    if redemption is None:
        raise Refused("unknown_redemption", "redemption", "There is no redemption with this id.")
    if not may(REDEMPTION, redemption.state, event):
        raise Refused("redemption_closed", "redemption", f"This redemption is {redemption.state} already.")
    settled = replace(
        redemption, state=advance(REDEMPTION, redemption.state, event), note=given(payload.note)
    )
    return partial(_settle, request, settled)


def _settle(request: Request, redemption: Redemption) -> None:
    """Release what was held; what was paid out is gone from the balance and from what was issued."""
    state = request.state
    burnt = redemption.amount if redemption.state == "paid" else 0
    state.change_money(redemption.account, balance=-burnt, held=-redemption.amount)
    state.count(issued=state.totals.issued - burnt)
    _say(request, state.redemptions.put(replace(redemption, settled=state.time)))


def forget_settled(state: State) -> None:
    """Forget redemptions that were settled a day ago; storage keeps them."""
    for key in sorted(one.id for one in state.redemptions.values() if _is_old(one, state.time)):
        state.redemptions.finish(state.redemptions[key])


def _is_old(redemption: Redemption, time: int) -> bool:
    return redemption.settled is not None and redemption.settled + DAY_MS <= time


def _say(request: Request, redemption: Redemption) -> None:
    accounts = (redemption.account, request.sender.account)
    event = _EVENTS[redemption.state]
    request.state.emit(event, redemption.row(), accounts=accounts, transaction=request.id)
