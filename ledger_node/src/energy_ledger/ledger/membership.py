"""What becomes of a member: suspended and taken back, given roles, with new keys, leaving and gone.

Who leaves winds up what is open: bids and offers are cancelled, trades are settled, claims decided, money is
spent or redeemed. With the end of the commit in which nothing of it is open any more it has left.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from energy_ledger import crypto
from energy_ledger.keys import KeySet, check_address, key_set_bytes, verify_all
from energy_ledger.ledger import flexibility
from energy_ledger.ledger.assets import assets_of, retire
from energy_ledger.ledger.claims import parties
from energy_ledger.ledger.events import EventType
from energy_ledger.ledger.members import known_member, member, standing
from energy_ledger.ledger.orders import cancel_all
from energy_ledger.ledger.policy import check_keys_fit
from energy_ledger.ledger.rights import AUDITOR, FOUNDER
from energy_ledger.ledger.rows import Account
from energy_ledger.ledger.rules import Action, Request
from energy_ledger.ledger.state import State
from energy_ledger.ledger.states import MEMBER, advance, may
from energy_ledger.member_payloads import KeyRotate, Leave, RoleSet, Suspend
from energy_ledger.refusals import Refused

ROTATE_TAG = crypto.tag("rotate")


def plan_suspend(request: Request, payload: Suspend) -> Action:
    """Check that the member can be suspended, or taken back; then its orders are cancelled."""
    state = request.state
    account = known_member(state, payload.member, "member")
    event = "suspend" if payload.suspended else "resume"
    if not may(MEMBER, account.status, event):
        message = f"{account.name} is {account.status}, so nothing would change."
        raise Refused("bad_value", "suspended", message)
    if payload.suspended:
        _check_founders(state, account, "member")
    return partial(_suspend, request, payload, event)


def _suspend(request: Request, payload: Suspend, event: str) -> None:
    state, address = request.state, payload.member
    account = _move(state, address, event)
    told: EventType = "member.suspended" if payload.suspended else "member.resumed"
    _say(state, told, account, request.id, reason=payload.reason)
    if payload.suspended:
        _stop_trading(state, address, request.id)


def plan_role(request: Request, payload: RoleSet) -> Action:
    """Check that the role can be given or taken; then the member has it, or has it no more."""
    state, role = request.state, payload.role
    account = (member if payload.granted else known_member)(state, payload.member, "member")
    if (role in account.roles) == payload.granted:
        has = "has" if payload.granted else "does not have"
        raise Refused("bad_value", "granted", f"{account.name} {has} the role {role} already.")
    if payload.granted:
        _check_new_role(state, account, role)
    elif role == FOUNDER:
        _check_founders(state, account, "role")
    return partial(_set_role, request, payload)


def _check_new_role(state: State, account: Account, role: str) -> None:
    """Refuse to make an auditor of who could profit, and anything else of an auditor."""
    if AUDITOR in account.roles or (role == AUDITOR and account.roles):
        raise Refused("not_allowed", "role", "An auditor has no other role; take that away first.")
    if role == AUDITOR and (account.balance or account.credit or any(_open_matters(state, account.account))):
        message = f"{account.name} still trades or has money; an auditor owns nothing."
        raise Refused("has_assets", "member", message)
    if role == AUDITOR and assets_of(state, account.account):
        raise Refused("has_assets", "member", f"{account.name} has assets; an auditor owns nothing.")


def _set_role(request: Request, payload: RoleSet) -> None:
    state = request.state
    had = state.accounts[payload.member].roles
    roles = (*had, payload.role) if payload.granted else tuple(one for one in had if one != payload.role)
    account = state.update(payload.member, roles=roles)
    _say(state, "member.role", account, request.id, roles=list(roles))


def _check_founders(state: State, account: Account, field: str) -> None:
    """Refuse to be left without a founder who can act."""
    others = (one for one in state.accounts.values() if one.account != account.account)
    if FOUNDER in account.roles and not any(
        FOUNDER in one.roles and one.status == "active" for one in others
    ):
        message = f"{account.name} is the only founder; make somebody else one first."
        raise Refused("last_founder", field, message)


def plan_rotate(request: Request, payload: KeyRotate) -> Action:
    """Check that the new keys prove themselves for this account; then the old ones are good for nothing."""
    if payload.keys == request.sender.keys:
        raise Refused("bad_value", "keys", "These are the present keys.")
    check_keys_fit(request.state, payload.keys, "keys")
    message = proof_of_keys(check_address(payload.account, "account"), payload.sequence, payload.keys)
    for index, (key, proof) in enumerate(zip(payload.keys, payload.proofs, strict=True)):
        if not verify_all([key], ROTATE_TAG, message, [bytes.fromhex(proof)]):
            text = f"The proof is not by the new {key.type} key over this account and sequence number."
            raise Refused("bad_signature", f"proofs[{index}]", text)
    return partial(_rotate, request, payload.keys)


def proof_of_keys(account: bytes, sequence: int, keys: KeySet) -> bytes:
    """Return what each new key signs: the account, the envelope's sequence number, the new key set."""
    return account + sequence.to_bytes(8, "big") + key_set_bytes(keys)


