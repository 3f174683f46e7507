"""What a round of the auction adds to a real node: its own CPU time, and how long its event loop was held up.

The node is a process of its own, asked through its HTTP interface; homes, money, assets and orders come in as
signed transactions. What is counted runs from the round's close until a client that hears everything has the
last event, less what the same node uses in as long a time without a round. The solver is another process and
not counted.
"""

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from energy_ledger.market.book import BlockBid, Book, FixedBid, Offer, Order
from tests.support.client import Client, Street, client_of
from tests.support.node import NodeProcess
from tests.support.people import Person, invite_to, now_ms

SLOT_S, ROUND_S, GATE_S = 10, 20, 20
LISTENERS = 10
"""Clients that hear the events of one home each, beside the one that hears all."""
RICH = 10**13
RATED_W = 10**6
RULES: dict[str, Any] = {
    "slot_s": SLOT_S,
    "horizon_slots": 144,
    "round_s": ROUND_S,
    "proposal_window_s": 19,
    "gate_s": GATE_S,
    "quota": {"work_per_s": 10**9, "burst": 10**12},
}


@dataclass
class Cost:
    """What a round added to a node: seconds of CPU and of delay, how much there was of it, and its parts."""

    trades: int
    events: int
    cpu_s: dict[str, float]
    """By thread: `ledger` applies, `disk` writes, `checker` reads what comes in, `python` is the loop."""
    idle_cpu_s: float
    lag_s: float
    apply_s: float
    store_s: float
    explain_s: float
    explain_lag_s: float

    @property
    def added_ms(self) -> float:
        """CPU time of all threads, in ms, less what an idle node uses."""
        return 1000 * (sum(self.cpu_s.values()) - self.idle_cpu_s)


def measure(book: Book) -> Cost:
    """Clear a book in a node of its own."""
    with tempfile.TemporaryDirectory() as folder, NodeProcess(Path(folder, "node")) as node:
        return asyncio.run(_measure(node, book))


def cpu_seconds(process: int) -> Counter[str]:
    """Return the CPU time of a process's threads, by their names without the number."""
    spent: Counter[str] = Counter()
    for thread in Path(f"/proc/{process}/task").iterdir():
        name = (thread / "comm").read_text().strip().partition("_")[0]
        spent[name] += int((thread / "schedstat").read_text().split()[0]) / 1e9
    return spent


