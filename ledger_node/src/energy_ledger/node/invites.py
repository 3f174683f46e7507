"""Whether an invite lets its holder speak to this node."""

from typing import Final

import msgspec

from energy_ledger import crypto
from energy_ledger.genesis import Genesis
from energy_ledger.invites import INVITE_TAG, Invite, read_invite, read_invite_text
from energy_ledger.ledger.rights import FOUNDER
from energy_ledger.ledger.rows import Account
from energy_ledger.refusals import Refused
from energy_ledger.storage.reader import Reader

HOLDER: Final = "invite "
"""How the holder of a token is named who got it for an invite, with the invite's key behind it."""
_FEW = 100
"""Accounts with one and the same key: nobody has a reason for more than one."""
_account = msgspec.json.Decoder(Account)


def is_by_founder(reader: Reader, invite: Invite, payload: str, signature: bytes) -> bool:
    """Tell whether an active founder signed an invite, with the key it has now."""
    row = reader.one(Account.table, invite.inviter)
    if row is None:
        return False
    inviter = _account.decode(row)
    signer = bytes.fromhex(inviter.keys[0].public)
    is_founder = FOUNDER in inviter.roles and inviter.status == "active"
    return is_founder and crypto.verify(signer, INVITE_TAG, payload.encode(), signature)


def founder_of(reader: Reader, public: str) -> str | None:
    """Return the address of the active founder who has this Ed25519 key, None when nobody has."""
    for found in reader.page(Account.table, {"key": public}, None, _FEW):
        account = _account.decode(found.row)
        if FOUNDER in account.roles and account.status == "active":
            return account.account
    return None


def check_invite(text: str, genesis: Genesis, reader: Reader, time: int) -> Invite:
    """Return the invite in the text that people pass on; `time` is the ledger's, in ms.

    Raises Refused for one that is not good here and now. Whether its holder becomes a member is decided
    when the ledger sees `member.join`.
    """
    given = read_invite_text(text)
    invite = read_invite(given.invite)
    if invite.network != genesis.network:
        raise Refused("invite_invalid", None, "The invite is to another network.")
    if not is_by_founder(reader, invite, given.invite, bytes.fromhex(given.signature)):
        raise Refused("invite_invalid", None, "The invite is not signed by a founder of this network.")
    if crypto.public_key(bytes.fromhex(given.secret)).hex() != invite.key:
        raise Refused("invite_invalid", None, "The secret in the invite is not that of its key.")
    if invite.expires < time:
        raise Refused("invite_expired", None, "The invite has expired; ask for a new one.")
    if reader.one("invites", invite.key) is not None:
        raise Refused("invite_used", None, "Somebody joined with this invite already; ask for a new one.")
    return invite
