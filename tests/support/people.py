"""People who sign, for tests against a node: just enough of a wallet, made of the node's own words."""

import json
import time
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from energy_ledger import crypto
from energy_ledger.genesis import GENESIS_TAG
from energy_ledger.invites import INVITE_TAG, PROOF_TAG, InviteText, write_invite_text
from energy_ledger.keys import PublicKey, account_of, address_of
from energy_ledger.transactions import TRANSACTION_TAG, Envelope, sign_payload

HOUR_MS = 3_600_000
EUR = 10**9
TARIFF = {"price_floor": 80_000, "price_cap": 300_000, "grid_fee": 5_000}


def now_ms() -> int:
    """Return the present in ledger units."""
    return time.time_ns() // 1_000_000


class Person:
    """Somebody with a key, or with one of either type, who numbers what she signs."""

    def __init__(
        self, name: str, network: str = "", seed: bytes | None = None, *, hybrid: bool = False
    ) -> None:
        self.name = name
        self.network = network
        self.seed = seed or crypto.digest(crypto.tag("test"), name.encode())
        self.key = PublicKey("ed25519", crypto.public_key(self.seed).hex())
        self.second = MLDSA44PrivateKey.from_seed_bytes(self.seed) if hybrid else None
        self.account = account_of(self.key_set)
        self.address = address_of(self.account, test=True)
        self.sequence = 0

    @property
    def key_set(self) -> list[PublicKey]:
        if self.second is None:
            return [self.key]
        return [self.key, PublicKey("ml-dsa-44", self.second.public_key().public_bytes_raw().hex())]

    @property
    def keys(self) -> list[dict[str, str]]:
        return [{"type": key.type, "public": key.public} for key in self.key_set]

    def signatures(self, tag: bytes, body: bytes) -> list[str]:
        """Sign with all keys."""
        first = crypto.sign(self.seed, tag, body).hex()
        return [first] if self.second is None else [first, self.second.sign(tag + body).hex()]

    def sign(self, kind: str, *, twice: bool = False, **fields: Any) -> dict[str, Any]:
        """Return an envelope as JSON, with the next number; fields may replace what goes without saying.

        The Ed25519 key signs alone, or all keys where it is to be signed `twice`.
        """
        self.sequence += 1
        payload = {
            "kind": kind,
            "network": self.network,
            "account": self.address,
            "sequence": self.sequence,
            "expires": now_ms() + HOUR_MS,
            **fields,
        }
        envelope = as_json(sign_payload(payload, self.seed))
        if twice:
            envelope["signatures"] = self.signatures(TRANSACTION_TAG, envelope["payload"].encode())
        return envelope

    def joins(self, invite: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        """Return the envelope with which this person joins on an invite that `invite_to` made."""
        self.network = invite["network"]
        proof = crypto.sign(invite["key_seed"], PROOF_TAG, self.account)
        fields = {
            "keys": self.keys,
            "name": self.name,
            "invite": invite["payload"],
            "invite_signature": invite["signature"],
            "invite_proof": proof.hex(),
        }
        return self.sign("member.join", twice=self.second is not None, **fields | changes)


def as_json(envelope: Envelope) -> dict[str, Any]:
    """Return an envelope as JSON types."""
    return {"payload": envelope.payload, "signatures": list(envelope.signatures)}


def genesis(founder: Person, node_key: str, **changes: Any) -> dict[str, Any]:
    """Return a signed genesis of a test network whose committee is one node, as JSON types.

    Slots of 10 s, a round every 5 s: times that a test can wait for. Also tells the founder its network.
    """
    fields = {
        "kind": "genesis",
        "name": "Sunny Street",
        "created": now_ms(),
        "test": True,
        "currency": "EUR",
        "founder": {"name": founder.name, "keys": founder.keys},
        "committee": [node_key],
        "slot_s": 10,
        "horizon_slots": 60,
        "round_s": 5,
        "proposal_window_s": 3,
        "gate_s": 3,
        "grace_slots": 1,
        "tariff": TARIFF,
        "feeders": [],
        "approval": "invite",
        "readings": "traded",
    } | changes
    body = json.dumps(fields)
    founder.network = crypto.digest(GENESIS_TAG, body.encode()).hex()
    return {"payload": body, "signatures": founder.signatures(GENESIS_TAG, body.encode())}


def invite_to(founder: Person, name: str, **changes: Any) -> dict[str, Any]:
    """Return an invite by the founder: what `Person.joins` needs, and under `text` what people pass on."""
    seed = crypto.digest(crypto.tag("test"), f"invite for {name}".encode())
    fields = {
        "network": founder.network,
        "name": "Sunny Street",
        "inviter": founder.address,
        "key": crypto.public_key(seed).hex(),
        "expires": now_ms() + HOUR_MS,
        "nodes": [],
    } | changes
    payload = json.dumps(fields)
    signature = crypto.sign(founder.seed, INVITE_TAG, payload.encode()).hex()
    text = write_invite_text(InviteText(payload, signature, seed.hex()))
    return {
        "network": founder.network,
        "payload": payload,
        "signature": signature,
        "key_seed": seed,
        "text": text,
    }
