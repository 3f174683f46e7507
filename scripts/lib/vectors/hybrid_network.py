"""A network that signs twice what matters, with a week's tariff; and transactions of its founder."""

import json
from typing import Any

from energy_ledger.genesis import GENESIS_TAG, network_id
from energy_ledger.ledger.membership import ROTATE_TAG, proof_of_keys
from energy_ledger.transactions import TRANSACTION_TAG, transaction_id
from scripts.lib.vectors.founding import genesis_text
from scripts.lib.vectors.people import BO, FOLDER, HOUR, NOW, PHRASES, WEEKLY, HybridWallet, dump

_FILE = FOLDER / "hybrid_network.json"
_TWICE = {"kinds": ["key.rotate", "voucher.issue"], "transfer_above": 50_000_000_000}


def hybrid_network() -> Any:
    """Return the network; what was signed before keeps its ML-DSA signatures, as each new one is another."""
    kept = json.loads(_FILE.read_text("utf-8")) if _FILE.exists() else {}
    ada, following = HybridWallet(PHRASES["Ada"]), HybridWallet(PHRASES["Bo"])
    founding = json.loads(genesis_text()) | {
        "founder": {"name": "Ada", "keys": ada.fields}, "tariff": WEEKLY, "hybrid": _TWICE,
    }  # fmt: skip
    text = dump(founding)
    network = network_id(text.encode())
    signatures = ada.sign_twice(GENESIS_TAG, text.encode(), kept.get("genesis", {}).get("signatures"))
    kept_cases = kept.get("transactions", [{}] * 4)
    message = proof_of_keys(ada.account, 4, following.keys)
    proofs = following.sign_twice(ROTATE_TAG, message, _kept_proofs(kept_cases[3]))
    return {
        "phrase": ada.phrase,
        "next_phrase": following.phrase,
        "network": network,
        "founder": ada.address,
        "genesis": {"payload": text, "signatures": signatures},
        "rotation_message": message.hex(),
        "transactions": [
            _transaction(ada, network, sequence, case, kept_cases[sequence - 1].get("signatures"))
            for sequence, case in enumerate(_cases(following, proofs), 1)
        ],
    }


def _kept_proofs(case: Any) -> Any:
    return json.loads(case["payload"])["proofs"] if "payload" in case else None


def _cases(following: HybridWallet, proofs: list[str]) -> list[tuple[int, str, dict[str, Any]]]:
    """Return what the founder sends: how many signatures it takes, its kind and fields."""
    return [
        (1, "transfer", {"to": BO.address, "amount": 50_000_000_000}),
        (2, "transfer", {"to": BO.address, "amount": 50_000_000_001}),
        (2, "voucher.issue", {"to": BO.address, "amount": 5, "reference": "cash"}),
        (2, "key.rotate", {"keys": following.fields, "proofs": proofs}),
    ]


def _transaction(
    ada: HybridWallet, network: str, sequence: int, case: tuple[int, str, dict[str, Any]], kept: Any
) -> Any:
    number, kind, fields = case
    header = {"network": network, "account": ada.address, "sequence": sequence, "expires": NOW + HOUR}
    payload = dump(header | {"kind": kind} | fields)
    return {
        "kind": kind,
        "payload": payload,
        "signatures": ada.sign_twice(TRANSACTION_TAG, payload.encode(), kept)[:number],
        "id": transaction_id(payload.encode()),
    }
