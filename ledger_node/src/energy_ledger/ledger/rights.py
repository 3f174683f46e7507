"""Who may send which kind: one table of kinds, roles and states of membership.

docs/protocol.md prints this table. A kind without a role is a member's; an auditor reads and writes nothing,
so of those it may send only what is its own business, its keys and its membership.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from energy_ledger.ledger.rows import Account
from energy_ledger.ledger.states import MemberState
from energy_ledger.refusals import Refused

FOUNDER: Final = "founder"
TREASURER: Final = "treasurer"
AUDITOR: Final = "auditor"
NODE: Final = "node"

_ACTIVE: Final[tuple[MemberState, ...]] = ("active",)
_LEAVING: Final[tuple[MemberState, ...]] = ("active", "leaving")
_WINDING_UP: Final[tuple[MemberState, ...]] = ("active", "suspended", "leaving")


class Right(NamedTuple):
    """The role that a kind asks for, the states in which it may be sent, and whether auditors may send it."""

    role: str | None = None
    states: tuple[MemberState, ...] = _ACTIVE
    auditors: bool = False


RIGHTS: Final[Mapping[str, Right]] = {
    "member.approve": Right(FOUNDER),
    "member.leave": Right(states=("active", "suspended"), auditors=True),
    "member.suspend": Right(FOUNDER),
    "member.role": Right(FOUNDER),
    "key.rotate": Right(states=_WINDING_UP, auditors=True),
    "asset.register": Right(),
    "asset.update": Right(),
    "asset.retire": Right(),
    "flexibility.announce": Right(),
    "order.place": Right(),
    "order.cancel": Right(),
    "reading.attest": Right(states=_WINDING_UP),
    "reading.total": Right(states=_WINDING_UP),
    "reading.disclose": Right(states=_WINDING_UP),
    "claim.open": Right(states=_WINDING_UP),
    "claim.decide": Right(FOUNDER),
    "certificate.transfer": Right(states=_LEAVING),
    "certificate.cancel": Right(states=_LEAVING),
    "certificate.claim": Right(states=_LEAVING),
    "clearing.propose": Right(NODE),
    "transfer": Right(states=_LEAVING),
    "voucher.issue": Right(TREASURER),
    "voucher.redeem": Right(states=_LEAVING),
    "voucher.settle": Right(TREASURER),
    "community.pay": Right(TREASURER),
    "credit.set": Right(TREASURER),
    "tariff.set": Right(FOUNDER),
    "policy.set": Right(FOUNDER),
    "committee.vote": Right(NODE),
}

_NOT_NOW: Final[Mapping[MemberState, str]] = {
    "pending": "Your membership is not approved yet.",
    "active": "This is not for members who go on trading.",
    "suspended": "Your membership is suspended: you may attest readings, open claims, rotate keys and leave.",
    "leaving": "You are leaving: what is open can still be wound up, nothing new begun.",
    "left": "You have left this network.",
}


def check_right(sender: Account, kind: str) -> None:
    """Refuse who may not send this kind now (`not_active`) or at all (`not_allowed`)."""
    right = RIGHTS[kind]
    if sender.status not in right.states:
        raise Refused("not_active", None, _NOT_NOW[sender.status])
    if right.role is not None:
        if right.role not in sender.roles:
            message = f"Only an account with the role {right.role} may do this."
            raise Refused("not_allowed", "kind", message)
    elif NODE in sender.roles:
        message = "A node's account may only propose clearings and vote for a committee."
        raise Refused("not_allowed", "kind", message)
    elif AUDITOR in sender.roles and not right.auditors:
        raise Refused("not_allowed", "kind", "An auditor reads and writes nothing.")