async def _measure(node: NodeProcess, book: Book) -> Cost:
    feeders = [
        {"id": one.id, "up_limit_wh": one.up_limit_wh[0], "down_limit_wh": one.down_limit_wh[0]}
        for one in book.feeders
    ]
    async with client_of(node) as client:
        street = await Street.found(node, client, **RULES, feeders=feeders)
        homes = await _settle(street, book)
        await _pause_until_after_close()
        first = (now_ms() // 1000 // ROUND_S + 1) * ROUND_S + GATE_S
        await _submit(street.client, _orders(book, homes, first // SLOT_S))
        listening = [_listen(street.client, node, account=home.address) for home, _ in _some(homes)]
        streams = [asyncio.create_task(one) for one in (_listen(street.client, node), *listening)]
        close_s = (now_ms() // 1000 // ROUND_S + 1) * ROUND_S
        idle = await _idle(node, close_s)
        before, started = cpu_seconds(node.pid), time.monotonic()
        figures = await _figures(street.client)
        cleared = await streams[0]
        await asyncio.wait(streams, timeout=2)
        took = time.monotonic() - started
        after = await _figures(street.client)
        spent = dict(cpu_seconds(node.pid) - before)
        explain_s, explain_lag_s = await _explain(street.client, cleared["data"]["round"])
        for one in streams:
            one.cancel()
    return Cost(
        trades=cleared["trades"],
        events=int(after["events_total"] - figures["events_total"]),
        cpu_s=spent,
        idle_cpu_s=idle * took,
        lag_s=after["loop_lag_seconds_max"],
        apply_s=after["apply_seconds_total"] - figures["apply_seconds_total"],
        store_s=after["store_seconds_total"] - figures["store_seconds_total"],
        explain_s=explain_s,
        explain_lag_s=explain_lag_s,
    )


def _some(homes: dict[str, tuple[Person, str]]) -> list[tuple[Person, str]]:
    return list(homes.values())[:LISTENERS]


async def _settle(street: Street, book: Book) -> dict[str, tuple[Person, str]]:
    """Let every home of the book join, with money and a connection point; return them by their numbers."""
    feeder_of = {_home(order): order.feeder for order in book.orders}
    people = {home: Person(f"home {home}") for home in feeder_of}
    await _submit(street.client, [one.joins(invite_to(street.founder, one.name)) for one in people.values()])
    issues = (
        street.founder.sign("voucher.issue", to=one.address, amount=RICH, reference="a benchmark")
        for one in people.values()
    )
    await _submit(street.client, issues)
    ids = await _submit(
        street.client,
        [
            one.sign(
                "asset.register",
                asset_type="home",
                name=one.name,
                rated_import_w=RATED_W,
                rated_export_w=RATED_W,
                behind=None,
                feeder=feeder_of[home],
                source="solar",
            )
            for home, one in people.items()
        ],
    )
    return {home: (one, asset) for (home, one), asset in zip(people.items(), ids, strict=True)}


def _home(order: Order) -> str:
    return order.id.rpartition(" ")[2]


def _orders(book: Book, homes: dict[str, tuple[Person, str]], first: int) -> Iterable[dict[str, Any]]:
    for order in book.orders:
        person, asset = homes[_home(order)]
        yield person.sign("order.place", asset=asset, order=_terms(order, first))


def _terms(order: Order, first: int) -> dict[str, Any]:
    """Write an order of a book as a payload carries it."""
    if isinstance(order, Offer | FixedBid):
        kind = "offer" if isinstance(order, Offer) else "fixed"
        slots = {str(first + slot): wh for slot, wh in order.slots.items()}
        return {"type": kind, "price": order.price, "slots": slots}
    window = {"price": order.price, "earliest": first + order.earliest, "deadline": first + order.deadline}
    if isinstance(order, BlockBid):
        return {"type": "block", **window, "profile_wh": list(order.profile_wh)}
    amounts = {"energy_wh": order.energy_wh, "max_wh_per_slot": order.max_wh_per_slot}
    return {"type": "flexible", **window, **amounts, "min_fill": order.min_fill}


async def _submit(client: Client, envelopes: Iterable[dict[str, Any]]) -> list[str]:
    answers = await client.submit(list(envelopes))
    wrong = [answer for answer in answers if answer.get("state") != "applied"]
    if wrong:
        raise AssertionError(f"{len(wrong)} were not applied, the first: {wrong[0]}")
    return [answer["id"] for answer in answers]


async def _pause_until_after_close() -> None:
    """Wait until a round has just closed, so that all orders come before the next does."""
    await asyncio.sleep(ROUND_S + 0.5 - time.time() % ROUND_S)


async def _idle(node: NodeProcess, close_s: int) -> float:
    """Wait until just before the close; return the share of a core that the node uses meanwhile."""
    await asyncio.sleep(2)
    before, started = cpu_seconds(node.pid), time.time()
    await asyncio.sleep(max(1.0, close_s - 0.5 - started))
    return (cpu_seconds(node.pid) - before).total() / (time.time() - started)


async def _listen(client: Client, node: NodeProcess, **wanted: str) -> dict[str, Any]:
    """Hear events until all trades of a cleared round have been told; return the round's event."""
    cleared: dict[str, Any] = {}
    trades = 0
    path = f"{node.url}/v1/events"
    async with client.session.ws_connect(path, headers=client.headers, params=wanted) as stream:
        async for message in stream:
            text = message.data
            if '"type":"round.cleared"' in text:
                cleared = json.loads(text)
            elif '"type":"trades.matched"' in text:
                told = json.loads(text)["data"]
                trades += sum(len(one["trades"]) for one in told["partners"] if told["sells"])
            elif trades:  # what follows a round's trades are the orders that they filled
                break
    return cleared | {"trades": trades}


async def _explain(client: Client, number: int) -> tuple[float, float]:
    """Return how long a node takes to explain a round, and how long that held its event loop up."""
    await _figures(client)
    started = time.perf_counter()
    await client.get(f"/v1/rounds/{number}")
    took = time.perf_counter() - started
    return took, (await _figures(client))["loop_lag_seconds_max"]


async def _figures(client: Client) -> dict[str, float]:
    async with client.session.get(client.url + "/metrics", headers=client.headers) as response:
        lines = (await response.text()).splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name.removeprefix("energy_ledger_"): float(value) for name, value in pairs}
