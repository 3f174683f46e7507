"""Kills a node at random moments under load, and looks whether anything that it acknowledged is missing."""

import asyncio
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientError

from tests.support.client import Client, Street, client_of
from tests.support.node import NodeProcess, command
from tests.support.people import EUR, Person, now_ms

PEOPLE = ("Bo", "Cy", "Di", "Em")
LONGEST_S = 0.6
"""Load runs for at most this long between two kills."""
SLOTS = {"slot_s": 2, "round_s": 2, "proposal_window_s": 1, "gate_s": 1}
"""Short, so that rounds, deliveries and settlements are under way when the node dies."""

SHOWN = 20
"""Transactions that are also asked for over the API after each kill."""

type Say = Callable[[str], None]


@dataclass
class Torment:
    """A street under load on a node that keeps dying."""

    node: NodeProcess
    chance: random.Random
    acknowledged: dict[str, int] = field(default_factory=dict)
    """Transactions that the node answered for, with the commit it named."""
    people: list[Person] = field(default_factory=list)
    assets: dict[str, str] = field(default_factory=dict)
    token: str = ""

    async def begin(self) -> None:
        """Found the street, and give everybody money and a house that can buy and sell."""
        async with client_of(self.node) as client:
            street = await Street.found(self.node, client, **SLOTS)
            self.token = str(street.client.token)
            for name in PEOPLE:
                person = await street.joins(name, 1_000 * EUR)
                house = {"asset_type": "home", "name": name, "behind": None, "feeder": "", "source": "solar"}
                ratings = {"rated_import_w": 50_000, "rated_export_w": 50_000}
                self.assets[name] = await street.client.must(
                    person.sign("asset.register", **house, **ratings)
                )
                self.people.append(person)

    async def load_and_kill(self) -> None:
        """Send as fast as the node answers, and kill it at some moment."""
        async with client_of(self.node, self.token) as client:
            for person in self.people:
                person.sequence = (await client.get(f"/v1/accounts/{person.address}"))["sequence"]
            senders = [asyncio.create_task(self._send(client, person)) for person in self.people]
            await asyncio.sleep(self.chance.random() * LONGEST_S)
            self.node.kill()
            await asyncio.gather(*senders)

    async def _send(self, client: Client, person: Person) -> None:
        try:
            while True:
                batch = [self._something(person) for _ in range(self.chance.randint(1, 20))]
                for answer in await client.submit(batch):
                    assert answer["accepted"], answer
                    self.acknowledged[answer["id"]] = answer["commit"]
        except ClientError, OSError:
            return

    def _something(self, person: Person) -> dict[str, Any]:
        """Return a transaction that is good whatever happened before."""
        other = self.chance.choice([one for one in self.people if one is not person])
        if self.chance.random() < 0.7:
            return person.sign("transfer", to=other.address, amount=1)
        slot = now_ms() // (SLOTS["slot_s"] * 1_000) + self.chance.randint(4, 8)
        kind, price = ("offer", 90_000) if self.chance.random() < 0.5 else ("fixed", 200_000)
        order = {"type": kind, "price": price, "slots": {str(slot): self.chance.randint(1, 5)}}
        return person.sign("order.place", asset=self.assets[person.name], order=order)

    async def check(self) -> None:
        """Demand that all that was acknowledged is there, in the commit that was named, and no money lost."""
        with closing(sqlite3.connect(self.node.data / "ledger.db")) as database:
            stored = dict(database.execute("SELECT lower(hex(id)), commit_n FROM transactions").fetchall())
        lost = {one for one, commit in self.acknowledged.items() if stored.get(one) != commit}
        assert not lost, f"the node lost {len(lost)} acknowledged transactions, such as {min(lost)}"
        async with client_of(self.node, self.token) as client:
            for identity in list(self.acknowledged)[-SHOWN:]:
                found = await client.get(f"/v1/transactions/{identity}")
                assert found["commit"] == self.acknowledged[identity], found
                assert found["state"] in ("applied", "refused"), found
            money = (await client.get("/v1/network"))["money"]
            assert money["issued"] == money["balances"] + money["community"] == len(PEOPLE) * 1_000 * EUR


def house(name: str) -> dict[str, Any]:
    """Return what registers a house that buys and sells."""
    ratings = {"rated_import_w": 50_000, "rated_export_w": 50_000}
    return {"asset_type": "home", "name": name, "behind": None, "feeder": "", "source": "solar", **ratings}


async def torment(data: Path, kills: int, seed: int, say: Say = lambda _: None) -> Torment:
    """Kill a node so many times; raises AssertionError when it ever lost something or cannot be verified."""
    with NodeProcess(data) as node:
        trial = Torment(node, random.Random(seed))
        await trial.begin()
        for number in range(1, kills + 1):
            await trial.load_and_kill()
            node.start()
            await trial.check()
            say(
                f"kill {number} of {kills}: {len(trial.acknowledged)} acknowledged transactions are all there"
            )
        node.stop()
    verdict = command("verify", "--data", str(data), "--json")
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    say(verdict.stdout.strip())
    return trial


if __name__ == "__main__":
    import sys
    import tempfile
    import time

    with tempfile.TemporaryDirectory(prefix="energy-ledger-kill-") as folder:
        asyncio.run(torment(Path(folder) / "node", int(sys.argv[1]), seed=time.time_ns(), say=print))
