"""Proof of node keys over a TLS 1.3 connection.

Each process makes a throwaway Ed25519 certificate when it starts; it says nothing about who the node is and
nobody checks it by itself. Who accepts a connection names its node key and a nonce, who dialled answers with
its own key, a nonce and a signature, and the acceptor signs in turn. Both sign the same facts under
their own role: both nonces, both keys, and the SHA-256 of the certificate that the acceptor presented,
each side taking that from its own end of the TLS connection.

Why nobody in between can relay this: TLS itself proves that the other end holds the private key of the
certificate it presented. Somebody in the middle has to present a certificate of his own, as he lacks that
private key; then the two ends sign over different certificates, and neither accepts the other's signature.
The certificate alone would bind the signature to an acceptor, not to a connection, so fresh nonces of both
sides keep an old signature from counting again; the role keeps one from being sent back to its author; the
two keys keep a node that was dialled from passing the caller's proof on as meant for itself. (The binding of
TLS ≤ 1.2, `tls-unique`, does not exist in TLS 1.3, and Python does not offer the exporter that replaced it.)
"""

import datetime
import hashlib
import secrets
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from energy_ledger import crypto

LINK_TAG: Final = crypto.tag("link")
_VALID = datetime.timedelta(days=36_500)
_EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_ROLES: Final = {"acceptor": b"\x00", "caller": b"\x01"}

type Role = Literal["acceptor", "caller"]


@dataclass(frozen=True, slots=True)
class Meeting:
    """What both sides of a connection sign; equal on both ends only when nobody stands between them."""

    acceptor: bytes
    caller: bytes
    acceptor_nonce: bytes
    caller_nonce: bytes
    certificate: bytes
    """The acceptor's certificate (DER) as this end saw it."""

    def sign(self, role: Role, seed: bytes) -> bytes:
        """Sign with a node key's seed in a role."""
        return crypto.sign(seed, LINK_TAG, self._message(role))

    def proves(self, role: Role, signature: bytes) -> bool:
        """Tell whether the signature is that of the node in this role."""
        key = self.acceptor if role == "acceptor" else self.caller
        return crypto.verify(key, LINK_TAG, self._message(role), signature)

    def _message(self, role: Role) -> bytes:
        parts = (self.acceptor_nonce, self.caller_nonce, self.acceptor, self.caller)
        return _ROLES[role] + b"".join(parts) + hashlib.sha256(self.certificate).digest()


def new_nonce() -> bytes:
    """Return 32 fresh random bytes."""
    return secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class Credentials:
    """How a process accepts TLS connections: a context, and the certificate in it (DER)."""

    context: ssl.SSLContext
    certificate: bytes


def make_credentials() -> Credentials:
    """Make a throwaway certificate; its private key touches the disk only for the moment of being read."""
    private = Ed25519PrivateKey.generate()
    certificate = _self_signed(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with tempfile.TemporaryDirectory(prefix="energy-ledger-") as folder:
        path = Path(folder) / "tls.pem"
        path.touch(mode=0o600)
        path.write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(path)
    return Credentials(context, certificate.public_bytes(serialization.Encoding.DER))


def caller_context() -> ssl.SSLContext:
    """Return how connections are made: TLS 1.3, any certificate, as the handshake above checks who it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _self_signed(private: Ed25519PrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "energy-ledger node")])
    # Fixed dates: small computers start with any clock, and nobody looks at them.
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_EPOCH)
        .not_valid_after(_EPOCH + _VALID)
        .sign(private, None)
    )
