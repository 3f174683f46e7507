"""Signed transactions: from the bytes that came in to a value whose form is beyond doubt.

What is read here is only the form. Whether a transaction may be applied is for the ledger to say.
"""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from energy_ledger import crypto
from energy_ledger.keys import HEX, KeySet, verify_all
from energy_ledger.kinds import KINDS
from energy_ledger.payloads import MAX_CLEARING_PAYLOAD, MAX_PAYLOAD, Join, Payload
from energy_ledger.refusals import Refused
from energy_ledger.strict import convert, loads

TRANSACTION_TAG: Final = crypto.tag("transaction")

_LONGEST_SIGNATURE = 2420
MAX_ENVELOPE = 2 * MAX_CLEARING_PAYLOAD + 4 * _LONGEST_SIGNATURE
"""No envelope is longer: escaping can double a payload at most, and there are two signatures at most."""

SIGNATURE_WORK: Final = 1_000
"""Work of checking a signature: about what a node does to read and write as many bytes."""

_encoder: Final = msgspec.json.Encoder()


class Envelope(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The exact JSON text that was signed, and one signature in lower-case hex per key of the account."""

    payload: str
    signatures: Annotated[
        tuple[Annotated[str, Meta(pattern=HEX, max_length=2 * _LONGEST_SIGNATURE)], ...],
        Meta(min_length=1, max_length=2),
    ]

    def encode(self) -> bytes:
        """Write the envelope as JSON."""
        return _encoder.encode(self)


_decoder: Final = msgspec.json.Decoder(Envelope)
_payloads: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(reduce(or_, KINDS.values()))


class Transaction(Struct, frozen=True, gc=False):
    """A transaction of good form.

    `id` is 64 hex characters, `body` the exact bytes that were signed, `kind` the payload's kind, `work` what
    it costs to take in: the bytes of body and signatures, and `SIGNATURE_WORK` for each signature.
    """

    id: str
    kind: str
    payload: Payload
    body: bytes
    signatures: tuple[bytes, ...]
    work: int

    def signed_by(self, keys: KeySet) -> bool:
        """Tell whether every key of the set signed it."""
        return verify_all(keys, TRANSACTION_TAG, self.body, self.signatures)

    def signers(self, keys: KeySet) -> KeySet:
        """Return the first keys of the set, one for each signature, if they signed it; else none."""
        signers = keys[: len(self.signatures)]
        return signers if self.signed_by(signers) else ()

    @property
    def own_keys(self) -> KeySet | None:
        """The keys of the account where the transaction itself brings them (when joining)."""
        return self.payload.keys if isinstance(self.payload, Join) else None


def read_envelope(data: bytes) -> Envelope:
    """Read an envelope from JSON bytes. Raises Refused."""
    return read_compactly(data)[0]


def read_compactly(data: bytes) -> tuple[Envelope, bytes]:
    """Read an envelope from JSON bytes; return it, and as this program writes it. Raises Refused."""
    if len(data) > MAX_ENVELOPE:
        raise Refused("too_large", None, f"An envelope has at most {MAX_ENVELOPE} bytes.")
    plain = _read_compact(data)
    if plain is not None:
        return plain, data
    envelope = convert(loads(data), Envelope)
    return envelope, envelope.encode()


def _read_compact(data: bytes) -> Envelope | None:
    """Read an envelope that is written as this program writes them, which leaves nothing to forgive."""
    try:
        envelope = _decoder.decode(data)
    except msgspec.MsgspecError, UnicodeDecodeError, RecursionError:
        return None
    return envelope if envelope.encode() == data else None


def read_transaction(envelope: Envelope) -> Transaction:
    """Read the transaction in an envelope. Raises Refused for the first thing that is wrong with its form."""
    body = _body(envelope)
    if len(body) > MAX_PAYLOAD:
        _check_long(body)
    payload = _read_plain(body) or _read_any(body)
    payload.check()
    signatures = tuple(map(bytes.fromhex, envelope.signatures))
    work = len(body) + sum(map(len, signatures)) + SIGNATURE_WORK * len(signatures)
    return Transaction(transaction_id(body), payload.kind, payload, body, signatures, work)


def _read_plain(body: bytes) -> Payload | None:
    """Read a payload that is written as this program writes them, which leaves nothing to forgive."""
    try:
        payload: Payload = _payloads.decode(body)
    except msgspec.MsgspecError, UnicodeDecodeError, RecursionError:
        return None
    return payload if _encoder.encode(payload) == body else None


def _read_any(body: bytes) -> Payload:
    tree = loads(body)
    return convert(tree, KINDS[_kind(tree)])


def parse(data: bytes) -> Transaction:
    """Read an envelope and the transaction in it from JSON bytes. Raises Refused."""
    return read_transaction(read_envelope(data))


def transaction_id(body: bytes) -> str:
    """Return the id of the transaction whose payload has these bytes."""
    return crypto.digest(TRANSACTION_TAG, body).hex()


def sign_payload(payload: Mapping[str, Any], *seeds: bytes) -> Envelope:
    """Write a payload as JSON once and sign those bytes with Ed25519 seeds, as accounts of one key do."""
    body = msgspec.json.encode(payload)
    signatures = tuple(crypto.sign(seed, TRANSACTION_TAG, body).hex() for seed in seeds)
    return Envelope(payload=body.decode(), signatures=signatures)


def _body(envelope: Envelope) -> bytes:
    if len(envelope.payload) > MAX_CLEARING_PAYLOAD:
        raise _too_large(MAX_CLEARING_PAYLOAD)
    try:
        return envelope.payload.encode("utf-8")
    except UnicodeEncodeError:
        raise Refused("not_utf8", None, "The payload has half a character, which has no UTF-8.") from None


def _check_long(body: bytes) -> None:
    """Only some kinds may be long; what is long and of no kind at all is too long first of all."""
    if len(body) > MAX_CLEARING_PAYLOAD:
        raise _too_large(MAX_CLEARING_PAYLOAD)
    try:
        limit = KINDS[_kind(loads(body))].max_bytes
    except Refused:
        limit = MAX_PAYLOAD
    if len(body) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> Refused:
    return Refused("too_large", None, f"The payload has more than {limit} bytes.")


def _kind(tree: object) -> str:
    """Return the kind a payload names, which decides what else it must say."""
    if not isinstance(tree, dict):
        raise Refused("wrong_type", None, "The payload must be a JSON object.")
    if "kind" not in tree:
        raise Refused("missing_field", "kind", "This field is missing.")
    kind = tree["kind"]
    if not isinstance(kind, str):
        raise Refused("wrong_type", "kind", "The kind must be a text.")
    if kind not in KINDS:
        raise Refused("unknown_kind", "kind", f"There is no such kind; known are {', '.join(KINDS)}.")
    return kind
