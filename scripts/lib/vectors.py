"""Golden vectors: every byte string that both programs must agree on, made by the node's code.

The node itself knows no phrases; the way from a phrase to the seeds of its keys is written out here.
"""

import hashlib
import hmac
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from energy_ledger import bech32m, crypto
from energy_ledger.dag.committee import quorum_of
from energy_ledger.genesis import GENESIS_TAG, network_id
from energy_ledger.invites import INVITE_TAG, NODE_TAG, PROOF_TAG, InviteText, write_invite_text
from energy_ledger.keys import PublicKey, account_of, address_of
from energy_ledger.ledger.audits import empty
from energy_ledger.ledger.events import canonical, digest_of_line
from energy_ledger.ledger.membership import ROTATE_TAG, proof_of_keys
from energy_ledger.ledger.merkle import MerkleTree
from energy_ledger.node import views
from energy_ledger.proofs import Certificate, Electorate, LedgerState, Proof, StateVote, leaf_digest
from energy_ledger.transactions import TRANSACTION_TAG, transaction_id

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "vectors"
NOW = 1_700_000_000_000
HOUR = 3_600_000
SLOT = 1_888_889

PHRASES = {
    "Ada": "abandon " * 23 + "art",
    "Bo": "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful "
    "legal winner thank year wave sausage worth title",
    "Cy": "void come effort suffer camp survey warrior heavy shoot primary clutch crush "
    "open amazing screen patrol group space point ten exist slush involve unfold",
}


class Wallet:
    """Somebody's keys, from the phrase on."""

    def __init__(self, phrase: str) -> None:
        self.phrase = phrase
        self.master = hashlib.pbkdf2_hmac("sha512", phrase.encode(), b"mnemonic", 2048, 64)
        self.seed = self.derive("key/ed25519")
        self.public = crypto.public_key(self.seed).hex()
        self.keys = (PublicKey("ed25519", self.public),)
        self.account = account_of(self.keys)
        self.address = address_of(self.account, test=True)

    def derive(self, what: str) -> bytes:
        """Return the seed of one of the wallet's keys."""
        return hmac.digest(self.master, crypto.tag(what), "sha512")[:32]

    def sign(self, tag: bytes, text: str) -> str:
        """Return the Ed25519 signature in hex."""
        return crypto.sign(self.seed, tag, text.encode()).hex()


ADA, BO, CY = (Wallet(phrase) for phrase in PHRASES.values())
NODE_SEED = bytes(range(32))
INVITE_SEED = bytes(range(32, 64))
NEW_SEED = bytes(range(96, 128))
WEEKLY = {
    "price_floor": 80_000,
    "price_cap": [{"minute": 0, "value": 280_000}, {"minute": 420, "value": 320_000}],
    "grid_fee": [{"minute": 0, "value": 4_000}, {"minute": 7_200, "value": 0}],
}


