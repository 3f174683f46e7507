"""The app's own service script starts a node that becomes healthy and makes itself known.

ENERGY_LEDGER_SERVICE replaces the command that starts it, so that the same is tried in a built image:
`{data}`, `{port}`, `{supervisor}`, `{token}` and `{host}` in it stand for the data folder, the port, the
Supervisor and its token, and the container's name.
"""

import asyncio
import json
import os
import shlex
import signal
import socket
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from .paths import SERVICE
from .supervisor import TOKEN, FakeSupervisor

START_S = 30
STOP_S = 10
HOST = socket.gethostname()
HERE = "env DATA={data} PORT={port} SUPERVISOR_URL={supervisor} SUPERVISOR_TOKEN={token} " + shlex.join(
    ["bash", str(SERVICE / "run")]
)
COMMAND = os.environ.get("ENERGY_LEDGER_SERVICE", HERE)

pytestmark = pytest.mark.usefixtures("socket_enabled")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def command(**values):
    return [word.format(**values) for word in shlex.split(COMMAND)]


@asynccontextmanager
async def running(words, data, log):
    """The service as a process; the node in it is ended the way s6 ends it."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *words, stdout=output, stderr=output, env={**os.environ, "PATH": path}, start_new_session=True
        )
    try:
        yield process
        os.kill(int((data / "lock").read_text()), signal.SIGTERM)
        await asyncio.wait_for(process.wait(), STOP_S)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def until(true, process, log):
    """Waits for something to become true while the process runs."""
    async with asyncio.timeout(START_S):
        while not await true():
            assert process.returncode is None, log.read_text()
            await asyncio.sleep(0.1)


async def ask(url, token=None):
    """Status and answer of the node, or None when it does not listen yet."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as response:
            return response.status, await response.json()
    except aiohttp.ClientConnectionError:
        return None


async def test_home_assistant_can_connect_with_what_the_app_tells_it(tmp_path):
    data, log, port = tmp_path / "data", tmp_path / "log", free_port()
    data.mkdir()
    (data / "options.json").write_text(json.dumps({"log_level": "debug"}))
    fake = FakeSupervisor()
    async with fake.server() as server:
        words = command(
            data=data, port=port, supervisor=str(server.make_url("")).rstrip("/"), token=TOKEN, host=HOST
        )
        async with running(words, data, log) as process:

            async def announced():
                return bool(fake.told)

            await until(announced, process, log)
            (message,) = fake.told
            base = f"http://127.0.0.1:{message['config']['port']}"
            assert message["config"]["host"] == HOST
            assert (await ask(f"{base}/health"))[1]["status"] == "not_set_up"
            status, setup = await ask(f"{base}/v1/setup", message["config"]["token"])
            assert (status, setup["state"]) == (200, "empty")
            assert (await ask(f"{base}/v1/setup"))[0] == 401
    assert process.returncode == 0, log.read_text()
    assert message["config"]["token"] not in log.read_text()
    assert message["config"]["port"] == port
