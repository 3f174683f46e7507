"""A network's genesis, and an invite to it."""

from typing import Any

from energy_ledger import crypto
from energy_ledger.genesis import GENESIS_TAG, network_id
from energy_ledger.invites import INVITE_TAG, NODE_TAG, PROOF_TAG, InviteText, write_invite_text
from energy_ledger.keys import PublicKey, account_of, address_of
from scripts.lib.vectors.people import ADA, BO, HOUR, INVITE_SEED, NODE_SEED, NOW, dump


def genesis_text() -> str:
    return dump(
        {
            "kind": "genesis",
            "name": "Sunny Street",
            "created": NOW,
            "test": True,
            "currency": "EUR",
            "founder": {"name": "Ada", "keys": ADA.fields},
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