def dump(value: object) -> str:
    """Write JSON as the integration does: no spaces, keys as they come."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def key_field(public: str) -> list[dict[str, str]]:
    return [{"type": "ed25519", "public": public}]


def domains() -> Any:
    message = "grüne Straße"
    names = (
        "genesis", "transaction", "account", "key/ed25519", "key/ml-dsa-44", "invite", "invite-proof", "invite-node", "link",
        "registers", "leaf", "node", "event", "history", "block", "state", "rotate",
    )  # fmt: skip
    return [
        {
            "what": what,
            "tag": crypto.tag(what).hex(),
            "message": message,
            "digest": crypto.digest(crypto.tag(what), message.encode()).hex(),
            "seed": NODE_SEED.hex(),
            "signature": crypto.sign(NODE_SEED, crypto.tag(what), message.encode()).hex(),
        }
        for what in names
    ]


def wallets() -> Any:
    return [
        {
            "phrase": wallet.phrase,
            "master": wallet.master.hex(),
            "ed25519_seed": wallet.seed.hex(),
            "keys": key_field(wallet.public),
            "account": wallet.account.hex(),
            "address": address_of(wallet.account, test=False),
            "test_address": wallet.address,
        }
        for wallet in (ADA, BO, CY)
    ]


def hybrid() -> Any:
    """An account of two keys; ML-DSA signatures are random, so only this one is checked, not made again."""
    seed = ADA.derive("key/ml-dsa-44")
    key = MLDSA44PrivateKey.from_seed_bytes(seed)
    keys = (*ADA.keys, PublicKey("ml-dsa-44", key.public_key().public_bytes_raw().hex()))
    account = account_of(keys)
    return {
        "phrase": ADA.phrase,
        "ed25519_seed": ADA.seed.hex(),
        "ml_dsa_44_seed": seed.hex(),
        "keys": [{"type": key.type, "public": key.public} for key in keys],
        "account": account.hex(),
        "address": address_of(account, test=False),
        "test_address": address_of(account, test=True),
    }


TWICE = {"kinds": ["key.rotate", "voucher.issue"], "transfer_above": 50_000_000_000}
NEXT_PHRASE = PHRASES["Bo"]


class HybridWallet(Wallet):
    """Somebody's two keys."""

    def __init__(self, phrase: str) -> None:
        super().__init__(phrase)
        self.second = MLDSA44PrivateKey.from_seed_bytes(self.derive("key/ml-dsa-44"))
        self.keys = (*self.keys, PublicKey("ml-dsa-44", self.second.public_key().public_bytes_raw().hex()))
        self.account = account_of(self.keys)
        self.address = address_of(self.account, test=True)

    @property
    def fields(self) -> list[dict[str, str]]:
        """Return the key set as payloads say it."""
        return [{"type": key.type, "public": key.public} for key in self.keys]

    def sign_twice(self, tag: bytes, body: bytes, kept: Any) -> list[str]:
        """Sign with both keys; a kept ML-DSA signature that is good stays, as each new one is another."""
        first = crypto.sign(self.seed, tag, body).hex()
        second = kept[1] if isinstance(kept, list) and len(kept) > 1 else ""
        public = bytes.fromhex(self.keys[1].public)
        if not second or not crypto.verify_ml_dsa(public, tag, body, bytes.fromhex(second)):
            second = self.second.sign(tag + body).hex()
        return [first, second]


def hybrid_network() -> Any:
    """A network that signs twice what matters, with a week's tariff; and transactions of its founder."""
    path = FOLDER / "hybrid_network.json"
    kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
    ada, following = HybridWallet(PHRASES["Ada"]), HybridWallet(NEXT_PHRASE)
    founding = json.loads(genesis_text()) | {
        "founder": {"name": "Ada", "keys": ada.fields}, "tariff": WEEKLY, "hybrid": TWICE,
    }  # fmt: skip
    text = dump(founding)
    network = network_id(text.encode())
    signatures = ada.sign_twice(GENESIS_TAG, text.encode(), kept.get("genesis", {}).get("signatures"))
    message = proof_of_keys(ada.account, 4, following.keys)
    kept_cases = kept.get("transactions", [{}] * 4)
    proofs = following.sign_twice(ROTATE_TAG, message, _proofs(kept_cases[3]))
    cases = [
        (1, "transfer", {"to": BO.address, "amount": 50_000_000_000}),
        (2, "transfer", {"to": BO.address, "amount": 50_000_000_001}),
        (2, "voucher.issue", {"to": BO.address, "amount": 5, "reference": "cash"}),
        (2, "key.rotate", {"keys": following.fields, "proofs": proofs}),
    ]
    transactions = []
    for sequence, (number, kind, fields) in enumerate(cases, 1):
        header = {"network": network, "account": ada.address, "sequence": sequence, "expires": NOW + HOUR}
        payload = dump(header | {"kind": kind} | fields)
        signed = ada.sign_twice(TRANSACTION_TAG, payload.encode(), kept_cases[sequence - 1].get("signatures"))
        case = {"kind": kind, "payload": payload, "signatures": signed[:number]}
        transactions.append(case | {"id": transaction_id(payload.encode())})
    return {
        "phrase": ada.phrase,
        "next_phrase": following.phrase,
        "network": network,
        "founder": ada.address,
        "genesis": {"payload": text, "signatures": signatures},
        "rotation_message": message.hex(),
        "transactions": transactions,
    }


