"""A process of this program beside the node, as it sees itself: frames on standard input and output.

It ends when its input does, so it never outlives its node, however that ends. It starts when there is much to
do already, so nothing is imported here that takes long.
"""

import os
import struct
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import BinaryIO, Final

HEADER: Final = struct.Struct(">I")
"""Length of the frame that follows, in bytes."""
_NICE: Final = 10


def framed(data: bytes) -> bytes:
    """Return a frame with its length in front."""
    return HEADER.pack(len(data)) + data


def run(answer: Callable[[bytes], Iterable[bytes]]) -> None:
    """Be the process: answer frames until there are no more, or nobody is left to answer."""
    os.nice(_NICE)
    with suppress(BrokenPipeError):
        answer_all(sys.stdin.buffer, sys.stdout.buffer, answer)


def answer_all(requests: BinaryIO, answers: BinaryIO, answer: Callable[[bytes], Iterable[bytes]]) -> None:
    """Answer every frame with one or more, as they come."""
    while len(header := requests.read(HEADER.size)) == HEADER.size:
        (length,) = HEADER.unpack(header)
        for frame in answer(requests.read(length)):
            answers.write(framed(frame))
            answers.flush()
