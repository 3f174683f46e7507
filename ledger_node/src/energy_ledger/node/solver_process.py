"""The process that computes clearings: books come in, clearings go out, each better than the one before.

The solver holds the interpreter's lock while it works, so it would stop the node's event loop for as long;
and it brings some 45 MB that a node without a round to clear need not carry.
"""

import pickle
from collections.abc import Iterator
from itertools import chain
from typing import Any

from energy_ledger.node import helper_process


def pack(value: object) -> bytes:
    """Write a message for the other end of the pipe, which is the same program."""
    return pickle.dumps(value)


def unpack(data: bytes) -> Any:
    """Read a message of the other end of the pipe."""
    return pickle.loads(data)  # noqa: S301 -- only the two ends of one pipe between parent and child write it


def answer(request: bytes) -> Iterator[bytes]:
    """Answer a book with its clearings, as they get better; None ends them."""
    from energy_ledger.market.solver import clearings

    return map(pack, chain(clearings(unpack(request)), (None,)))


if __name__ == "__main__":
    helper_process.run(answer)
