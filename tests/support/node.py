"""A real node in a process of its own, for tests: started, killed and started again on the same data.

    with NodeProcess(tmp_path / "node") as node:
        ...                       # node.url, node.setup_token
        node.kill()               # as the power failing would
        node.start()

Nothing here needs the tests' event loop. Tests that speak to it need the fixture `socket_enabled`.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Self

START_S = 30
STOP_S = 15


def free_port() -> int:
    """Return a port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class NodeProcess:
    """One node, its data directory and its port, which stays the same over restarts."""

    def __init__(self, data: Path, *options: str, port: int | None = None) -> None:
        self.data = data
        self.port = port or free_port()
        self.log = data.with_name(data.name + ".log")
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def setup_token(self) -> str:
        return (self.data / "setup.token").read_text().strip()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start the node and wait until it answers."""
        assert not self.is_running
        words = (
            "node",
            "--data",
            str(self.data),
            "--port",
            str(self.port),
            "--peer-port",
            "0",
            *self._options,
        )
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                (sys.executable, "-m", "energy_ledger.cli", *words), stdout=log, stderr=log
            )
        try:
            self.wait_for_health()
        except BaseException:
            self.kill()
            raise
        return self

    def wait_for_health(self) -> dict[str, Any]:
        """Wait until the node answers, and return its health."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if not self.is_running:
                raise AssertionError(f"the node ended:\n{self.log.read_text()}")
            try:
                return self.ask("/health")
            except OSError, HTTPException:
                time.sleep(0.02)
        raise AssertionError(f"the node does not answer:\n{self.log.read_text()}")

    def ask(self, path: str, token: str | None = None) -> Any:
        """Return the JSON of a GET request."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def kill(self) -> None:
        """End the node as a failing power supply would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask the node to stop, and return its exit status."""
        return self._end(signal.SIGTERM)

    def restart(self) -> Self:
        """Stop the node and start it again."""
        self.stop()
        return self.start()

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        assert process is not None
        if process.poll() is None:
            process.send_signal(number)
        try:
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.stop()


def command(*words: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `energy-ledger` with these words to its end."""
    return subprocess.run(
        (sys.executable, "-m", "energy_ledger.cli", *words),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )
