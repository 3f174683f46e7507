"""The process that checks signatures: lots of them come in, and for each whether it is good goes out.

Checking one releases the interpreter's lock and then has to get it back, which in the node's own process
costs more than the check while the ledger is at work there.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct

from energy_ledger import crypto
from energy_ledger.node import helper_process

type Signed = tuple[bytes, bytes, bytes]
"""A raw Ed25519 key, a message, and the signature that should be the key's over it."""


class Lot(Struct, frozen=True, array_like=True, gc=False):
    """Messages that were signed under the same domain tag."""

    tag: bytes
    signed: list[Signed]


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Lot)


def pack(lot: Lot) -> bytes:
    """Write a lot for the other end of the pipe."""
    return _encoder.encode(lot)


def answer(request: bytes) -> Iterator[bytes]:
    """Answer a lot: a byte for each message, 1 when its signature is good, else 0."""
    lot = _decoder.decode(request)
    yield bytes(
        crypto.verify(public, lot.tag, message, signature) for public, message, signature in lot.signed
    )


if __name__ == "__main__":
    helper_process.run(answer)
