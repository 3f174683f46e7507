"""Whose node may listen: validators, and those whom a founder invited."""

from energy_ledger import crypto
from energy_ledger.genesis import Genesis
from energy_ledger.invites import NODE_TAG, InviteText, read_invite
from energy_ledger.network.frames import Admission
from energy_ledger.node.invites import is_by_founder
from energy_ledger.refusals import Refused
from energy_ledger.storage.reader import Reader


def make_admission(given: InviteText, node: bytes) -> Admission:
    """Return what shows that the holder of an invite lets this node (its key) listen in its name."""
    proof = crypto.sign(bytes.fromhex(given.secret), NODE_TAG, node)
    return Admission(given.invite, bytes.fromhex(given.signature), proof)


def admission_fault(
    admission: Admission | None, node: bytes, genesis: Genesis, reader: Reader, time: int
) -> str | None:
    """Return why a node may not listen, None when it may; `time` is the ledger's (ms).

    An invite counts until it expires, and for ever once somebody became a member with it.
    """
    if admission is None:
        return "only validators and nodes with an invite may link"
    try:
        invite = read_invite(admission.invite)
    except Refused as refused:
        return refused.message
    known = reader.one("invites", invite.key) is not None  # so the ledger has checked who signed it
    if invite.network != genesis.network:
        return "the invite is to another network"
    if not known and not is_by_founder(reader, invite, admission.invite, admission.signature):
        return "the invite is not signed by a founder of this network"
    if not crypto.verify(bytes.fromhex(invite.key), NODE_TAG, node, admission.proof):
        return "the invite was not given to this node"
    if invite.expires < time and not known:
        return "the invite has expired"
    return None
