"""Hybrid networks: which transactions both keys of an account sign, and the second key itself.

The second key is of ML-DSA-44 (FIPS 204), which stays safe where a quantum computer breaks Ed25519. It comes
with `cryptography`; where the library below does not know it, `HybridUnavailableError` says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from .digests import tagged
from .units import NANO

ML_DSA = "ml-dsa-44"


class HybridUnavailableError(Exception):
    """ML-DSA-44 does not work on this machine."""

    def __init__(self) -> None:
        """Say what is missing and what to do."""
        super().__init__(
            "this machine's cryptography has no ML-DSA-44, which this network's signatures need; "
            "run Home Assistant on a platform that has it"
        )


@dataclass(frozen=True)
class Hybrid:
    """What all keys of an account sign: these kinds, and transfers above so much (nano; None: none)."""

    kinds: tuple[str, ...]
    transfer_above: int | None

    def needs_all(self, kind: str, fields: Mapping[str, Any]) -> bool:
        """Whether every key must sign a transaction of this kind with these fields."""
        if kind == "transfer" and self.transfer_above is not None:
            return kind in self.kinds or fields["amount"] > self.transfer_above
        return kind == "member.join" or kind in self.kinds

    def as_dict(self) -> dict[str, Any]:
        """Return the rule as it stands in a genesis."""
        return {"kinds": list(self.kinds), "transfer_above": self.transfer_above}


GOVERNING = Hybrid(
    kinds=(
        "member.approve",
        "member.suspend",
        "member.role",
        "key.rotate",
        "voucher.issue",
        "voucher.redeem",
        "voucher.settle",
        "credit.set",
        "community.pay",
        "tariff.set",
        "policy.set",
        "claim.decide",
    ),
    transfer_above=50 * NANO,
)
"""What a network that is founded as quantum-safe signs twice: who governs, whose keys, and large money."""


def second_key(seed: bytes) -> MLDSA44PrivateKey:
    """Return the ML-DSA-44 key of a seed (32 bytes); raises HybridUnavailableError."""
    try:
        return MLDSA44PrivateKey.from_seed_bytes(seed)
    except UnsupportedAlgorithm as error:
        raise HybridUnavailableError from error


def verifies_second(public: str, what: str, message: bytes, signature: str) -> bool:
    """Whether an ML-DSA-44 signature (hex) over a tagged message is by this key (hex).

    Raises:
        HybridUnavailableError: nobody can tell here.

    """
    try:
        key = MLDSA44PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), tagged(what, message))
    except UnsupportedAlgorithm as error:
        raise HybridUnavailableError from error
    except InvalidSignature, ValueError, TypeError:
        return False
    return True
