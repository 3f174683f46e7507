"""What the integration costs a home's Home Assistant: set-up, how long it holds the loop, what it keeps.

A real core with a member and its assets, and a ledger node in a thread of its own. Every callback and task
step of the core's loop is timed while trades, meters and automatic trading keep the home busy. Then a month
of slots goes through all that remembers, and what lies on disk after two weeks and after four is compared.

    python -m benchmarks.integration [--assets 20] [--limit-ms 10] [--json]

With `--json` it only tells the figures, and what a piece of plain Python takes here: a test holds them
against that, since machines differ.
"""

import argparse
import asyncio
import gc
import json
import shutil
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from homeassistant import loader
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_test_home_assistant

from custom_components.energy_marketplace.agent_learned import Learned
from custom_components.energy_marketplace.assets import async_set
from custom_components.energy_marketplace.book import Book
from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.hourly import Hours
from custom_components.energy_marketplace.ledger.answers import Event
from custom_components.energy_marketplace.ledger.wallet import Wallet
from tests.integration.home.stand_in import FOUNDER_PHRASE, NODE_KEY, TOKEN, StandIn, serving, trade

SLOT_S = 900
KINDS = ("appliance", "charger", "boiler", "solar", "battery")


@dataclass
class LoopTimer:
    """How long the steps of the core's loop took (s), and which was the longest."""

    running: bool = True
    longest: float = 0.0
    what: str = ""
    steps: list[float] = field(default_factory=list)

    def watch(self) -> None:
        """Time every step of the loop from now on."""
        run, timer = asyncio.Handle._run, self  # noqa: SLF001
        loop_thread = threading.current_thread()

        def timed(handle: asyncio.Handle) -> None:
            what = getattr(handle, "_callback", None), getattr(handle, "_args", ())
            begun = time.thread_time()  # others on this machine do not count
            run(handle)
            took = time.thread_time() - begun
            if timer.running and threading.current_thread() is loop_thread:
                timer.note(took, what)

        asyncio.Handle._run = timed  # type: ignore[method-assign]  # noqa: SLF001

    def note(self, took: float, what: tuple[object, tuple[object, ...]]) -> None:
        """Count a step; say what it was if it was the longest so far."""
        self.steps.append(took)
        if took > self.longest:
            callback, given = what
            self.longest, self.what = took, f"{getattr(callback, '__self__', callback)!r} {given!r}"[:300]


def node_in_a_thread() -> tuple[StandIn, str]:
    """Serve a node that takes everything for good, on a loop of its own."""
    node, ready = StandIn(), threading.Event()
    address: list[str] = []

    async def serve() -> None:
        async with serving(node) as url:
            address.append(url)
            ready.set()
            await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    ready.wait()
    return node, address[0]


def subentry(number: int, kind: str, point: str | None) -> ConfigSubentryData:
    """Return an asset that is metered by entities."""
    data: dict[str, Any] = {
        "asset_type": kind,
        "rated_import_w": 0 if kind == "solar" else 3_600,
        "rated_export_w": 3_600 if kind in ("home", "solar", "battery") else 0,
        "behind": point,
        "feeder": "",
        "min_sell_price": None,
        "max_buy_price": None,
        "control": {"level": "sensor.level"} if kind == "battery" else {},
        "meter": {"type": "entities", "imported_entity": "sensor.register", "power_entity": "sensor.watts"},
    }
    return ConfigSubentryData(
        data=data, subentry_type="asset", title=f"Asset {number}", unique_id=f"{number:064x}"
    )


@asynccontextmanager
async def core(folder: Path) -> AsyncIterator[HomeAssistant]:
    """Give a core that finds the integration."""
    shutil.copytree(Path(__file__).parents[1] / "custom_components", folder / "custom_components")
    async with async_test_home_assistant(config_dir=str(folder)) as hass:
        hass.data.pop(loader.DATA_CUSTOM_COMPONENTS)
        hass.config.components |= {"frontend", "panel_custom"}  # the test kit has no frontend files
        yield hass
        await hass.async_stop(force=True)


def show(hass: HomeAssistant, kwh: float) -> None:
    """Let the meters' entities show something."""
    energy = {"device_class": "energy", "unit_of_measurement": "kWh"}
    hass.states.async_set("sensor.register", str(kwh), energy)
    hass.states.async_set("sensor.watts", "500", {"device_class": "power", "unit_of_measurement": "W"})
    hass.states.async_set("sensor.level", "50")


async def work(count: int) -> tuple[float, LoopTimer]:
    """Return how long set-up took (s), and what half a minute of a busy home took of the loop."""
    timer = LoopTimer()
    node, url = node_in_a_thread()
    with tempfile.TemporaryDirectory() as folder:
        async with core(Path(folder)) as hass:
            entry = member(hass, node, url, count)
            show(hass, 100)
            started = time.thread_time()
            assert await hass.config_entries.async_setup(entry.entry_id), entry.reason
            set_up = time.thread_time() - started
            await hass.async_block_till_done()
            row(1, 0, "matched")  # derives the address once, which is none of the home's work
            gc.collect()
            gc.freeze()  # as the core does when it has started
            timer.watch()
            await busy(hass, entry, count)
            timer.running = False
            await hass.config_entries.async_unload(entry.entry_id)
    return set_up, timer