def _proofs(case: Any) -> Any:
    return json.loads(case["payload"])["proofs"] if "payload" in case else None


def addresses() -> Any:
    account = bytes(range(32))
    good = bech32m.encode("tkwh", account)
    valid = [
        {"text": bech32m.encode(human, data), "human_part": human, "data": data.hex()}
        for human, data in (
            ("kwh", account),
            ("tkwh", account),
            ("kwh", b"\x00" * 32),
            ("kwh", b"\xff" * 32),
            ("a", b""),
        )
    ]
    invalid = {
        "a mistyped character": good[:20] + ("q" if good[20] != "q" else "p") + good[21:],
        "two characters swapped": good[:-2] + good[-1] + good[-2],
        "one character lost": good[:-1],
        "upper and lower case mixed": good[:10] + good[10:].upper(),
        "the checksum of bech32, not bech32m": "A12UEL5L".lower(),
        "no human part": "1pzry9x0s0muk",
        "a character that is none": good[:30] + "b" + good[31:],
    }
    return {
        "valid": valid,
        "invalid": [{"why": why, "text": text} for why, text in invalid.items()],
    }


def genesis_text() -> str:
    return dump(
        {
            "kind": "genesis",
            "name": "Sunny Street",
            "created": NOW,
            "test": True,
            "currency": "EUR",
            "founder": {"name": "Ada", "keys": key_field(ADA.public)},
            "committee": [crypto.public_key(NODE_SEED).hex()],
            "slot_s": 900,
            "horizon_slots": 144,
            "round_s": 300,
            "proposal_window_s": 30,
            "gate_s": 60,
            "grace_slots": 2,
            "tariff": {"price_floor": 80000, "price_cap": 300000, "grid_fee": 5000},
            "feeders": [{"id": "north", "up_limit_wh": 50000, "down_limit_wh": None}],
            "approval": "invite",
            "readings": "traded",
        }
    )


NETWORK = network_id(genesis_text().encode())


def genesis() -> Any:
    node = (PublicKey("ed25519", crypto.public_key(NODE_SEED).hex()),)
    return {
        "envelope": {"payload": genesis_text(), "signatures": [ADA.sign(GENESIS_TAG, genesis_text())]},
        "network": NETWORK,
        "founder": ADA.address,
        "node_seed": NODE_SEED.hex(),
        "node_account": address_of(account_of(node), test=True),
    }


def invite() -> Any:
    payload = dump(
        {
            "network": NETWORK,
            "name": "Sunny Street",
            "inviter": ADA.address,
            "key": crypto.public_key(INVITE_SEED).hex(),
            "expires": NOW + 24 * HOUR,
            "nodes": ["http://192.0.2.7:8710"],
            "peers": [f"{crypto.public_key(NODE_SEED).hex()}@192.0.2.7:8711"],
        }
    )
    signature = ADA.sign(INVITE_TAG, payload)
    text = write_invite_text(InviteText(payload, signature, INVITE_SEED.hex()))
    return {
        "payload": payload,
        "signature": signature,
        "secret": INVITE_SEED.hex(),
        "text": text,
        "joiner": BO.address,
        "joiner_account": BO.account.hex(),
        "proof": crypto.sign(INVITE_SEED, PROOF_TAG, BO.account).hex(),
        "node": crypto.public_key(NODE_SEED).hex(),
        "node_proof": crypto.sign(INVITE_SEED, NODE_TAG, crypto.public_key(NODE_SEED)).hex(),
    }


