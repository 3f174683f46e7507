"""The process that computes clearings: books come in on standard input, clearings go out on standard output.

The solver holds the interpreter's lock while it works, so it would stop the node's event loop for as long;
and it brings some 45 MB that a node without a round to clear need not carry. The process ends when its input
does, so it never outlives its node, however that ends.
"""

import os
import pickle
import struct
import sys
from contextlib import suppress
from itertools import chain
from typing import Any, BinaryIO

HEADER = struct.Struct(">I")
"""Length of the pickle that follows, in bytes."""
_NICE = 5


def pack(value: object) -> bytes:
    """Write a message for the other end of the pipe, which is the same program."""
    data = pickle.dumps(value)
    return HEADER.pack(len(data)) + data


def unpack(data: bytes) -> Any:
    """Read a message of the other end of the pipe."""
    return pickle.loads(data)  # noqa: S301 -- only the two ends of one pipe between parent and child write it


def main() -> None:
    """Answer books until there are no more, or nobody is left to answer."""
    os.nice(_NICE)
    with suppress(BrokenPipeError):
        answer_all(sys.stdin.buffer, sys.stdout.buffer)


def answer_all(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer every book with its clearings, as they get better; None ends them."""
    from energy_ledger.market.solver import clearings

    while len(header := requests.read(HEADER.size)) == HEADER.size:
        (length,) = HEADER.unpack(header)
        for answer in chain(clearings(unpack(requests.read(length))), (None,)):
            answers.write(pack(answer))
            answers.flush()


if __name__ == "__main__":
    main()
