"""A process of this program beside the node: frames go in on its standard input and come back on its output.

Both ends are here: `Helper` is the node's, `answer_all` the process's. What keeps the interpreter's lock for
long, or would share it with the event loop, is done in such a process. It ends when its input does, so it
never outlives its node, however that ends.
"""

import asyncio
import os
import struct
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import BinaryIO

_HEADER = struct.Struct(">I")
"""Length of the frame that follows, in bytes."""
_NICE = 10


def framed(data: bytes) -> bytes:
    """Return a frame with its length in front."""
    return _HEADER.pack(len(data)) + data


class Helper:
    """A process that answers frames; it starts with the first one."""

    def __init__(self, module: str) -> None:
        """Name the module that is the process's program."""
        self._module = module
        self.process: Process | None = None

    async def send(self, frame: bytes) -> asyncio.StreamReader:
        """Ask something; return where this very process answers. Raises OSError when it cannot be reached."""
        process = self.process or await self.start()
        if process.stdin is None or process.stdout is None:
            raise BrokenPipeError("the process has no pipes")
        process.stdin.write(framed(frame))
        await process.stdin.drain()
        return process.stdout

    async def close(self) -> None:
        """End the process, if it runs."""
        process, self.process = self.process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    async def start(self) -> Process:
        """Start the process, in a session of its own: Ctrl-C is for the node, which then ends it in order."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module, stdin=PIPE, stdout=PIPE, process_group=0
        )
        return self.process


async def receive(answers: asyncio.StreamReader) -> bytes:
    """Return the next frame of an answer. Raises IncompleteReadError when the process ends first."""
    (length,) = _HEADER.unpack(await answers.readexactly(_HEADER.size))
    return await answers.readexactly(length)


def run(answer: Callable[[bytes], Iterable[bytes]]) -> None:
    """Be the process: answer frames until there are no more, or nobody is left to answer."""
    os.nice(_NICE)
    with suppress(BrokenPipeError):
        answer_all(sys.stdin.buffer, sys.stdout.buffer, answer)


def answer_all(requests: BinaryIO, answers: BinaryIO, answer: Callable[[bytes], Iterable[bytes]]) -> None:
    """Answer every frame with one or more, as they come."""
    while len(header := requests.read(_HEADER.size)) == _HEADER.size:
        (length,) = _HEADER.unpack(header)
        for frame in answer(requests.read(length)):
            answers.write(framed(frame))
            answers.flush()