def member(hass: HomeAssistant, node: StandIn, url: str, count: int) -> MockConfigEntry:
    """Return a member with so many assets: its connection point and what is behind it."""
    address = Wallet.from_phrase(FOUNDER_PHRASE).address(test=True)
    point = f"{0:064x}"
    assets = [subentry(0, "home", None)]
    assets += [subentry(number, KINDS[number % len(KINDS)], point) for number in range(1, count)]
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Street",
        unique_id=f"{node.network}/{address}",
        data={
            "url": url,
            "token": TOKEN,
            "network": node.network,
            "test": True,
            "address": address,
            "name": "Bo",
            "phrase": FOUNDER_PHRASE,
            "node_key": NODE_KEY,
        },
        subentries_data=assets,
    )
    entry.add_to_hass(hass)
    return entry


async def busy(hass: HomeAssistant, entry: Any, count: int) -> None:
    """Let all assets trade by themselves, and a trade of each take its steps, slot after slot."""
    market, agent = entry.runtime_data.market, entry.runtime_data.agent
    for subentry_id in entry.subentries:
        async_set(hass, entry, subentry_id, automatic=True)
        await asyncio.sleep(0)
    cursor, now = 10**6, market.slot_now()
    for turn in range(6):
        for number in range(1, count):
            for state in ("matched", "delivering", "metered", "settled"):
                cursor += 1
                await market.async_take(
                    Event(cursor, 1, 0, f"trade.{state}", (), (), None, row(number, now + turn, state))
                )
                await asyncio.sleep(0)
        show(hass, 100 + turn / 100)
        for meter in entry.runtime_data.meters.values():
            await meter.async_refresh()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await agent.async_run()
        market.async_update_listeners()
        await hass.async_block_till_done()


def row(number: int, slot: int, state: str) -> dict[str, Any]:
    """Return a trade in which an asset buys."""
    address = Wallet.from_phrase(FOUNDER_PHRASE).address(test=True) if not _ADDRESS else _ADDRESS[0]
    _ADDRESS[:] = [address]
    figures = {"settled_wh": 300, "paid": 46_500_000} if state == "settled" else {}
    return trade(f"{slot}.{number}", slot, state=state, buyer=address, buy_asset=f"{number:064x}", **figures)


_ADDRESS: list[str] = []


def kept_after(days: int) -> dict[str, int]:
    """Return the bytes on disk of all that remembers, after so many days with 4 trades in every slot."""
    per_day, me = 86_400 // SLOT_S, "tkwh1me"
    book, hours, learned = Book(me), Hours(me), Learned.nothing(SLOT_S)
    cursor = 0
    for slot in range(2_000_000, 2_000_000 + days * per_day):
        for number in range(4):
            figures = {"settled_wh": 300, "paid": 46_500_000}
            data = trade(f"{slot}.{number}", slot, state="settled", buyer=me, **figures)
            cursor += 1
            book.apply(Event(cursor, 1, 0, "trade.settled", (), (), None, data))
            book.note_origin(f"{cursor:064x}", "automatic_trading")
            for counted, sign in book.take_counted():
                hours.note(counted, sign, SLOT_S)
        learned.memory.note(slot, 100.0, 50.0)
        learned.memory.learn_prices({slot: 100_000 + slot % 1_000})
        outlook = learned.memory.outlook(slot * SLOT_S * 1000, range(slot, slot + 8))
        learned.memory.remember(outlook, slot * SLOT_S * 1000)
    parts = {"book": book.as_dict(), "hours": hours.as_dict(), "agent": learned.as_dict()}
    return {name: len(json.dumps(part)) for name, part in parts.items()}


def yardstick() -> float:
    """Return the CPU time (s) of a piece of plain Python on this machine: about a millisecond."""
    times = []
    for _ in range(40):
        begun = time.thread_time()
        rows = [{"id": str(number), "wh": number, "state": "settled"} for number in range(2_000)]
        json.loads(json.dumps(rows))
        times.append(time.thread_time() - begun)
    return min(times)


@dataclass(frozen=True)
class Figures:
    """CPU time (s) of set-up, of the loop's longest step and of 99 % of them; bytes kept."""

    set_up: float
    steps: int
    longest: float
    what: str
    most: float
    yardstick: float
    half: dict[str, int]
    whole: dict[str, int]


def measure(assets: int, days: int) -> Figures:
    """Measure a home with so many assets, and what it keeps after half the days and after all."""
    before = yardstick()
    set_up, timer = asyncio.run(work(assets))
    steps = sorted(timer.steps)
    return Figures(
        set_up,
        len(steps),
        timer.longest,
        timer.what,
        steps[len(steps) * 99 // 100],
        min(before, yardstick()),
        kept_after(days // 2),
        kept_after(days),
    )


def main() -> None:
    """Print the figures; fail where a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=20)
    parser.add_argument("--limit-ms", type=float, default=10.0)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    found = measure(wanted.assets, wanted.days)
    if wanted.json:
        print(json.dumps(asdict(found)))
        return
    print(f"set-up with {wanted.assets} assets: {found.set_up:.2f} s of CPU time")
    print(f"steps of the loop: {found.steps}, longest {found.longest * 1000:.1f} ms: {found.what}")
    print(
        f"99 % of them within {found.most * 1000:.2f} ms; the yardstick takes {found.yardstick * 1000:.2f} ms"
    )
    for name, bytes_ in found.whole.items():
        print(f"{name}: {found.half[name]} bytes after {wanted.days // 2} days, {bytes_} after {wanted.days}")
    assert found.set_up < 1.0, "set-up takes too long"
    assert found.longest <= wanted.limit_ms / 1000, "the event loop is held for too long"
    assert all(found.whole[name] <= found.half[name] * 1.05 for name in found.whole), "something grows"


if __name__ == "__main__":
    main()
