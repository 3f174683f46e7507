"""How fast one node commits, against what this machine can verify at all; and in how many message delays.

    python -m benchmarks.ledger [--transactions 96000] [--quick]

Everything is measured in one run on one machine. The node is a process of its own, asked through its HTTP
interface; the load generator runs on the same cores and takes its share of them, though all transactions are
signed and encoded before the clock starts.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched, chain
from pathlib import Path
from typing import Any, Self

from nacl.signing import SigningKey

from benchmarks.network import report_latency
from simulation.ledger_street import Street as NodeStreet
from tests.support.client import Client, Street, client_of
from tests.support.node import NodeProcess
from tests.support.people import Person, invite_to

BATCH = 1_000
SENDERS = 20
CONNECTIONS = 8
"""So many that the node always has something to check while it applies and writes."""
GENEROUS = {"work_per_s": 10**9, "burst": 10**12}


def verifications_per_s(threads: int, seconds: float = 2.0) -> float:
    """Return how many Ed25519 signatures PyNaCl verifies in a second with so many threads."""
    key = SigningKey(bytes(32))
    message = bytes(400)
    signature = key.sign(message).signature
    ends = time.perf_counter() + seconds

    def verify() -> int:
        count, verifier = 0, key.verify_key
        while time.perf_counter() < ends:
            for _ in range(50):
                verifier.verify(message, signature)
            count += 50
        return count

    with ThreadPoolExecutor(threads) as pool:
        return sum(future.result() for future in [pool.submit(verify) for _ in range(threads)]) / seconds


@dataclass
class Rate:
    """Transactions a second, and signatures that both cores verified a second before and after."""

    per_s: float
    ceiling: float

    @classmethod
    def of(cls, per_s: float, before: float) -> Self:
        """Measure the ceiling once more."""
        return cls(per_s, (before + verifications_per_s(2)) / 2)

    def __str__(self) -> str:
        """Say the rate and its share of the ceiling."""
        return f"{self.per_s:,.0f} transfers a second, {self.per_s / self.ceiling:.0%}"


def openings(founder: Person, senders: Sequence[Person]) -> Iterator[list[dict[str, Any]]]:
    """Let all senders join, and then give them money."""
    yield [one.joins(invite_to(founder, one.name)) for one in senders]
    yield [
        founder.sign("voucher.issue", to=one.address, amount=10**12, reference="a benchmark")
        for one in senders
    ]


def batches_of(senders: Sequence[Person], to: str, count: int) -> list[bytes]:
    """Sign transfers and encode them as request bodies of `BATCH` each, every sender's in their order."""
    each = BATCH // len(senders)
    rounds = count // BATCH
    return [
        json.dumps(
            [sender.sign("transfer", to=to, amount=1) for sender in senders for _ in range(each)],
            separators=(",", ":"),
        ).encode()
        for _ in range(rounds)
    ]


async def send(client: Client, bodies: list[bytes]) -> list[float]:
    """Send one batch after the other; return when each was answered, all of it applied.

    The answers are counted and not decoded, which would only take time from the node on the same cores.
    """
    answered, url = [], client.url + "/v1/transactions"
    for body in bodies:
        async with client.session.post(url, data=body, headers=client.headers) as response:
            applied = (await response.read()).count(b'"state":"applied"')
        if applied != BATCH:
            raise AssertionError(f"only {applied} of {BATCH} transactions were applied")
        answered.append(time.perf_counter())
    return answered


def lasting(answered: list[float]) -> float:
    """Return how many transactions a second were committed while every connection had some on their way.

    So the first batch of each does not count, nor does the last.
    """
    answered = sorted(answered)[CONNECTIONS - 1 : -CONNECTIONS]
    return (len(answered) - 1) * BATCH / (answered[-1] - answered[0])


