"""Key sets: which keys an account is made of, its address, and whether they all signed."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from energy_ledger import bech32m, crypto
from energy_ledger.refusals import Refused

KeyType = Literal["ed25519", "ml-dsa-44"]

_CODES: Final[dict[str, int]] = {"ed25519": 1, "ml-dsa-44": 2}
_PUBLIC_BYTES: Final[dict[str, int]] = {"ed25519": 32, "ml-dsa-44": 1312}

HUMAN_PART = "kwh"
TEST_HUMAN_PART = "tkwh"
_ACCOUNT_BYTES = 32
_ACCOUNT_TAG = crypto.tag("account")

HEX = r"^(?:[0-9a-f]{64}|[0-9a-f]{128}|(?:[0-9a-f]{2})+)\Z"
"""Pairs of digits; the usual lengths stand first, as they are matched many times as fast."""


@lru_cache(maxsize=8192)
def _raw(public: str) -> bytes:
    return bytes.fromhex(public)


class PublicKey(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One public key of an account, in lower-case hex."""

    type: KeyType
    public: Annotated[str, Meta(pattern=HEX, max_length=2 * 1312)]

    @property
    def raw(self) -> bytes:
        """The key's bytes."""
        return _raw(self.public)


type KeySet = tuple[PublicKey, ...]


def check_keys(keys: Sequence[PublicKey], field: str) -> None:
    """Refuse a key set that is empty, out of order, or has a key of the wrong length.

    Every account has an Ed25519 key: it signs what is small and frequent.
    """
    if not keys or keys[0].type != "ed25519":
        raise Refused("bad_value", field, "The first key of an account must be of type ed25519.")
    codes = [_CODES[key.type] for key in keys]
    if any(later <= earlier for earlier, later in pairwise(codes)):
        raise Refused("bad_value", field, "Give one key of a type at most, ed25519 before ml-dsa-44.")
    for index, key in enumerate(keys):
        if len(key.public) != 2 * _PUBLIC_BYTES[key.type]:
            message = f"A public key of type {key.type} has {_PUBLIC_BYTES[key.type]} bytes."
            raise Refused("bad_value", f"{field}[{index}].public", message)


def is_hybrid(keys: Sequence[PublicKey]) -> bool:
    """Tell whether a key set has an ML-DSA-44 key beside its Ed25519 key."""
    return any(key.type == "ml-dsa-44" for key in keys)


def require_ml_dsa(field: str | None) -> None:
    """Refuse what needs ML-DSA-44 where this machine has none."""
    if not crypto.has_ml_dsa():
        message = f"T{str(crypto.HybridUnavailableError())[1:]}."
        raise Refused("hybrid_unavailable", field, message)


def account_of(keys: Sequence[PublicKey]) -> bytes:
    """Return the 32 bytes that name the account of a key set."""
    return crypto.digest(_ACCOUNT_TAG, key_set_bytes(keys))


def key_set_bytes(keys: Sequence[PublicKey]) -> bytes:
    """Return a key set as it is hashed: of each key its type, its length and its bytes."""
    return b"".join(_key_bytes(key) for key in keys)


def _key_bytes(key: PublicKey) -> bytes:
    public = key.raw
    return _CODES[key.type].to_bytes(1, "big") + len(public).to_bytes(2, "big") + public


def address_of(account: bytes, test: bool) -> str:
    """Write the 32 bytes of an account as its address on a real or a test network."""
    return bech32m.encode(TEST_HUMAN_PART if test else HUMAN_PART, account)


def check_address(text: str, field: str) -> bytes:
    """Return the 32 account bytes of an address of either kind of network. Raises Refused."""
    try:
        human_part, account = bech32m.decode(text)
    except bech32m.AddressError as error:
        raise Refused("bad_value", field, f"The address {error}; copy it whole.") from None
    if human_part not in (HUMAN_PART, TEST_HUMAN_PART) or len(account) != _ACCOUNT_BYTES:
        raise Refused("bad_value", field, "This is an address, but not one of an energy ledger.")
    return account


def verify_all(keys: Sequence[PublicKey], tag: bytes, message: bytes, signatures: Sequence[bytes]) -> bool:
    """Tell whether there is one good signature per key of the set, in its order."""
    return len(keys) == len(signatures) and all(
        _VERIFIERS[key.type](key.raw, tag, message, signature)
        for key, signature in zip(keys, signatures, strict=True)
    )


_VERIFIERS: Final = {"ed25519": crypto.verify, "ml-dsa-44": crypto.verify_ml_dsa}
