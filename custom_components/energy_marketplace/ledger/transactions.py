"""Transactions: builders for every kind that a member signs, and the envelope.

A payload is serialised once; those very bytes are signed and sent, so no other encoder has to agree with
this one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .digests import digest
from .orders import Order
from .wallet import PublicKey, Wallet, key_set_bytes


@dataclass(frozen=True, slots=True)
class Body:
    """What a transaction says: its kind and the kind's fields."""

    kind: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Header:
    """For whom and until when a transaction counts; `expires` is ledger time in ms."""

    network: str
    account: str
    sequence: int
    expires: int


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signed payload. The id is that of the transaction; a genesis is named by its network id instead."""

    payload: str
    signatures: tuple[str, ...]

    @property
    def id(self) -> str:
        """Transaction id (hex)."""
        return digest("transaction", self.payload.encode()).hex()

    def as_dict(self) -> dict[str, Any]:
        """Return the envelope as it is sent and stored."""
        return {"payload": self.payload, "signatures": list(self.signatures)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Envelope:
        """Return the envelope as it was sent and stored."""
        return cls(str(data["payload"]), tuple(str(signature) for signature in data["signatures"]))


def payload_text(header: Header, body: Body) -> str:
    """Return the JSON text of a payload: the one serialisation that is signed and sent."""
    return dump(
        {
            "kind": body.kind,
            "network": header.network,
            "account": header.account,
            "sequence": header.sequence,
            "expires": header.expires,
            **body.fields,
        }
    )


def dump(value: Mapping[str, Any]) -> str:
    """JSON text without spaces, keys in the order they stand."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def seal(wallet: Wallet, payload: str, *, what: str = "transaction", alone: bool = False) -> Envelope:
    """Sign a payload text with all keys, or with the first `alone`."""
    return Envelope(payload, tuple(wallet.sign(what, payload.encode(), alone=alone)))


def member_join(
    *, keys: list[PublicKey], name: str, invite: str, invite_signature: str, invite_proof: str
) -> Body:
    """Join the network with an invite; `invite` is its payload text."""
    fields = {
        "keys": keys,
        "name": name,
        "invite": invite,
        "invite_signature": invite_signature,
        "invite_proof": invite_proof,
    }
    return Body("member.join", fields)


def member_approve(member: str) -> Body:
    """Let a pending member (address) in; a founder's verb."""
    return Body("member.approve", {"member": member})


def member_leave() -> Body:
    """Leave the network as soon as nothing is open any more."""
    return Body("member.leave", {})


def member_suspend(member: str, *, suspended: bool, reason: str) -> Body:
    """Stop a member (address) from trading, or let it trade again; a founder's verb."""
    return Body("member.suspend", {"member": member, "suspended": suspended, "reason": reason})


def member_role(member: str, role: str, *, granted: bool) -> Body:
    """Give a member (address) a role or take it: `founder`, `treasurer` or `auditor`; a founder's verb."""
    return Body("member.role", {"member": member, "role": role, "granted": granted})


def key_rotate(account: bytes, sequence: int, new: Wallet) -> Body:
    """Give an account (32 bytes) the keys of another wallet, in the transaction with this number."""
    message = account + sequence.to_bytes(8) + key_set_bytes(new.keys)
    return Body("key.rotate", {"keys": new.keys, "proofs": new.sign("rotate", message)})


def asset_retire(asset: str) -> Body:
    """Take an asset out of the market for good."""
    return Body("asset.retire", {"asset": asset})


def community_pay(to: str, amount: int, reference: str) -> Body:
    """Pay a member out of the community fund; the treasurer's verb, amount in nano."""
    return Body("community.pay", {"to": to, "amount": amount, "reference": reference})


def tariff_set(from_slot: int, tariff: Mapping[str, Any]) -> Body:
    """Let a tariff, as in the genesis, hold from a slot on; a founder's verb."""
    return Body("tariff.set", {"from_slot": from_slot, "tariff": tariff})


def policy_set(**changes: Any) -> Body:
    """Change `approval`, `quota` or `hybrid`, as in the genesis; a founder's verb."""
    return Body("policy.set", changes)


