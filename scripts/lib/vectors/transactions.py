"""A signed transaction of every kind, and a commitment to meter registers."""

from typing import Any

from energy_ledger import crypto
from energy_ledger.keys import PublicKey
from energy_ledger.ledger.membership import ROTATE_TAG, proof_of_keys
from energy_ledger.transactions import TRANSACTION_TAG, transaction_id
from scripts.lib.vectors.founding import NETWORK, invite
from scripts.lib.vectors.people import (
    ADA,
    BO,
    CY,
    HOUR,
    NEW_SEED,
    NOW,
    SLOT,
    WEEKLY,
    Wallet,
    dump,
    key_fields,
)

type Case = tuple[Wallet, str, dict[str, Any]]

ROOF = transaction_id(b"the roof's registration")


def transactions() -> Any:
    """Return the transactions of all three, numbered in this order."""
    cases = (
        *_joining(), *_orders(), *_round(), *_money(), *_community(), *_totals(), *_vouchers(), *_rules(), *_disputes(),
        *_certificates(),
    )  # fmt: skip
    return [_transaction(number, *case) for number, case in enumerate(cases, 1)]


def _transaction(number: int, wallet: Wallet, kind: str, fields: dict[str, Any]) -> Any:
    header = {
        "kind": kind, "network": NETWORK, "account": wallet.address, "sequence": number, "expires": NOW + HOUR,
    }  # fmt: skip
    payload = dump(header | fields)
    return {
        "kind": kind,
        "seed": wallet.seed.hex(),
        "payload": payload,
        "payload_hex": payload.encode().hex(),
        "signatures": [wallet.sign(TRANSACTION_TAG, payload)],
        "id": transaction_id(payload.encode()),
    }


def _joining() -> list[Case]:
    invited = invite()
    home = {
        "asset_type": "solar", "name": "Dach Süd ☀", "rated_import_w": 0, "rated_export_w": 7200, "behind": None,
        "feeder": "", "source": "solar", "technology": "PV, mono", "commissioned": "2021-06-30",
        "location": "Wien 1070",
    }  # fmt: skip
    return [
        (BO, "member.join", {
            "keys": BO.fields, "name": "Bo", "invite": invited["payload"],
            "invite_signature": invited["signature"], "invite_proof": invited["proof"],
        }),
        (ADA, "member.approve", {"member": BO.address}),
        (BO, "asset.register", home),
        (BO, "asset.update", {"asset": ROOF, "name": "Roof", "rated_export_w": 6800}),
    ]  # fmt: skip


def _orders() -> list[Case]:
    offer = {"type": "offer", "price": 90000, "slots": {str(SLOT): 500, str(SLOT + 1): 600}}
    fixed = {
        "type": "fixed", "price": 250000, "slots": {str(SLOT): 300}, "prefer_sources": ["solar"],
        "prefer": [BO.address], "expires": NOW + HOUR,
    }  # fmt: skip
    flexible = {
        "type": "flexible", "price": 200000, "energy_wh": 3000, "earliest": SLOT, "deadline": SLOT + 16,
        "max_wh_per_slot": 500, "min_fill": "any",
    }  # fmt: skip
    block = {
        "type": "block", "price": 220000, "profile_wh": [500, 500, 200], "earliest": SLOT, "deadline": SLOT + 16,
    }  # fmt: skip
    return [
        (BO, "order.place", {"asset": ROOF, "order": offer}),
        (CY, "order.place", {"asset": ROOF, "order": fixed}),
        (CY, "order.place", {"asset": ROOF, "order": flexible}),
        (CY, "order.place", {"asset": ROOF, "order": block}),
        (CY, "order.cancel", {"order": transaction_id(b"an order")}),
    ]


def _round() -> list[Case]:
    clearing = {
        "round": 5_666_667,
        "fills": {"order": [0, 1], "slot": [0, 0], "wh": [300, 300]},
        "prices": {"": [167500], "north": [None]},
        "node_duals": {"": [167500], "north": [167500]},
        "flexible_duals": {},
    }
    return [
        (BO, "reading.attest", {
            "asset": ROOF, "slot": SLOT, "imported_wh": 0, "exported_wh": 500,
            "commitment": commitment()["commitment"],
        }),
        (ADA, "clearing.propose", clearing),
    ]  # fmt: skip


