"""A founder's wallet at the command line: its phrase comes in, is used once, and is kept nowhere."""

import getpass
import hashlib
import hmac
import sys
import unicodedata
from dataclasses import dataclass, field

from energy_ledger import crypto
from energy_ledger.commands.output import CommandError
from energy_ledger.keys import PublicKey

_WORDS = 24
_ROUNDS = 2048
_SEED_TAG = crypto.tag("key/ed25519")


@dataclass(frozen=True, slots=True)
class Wallet:
    """The Ed25519 key of a wallet."""

    seed: bytes = field(repr=False)

    @classmethod
    def of_phrase(cls, phrase: str) -> Wallet:
        """Derive it from the 24 words (BIP-39, no passphrase), as the protocol says."""
        words = unicodedata.normalize("NFKD", " ".join(phrase.lower().split()))
        master = hashlib.pbkdf2_hmac("sha512", words.encode("utf-8", "replace"), b"mnemonic", _ROUNDS)
        return cls(hmac.digest(master, _SEED_TAG, "sha512")[:32])

    @property
    def key(self) -> PublicKey:
        """The public key."""
        return PublicKey("ed25519", crypto.public_key(self.seed).hex())


def ask_for_wallet() -> Wallet:
    """Read a phrase from standard input, unseen where a person types it.

    Raises CommandError when it has not 24 words.
    """
    phrase = getpass.getpass("the founder's 24 words: ") if sys.stdin.isatty() else sys.stdin.read()
    if len(phrase.split()) != _WORDS:
        raise CommandError(f"a phrase has {_WORDS} words, this one {len(phrase.split())}", 2)
    return Wallet.of_phrase(phrase)