def asset_register(
    *,
    asset_type: str,
    name: str,
    rated_import_w: int,
    rated_export_w: int,
    behind: str | None = None,
    feeder: str = "",
    source: str | None = None,
    technology: str | None = None,
    commissioned: str | None = None,
    location: str | None = None,
) -> Body:
    """Register an asset; its id will be the transaction's. `behind` None makes it a connection point."""
    fields = {
        "asset_type": asset_type,
        "name": name,
        "rated_import_w": rated_import_w,
        "rated_export_w": rated_export_w,
        "behind": behind,
        "feeder": feeder,
        "source": source,
    }
    optional = {"technology": technology, "commissioned": commissioned, "location": location}
    return Body(
        "asset.register", fields | {key: value for key, value in optional.items() if value is not None}
    )


def asset_update(asset: str, **changes: Any) -> Body:
    """Change some fields of an asset, as `asset.update` lists them."""
    return Body("asset.update", {"asset": asset, **changes})


def order_place(asset: str, order: Order) -> Body:
    """Place an order for an asset; the order's id will be the transaction's."""
    return Body("order.place", {"asset": asset, "order": order.as_dict()})


def order_cancel(order: str) -> Body:
    """Take back what is left of an order."""
    return Body("order.cancel", {"order": order})


def reading_attest(*, asset: str, slot: int, imported_wh: int, exported_wh: int, commitment: str) -> Body:
    """Attest what a connection point's meter showed in a slot."""
    fields = {
        "asset": asset,
        "slot": slot,
        "imported_wh": imported_wh,
        "exported_wh": exported_wh,
        "commitment": commitment,
    }
    return Body("reading.attest", fields)


def claim_open(
    *, asset: str, slot: int, imported_wh: int, exported_wh: int, reason: str, commitment: str | None = None
) -> Body:
    """Claim what the reading of a connection point and slot should be."""
    fields: dict[str, Any] = {
        "asset": asset,
        "slot": slot,
        "imported_wh": imported_wh,
        "exported_wh": exported_wh,
        "reason": reason,
    }
    return Body("claim.open", fields if commitment is None else fields | {"commitment": commitment})


def reading_total(
    *, asset: str, day: int, imported_wh: int, exported_wh: int, produced_wh: int, self_consumed_wh: int
) -> Body:
    """Attest what a connection point counted in a day (since the epoch, UTC)."""
    fields = {
        "asset": asset,
        "day": day,
        "imported_wh": imported_wh,
        "exported_wh": exported_wh,
        "produced_wh": produced_wh,
        "self_consumed_wh": self_consumed_wh,
    }
    return Body("reading.total", fields)


def reading_disclose(*, asset: str, slot: int, registers: str, salt: str) -> Body:
    """Open a reading for everybody: the text of its registers, and the salt (hex) of its commitment."""
    fields = {"asset": asset, "slot": slot, "registers": registers, "salt": salt}
    return Body("reading.disclose", fields)


def transfer(to: str, amount: int, memo: str | None = None) -> Body:
    """Pay another member; amount in nano."""
    fields: dict[str, Any] = {"to": to, "amount": amount}
    return Body("transfer", fields if memo is None else fields | {"memo": memo})


def voucher_issue(to: str, amount: int, reference: str) -> Body:
    """Issue money against a payment that was received; the treasurer's verb, amount in nano."""
    return Body("voucher.issue", {"to": to, "amount": amount, "reference": reference})


def credit_set(member: str, limit: int) -> Body:
    """Set how far below zero a member may go; the treasurer's verb, limit in nano."""
    return Body("credit.set", {"member": member, "limit": limit})


def flexibility_announce(
    asset: str,
    *,
    direction: str,
    energy_wh: int,
    earliest: int,
    deadline: int,
    max_wh_per_slot: int,
    note: str | None = None,
) -> Body:
    """Announce energy that an asset can move within slots [earliest, deadline), without ordering it."""
    fields: dict[str, Any] = {
        "asset": asset,
        "direction": direction,
        "energy_wh": energy_wh,
        "earliest": earliest,
        "deadline": deadline,
        "max_wh_per_slot": max_wh_per_slot,
    }
    return Body("flexibility.announce", fields if note is None else fields | {"note": note})


def voucher_redeem(amount: int, reference: str) -> Body:
    """Ask for real money against the ledger's; amount in nano, `reference` says where to pay."""
    return Body("voucher.redeem", {"amount": amount, "reference": reference})


def voucher_settle(redemption: str, *, paid: bool, note: str | None = None) -> Body:
    """Say that a redemption was paid, or give its money back; the treasurer's verb."""
    fields: dict[str, Any] = {"redemption": redemption, "paid": paid}
    return Body("voucher.settle", fields if note is None else fields | {"note": note})
