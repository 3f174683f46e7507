"""Hashes and signatures, always under a domain tag."""

import hashlib
from functools import cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from nacl.bindings import crypto_sign_BYTES, crypto_sign_open, crypto_sign_PUBLICKEYBYTES
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey


def tag(what: str) -> bytes:
    """Return the domain tag of `what`: everything hashed or signed starts with one."""
    return f"energy-ledger/{what}/v1".encode("ascii") + b"\x00"


def digest(tag: bytes, message: bytes) -> bytes:
    """Return the 32 bytes of SHA-256 over the tag and the message."""
    return hashlib.sha256(tag + message).digest()


def digest_of(tag: bytes, *parts: bytes) -> bytes:
    """Return the digest of parts that are too long to be put together first."""
    running = hashlib.sha256(tag)
    for part in parts:
        running.update(part)
    return running.digest()


def public_key(seed: bytes) -> bytes:
    """Return the 32-byte Ed25519 public key of a 32-byte seed."""
    return bytes(SigningKey(seed).verify_key)


def sign(seed: bytes, tag: bytes, message: bytes) -> bytes:
    """Return the 64-byte Ed25519 signature over the tag and the message."""
    return SigningKey(seed).sign(tag + message).signature


def verify(public: bytes, tag: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether the Ed25519 signature holds; malformed keys and signatures do not."""
    if len(public) != crypto_sign_PUBLICKEYBYTES or len(signature) != crypto_sign_BYTES:
        return False
    try:
        crypto_sign_open(signature + tag + message, public)
    except BadSignatureError:
        return False
    return True


class HybridUnavailableError(Exception):
    """ML-DSA signatures cannot be checked on this machine: it cannot tell what a hybrid account said."""

    def __init__(self) -> None:
        super().__init__(
            "this node's build of `cryptography` has no ML-DSA-44, which this network's signatures need; "
            "run the node on a platform that has it"
        )


@cache
def has_ml_dsa() -> bool:
    """Tell whether ML-DSA-44 works here; tried once."""
    try:
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

        key = MLDSA44PrivateKey.from_seed_bytes(bytes(32))
        key.public_key().verify(key.sign(b"probe"), b"probe")
    except ImportError, UnsupportedAlgorithm, InvalidSignature:
        return False
    return True


def verify_ml_dsa(public: bytes, tag: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether the ML-DSA-44 signature (FIPS 204, empty context) over the tag and the message holds.

    Raises HybridUnavailableError where that cannot be told: taking it for a bad one would part this node's
    ledger from the others'.
    """
    if not has_ml_dsa():
        raise HybridUnavailableError
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

    try:
        MLDSA44PublicKey.from_public_bytes(public).verify(signature, tag + message)
    except InvalidSignature, ValueError:
        return False
    return True
