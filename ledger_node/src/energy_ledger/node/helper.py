"""A process of this program beside the node, as the node sees it: frames go in, and frames come back.

What keeps the interpreter's lock for long, or would share it with the event loop, is done in such a process.
Its own end is in `helper_process`.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

from energy_ledger.node.helper_process import HEADER, framed


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
        """Start the process, in a group of its own: Ctrl-C is for the node, which then ends it in order.

        It stays in the node's session, as Linux weighs sessions against each other before it looks at how
        nice a process is, and this one is to give way to the node.
        """
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module, stdin=PIPE, stdout=PIPE, process_group=0
        )
        return self.process


async def receive(answers: asyncio.StreamReader) -> bytes:
    """Return the next frame of an answer. Raises IncompleteReadError when the process ends first."""
    (length,) = HEADER.unpack(await answers.readexactly(HEADER.size))
    return await answers.readexactly(length)
