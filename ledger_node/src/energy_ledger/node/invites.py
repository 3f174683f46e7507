"""Whether an invite lets its holder speak to this node."""

from energy_ledger import crypto
from energy_ledger.genesis import Genesis
from energy_ledger.invites import INVITE_TAG, Invite, read_invite, read_invite_text
from energy_ledger.refusals import Refused
from energy_ledger.storage.reader import Reader


def check_invite(text: str, genesis: Genesis, reader: Reader, time: int) -> Invite:
    """Return the invite in the text that people pass on; `time` is the ledger's, in ms.

    Raises Refused for one that is not good here and now. Whether its holder becomes a member is decided
    when the ledger sees `member.join`.
    """
    given = read_invite_text(text)
    invite = read_invite(given.invite)
    if invite.network != genesis.network:
        raise Refused("invite_invalid", None, "The invite is to another network.")
    signer = bytes.fromhex(genesis.rules.founder.keys[0].public)
    signed = crypto.verify(signer, INVITE_TAG, given.invite.encode(), bytes.fromhex(given.signature))
    if invite.inviter != genesis.founder or not signed:
        raise Refused("invite_invalid", None, "The invite is not signed by the founder of this network.")
    if crypto.public_key(bytes.fromhex(given.secret)).hex() != invite.key:
        raise Refused("invite_invalid", None, "The secret in the invite is not that of its key.")
    if invite.expires < time:
        raise Refused("invite_expired", None, "The invite has expired; ask for a new one.")
    if reader.one("invites", invite.key) is not None:
        raise Refused("invite_used", None, "Somebody joined with this invite already; ask for a new one.")
    return invite