def _rotate(request: Request, keys: KeySet) -> None:
    state = request.state
    account = state.update(request.sender.account, keys=keys)
    data = {"account": account.account, "keys": account.row()["keys"]}
    state.emit("key.rotated", data, accounts=[account.account], transaction=request.id)


def plan_leave(request: Request, _: Leave) -> Action:
    """Check that somebody stays who can govern; then the member only winds up what is open."""
    _check_founders(request.state, request.sender, "account")
    return partial(_leave, request)


def _leave(request: Request) -> None:
    state, address = request.state, request.sender.account
    _move(state, address, "leave")
    account = state.update(address, credit=0)
    state.leaving[address] = None
    _say(state, "member.leaving", account, request.id)
    _stop_trading(state, address, request.id)


def _stop_trading(state: State, address: str, transaction: str) -> None:
    cancel_all(state, address, transaction)
    flexibility.withdraw(state, address)


def part(state: State) -> None:
    """Let those go of whom nothing is open any more; what they owned is retired."""
    for address in sorted(state.leaving):
        if state.accounts[address].balance or any(_open_matters(state, address)):
            continue
        del state.leaving[address]
        for asset in assets_of(state, address):
            retire(state, asset, None)
        _move(state, address, "part")
        _say(state, "member.left", state.update(address, roles=()), None)


def dues(state: State) -> Iterator[int]:
    """Give the times at which trades of members who leave become final, so that they can go."""
    if state.leaving:
        slots = dict.fromkeys(
            trade.slot
            for trade in state.trades.values()
            if trade.seller in state.leaving or trade.buyer in state.leaving
        )
        slots |= dict.fromkeys(
            matches.slot
            for matches in state.matches.values()
            if any(side.account in state.leaving for side in state.sides_of(matches))
        )
        yield from (due for slot in slots if (due := state.timing.final(slot)) > state.time)


def _open_matters(state: State, address: str) -> Iterator[object]:
    """Give whatever of a member is not over yet: money held, orders, trades, claims about its trades.

    A settled trade is not over while a claim could still be opened about it, which may change who owes whom.
    """
    if state.accounts[address].held:
        yield address
    yield from (order for order in state.orders.values() if order.account == address)
    yield from (side for side in state.waiting_sides() if side.account == address)
    yield from (trade for trade in state.trades.values() if address in (trade.seller, trade.buyer))
    yield from (claim for claim in state.claims.values() if address in parties(state, claim))


def _move(state: State, address: str, event: str) -> Account:
    return state.update(address, status=advance(MEMBER, state.accounts[address].status, event))


def _say(state: State, event: EventType, account: Account, transaction: str | None, **more: Any) -> None:
    state.emit(event, standing(account) | more, accounts=[account.account], transaction=transaction)
