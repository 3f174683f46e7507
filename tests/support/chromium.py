"""A real browser for tests: Debian's Chromium without a window, driven over its DevTools protocol."""

import asyncio
import json
import re
import shutil
from contextlib import asynccontextmanager
from itertools import count

from aiohttp import ClientSession

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--remote-debugging-port=0",
)
MISSING = "this test looks at the panel with a real browser: apt-get install chromium fonts-noto-core"
ANSWER_WITHIN_S = 60


class ScriptError(AssertionError):
    """A script in the page threw."""


class Page:
    """One tab: goes to addresses, runs scripts, and keeps what its console complained about."""

    def __init__(self, socket) -> None:
        self._socket = socket
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future] = {}
        self._session: str | None = None
        self._loaded = asyncio.Event()
        self.complaints: list[str] = []

    async def listen(self) -> None:
        """Take what the browser says until it ends."""
        async for message in self._socket:
            said = json.loads(message.data)
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
            else:
                self._note(said["method"], said.get("params", {}))

    def _note(self, method: str, params: dict) -> None:
        match method:
            case "Page.loadEventFired":
                self._loaded.set()
            case "Runtime.exceptionThrown":
                self.complaints.append(str(params["exceptionDetails"].get("exception", params))[:500])
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                self.complaints.append(str([one.get("value") for one in params["args"]]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")

    async def tell(self, method: str, **params) -> dict:
        """Give the browser an order and return its answer."""
        number = next(self._numbers)
        order = {"id": number, "method": method, "params": params}
        if self._session:
            order["sessionId"] = self._session
        self._answers[number] = answer = asyncio.get_running_loop().create_future()
        await self._socket.send_json(order)
        said = await asyncio.wait_for(answer, ANSWER_WITHIN_S)
        assert "error" not in said, (method, said["error"])
        return said["result"]

    async def open(self) -> None:
        """Open the tab and hear of all that goes wrong in it."""
        target = (await self.tell("Target.createTarget", url="about:blank"))["targetId"]
        attached = await self.tell("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await self.tell(f"{domain}.enable")

    async def go(self, url: str, width: int = 390, height: int = 844) -> None:
        """Go to an address, as a screen of this size shows it, and wait until it is there."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self.tell("Emulation.setDeviceMetricsOverride", **size)
        await self.tell("Page.navigate", url="about:blank")
        self._loaded.clear()
        await self.tell("Page.navigate", url=url)
        await asyncio.wait_for(self._loaded.wait(), ANSWER_WITHIN_S)

    async def run(self, script: str):
        """Run an expression in the page, a promise to its end, and return its value.

        Raises:
            ScriptError: it threw.

        """
        done = await self.tell(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in done:
            raise ScriptError(done["exceptionDetails"]["exception"].get("description", str(done)))
        return done["result"].get("value")

    async def press(self, key: str, code: int) -> None:
        """Press a key that writes nothing."""
        for what in ("keyDown", "keyUp"):
            await self.tell(
                "Input.dispatchKeyEvent", type=what, key=key, code=key, windowsVirtualKeyCode=code
            )

    async def until(self, script: str, seconds: float = 30):
        """Wait until an expression in the page is true, and return it."""
        ends = asyncio.get_running_loop().time() + seconds
        while not (value := await self.run(script)):
            assert asyncio.get_running_loop().time() < ends, f"waited {seconds} s for {script}"
            await asyncio.sleep(0.02)
        return value


@asynccontextmanager
async def chromium(profile):
    """Start a browser with a fresh profile in a folder; gives its one tab."""
    command = shutil.which("chromium")
    assert command, MISSING
    process = await asyncio.create_subprocess_exec(
        command, *FLAGS, f"--user-data-dir={profile}", "about:blank", stderr=asyncio.subprocess.PIPE
    )
    try:
        async with (
            ClientSession() as session,
            session.ws_connect(await _address(process), max_msg_size=0) as socket,
        ):
            page = Page(socket)
            listening = asyncio.create_task(page.listen())
            await page.open()
            yield page
            listening.cancel()
    finally:
        process.terminate()
        await process.wait()
        process._transport.close()


async def _address(process) -> str:
    """Return where the browser takes orders, as it says on its error output when it is up."""
    async with asyncio.timeout(ANSWER_WITHIN_S):
        async for line in process.stderr:
            if found := re.search(rb"DevTools listening on (ws://\S+)", line):
                return found[1].decode()
    raise AssertionError("the browser ended before it was up")
