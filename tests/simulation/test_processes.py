"""Children end with their whole family, and are missed when they end by themselves."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from simulation.processes import Child, ProcessFailedError, tail

FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(600)
"""


def child(tmp_path: Path, program: str, **environment: str) -> Child:
    return Child("the child", [sys.executable, "-c", program], tmp_path / "log", tmp_path, environment)


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(1000):
        if is_so():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come to be within 20 seconds")


async def first_line(log: Path) -> str:
    await until(lambda: log.read_text().endswith("\n"))
    with log.open() as lines:
        return lines.readline().rstrip()


def is_running(pid: int) -> bool:
    """A zombie whose new parent does not collect it has ended, too."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


async def test_leaving_ends_the_child_and_its_own_children(tmp_path: Path):
    async with child(tmp_path, FAMILY) as parent:
        grandchild = int(await first_line(tmp_path / "log"))
        assert is_running(grandchild)
    assert parent.process.returncode is not None
    await until(lambda: not is_running(grandchild))


async def test_a_child_that_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("simulation.processes.STOP_TIMEOUT_S", 0.2)
    async with child(tmp_path, STUBBORN) as stubborn:
        await first_line(tmp_path / "log")
    assert stubborn.process.returncode == -9


async def test_a_child_that_ended_by_itself_is_missed(tmp_path: Path):
    async with child(tmp_path, "print('gone')") as gone:
        await gone.process.wait()
        with pytest.raises(ProcessFailedError, match="the child ended by itself"):
            gone.check()


async def test_a_running_child_is_not_missed(tmp_path: Path):
    async with child(tmp_path, "import time; time.sleep(600)") as running:
        running.check()
        assert running.process.returncode is None


async def test_a_child_gets_its_environment_its_folder_and_its_log(tmp_path: Path):
    (tmp_path / "note").write_text("here")
    program = "import os; print(os.environ['COLOUR'], open('note').read())"
    async with child(tmp_path, program, COLOUR="amber"):
        assert await first_line(tmp_path / "log") == "amber here"


def test_the_tail_of_a_log_is_its_last_lines_under_its_path(tmp_path: Path):
    log = tmp_path / "log"
    log.write_text("\n".join(map(str, range(100))))
    assert tail(log, 3) == f"--- {log}\n97\n98\n99"
