"""Child processes in groups of their own: started with a log file, stopped whole, never left behind."""

import asyncio
import contextlib
import ctypes
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

PR_SET_PDEATHSIG = 1
STOP_TIMEOUT_S = 20


class ProcessFailedError(RuntimeError):
    """A child ended by itself."""


@dataclass
class Child:
    """One child process as an asynchronous context manager."""

    name: str
    command: Sequence[str]
    log: Path
    directory: Path
    environment: Mapping[str, str]

    async def __aenter__(self) -> Self:
        """Start the child."""
        await self.start()
        return self

    async def start(self) -> None:
        """Start the child, also again; it hears SIGTERM should this process die without saying so."""
        with self.log.open("ab") as log:
            self.process: Process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env={**os.environ, **self.environment},
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the child and everything it started."""
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            pass
        finally:
            self._signal(signal.SIGKILL)
            await self.process.wait()

    def check(self) -> None:
        """Raise ProcessFailedError if the child is gone."""
        if self.process.returncode is not None:
            raise ProcessFailedError(f"{self.name} ended by itself, see {self.log}")

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def tail(log: Path, lines: int = 20) -> str:
    """Return the end of a log under its path."""
    return "\n".join([f"--- {log}", *log.read_text(errors="replace").splitlines()[-lines:]])


def _die_with_parent() -> None:
    """Ask Linux for a SIGTERM on the parent's death; elsewhere nothing happens."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
