"""Invites: a text that a founder passes on, with which one new member joins.

The text carries the invite as its founder signed it and the secret of a key made for this invite alone. The
new member proves with that key that the invite is meant for its account; the secret itself never reaches
the ledger.
"""

import base64
import binascii
import json
import secrets
from dataclasses import dataclass, field

from nacl.signing import SigningKey

from .address import Address, AddressError
from .transactions import Body, dump, member_join
from .wallet import ED25519, PublicKey, Wallet, sign, verifies

_PREFIX = "kwhinvite1"


class InviteError(ValueError):
    """A text that is no invite, or an invite that does not count; the message says why."""


@dataclass(frozen=True, slots=True)
class Invite:
    """An invite: `payload` is the text its inviter signed, the rest is read from it; `expires` in ms.

    `nodes` are URLs of nodes' APIs, `peers` say where nodes link to each other, as `key@host:port`.
    """

    payload: str
    signature: str
    secret: str = field(repr=False)
    network: str
    name: str
    inviter: str
    key: str
    expires: int
    nodes: tuple[str, ...]
    peers: tuple[str, ...] = ()

    @property
    def test(self) -> bool:
        """Whether the invite leads to a test network."""
        return Address.parse(self.inviter).test

    def text(self) -> str:
        """Return the invite as people pass it on."""
        content = dump({"invite": self.payload, "signature": self.signature, "secret": self.secret})
        return _PREFIX + base64.urlsafe_b64encode(content.encode()).rstrip(b"=").decode()

    def proof(self, account: bytes) -> str:
        """Return the invite key's signature for the account (32 bytes) that joins with it."""
        return sign(SigningKey(bytes.fromhex(self.secret)), "invite-proof", account)

    def verify(self, founder_keys: list[PublicKey], now: int) -> None:
        """Check that a founder with these keys signed it and that it has not expired (ledger time in ms).

        Raises:
            InviteError: saying which of the two.

        """
        keys = [key["public"] for key in founder_keys if key["type"] == ED25519]
        if not any(verifies(key, "invite", self.payload.encode(), self.signature) for key in keys):
            raise InviteError("the invite is not signed by the founder of its network; ask for a new one")
        if now >= self.expires:
            raise InviteError("the invite has expired; ask for a new one")


def make(
    wallet: Wallet,
    *,
    network: str,
    name: str,
    inviter: str,
    expires: int,
    nodes: tuple[str, ...],
    peers: tuple[str, ...] = (),
) -> Invite:
    """Return a new invite of a founder (address).

    `expires` is ledger time in ms, `nodes` are URLs, `peers` for nodes.
    """
    key = SigningKey(secrets.token_bytes(32))
    payload = dump(
        {
            "network": network,
            "name": name,
            "inviter": inviter,
            "key": key.verify_key.encode().hex(),
            "expires": expires,
            "nodes": list(nodes),
            "peers": list(peers),
        }
    )
    [signature, *_] = wallet.sign("invite", payload.encode())
    return _read(payload, signature, key.encode().hex())


def parse(text: str) -> Invite:
    """Return the invite of a text that a person pasted; white space within does not matter.

    Raises:
        InviteError: the text is incomplete or something else.

    """
    compact = "".join(text.split())
    if not compact.startswith(_PREFIX):
        raise InviteError(f"an invite starts with {_PREFIX}")
    encoded = compact.removeprefix(_PREFIX)
    try:
        content = json.loads(
            base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        )
        invite = _read(str(content["invite"]), str(content["signature"]), str(content["secret"]))
        key = SigningKey(bytes.fromhex(invite.secret)).verify_key.encode().hex()
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise InviteError("the invite is incomplete: copy the whole text again") from error
    if key != invite.key:
        raise InviteError("the invite was changed on its way: its key does not fit")
    return invite


def join_body(invite: Invite, wallet: Wallet, name: str) -> Body:
    """Return the transaction with which the wallet's owner joins under a name."""
    return member_join(
        keys=wallet.keys,
        name=name,
        invite=invite.payload,
        invite_signature=invite.signature,
        invite_proof=invite.proof(wallet.account),
    )


def _read(payload: str, signature: str, secret: str) -> Invite:
    data = json.loads(payload)
    try:
        Address.parse(data["inviter"])
    except AddressError as error:
        raise InviteError(f"the invite names no inviter: {error}") from error
    return Invite(
        payload=payload,
        signature=signature,
        secret=secret,
        network=data["network"],
        name=data["name"],
        inviter=data["inviter"],
        key=data["key"],
        expires=int(data["expires"]),
        nodes=tuple(data["nodes"]),
        peers=tuple(data.get("peers", ())),
    )
