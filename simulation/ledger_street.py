"""A street of real ledger nodes on this machine: founded, joined, voted in, and shown in a live table.

Every node is a process of its own with its own data directory; they link over the loopback as neighbours
would over the internet. `Street` is also what the tests drive: it kills nodes, starts them and looks at
them.
"""

import argparse
import asyncio
import contextlib
import json
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from energy_ledger import crypto
from energy_ledger.genesis import GENESIS_TAG
from energy_ledger.invites import INVITE_TAG, InviteText, write_invite_text
from energy_ledger.keys import PublicKey, account_of, address_of
from energy_ledger.transactions import sign_payload
from simulation.processes import Child
from simulation.stage import free_ports

START_S = 30
HOUR_MS = 3_600_000


class StreetError(RuntimeError):
    """The street did not get where it should; the message says which node and why."""


def now_ms() -> int:
    """Return the present in ledger units."""
    return time.time_ns() // 1_000_000


@dataclass
class House:
    """One node: its data directory, ports, options, and its process while it runs."""

    number: int
    data: Path
    port: int
    peer_port: int
    session: aiohttp.ClientSession
    options: list[str] = field(default_factory=list)
    _child: Child | None = None

    @property
    def is_running(self) -> bool:
        """Whether the process runs."""
        return self._child is not None

    @property
    def pid(self) -> int:
        """The process while it runs."""
        if self._child is None:
            raise StreetError(f"node {self.number} does not run")
        return self._child.process.pid

    @property
    def log(self) -> Path:
        """Where the process writes what it has to say."""
        return self.data.with_suffix(".log")

    async def start(self, *options: str) -> None:
        """Start the node and wait until it answers; options stay for later starts."""
        self.options = list(options) or self.options
        where = ["--port", str(self.port), "--peer-port", str(self.peer_port)]
        command = [sys.executable, "-m", "energy_ledger.cli", "node", "--data", str(self.data), *where]
        self.data.parent.mkdir(parents=True, exist_ok=True)
        child = Child(f"node {self.number}", [*command, *self.options], self.log, self.data.parent, {})
        self._child = await child.__aenter__()
        for _ in range(START_S * 20):
            with contextlib.suppress(aiohttp.ClientError, OSError):
                await self.ask("/health")
                return
            child.check()
            await asyncio.sleep(0.05)
        raise StreetError(f"node {self.number} does not answer, see {self.log}")

    async def kill(self) -> None:
        """End the node as a failing power supply would."""
        if self._child is not None:
            child, self._child = self._child, None
            child.process.send_signal(signal.SIGKILL)
            await child.process.wait()

    async def stop(self) -> None:
        """Ask the node to stop."""
        if self._child is not None:
            child, self._child = self._child, None
            await child.__aexit__(None, None, None)

    @property
    def token(self) -> str:
        """The operator's token."""
        return (self.data / "setup.token").read_text().strip()

    @property
    def peer(self) -> str:
        """Where the node accepts links."""
        return (self.data / "peer").read_text().strip()

    async def ask(self, path: str, body: Any = None) -> Any:
        """Return the JSON a path answers with.

        Raises:
            StreetError: the node refuses.

        """
        headers = {} if path == "/health" else {"Authorization": f"Bearer {self.token}"}
        method, url = ("GET" if body is None else "POST"), f"http://127.0.0.1:{self.port}{path}"
        async with self.session.request(method, url, json=body, headers=headers) as response:
            answer = await response.json(content_type=None)
            if response.status >= 400 and path != "/health":
                raise StreetError(f"node {self.number}: {answer.get('detail', answer)}")
            return answer

    async def figures(self) -> dict[str, float]:
        """Return the node's own figures."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.session.get(f"http://127.0.0.1:{self.port}/metrics", headers=headers) as response:
            lines = (await response.text()).splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    async def key(self) -> str:
        """Return the node's key."""
        return str((await self.ask("/v1/setup"))["node_key"])

    async def command(self, *words: str) -> tuple[int, str]:
        """Run `energy-ledger` with these words on the node's data; return exit status and output."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "energy_ledger.cli", words[0], "--data", str(self.data), *words[1:],
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()


class Founder:
    """Who founds the network, invites the houses and hands out money."""

    def __init__(self) -> None:
        self.seed = secrets.token_bytes(32)
        self.key = PublicKey("ed25519", crypto.public_key(self.seed).hex())
        self.address = address_of(account_of([self.key]), test=True)
        self.network = ""
        self.sequence = 0

    def genesis(self, node_key: str) -> dict[str, Any]:
        """Return a signed genesis whose committee is one node."""
        fields = {
            "kind": "genesis", "name": "Test Street", "created": now_ms(), "test": True, "currency": "EUR",
            "founder": {"name": "Ada", "keys": [{"type": self.key.type, "public": self.key.public}]},
            "committee": [node_key], "slot_s": 60, "horizon_slots": 60, "round_s": 30, "proposal_window_s": 5,
            "gate_s": 5, "grace_slots": 1,
            "tariff": {"price_floor": 80_000, "price_cap": 300_000, "grid_fee": 5_000},
            "feeders": [], "approval": "invite", "readings": "traded",
        }  # fmt: skip
        body = json.dumps(fields)
        self.network = crypto.digest(GENESIS_TAG, body.encode()).hex()
        return {"payload": body, "signatures": [crypto.sign(self.seed, GENESIS_TAG, body.encode()).hex()]}

    def invite(self, peers: Sequence[str]) -> str:
        """Return an invite that names where nodes accept links."""
        seed = secrets.token_bytes(32)
        fields = {
            "network": self.network, "name": "Test Street", "inviter": self.address,
            "key": crypto.public_key(seed).hex(), "expires": now_ms() + HOUR_MS, "nodes": [],
            "peers": list(peers),
        }  # fmt: skip
        payload = json.dumps(fields)
        signature = crypto.sign(self.seed, INVITE_TAG, payload.encode()).hex()
        return write_invite_text(InviteText(payload, signature, seed.hex()))

    def issues(self, amount: int) -> dict[str, Any]:
        """Return a transaction by which the founder gets money from herself."""
        self.sequence += 1
        payload = {
            "network": self.network, "account": self.address, "sequence": self.sequence,
            "expires": now_ms() + HOUR_MS, "kind": "voucher.issue", "to": self.address, "amount": amount,
            "reference": "a test",
        }  # fmt: skip
        envelope = sign_payload(payload, self.seed)
        return {"payload": envelope.payload, "signatures": list(envelope.signatures)}


class Street:
    """Some houses in one network, as an asynchronous context manager."""

    def __init__(self, folder: Path, size: int) -> None:
        self.founder = Founder()
        self.folder = folder
        self.size = size
        self.houses: list[House] = []

    async def __aenter__(self) -> Self:
        """Find ports; nothing runs yet."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        ports = free_ports(2 * self.size)
        self.houses = [
            House(number, self.folder / f"node-{number}", port, peer_port, self._session)
            for number, (port, peer_port) in enumerate(batched(ports, 2, strict=True), 1)
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop every node."""
        await asyncio.gather(*(house.stop() for house in self.houses))
        await self._session.close()

    async def open(self, *options: str) -> None:
        """Found the network on the first house, let the others join, and vote all of them in."""
        first, *others = self.houses
        await asyncio.gather(*(house.start("--no-matcher", *options) for house in self.houses))
        genesis = self.founder.genesis(await first.key())
        await first.ask("/v1/setup", {"found": genesis})
        for house in others:
            await house.ask("/v1/setup", {"join": self.founder.invite([first.peer])})
        keys = [await house.key() for house in self.houses]
        await self.until(lambda seen: all(one and one["commit"] is not None for one in seen))
        await self.vote([first], keys)
        await self.until(lambda seen: all(one and one["epoch"] == 1 and one["in_sync"] for one in seen))

    async def vote(self, voters: Sequence[House], keys: Sequence[str]) -> None:
        """Let validators vote for a committee.

        Raises:
            StreetError: a vote is refused.

        """
        for house in voters:
            status, output = await house.command("vote", *keys)
            if status:
                raise StreetError(f"node {house.number}: {output}")

    async def submit(self, house: House, amount: int) -> dict[str, Any]:
        """Submit a transaction at a house; return what it said."""
        answer: dict[str, Any] = await house.ask("/v1/transactions", self.founder.issues(amount))
        return answer

    async def look(self) -> list[dict[str, Any] | None]:
        """Return how each house sees the network, None where it does not run."""
        return list(await asyncio.gather(*map(_look, self.houses)))

    async def until(self, condition: Any, seconds: float = 60) -> list[dict[str, Any] | None]:
        """Look until the condition holds of what is seen.

        Raises:
            StreetError: it takes too long.

        """
        deadline = time.monotonic() + seconds
        while True:
            seen = await self.look()
            if condition(seen):
                return seen
            if time.monotonic() > deadline:
                raise StreetError("the street does not get there:\n" + table(seen))
            await asyncio.sleep(0.2)


async def _look(house: House) -> dict[str, Any] | None:
    if not house.is_running:
        return None
    try:
        answer: dict[str, Any] = await house.ask("/v1/network")
    except (aiohttp.ClientError, TimeoutError, StreetError) as error:
        return {"commit": None, "epoch": None, "in_sync": False, "problem": str(error), "may_fail": None,
                "state_root": "", "committee": [], "members": None}  # fmt: skip
    return answer


def table(seen: Sequence[dict[str, Any] | None]) -> str:
    """Draw what the houses say."""
    lines = [f"{'node':>4} {'epoch':>5} {'commit':>7} {'root':12} {'validators':>10} {'may fail':>8}  state"]
    for number, one in enumerate(seen, 1):
        if one is None:
            lines.append(f"{number:>4} {'-':>5} {'-':>7} {'-':12} {'-':>10} {'-':>8}  off")
            continue
        state = one["problem"] or "in sync"
        lines.append(
            f"{number:>4} {one['epoch']!s:>5} {one['commit']!s:>7} {one['state_root'][:12]:12} "
            f"{len(one['committee']):>10} {one['may_fail']!s:>8}  {state}"
        )
    return "\n".join(lines)


async def run(size: int, seconds: float | None, *, as_json: bool) -> None:
    """Open a street and show it until it is stopped or the time is over."""
    with tempfile.TemporaryDirectory(prefix="ledger-street-") as folder:
        async with Street(Path(folder), size) as street:
            await street.open()
            ends = None if seconds is None else time.monotonic() + seconds
            amount = 0
            while ends is None or time.monotonic() < ends:
                amount += 1
                await street.submit(street.houses[amount % size], amount)
                if not as_json:
                    print("\x1b[2J\x1b[H" + table(await street.look()), flush=True)
                await asyncio.sleep(1)
            seen = await street.until(_agree)
            if as_json:
                print(json.dumps({"nodes": seen, "transactions": amount}))


def _agree(seen: Sequence[dict[str, Any] | None]) -> bool:
    """Tell whether all houses that run have come to the same state."""
    return len({(one["commit"], one["state_root"]) for one in seen if one}) == 1


def main() -> None:
    """Run a street from the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/street", description="A street of real nodes on this machine."
    )
    parser.add_argument("size", type=int, metavar="N", help="how many nodes, all validators")
    parser.add_argument("--seconds", type=float, help="end after so many seconds (default: with Ctrl-C)")
    parser.add_argument(
        "--json", action="store_true", help="show nothing until the end, then one JSON object"
    )
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(arguments.size, arguments.seconds, as_json=arguments.json))


if __name__ == "__main__":
    main()