def commitment() -> Any:
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


def transactions() -> Any:
    roof = transaction_id(b"the roof's registration")
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
    home = {
        "asset_type": "solar", "name": "Dach Süd ☀", "rated_import_w": 0, "rated_export_w": 7200, "behind": None,
        "feeder": "", "source": "solar", "technology": "PV, mono", "commissioned": "2021-06-30",
        "location": "Wien 1070",
    }  # fmt: skip
    invited = invite()
    clearing = {
        "round": 5_666_667,
        "fills": {"order": [0, 1], "slot": [0, 0], "wh": [300, 300]},
        "prices": {"": [167500], "north": [None]},
        "node_duals": {"": [167500], "north": [167500]},
        "flexible_duals": {},
    }
    cases: list[tuple[Wallet, str, dict[str, Any]]] = [
        (BO, "member.join", {
            "keys": key_field(BO.public), "name": "Bo", "invite": invited["payload"],
            "invite_signature": invited["signature"], "invite_proof": invited["proof"],
        }),
        (ADA, "member.approve", {"member": BO.address}),
        (BO, "asset.register", home),
        (BO, "asset.update", {"asset": roof, "name": "Roof", "rated_export_w": 6800}),
        (BO, "order.place", {"asset": roof, "order": offer}),
        (CY, "order.place", {"asset": roof, "order": fixed}),
        (CY, "order.place", {"asset": roof, "order": flexible}),
        (CY, "order.place", {"asset": roof, "order": block}),
        (CY, "order.cancel", {"order": transaction_id(b"an order")}),
        (BO, "reading.attest", {
            "asset": roof, "slot": SLOT, "imported_wh": 0, "exported_wh": 500,
            "commitment": commitment()["commitment"],
        }),
        (ADA, "clearing.propose", clearing),
        (BO, "transfer", {"to": CY.address, "amount": 5, "memo": "für den Kuchen"}),
        (ADA, "voucher.issue", {"to": CY.address, "amount": 50_000_000_000, "reference": "cash, 2023-11-14"}),
        (ADA, "credit.set", {"member": CY.address, "limit": 10_000_000_000}),
        (ADA, "committee.vote", {"epoch": 1, "committee": ["07" * 32, "08" * 32]}),
        (CY, "member.leave", {}),
        (ADA, "member.suspend", {"member": CY.address, "suspended": True, "reason": "asked for it"}),
        (ADA, "member.role", {"member": BO.address, "role": "treasurer", "granted": True}),
        (CY, "key.rotate", rotation(CY, 19)),
        (BO, "asset.retire", {"asset": roof}),
        (BO, "reading.total", {
            "asset": roof, "day": 19_675, "imported_wh": 4200, "exported_wh": 9000, "produced_wh": 12_000,
            "self_consumed_wh": 3000,
        }),
        (BO, "flexibility.announce", {
            "asset": roof, "direction": "produce", "energy_wh": 3000, "earliest": SLOT, "deadline": SLOT + 16,
            "max_wh_per_slot": 500, "note": "if the sun shines",
        }),
        (CY, "voucher.redeem", {"amount": 7_000_000_000, "reference": "AT61 1904 3002 3457 3201"}),
        (ADA, "voucher.settle", {"redemption": transaction_id(b"a redemption"), "paid": True, "note": "wired"}),
        (ADA, "community.pay", {"to": BO.address, "amount": 12_000_000, "reference": "the new street lamp"}),
        (ADA, "tariff.set", {"from_slot": SLOT + 300, "tariff": WEEKLY}),
        (ADA, "policy.set", {
            "approval": "manual", "quota": {"work_per_s": 5_000, "burst": 2_000_000},
            "hybrid": {"kinds": ["key.rotate"], "transfer_above": None},
        }),
        (BO, "reading.disclose", {
            "asset": roof, "slot": SLOT, "registers": commitment()["text"], "salt": commitment()["salt"],
        }),
        (CY, "claim.open", {
            "asset": roof, "slot": SLOT, "imported_wh": 0, "exported_wh": 480, "reason": "the display said 480",
        }),
        (ADA, "claim.decide", {"claim": transaction_id(b"a claim"), "upheld": True, "note": "we looked at it"}),
        (BO, "certificate.transfer", {"certificate": f"{roof}.480", "wh": 20, "to": CY.address}),
        (CY, "certificate.cancel", {"certificate": f"{roof}.480", "wh": 20, "purpose": "the summer party"}),
        (CY, "certificate.claim", {"certificate": f"{roof}.480", "wh": 20, "beneficiary": "the tennis club"}),
    ]  # fmt: skip
    return [transaction(wallet, number, *body) for number, (wallet, *body) in enumerate(cases, 1)]


