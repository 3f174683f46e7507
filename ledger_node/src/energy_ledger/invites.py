"""Invites: a founder's word that whoever holds a key may join."""

import base64
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from energy_ledger import crypto
from energy_ledger.fields import Address, Hash, Label, Natural, SignatureHex
from energy_ledger.refusals import Refused
from energy_ledger.strict import convert, loads

INVITE_TAG: Final = crypto.tag("invite")
PROOF_TAG: Final = crypto.tag("invite-proof")
NODE_TAG: Final = crypto.tag("invite-node")
PREFIX: Final = "kwhinvite1"

Url = Annotated[str, Meta(min_length=1, max_length=256)]


class Invite(Struct, frozen=True, forbid_unknown_fields=True):
    """What the inviter signed: to which network, with which key, until when (ledger time), where it is.

    `nodes` are addresses of APIs, `peers` where nodes link to each other, as `key@host:port`.
    """

    network: Hash
    name: Label
    inviter: Address
    key: Hash
    expires: Natural
    nodes: Annotated[tuple[Url, ...], Meta(max_length=16)]
    peers: Annotated[tuple[Url, ...], Meta(max_length=16)] = ()


class InviteText(Struct, frozen=True, forbid_unknown_fields=True):
    """What is passed on: the invite's exact payload text, its signature, and the secret of its key."""

    invite: str
    signature: SignatureHex
    secret: Hash


def read_invite(payload: str, field: str = "invite") -> Invite:
    """Read the payload of an invite. Raises Refused with `invite_invalid`."""
    try:
        return convert(loads(payload.encode("utf-8", "surrogatepass")), Invite)
    except Refused as refused:
        place = f" ({refused.field})" if refused.field else ""
        raise Refused(
            "invite_invalid", field, f"The invite cannot be read{place}: {refused.message}"
        ) from None


def read_invite_text(text: str) -> InviteText:
    """Read the text that people pass on. Raises Refused with `invite_invalid`."""
    text = text.strip()
    if not text.startswith(PREFIX):
        raise Refused("invite_invalid", None, f"An invite begins with {PREFIX}; copy it whole.")
    encoded = text.removeprefix(PREFIX)
    try:
        data = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        return convert(loads(data), InviteText)
    except ValueError:
        raise Refused("invite_invalid", None, "The invite is incomplete; copy it whole.") from None
    except Refused as refused:
        raise Refused("invite_invalid", None, f"The invite cannot be read: {refused.message}") from None


def write_invite_text(invite: InviteText) -> str:
    """Write the text that people pass on."""
    data = msgspec.json.encode(invite)
    return PREFIX + base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")
