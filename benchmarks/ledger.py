"""How fast one node commits, against what this machine can verify at all; and in how many message delays.

    python -m benchmarks.ledger [--transactions 20000]

Everything is measured in one run on one machine. The node is a process of its own, asked through its HTTP
interface; the load generator runs on the same cores and takes its share of them, though all transactions are
signed and encoded before the clock starts.
"""

import argparse
import asyncio
import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nacl.signing import SigningKey

from benchmarks.network import report_latency
from tests.support.client import Client, Street, client_of
from tests.support.node import NodeProcess
from tests.support.people import Person

BATCH = 1_000
SENDERS = 40
CONNECTIONS = 3
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


def batches_of(senders: list[Person], to: str, count: int) -> list[bytes]:
    """Sign transfers and encode them as request bodies of `BATCH` each, every sender's in their order."""
    each = BATCH // len(senders)
    rounds = count // BATCH
    return [
        json.dumps(
            [sender.sign("transfer", to=to, amount=1) for sender in senders for _ in range(each)]
        ).encode()
        for _ in range(rounds)
    ]


async def send(client: Client, bodies: list[bytes]) -> int:
    """Send one batch after the other; return how many transactions were applied."""
    applied = 0
    for body in bodies:
        answers = await client.submit(body)
        applied += sum(answer.get("state") == "applied" for answer in answers)
    return applied


async def transactions_per_s(node: NodeProcess, count: int) -> tuple[float, dict[str, float]]:
    """Return how many transfers one real node commits in a second, and where its time went."""
    async with client_of(node) as client:
        street = await Street.found(node, client, quota=GENEROUS)
        groups = [
            [await street.joins(f"{group}.{number}", money=10**12) for number in range(SENDERS)]
            for group in range(CONNECTIONS)
        ]
        bodies = [batches_of(group, street.founder.address, count // CONNECTIONS) for group in groups]
        before = await figures(street.client)
        started = time.perf_counter()
        applied = sum(await asyncio.gather(*(send(street.client, some) for some in bodies)))
        elapsed = time.perf_counter() - started
        after = await figures(street.client)
    if applied != sum(map(len, bodies)) * BATCH:
        raise AssertionError(f"only {applied} transactions were applied")
    spent = {name: (after[name] - before[name]) / elapsed for name in after if name.endswith("seconds_total")}
    return applied / elapsed, spent


async def figures(client: Client) -> dict[str, float]:
    """Return the node's own figures."""
    async with client.session.get(client.url + "/metrics", headers=client.headers) as response:
        lines = (await response.text()).splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def main() -> None:
    """Measure, and print a line for each result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=21_000)
    chosen = parser.parse_args()
    one, two = verifications_per_s(1), verifications_per_s(2)
    print(f"PyNaCl verifies {one:,.0f} signatures a second with 1 thread, {two:,.0f} with 2")
    with tempfile.TemporaryDirectory() as folder, NodeProcess(Path(folder, "node"), "--no-matcher") as node:
        rate, spent = asyncio.run(transactions_per_s(node, chosen.transactions))
    print(f"one node commits {rate:,.0f} transfers a second: {rate / two:.0%} of what both cores verify")
    for name, share in spent.items():
        print(f"  {name}: {share:.0%} of the time")
    report_latency()


if __name__ == "__main__":
    main()
