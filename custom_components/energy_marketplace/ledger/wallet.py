"""The wallet: a phrase, the keys derived from it, and signatures.

Its key set holds one Ed25519 key (docs/protocol.md, "Wallet, account, address"). Nothing here is ever
logged: the representation of a wallet shows nothing of it.
"""

import hmac
import secrets
from dataclasses import dataclass
from typing import TypedDict

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from . import phrase as phrases
from .address import Address
from .digests import digest, tagged

ED25519 = "ed25519"
_TYPE_CODES = {ED25519: 1, "ml-dsa-44": 2}


class PublicKey(TypedDict):
    """A public key as it stands in payloads: its type and its bytes in hex."""

    type: str
    public: str


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Wallet:
    """The keys of one member; make it with `generate` or `from_phrase`."""

    words: tuple[str, ...]
    _key: SigningKey

    @classmethod
    def generate(cls) -> Wallet:
        """Return a new wallet from the system's random source."""
        return cls._from_words(phrases.from_entropy(secrets.token_bytes(32)))

    @classmethod
    def from_phrase(cls, text: str) -> Wallet:
        """Return the wallet of a phrase that a person typed.

        Raises:
            PhraseError: naming the wrong word, or that the checksum does not fit.

        """
        return cls._from_words(phrases.parse(text))

    @classmethod
    def _from_words(cls, words: tuple[str, ...]) -> Wallet:
        seed = hmac.digest(phrases.master_secret(words), tagged("key/ed25519", b""), "sha512")[:32]
        return cls(words, SigningKey(seed))

    @property
    def phrase(self) -> str:
        """The phrase: show it once, never log it."""
        return " ".join(self.words)

    @property
    def keys(self) -> list[PublicKey]:
        """The account's key set, in the order of the key types."""
        return [PublicKey(type=ED25519, public=self._key.verify_key.encode().hex())]

    @property
    def account(self) -> bytes:
        """The 32 bytes of the account."""
        return account_of(self.keys)

    def address(self, *, test: bool) -> str:
        """Return the member's address on a real or a test network."""
        return str(Address(self.account, test))

    def sign(self, what: str, message: bytes) -> list[str]:
        """Signatures (hex) over a tagged message, one per key of the set."""
        return [sign(self._key, what, message)]

    def __repr__(self) -> str:
        """Nothing of the wallet."""
        return "Wallet(…)"


def account_of(keys: list[PublicKey]) -> bytes:
    """Return the account (32 bytes) of a key set; raises ValueError on keys that are none."""
    parts = []
    for key in keys:
        code = _TYPE_CODES.get(key["type"])
        if code is None:
            raise ValueError(f"unknown key type {key['type']!r}")
        public = bytes.fromhex(key["public"])
        parts.append(bytes([code]) + len(public).to_bytes(2) + public)
    return digest("account", b"".join(parts))


def sign(key: SigningKey, what: str, message: bytes) -> str:
    """Ed25519 signature (hex) over a tagged message."""
    return key.sign(tagged(what, message)).signature.hex()


def verifies(key: PublicKey | str, what: str, message: bytes, signature: str) -> bool:
    """Whether an Ed25519 signature (hex) over a tagged message is by this key (hex, or as in payloads)."""
    if not isinstance(key, str):
        if key["type"] != ED25519:
            return False
        key = key["public"]
    try:
        VerifyKey(bytes.fromhex(key)).verify(tagged(what, message), bytes.fromhex(signature))
    except BadSignatureError, ValueError, TypeError:
        return False
    return True
