"""Where one run of the demo takes place: its folder, its ports, its processes."""

import fcntl
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from simulation.home_assistant import config
from simulation.processes import Child

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".cache" / "demo-run"
MODBUS_PORTS = 9


class StageError(RuntimeError):
    """The demo cannot begin here; the message says why and what to do."""


@dataclass(frozen=True)
class Stage:
    """Paths and ports of one run; ``modbus`` holds six neighbours' meters, then main, laundry and relay."""

    folder: Path
    home_assistant_port: int
    node_port: int
    modbus: tuple[int, ...]
    started: float = field(default_factory=time.monotonic)
    hybrid: bool = False
    """Whether the network is quantum-safe."""

    @classmethod
    def fresh(cls, home_assistant_port: int, folder: Path = FOLDER, *, hybrid: bool = False) -> Stage:
        """Empty the folder, keep the logs of the run before, and find free ports.

        Raises:
            StageError: Home Assistant's port is taken.

        """
        if not is_free(home_assistant_port):
            raise StageError(
                f"port {home_assistant_port} is taken on this machine; say --port with another number"
            )
        _empty(folder)
        node_port, *modbus = free_ports(1 + MODBUS_PORTS)
        return cls(folder, home_assistant_port, node_port, tuple(modbus), hybrid=hybrid)

    @property
    def home_assistant_url(self) -> str:
        """Where people look."""
        return f"http://127.0.0.1:{self.home_assistant_port}"

    @property
    def node_url(self) -> str:
        """Where the ledger node answers."""
        return f"http://127.0.0.1:{self.node_port}"

    @property
    def seconds(self) -> float:
        """How long the run has taken so far."""
        return time.monotonic() - self.started

    def node(self) -> Child:
        """Return the ledger node's process."""
        data = self.folder / "node"
        data.mkdir()
        command = [_tool("energy-ledger"), "node", "--data", str(data)]
        where = ["--host", "127.0.0.1", "--port", str(self.node_port), "--peer-port", "0"]
        return Child("the ledger node", [*command, *where], self.folder / "logs" / "node.log", data, {})

    def setup_token(self) -> str:
        """Return the right to found a network on the node."""
        return (self.folder / "node" / "setup.token").read_text().strip()

    def home_assistant(self, wiring: config.Wiring) -> Child:
        """Write Home Assistant's configuration and return its process."""
        directory = self.folder / "home-assistant"
        config.write(directory, self.home_assistant_port, wiring)
        command = [sys.executable, "-m", "homeassistant", "--config", str(directory)]
        log = self.folder / "logs" / "home-assistant.log"
        return Child("Home Assistant", command, log, directory, {})


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep a second run out of the folder; the system lets go of it with this process, however that ends.

    Raises:
        StageError: a demo runs there.

    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StageError("a demo already runs in this checkout; stop it first") from None


def is_free(port: int) -> bool:
    """Tell whether a loopback port can be listened on."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def free_ports(count: int) -> list[int]:
    """Return so many different free loopback ports."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _empty(folder: Path) -> None:
    """Remove the run before, but keep its logs as ``logs.before``."""
    logs, before = folder / "logs", folder / "logs.before"
    if logs.exists():
        shutil.rmtree(before, ignore_errors=True)
        logs.rename(before)
    for old in folder.glob("*"):
        if old != before:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    logs.mkdir(parents=True)


def _tool(name: str) -> str:
    """Return a command of the environment that runs this."""
    return os.path.join(os.path.dirname(sys.executable), name)  # noqa: PTH118, PTH120 - resolving would leave it
