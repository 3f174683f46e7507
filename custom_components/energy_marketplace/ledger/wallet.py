"""The wallet: a phrase, the keys derived from it, and signatures.

Its key set holds one Ed25519 key and, in a hybrid network, an ML-DSA-44 key of the same phrase
(docs/protocol.md, "Wallet, account, address"). Nothing here is ever logged: the representation of a wallet
shows nothing of it.
"""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from . import phrase as phrases
from .address import Address
from .digests import digest, tagged
from .hybrid import ML_DSA, second_key, verifies_second

ED25519 = "ed25519"
_TYPE_CODES = {ED25519: 1, ML_DSA: 2}


class PublicKey(TypedDict):
    """A public key as it stands in payloads: its type and its bytes in hex."""

    type: str
    public: str


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Wallet:
    """The keys of one member; make it with `generate` or `from_phrase`."""

    words: tuple[str, ...]
    _key: SigningKey
    _second: MLDSA44PrivateKey | None = None

    @classmethod
    def generate(cls, *, hybrid: bool = False) -> Wallet:
        """Return a new wallet from the system's random source; raises HybridUnavailableError."""
        return cls._from_words(phrases.from_entropy(secrets.token_bytes(32)), hybrid)

    @classmethod
    def from_phrase(cls, text: str, *, hybrid: bool = False) -> Wallet:
        """Return the wallet of a phrase that a person typed, with the keys of a hybrid network or without.

        Raises:
            PhraseError: naming the wrong word, or that the checksum does not fit.
            HybridUnavailableError: there is no second key on this machine.

        """
        return cls._from_words(phrases.parse(text), hybrid)

    @classmethod
    def _from_words(cls, words: tuple[str, ...], hybrid: bool) -> Wallet:
        master = phrases.master_secret(words)
        first = SigningKey(_seed(master, ED25519))
        return cls(words, first, second_key(_seed(master, ML_DSA)) if hybrid else None)

    def as_hybrid(self) -> Wallet:
        """Return the wallet of the same phrase with both keys; raises HybridUnavailableError."""
        return self if self.is_hybrid else self._from_words(self.words, hybrid=True)

    @property
    def is_hybrid(self) -> bool:
        """Whether it has a second key."""
        return self._second is not None

    @property
    def phrase(self) -> str:
        """The phrase: show it once, never log it."""
        return " ".join(self.words)

    @property
    def keys(self) -> list[PublicKey]:
        """The account's key set, in the order of the key types."""
        first = PublicKey(type=ED25519, public=self._key.verify_key.encode().hex())
        if self._second is None:
            return [first]
        return [first, PublicKey(type=ML_DSA, public=self._second.public_key().public_bytes_raw().hex())]

    @property
    def account(self) -> bytes:
        """The 32 bytes of the account."""
        return account_of(self.keys)

    def address(self, *, test: bool) -> str:
        """Return the member's address on a real or a test network."""
        return str(Address(self.account, test))

    def sign(self, what: str, message: bytes, *, alone: bool = False) -> list[str]:
        """Signatures (hex) over a tagged message, one per key of the set; `alone`: the first key's only."""
        first = sign(self._key, what, message)
        if alone or self._second is None:
            return [first]
        return [first, self._second.sign(tagged(what, message)).hex()]

    def __repr__(self) -> str:
        """Nothing of the wallet."""
        return "Wallet(…)"


def _seed(master: bytes, key_type: str) -> bytes:
    return hmac.digest(master, tagged(f"key/{key_type}", b""), "sha512")[:32]


def account_of(keys: Sequence[PublicKey]) -> bytes:
    """Return the account (32 bytes) of a key set; raises ValueError on keys that are none."""
    return digest("account", key_set_bytes(keys))


def key_set_bytes(keys: Sequence[PublicKey]) -> bytes:
    """Return a key set as it is hashed and proven; raises ValueError on keys that are none."""
    parts = []
    for key in keys:
        code = _TYPE_CODES.get(key["type"])
        if code is None:
            raise ValueError(f"unknown key type {key['type']!r}")
        public = bytes.fromhex(key["public"])
        parts.append(bytes([code]) + len(public).to_bytes(2) + public)
    return b"".join(parts)


def sign(key: SigningKey, what: str, message: bytes) -> str:
    """Ed25519 signature (hex) over a tagged message."""
    return key.sign(tagged(what, message)).signature.hex()


def verifies(key: PublicKey | str, what: str, message: bytes, signature: str) -> bool:
    """Whether a signature (hex) over a tagged message is by this key (as in payloads, or hex for Ed25519).

    Raises:
        HybridUnavailableError: it is one of ML-DSA-44, which this machine does not know.

    """
    if not isinstance(key, str):
        if key["type"] == ML_DSA:
            return verifies_second(key["public"], what, message, signature)
        if key["type"] != ED25519:
            return False
        key = key["public"]
    try:
        VerifyKey(bytes.fromhex(key)).verify(tagged(what, message), bytes.fromhex(signature))
    except BadSignatureError, ValueError, TypeError:
        return False
    return True