def rotation(wallet: Wallet, number: int) -> dict[str, Any]:
    """Return the fields with which somebody's account gets the key of `NEW_SEED`."""
    keys = (PublicKey("ed25519", crypto.public_key(NEW_SEED).hex()),)
    message = proof_of_keys(wallet.account, number, keys)
    return {"keys": key_field(keys[0].public), "proofs": [crypto.sign(NEW_SEED, ROTATE_TAG, message).hex()]}


def transaction(wallet: Wallet, number: int, kind: str, fields: dict[str, Any]) -> Any:
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


def audit() -> Any:
    """An asset's log of three events in two commits, one of them with letters beyond ASCII."""
    asset = transaction_id(b"the roof's registration")
    told = [
        (4, 17, "asset.registered", "Dach Süd ☀"),
        (4, 19, "asset.updated", 'the "roof"'),
        (9, 31, "asset.updated", "roof"),
    ]
    events = [
        {
            "accounts": [BO.address], "assets": [asset], "commit": commit, "cursor": cursor, "data": {"id": asset, "name": name},
            "time": NOW + commit, "transaction": asset, "type": kind,
        }
        for commit, cursor, kind, name in told
    ]  # fmt: skip
    log = empty(asset)
    for commit in (4, 9):
        lines = [canonical(event) for event in events if event["commit"] == commit]
        log = log.extended(commit, [digest_of_line(line) for line in lines])
    return {"asset": asset, "events": events, "row": log.row()}


def merkle() -> Any:
    leaves = [(f"account/{name}", f'{{"balance":{number}}}') for number, name in enumerate("fbdaceg")]
    trees = []
    for size in range(1, len(leaves) + 1):
        tree = MerkleTree()
        for key, value in leaves[:size]:
            tree.set(key.encode(), value.encode())
        trees.append({"leaves": size, "root": tree.root().hex()})
    return {
        "leaves": [
            {"key": key, "value": value, "digest": leaf_digest(key.encode(), value.encode()).hex()}
            for key, value in leaves
        ],
        "trees": trees,
    }


def proofs() -> Any:
    """A committee of four proves three rows, one with letters beyond ASCII; and answers that prove nothing."""
    seeds = [bytes([number]) * 32 for number in range(1, 5)]
    electorate = Electorate(bytes.fromhex(NETWORK), 0, tuple(map(crypto.public_key, seeds)), quorum_of(4))
    rows = [
        account_row(wallet, name, money)
        for wallet, name, money in ((ADA, "Ada", 0), (BO, "Bo Öztürk ☀", 7), (CY, "Cy", 40))
    ]
    leaves = [(f"account/{row['account']}".encode(), canonical(row)) for row in rows]
    leaves.append((b"history", bytes(range(32))))
    tree = MerkleTree()
    for leaf in leaves:
        tree.set(*leaf)
    state = LedgerState(77, NOW + HOUR, tree.root(), bytes(range(32, 64)))
    votes = [(number, electorate.sign(seeds[number], state)) for number in (0, 2, 3)]
    certificate = Certificate(0, state, tuple(votes))
    answers = [
        msgspec.to_builtins(views.proven("account", Proof(key, value, tree.path(key) or (), certificate)))
        for key, value in leaves[:-1]
    ]
    return {
        "network": NETWORK,
        "epoch": 0,
        "committee": [key.hex() for key in electorate.keys],
        "seeds": [seed.hex() for seed in seeds],
        "quorum": electorate.quorum,
        "state": {
            "commit": state.commit,
            "time": state.time,
            "root": state.root.hex(),
            "leader": state.leader.hex(),
        },
        "signed": (crypto.tag("state") + electorate.network + bytes(8) + state.encode()).hex(),
        "vote": StateVote(state, votes[0][1]).encode().hex(),
        "leaves": [{"key": key.decode(), "value": value.hex()} for key, value in leaves],
        "answers": answers,
        "invalid": [{"why": why, "answer": answer} for why, answer in false_answers(answers[1])],
    }


