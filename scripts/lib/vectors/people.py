"""Ada, Bo and Cy with their keys, and what else the vectors have in common.

The node itself knows no phrases; the way from a phrase to the seeds of its keys is written out here.
"""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from energy_ledger import crypto
from energy_ledger.keys import PublicKey, account_of, address_of

FOLDER = Path(__file__).resolve().parents[3] / "tests" / "vectors"
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


def key_fields(*keys: PublicKey) -> list[dict[str, str]]:
    """Return a key set as payloads say it."""
    return [{"type": key.type, "public": key.public} for key in keys]


class Wallet:
    """Somebody's keys, from the phrase on."""

    def __init__(self, phrase: str) -> None:
        self.phrase = phrase
        self.master = hashlib.pbkdf2_hmac("sha512", phrase.encode(), b"mnemonic", 2048, 64)
        self.seed = self.derive("key/ed25519")
        self.public = crypto.public_key(self.seed).hex()
        self.keys: tuple[PublicKey, ...] = (PublicKey("ed25519", self.public),)
        self.account = account_of(self.keys)
        self.address = address_of(self.account, test=True)

    @property
    def fields(self) -> list[dict[str, str]]:
        """The key set as payloads say it."""
        return key_fields(*self.keys)

    def derive(self, what: str) -> bytes:
        """Return the seed of one of the wallet's keys."""
        return hmac.digest(self.master, crypto.tag(what), "sha512")[:32]

    def sign(self, tag: bytes, text: str) -> str:
        """Return the Ed25519 signature in hex."""
        return crypto.sign(self.seed, tag, text.encode()).hex()


class HybridWallet(Wallet):
    """Somebody's two keys."""

    def __init__(self, phrase: str) -> None:
        super().__init__(phrase)
        self.second = MLDSA44PrivateKey.from_seed_bytes(self.derive("key/ml-dsa-44"))
        self.keys = (*self.keys, PublicKey("ml-dsa-44", self.second.public_key().public_bytes_raw().hex()))
        self.account = account_of(self.keys)
        self.address = address_of(self.account, test=True)

    def sign_twice(self, tag: bytes, body: bytes, kept: Any) -> list[str]:
        """Sign with both keys; a kept ML-DSA signature that is good stays, as each new one is another."""
        first = crypto.sign(self.seed, tag, body).hex()
        second = kept[1] if isinstance(kept, list) and len(kept) > 1 else ""
        public = bytes.fromhex(self.keys[1].public)
        if not second or not crypto.verify_ml_dsa(public, tag, body, bytes.fromhex(second)):
            second = self.second.sign(tag + body).hex()
        return [first, second]


ADA, BO, CY = (Wallet(phrase) for phrase in PHRASES.values())