async def transactions_per_s(
    node: NodeProcess, newcomer: NodeProcess, count: int
) -> tuple[Rate, dict[str, float], Rate]:
    """Return how many transfers a second one real node commits, where its time went, and how many a new one.

    The new node joins as an observer, takes the whole history over the link and applies it.
    """
    async with client_of(node) as client:
        street = await Street.found(node, client, quota=GENEROUS)
        senders = [Person(f"sender {number}") for number in range(SENDERS * CONNECTIONS)]
        for envelopes in openings(street.founder, senders):
            await street.client.submit(envelopes)
        groups = batched(senders, SENDERS, strict=True)
        bodies = [batches_of(group, street.founder.address, count // CONNECTIONS) for group in groups]
        before, ceiling = await figures(street.client), verifications_per_s(2)
        started = time.perf_counter()
        answered = list(
            chain.from_iterable(await asyncio.gather(*(send(street.client, one) for one in bodies)))
        )
        elapsed = time.perf_counter() - started
        after = await figures(street.client)
        rate = Rate.of(lasting(answered), ceiling)
        ceiling = verifications_per_s(2)
        synced = Rate.of(await synced_per_s(street, node, newcomer, len(answered) * BATCH), ceiling)
    spent = {name: (after[name] - before[name]) / elapsed for name in after if name.endswith("seconds_total")}
    return rate, spent, synced


async def synced_per_s(street: Street, node: NodeProcess, newcomer: NodeProcess, count: int) -> float:
    """Let a new node join; return how many transactions a second it takes in until it is level."""
    commits = (await figures(street.client))["energy_ledger_commits_total"]
    invite = invite_to(street.founder, "newcomer", peers=[(node.data / "peer").read_text().strip()])
    started = time.perf_counter()
    async with client_of(newcomer) as client:
        status, answer = await client.call("POST", "/v1/setup", {"join": invite["text"]})
        if status != 200:
            raise AssertionError(f"the newcomer cannot join: {answer}")
        while (await figures(client)).get("energy_ledger_commits_total", 0) < commits:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return count / (time.perf_counter() - started)


async def street_per_s(folder: Path, size: int, count: int) -> Rate:
    """Return how many transfers a second a street of real validators orders, submitted at all of them.

    Counted until every node has applied all of them.
    """
    async with NodeStreet(folder, size) as street:
        await street.open()
        founder = Person("Ada", street.founder.network, street.founder.seed)
        founder.sequence = street.founder.sequence
        first = street.houses[0]
        senders = [Person(f"sender {number}") for number in range(SENDERS * size)]
        for envelopes in openings(founder, senders):
            await first.ask("/v1/transactions", envelopes)
        groups = batched(senders, SENDERS, strict=True)
        bodies = [batches_of(group, founder.address, count // size) for group in groups]
        clients = [
            Client(street.houses[0].session, f"http://127.0.0.1:{house.port}", house.token)
            for house in street.houses
        ]
        before, ceiling = [await ordered_at(client) for client in clients], verifications_per_s(2)
        started = time.perf_counter()
        await asyncio.gather(*(send(client, some) for client, some in zip(clients, bodies, strict=True)))
        wanted = sum(map(len, bodies)) * BATCH
        for client, some in zip(clients, before, strict=True):
            while await ordered_at(client) < some + wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        return Rate.of(wanted / (time.perf_counter() - started), ceiling)


async def ordered_at(client: Client) -> float:
    """Return how many transactions a node has seen ordered."""
    return (await figures(client))["energy_ledger_transactions_total"]


async def figures(client: Client) -> dict[str, float]:
    """Return the node's own figures."""
    async with client.session.get(client.url + "/metrics", headers=client.headers) as response:
        lines = (await response.text()).splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def main() -> None:
    """Measure, and print a line for each result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=96_000)
    parser.add_argument("--quick", action="store_true", help="real nodes only, and few transactions")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.transactions = 3 * CONNECTIONS * BATCH
    one, two = verifications_per_s(1), verifications_per_s(2)
    print(f"PyNaCl verifies {one:,.0f} signatures a second with 1 thread, {two:,.0f} with 2")
    print("each ratio is to what 2 threads verified right before and after, as other work comes and goes")
    with (
        tempfile.TemporaryDirectory() as folder,
        NodeProcess(Path(folder, "node"), "--no-matcher") as node,
        NodeProcess(Path(folder, "newcomer"), "--no-matcher", "--full-history") as newcomer,
    ):
        committed, spent, synced = asyncio.run(transactions_per_s(node, newcomer, chosen.transactions))
    print(f"one node commits {committed} of what both cores verify")
    for name, share in spent.items():
        print(f"  {name}: {share:.0%} of the time")
    print(f"a new node syncs {synced}")
    with tempfile.TemporaryDirectory() as folder:
        four = asyncio.run(street_per_s(Path(folder), 4, max(4_000, chosen.transactions // 4)))
    print(f"four nodes order {four}, each of them applying all")
    if not chosen.quick:
        report_latency()


if __name__ == "__main__":
    main()