def account_row(wallet: Wallet, name: str, balance: int) -> dict[str, Any]:
    return {
        "account": wallet.address, "name": name, "status": "active", "roles": [], "keys": key_field(wallet.public),
        "balance": balance, "held": 0, "credit": 0, "available": balance, "sequence": 1, "commit": 5, "time": NOW,
    }  # fmt: skip


def false_answers(answer: Any) -> list[tuple[str, Any]]:
    """Return lies that a node might tell with a proof that was good."""
    proof, row = answer["proof"], answer["row"]
    votes, path = proof["votes"], proof["path"]
    turned = [{**path[0], "side": "left" if path[0]["side"] == "right" else "right"}, *path[1:]]
    return [
        ("another balance", {"row": row | {"balance": 8}, "proof": proof}),
        ("a field more", {"row": row | {"rich": 1}, "proof": proof}),
        ("another key", {"row": row, "proof": proof | {"key": f"account/{CY.address}"}}),
        ("a step of the path turned", {"row": row, "proof": proof | {"path": turned}}),
        ("a step of the path left out", {"row": row, "proof": proof | {"path": path[1:]}}),
        ("another commit", {"row": row, "proof": proof | {"commit": 78}}),
        ("a later time", {"row": row, "proof": proof | {"time": NOW + 2 * HOUR}}),
        ("another leader", {"row": row, "proof": proof | {"leader": "00" * 32}}),
        ("another epoch", {"row": row, "proof": proof | {"epoch": 1}}),
        ("too few votes", {"row": row, "proof": proof | {"votes": votes[:2]}}),
        ("one validator's vote twice", {"row": row, "proof": proof | {"votes": [*votes[:2], votes[0]]}}),
        (
            "a vote in another's name",
            {"row": row, "proof": proof | {"votes": [*votes[:2], votes[2] | {"validator": 1}]}},
        ),
        (
            "a validator that is none",
            {"row": row, "proof": proof | {"votes": [*votes[:2], votes[2] | {"validator": 4}]}},
        ),
        (
            "a number below the first validator",
            {"row": row, "proof": proof | {"votes": [*votes[:2], votes[2] | {"validator": -1}]}},
        ),
    ]


FILES = {
    "domains.json": domains,
    "wallets.json": wallets,
    "hybrid.json": hybrid,
    "hybrid_network.json": hybrid_network,
    "addresses.json": addresses,
    "genesis.json": genesis,
    "invite.json": invite,
    "commitment.json": commitment,
    "transactions.json": transactions,
    "audit.json": audit,
    "merkle.json": merkle,
    "proofs.json": proofs,
}


def main() -> int:
    """Write or compare all files."""
    check = sys.argv[1:] == ["--check"]
    FOLDER.mkdir(exist_ok=True)
    stale = []
    for name, make in FILES.items():
        path = FOLDER / name
        text = json.dumps(make(), indent=2, ensure_ascii=False) + "\n"
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, "utf-8")
    for name in stale:
        print(f"tests/vectors/{name} {'is not what the code says' if check else 'written'}")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
