"""The process that checks signatures: lots of them come in, and for each whether it is good goes out.

Checking one releases the interpreter's lock and then has to get it back, which in the node's own process
costs more than the check while the ledger is at work there.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct

from energy_ledger.keys import PublicKey, verify_all
from energy_ledger.node import helper


class Signed(Struct, frozen=True, array_like=True, gc=False):
    """A message, the keys that should have signed it, and one signature for each."""

    keys: tuple[PublicKey, ...]
    message: bytes
    signatures: tuple[bytes, ...]


class Lot(Struct, frozen=True, array_like=True, gc=False):
    """Messages that were signed under the same domain tag."""

    tag: bytes
    signed: list[Signed]


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Lot)


def pack(lot: Lot) -> bytes:
    """Write a lot for the other end of the pipe."""
    return _encoder.encode(lot)


def check(lot: Lot) -> bytes:
    """Return a byte for each message: 1 when all signatures are good, else 0."""
    return bytes(verify_all(one.keys, lot.tag, one.message, one.signatures) for one in lot.signed)


def answer(request: bytes) -> Iterator[bytes]:
    """Answer a lot."""
    yield check(_decoder.decode(request))


if __name__ == "__main__":
    helper.run(answer)
