"""Members: who belongs to the network, and who may let others in."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Literal

from energy_ledger import crypto
from energy_ledger.genesis import Genesis
from energy_ledger.invites import INVITE_TAG, PROOF_TAG, Invite, read_invite
from energy_ledger.keys import KeySet, PublicKey, account_of
from energy_ledger.ledger.policy import check_keys_fit
from energy_ledger.ledger.rights import AUDITOR, FOUNDER, NODE, TREASURER
from energy_ledger.ledger.rows import Account, UsedInvite
from energy_ledger.ledger.rules import Action, Request
from energy_ledger.ledger.state import State
from energy_ledger.ledger.states import MEMBER, MemberState, advance, may
from energy_ledger.payloads import Approve, Join
from energy_ledger.refusals import Refused


def found(state: State, genesis: Genesis) -> None:
    """Make the founder a member and give every node of the committee its account."""
    founder = genesis.rules.founder
    _open_account(state, genesis.founder, founder.name, founder.keys, (FOUNDER, TREASURER))
    for public in genesis.rules.committee:
        open_node_account(state, public)


def open_node_account(state: State, public: str) -> None:
    """Give a node its account, unless it has one."""
    key = PublicKey(type="ed25519", public=public)
    address = state.genesis.address([key])
    if address not in state.accounts:
        number = 1 + sum(NODE in account.roles for account in state.accounts.values())
        _open_account(state, address, f"Node {number}", (key,), (NODE,))


def _open_account(state: State, address: str, name: str, keys: KeySet, roles: tuple[str, ...]) -> None:
    account = Account(
        account=address,
        name=name,
        status=advance(MEMBER, None, "join"),
        roles=roles,
        keys=keys,
        commit=state.commit,
        time=state.time,
    )
    state.accounts.put(account)


def member(state: State, address: str, field: str) -> Account:
    """Return the account of an active member. Raises Refused."""
    account = known_member(state, address, field)
    if account.status != "active":
        raise _not_active(account, field)
    return account


def known_member(state: State, address: str, field: str) -> Account:
    """Return the account of somebody who is or was a member, or asked to be one. Raises Refused."""
    account = state.accounts.get(address)
    if account is None or NODE in account.roles:
        raise Refused("unknown_member", field, "No member of this network has this address.")
    return account


def payee(state: State, address: str, field: str) -> Account:
    """Return the account of somebody who may be given money: of members who leave, too. Raises Refused."""
    account = known_member(state, address, field)
    if account.status not in ("active", "leaving"):
        raise _not_active(account, field)
    if AUDITOR in account.roles:
        raise Refused("not_allowed", field, f"{account.name} is an auditor, who owns nothing.")
    return account


def _not_active(account: Account, field: str) -> Refused:
    return Refused("not_active", field, f"{account.name} {_STANDING[account.status]}.")


_STANDING: Final[Mapping[MemberState, str]] = {
    "pending": "is not approved as a member yet",
    "active": "is a member",
    "suspended": "is suspended",
    "leaving": "is leaving",
    "left": "has left this network",
}


def plan_join(state: State, payload: Join, transaction: str, time: int) -> Action:
    """Check the invite; then its bearer is a member, or waits for the founder's approval."""
    if payload.account in state.accounts:
        raise Refused("already_member", "account", "This account is a member already.")
    if payload.account != state.genesis.address(payload.keys):
        raise Refused("bad_value", "account", "The address is not that of this network for the given keys.")
    check_keys_fit(state, payload.keys, "keys")
    invite = read_invite(payload.invite)
    _check_invite(state, invite, payload)
    if invite.expires < time:
        raise Refused("invite_expired", "invite", "The invite has expired; ask for a new one.")
    if invite.key in state.invites:
        raise Refused("invite_used", "invite", "Somebody joined with this invite already; ask for a new one.")
    return partial(_join, state, payload, invite.key, transaction)


def _check_invite(state: State, invite: Invite, payload: Join) -> None:
    """Refuse an invite that no founder of this network signed, or whose key the new member does not have."""
    inviter = state.accounts.get(invite.inviter)
    if invite.network != state.genesis.network:
        raise Refused("invite_invalid", "invite", "The invite is to another network.")
    if inviter is None or FOUNDER not in inviter.roles or inviter.status != "active":
        raise Refused("invite_invalid", "invite", "The invite is not from a founder of this network.")
    signer = bytes.fromhex(inviter.keys[0].public)
    signature = bytes.fromhex(payload.invite_signature)
    if not crypto.verify(signer, INVITE_TAG, payload.invite.encode("utf-8"), signature):
        raise Refused("invite_invalid", "invite_signature", "The invite is not signed by who it says.")
    proof = bytes.fromhex(payload.invite_proof)
    if not crypto.verify(bytes.fromhex(invite.key), PROOF_TAG, account_of(payload.keys), proof):
        raise Refused("invite_invalid", "invite_proof", "The proof is not by the invite's key.")


def _join(state: State, payload: Join, invite_key: str, transaction: str) -> None:
    status = advance(MEMBER, None, "join" if state.policy.approval == "invite" else "ask")
    account = Account(
        account=payload.account,
        name=payload.name,
        status=status,
        roles=(),
        keys=payload.keys,
        commit=state.commit,
        time=state.time,
    )
    state.accounts.put(account)
    state.use_sequence(payload.account, payload.sequence, transaction)
    state.invites.put(UsedInvite(invite_key=invite_key, account=payload.account, commit=state.commit))
    _say(state, "member.joined", account, transaction)


def plan_approve(request: Request, payload: Approve) -> Action:
    """Check that somebody is waiting; then it is a member."""
    account = request.state.accounts.get(payload.member)
    if account is None or NODE in account.roles:
        raise Refused("unknown_member", "member", "Nobody with this address asked to join.")
    if not may(MEMBER, account.status, "approve"):
        raise Refused("already_member", "member", f"{account.name} {_STANDING[account.status]} already.")
    check_keys_fit(request.state, account.keys, "member")
    return partial(_approve, request, payload.member)


def _approve(request: Request, address: str) -> None:
    state = request.state
    status = advance(MEMBER, state.accounts[address].status, "approve")
    _say(state, "member.approved", state.update(address, status=status), request.id)


def _say(
    state: State, event: Literal["member.joined", "member.approved"], account: Account, transaction: str
) -> None:
    state.emit(event, standing(account), accounts=[account.account], transaction=transaction)


def standing(account: Account) -> dict[str, Any]:
    """Return what events about a membership say."""
    return {"account": account.account, "name": account.name, "status": account.status}
