"""Money: vouchers the treasurer issues, credit it grants, transfers, and payments of the community fund.

All amounts are nano-units. The sum of all balances and the community fund is what was issued, always.
"""

from functools import partial

from energy_ledger.ledger.members import member, payee
from energy_ledger.ledger.rows import given
from energy_ledger.ledger.rules import Action, Request
from energy_ledger.member_payloads import CommunityPay
from energy_ledger.payloads import CreditSet, Transfer, VoucherIssue
from energy_ledger.refusals import Refused
from energy_ledger.units import MAX_MONEY


def plan_transfer(request: Request, payload: Transfer) -> Action:
    """Check recipient and money; then the money is the recipient's."""
    payee(request.state, payload.to, "to")
    available = request.sender.available
    if payload.amount > available:
        message = f"Only {available} is available (nano-units)."
        raise Refused("not_enough_money", "amount", message)
    return partial(_transfer, request, payload)


def _transfer(request: Request, payload: Transfer) -> None:
    state, sender = request.state, request.sender.account
    state.change_money(sender, balance=-payload.amount)
    state.change_money(payload.to, balance=payload.amount)
    data = {"from": sender, "to": payload.to, "amount": payload.amount, "memo": given(payload.memo)}
    state.emit("transfer", data, accounts=(sender, payload.to), transaction=request.id)


def plan_issue(request: Request, payload: VoucherIssue) -> Action:
    """Check the recipient; then there is more money, and it is the recipient's."""
    payee(request.state, payload.to, "to")
    if payload.amount > MAX_MONEY - request.state.totals.issued:
        raise Refused("bad_value", "amount", f"A network has {MAX_MONEY} nano-units of money at most.")
    return partial(_issue, request, payload)


def _issue(request: Request, payload: VoucherIssue) -> None:
    state, issuer = request.state, request.sender.account
    state.count(issued=state.totals.issued + payload.amount)
    state.change_money(payload.to, balance=payload.amount)
    data = {"from": issuer, "to": payload.to, "amount": payload.amount, "reference": payload.reference}
    state.emit("voucher.issued", data, accounts=(issuer, payload.to), transaction=request.id)


def plan_community_pay(request: Request, payload: CommunityPay) -> Action:
    """Check the recipient and the fund; then the money is the recipient's."""
    payee(request.state, payload.to, "to")
    fund = request.state.totals.community
    if payload.amount > fund:
        message = f"The community fund has only {fund} (nano-units)."
        raise Refused("not_enough_money", "amount", message)
    return partial(_pay_from_fund, request, payload)


def _pay_from_fund(request: Request, payload: CommunityPay) -> None:
    state, payer = request.state, request.sender.account
    state.count(community=state.totals.community - payload.amount)
    state.change_money(payload.to, balance=payload.amount)
    data = {"from": payer, "to": payload.to, "amount": payload.amount, "reference": payload.reference}
    state.emit("community.paid", data, accounts=(payer, payload.to), transaction=request.id)


def plan_credit(request: Request, payload: CreditSet) -> Action:
    """Check the member; then it may owe up to the limit."""
    member(request.state, payload.member, "member")
    return partial(_credit, request, payload)


def _credit(request: Request, payload: CreditSet) -> None:
    issuer = request.sender.account
    request.state.update(payload.member, credit=payload.limit)
    data = {"from": issuer, "member": payload.member, "limit": payload.limit}
    request.state.emit("credit.set", data, accounts=(issuer, payload.member), transaction=request.id)
