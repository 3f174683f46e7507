"""Blocks: what a validator says in one round, and the bytes that are signed and sent.

A block travels as its *body* (msgpack, one array) followed by 64 bytes of Ed25519 signature. The digest is
made over the domain tag and exactly those body bytes, and the digest is what is signed, so nobody ever
encodes a block again, or hashes it twice. A body has one spelling only: bytes that do not come out again from
encoding what they say are refused.
"""

from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

import msgspec

from energy_ledger import crypto

DIGEST_BYTES = 32
SIGNATURE_BYTES = 64
MAX_PAYLOAD_BYTES = 2 * 1024 * 1024
"""Most bytes of envelopes and state votes together in one block."""
MAX_ITEMS = 16_384
"""Most envelopes, and most state votes, in one block."""
MAX_BLOCK_BYTES = MAX_PAYLOAD_BYTES + 512 * 1024
"""Longest block as sent; what is longer is refused unread."""

_TAG = b"energy-ledger/block/v1\x00"
_MAX_INT = 2**63 - 1

type _Number = Annotated[int, msgspec.Meta(ge=0, le=_MAX_INT)]
type _Digest = Annotated[bytes, msgspec.Meta(min_length=DIGEST_BYTES, max_length=DIGEST_BYTES)]
type _Items = Annotated[tuple[bytes, ...], msgspec.Meta(max_length=MAX_ITEMS)]


class BlockError(ValueError):
    """Bytes that are not a block, or a block that could not be sent."""


class BlockRef(NamedTuple):
    """Names a block. The order of references (round, author, digest) is the order of linearised output."""

    round: _Number
    author: _Number
    digest: _Digest

    @property
    def slot(self) -> tuple[int, int]:
        """The place (round, author) that the block takes; honest authors fill it once."""
        return self.round, self.author


class _Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    network: _Digest
    epoch: _Number
    round: _Number
    author: _Number
    timestamp: _Number
    ancestors: tuple[BlockRef, ...]
    envelopes: _Items
    votes: _Items


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Body)


@dataclass(frozen=True, slots=True)
class Payload:
    """What a validator puts into its own block; `dag/` never looks inside.

    `envelopes` are to be ordered; `votes` are state votes, delivered with the block but not ordered.
    """

    envelopes: tuple[bytes, ...] = ()
    votes: tuple[bytes, ...] = ()


EMPTY = Payload()


@dataclass(frozen=True, slots=True)
class Draft:
    """A block before it is signed. `timestamp` is milliseconds since the Unix epoch by the author's clock."""

    network: bytes
    epoch: int
    round: int
    author: int
    timestamp: int
    ancestors: tuple[BlockRef, ...]
    payload: Payload = EMPTY


@dataclass(frozen=True, slots=True)
class Block:
    """A block as received or made; equal when body and signature are. Its signature is not yet checked."""

    body: bytes
    signature: bytes
    network: bytes = field(compare=False)
    epoch: int = field(compare=False)
    timestamp: int = field(compare=False)
    ancestors: tuple[BlockRef, ...] = field(compare=False)
    envelopes: tuple[bytes, ...] = field(compare=False)
    votes: tuple[bytes, ...] = field(compare=False)
    ref: BlockRef = field(compare=False)

    @property
    def round(self) -> int:
        """The round the block belongs to."""
        return self.ref.round

    @property
    def author(self) -> int:
        """The number of the validator that made it."""
        return self.ref.author

    @property
    def raw(self) -> bytes:
        """The block as stored and sent: body, then signature."""
        return self.body + self.signature

    def signed_by(self, public: bytes) -> bool:
        """Tell whether the signature is one of this Ed25519 key over the block's digest."""
        return crypto.verify(public, _TAG, self.ref.digest, self.signature)


def sign_block(draft: Draft, seed: bytes) -> Block:
    """Encode and sign a draft with the author's Ed25519 seed.

    Raises BlockError when the payload is beyond the limits of one block.
    """
    payload = draft.payload
    if sum(map(len, payload.envelopes)) + sum(map(len, payload.votes)) > MAX_PAYLOAD_BYTES:
        raise BlockError(f"a block carries at most {MAX_PAYLOAD_BYTES} bytes of envelopes and votes")
    if max(len(payload.envelopes), len(payload.votes)) > MAX_ITEMS:
        raise BlockError(f"a block carries at most {MAX_ITEMS} envelopes and as many votes")
    said = _Body(
        draft.network,
        draft.epoch,
        draft.round,
        draft.author,
        draft.timestamp,
        draft.ancestors,
        payload.envelopes,
        payload.votes,
    )
    body = _encoder.encode(said)
    digest = crypto.digest(_TAG, body)
    return _block(said, body, digest, crypto.sign(seed, _TAG, digest))


def decode_block(raw: bytes) -> Block:
    """Read a block as it was sent; the signature is not checked here.

    Raises BlockError when the bytes are too long, not a block, or a second spelling of one.
    """
    if len(raw) > MAX_BLOCK_BYTES:
        raise BlockError(f"a block has at most {MAX_BLOCK_BYTES} bytes, this one {len(raw)}")
    body, signature = raw[:-SIGNATURE_BYTES], raw[-SIGNATURE_BYTES:]
    try:
        read = _decoder.decode(body)
    except msgspec.DecodeError as error:
        raise BlockError(f"not a block: {error}") from error
    if _encoder.encode(read) != body:
        raise BlockError("not a block: its body is spelled in another way than blocks are")
    return _block(read, body, crypto.digest(_TAG, body), signature)


def _block(said: _Body, body: bytes, digest: bytes, signature: bytes) -> Block:
    return Block(
        body=body,
        signature=signature,
        network=said.network,
        epoch=said.epoch,
        timestamp=said.timestamp,
        ancestors=said.ancestors,
        envelopes=said.envelopes,
        votes=said.votes,
        ref=BlockRef(said.round, said.author, digest),
    )


def genesis_refs(network: bytes, epoch: int, size: int) -> tuple[BlockRef, ...]:
    """Return the implied blocks of round 0, one per author; they carry nothing and are never sent."""
    start = network + epoch.to_bytes(8, "big")
    return tuple(
        BlockRef(0, author, crypto.digest(_TAG, start + author.to_bytes(4, "big"))) for author in range(size)
    )