def _money() -> list[Case]:
    return [
        (BO, "transfer", {"to": CY.address, "amount": 5, "memo": "für den Kuchen"}),
        (ADA, "voucher.issue", {"to": CY.address, "amount": 50_000_000_000, "reference": "cash, 2023-11-14"}),
        (ADA, "credit.set", {"member": CY.address, "limit": 10_000_000_000}),
    ]


def _community() -> list[Case]:
    return [
        (ADA, "committee.vote", {"epoch": 1, "committee": ["07" * 32, "08" * 32]}),
        (CY, "member.leave", {}),
        (ADA, "member.suspend", {"member": CY.address, "suspended": True, "reason": "asked for it"}),
        (ADA, "member.role", {"member": BO.address, "role": "treasurer", "granted": True}),
        (CY, "key.rotate", _rotation(CY, 19)),
        (BO, "asset.retire", {"asset": ROOF}),
    ]


def _rotation(wallet: Wallet, number: int) -> dict[str, Any]:
    """Return the fields with which somebody's account gets the key of `NEW_SEED`."""
    keys = (PublicKey("ed25519", crypto.public_key(NEW_SEED).hex()),)
    message = proof_of_keys(wallet.account, number, keys)
    return {"keys": key_fields(*keys), "proofs": [crypto.sign(NEW_SEED, ROTATE_TAG, message).hex()]}


def _totals() -> list[Case]:
    return [
        (BO, "reading.total", {
            "asset": ROOF, "day": 19_675, "imported_wh": 4200, "exported_wh": 9000, "produced_wh": 12_000,
            "self_consumed_wh": 3000,
        }),
        (BO, "flexibility.announce", {
            "asset": ROOF, "direction": "produce", "energy_wh": 3000, "earliest": SLOT, "deadline": SLOT + 16,
            "max_wh_per_slot": 500, "note": "if the sun shines",
        }),
    ]  # fmt: skip


def _vouchers() -> list[Case]:
    return [
        (CY, "voucher.redeem", {"amount": 7_000_000_000, "reference": "AT61 1904 3002 3457 3201"}),
        (
            ADA,
            "voucher.settle",
            {"redemption": transaction_id(b"a redemption"), "paid": True, "note": "wired"},
        ),
        (ADA, "community.pay", {"to": BO.address, "amount": 12_000_000, "reference": "the new street lamp"}),
    ]


def _rules() -> list[Case]:
    return [
        (ADA, "tariff.set", {"from_slot": SLOT + 300, "tariff": WEEKLY}),
        (ADA, "policy.set", {
            "approval": "manual", "quota": {"work_per_s": 5_000, "burst": 2_000_000},
            "hybrid": {"kinds": ["key.rotate"], "transfer_above": None},
        }),
    ]  # fmt: skip


def _disputes() -> list[Case]:
    return [
        (BO, "reading.disclose", {
            "asset": ROOF, "slot": SLOT, "registers": commitment()["text"], "salt": commitment()["salt"],
        }),
        (CY, "claim.open", {
            "asset": ROOF, "slot": SLOT, "imported_wh": 0, "exported_wh": 480, "reason": "the display said 480",
        }),
        (ADA, "claim.decide", {"claim": transaction_id(b"a claim"), "upheld": True, "note": "we looked at it"}),
    ]  # fmt: skip


def _certificates() -> list[Case]:
    certificate = f"{ROOF}.480"
    return [
        (BO, "certificate.transfer", {"certificate": certificate, "wh": 20, "to": CY.address}),
        (CY, "certificate.cancel", {"certificate": certificate, "wh": 20, "purpose": "the summer party"}),
        (CY, "certificate.claim", {"certificate": certificate, "wh": 20, "beneficiary": "the tennis club"}),
    ]


def commitment() -> Any:
    """Return a commitment to what a meter's registers said at both ends of a slot."""
    salt = bytes(range(64, 96))
    registers = {
        "asset": "a5" * 32,
        "slot": SLOT,
        "start": {"at": SLOT * 900_000, "imported_wh": 1_204_311, "exported_wh": 77_120},
        "end": {"at": (SLOT + 1) * 900_000, "imported_wh": 1_204_311, "exported_wh": 77_695},
    }
    text = dump(registers)
    return {
        "salt": salt.hex(),
        "registers": registers,
        "text": text,
        "commitment": crypto.digest(crypto.tag("registers"), salt + text.encode()).hex(),
    }
