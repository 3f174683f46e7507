"""Domain tags, the keys that phrases lead to, and addresses."""

from typing import Any

from energy_ledger import bech32m, crypto
from energy_ledger.keys import address_of
from scripts.lib.vectors.people import ADA, BO, CY, NODE_SEED, PHRASES, HybridWallet


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
            "keys": wallet.fields,
            "account": wallet.account.hex(),
            "address": address_of(wallet.account, test=False),
            "test_address": wallet.address,
        }
        for wallet in (ADA, BO, CY)
    ]


def hybrid() -> Any:
    """An account of two keys; ML-DSA signatures are random, so only this one is checked, not made again."""
    wallet = HybridWallet(PHRASES["Ada"])
    return {
        "phrase": wallet.phrase,
        "ed25519_seed": wallet.seed.hex(),
        "ml_dsa_44_seed": wallet.derive("key/ml-dsa-44").hex(),
        "keys": wallet.fields,
        "account": wallet.account.hex(),
        "address": address_of(wallet.account, test=False),
        "test_address": wallet.address,
    }


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
