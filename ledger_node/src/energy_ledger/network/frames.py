"""What nodes say to each other over a link: one msgpack array per WebSocket message, typed, strict, bounded.

A frame that is longer than `MAX_FRAME_BYTES`, of an unknown kind, or has a field too much, too long or of
another type is a fault of the sender, and ends the link.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from energy_ledger.dag.blocks import MAX_BLOCK_BYTES
from energy_ledger.transactions import MAX_ENVELOPE

MAX_FRAME_BYTES: Final = MAX_ENVELOPE + MAX_BLOCK_BYTES
"""Longest frame; room for any one block or envelope and what stands around it."""
PAGE_BYTES: Final = 1024 * 1024
"""When a frame with several blocks or envelopes is full; a single larger one still travels alone."""
MAX_PART_BYTES: Final = 4 * 1024 * 1024
"""Longest part of a snapshot: its manifest or one chunk."""
MAX_WANTED: Final = 256
MAX_LISTED: Final = 1_024
MAX_PEERS: Final = 64
MAX_COMMITTEE: Final = 64

type Natural = Annotated[int, Meta(ge=0, le=2**63 - 1)]
type Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
type Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
type Blob = Annotated[bytes, Meta(max_length=MAX_BLOCK_BYTES)]
type Many = Annotated[tuple[bytes, ...], Meta(max_length=MAX_LISTED)]
type PeerText = Annotated[str, Meta(max_length=256)]


class FrameError(ValueError):
    """Bytes that are no frame."""


class _Frame(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag_field="kind"):
    """Something said over a link."""


class Challenge(_Frame, frozen=True, tag="challenge"):
    """Who accepted the connection names its node key and asks for a proof of the other's."""

    key: Digest
    nonce: Digest


class Answer(_Frame, frozen=True, tag="answer"):
    """Who dialled proves its node key."""

    key: Digest
    nonce: Digest
    signature: Signature


class Counterproof(_Frame, frozen=True, tag="counterproof"):
    """Who accepted the connection proves its own node key."""

    signature: Signature


class Admission(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Why an observer may listen: an invite, and its key's signature over the observer's node key."""

    invite: Annotated[str, Meta(max_length=16_384)]
    signature: Signature
    proof: Signature


class Standing(_Frame, frozen=True, tag="standing"):
    """Where the sender stands; `frontier` is its highest accepted round by author, `time` its clock (ms)."""

    epoch: Natural
    commit: Natural
    frontier: Annotated[tuple[Natural, ...], Meta(max_length=MAX_COMMITTEE)]
    time: Natural


class Hello(_Frame, frozen=True, tag="hello"):
    """The first frame of both sides.

    `address` is where the sender accepts connections ("" nowhere); `newest` the newest block by the receiver
    that the sender knows in this epoch (empty: none).
    """

    network: Digest
    standing: Standing
    address: PeerText
    newest: Blob
    admission: Admission | None


class Blocks(_Frame, frozen=True, tag="blocks"):
    """Blocks, pushed or asked for."""

    blocks: Many


class Want(_Frame, frozen=True, tag="want"):
    """Asks for blocks by their digests."""

    digests: Annotated[tuple[Digest, ...], Meta(max_length=MAX_WANTED)]


class AskHistory(_Frame, frozen=True, tag="ask_history"):
    """Asks for the blocks of an epoch that follow (round, digest) in this order."""

    epoch: Natural
    round: Natural
    digest: Annotated[bytes, Meta(max_length=32)]


class History(_Frame, frozen=True, tag="history"):
    """A page of an epoch's blocks; an empty one says that there are no more.

    `start` is 0, or, in an empty one, the commit from which on the sender keeps history: what was asked for
    lies before.
    """

    epoch: Natural
    blocks: Many
    start: Natural = 0


class AskSnapshot(_Frame, frozen=True, tag="ask_snapshot"):
    """Asks for a part of a snapshot by its id (empty: of the newest): 0 its manifest, then its chunks."""

    id: Annotated[bytes, Meta(max_length=32)]
    part: Natural


class SnapshotPart(_Frame, frozen=True, tag="snapshot"):
    """A part of the snapshot with this id; without data: there is none, or none yet."""

    id: Annotated[bytes, Meta(max_length=32)]
    part: Natural
    data: Annotated[bytes, Meta(max_length=MAX_PART_BYTES)]


class Envelopes(_Frame, frozen=True, tag="envelopes"):
    """Transactions on their way to a validator."""

    envelopes: Annotated[
        tuple[Annotated[bytes, Meta(max_length=MAX_ENVELOPE)], ...], Meta(max_length=MAX_LISTED)
    ]


class Peers(_Frame, frozen=True, tag="peers"):
    """Where other nodes accept connections, as `key@host:port`."""

    peers: Annotated[tuple[PeerText, ...], Meta(max_length=MAX_PEERS)]


class AskGenesis(_Frame, frozen=True, tag="ask_genesis"):
    """An empty node asks for the founding act of the network it is invited to."""

    network: Digest
    admission: Admission


class Genesis(_Frame, frozen=True, tag="genesis"):
    """The founding act: an envelope as JSON."""

    envelope: Annotated[bytes, Meta(max_length=262_144)]


class Bye(_Frame, frozen=True, tag="bye"):
    """The sender ends the link, for this reason."""

    reason: Annotated[str, Meta(max_length=300)]


type Frame = (
    Challenge
    | Answer
    | Counterproof
    | Standing
    | Hello
    | Blocks
    | Want
    | AskHistory
    | History
    | AskSnapshot
    | SnapshotPart
    | Envelopes
    | Peers
    | AskGenesis
    | Genesis
    | Bye
)

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Frame] = msgspec.msgpack.Decoder(Frame)


def encode(frame: Frame) -> bytes:
    """Write a frame."""
    return _encoder.encode(frame)


def decode(data: bytes) -> Frame:
    """Read a frame. Raises FrameError."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FrameError(f"not a frame: {error}") from error


def in_pages(items: list[bytes]) -> list[tuple[bytes, ...]]:
    """Divide blocks or envelopes, in their order, into what one frame each carries."""
    pages: list[list[bytes]] = []
    size = 0
    for item in items:
        if not pages or size + len(item) > PAGE_BYTES or len(pages[-1]) >= MAX_LISTED:
            pages.append([])
            size = 0
        pages[-1].append(item)
        size += len(item)
    return [tuple(page) for page in pages]
