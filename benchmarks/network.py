"""What a street of several homes costs: message delays to a commit; bytes and processor when idle.

    python -m benchmarks.network [--latency] [--idle HOMES] [--seconds 600]

Delays are counted on the simulated network, where nothing else takes time. Idle homes are real processes with
real links over the loopback; bytes are what the kernel counted for the links' sockets (TLS included), and
what IP and TCP add to each segment on the way.
"""

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final, Self

from simulation.faults.street import Street as SimulatedStreet
from simulation.faults.street import Weather
from simulation.ledger_street import House, Street

DELAY_MS: Final = 250
"""A message delay of the simulation, in the middle of what it may be."""
DAY_S: Final = 86_400
SEGMENT_BYTES: Final = 52
"""IPv4 and TCP headers with timestamps, on each segment."""
SIZES: Final = (4, 10, 30)


# --- latency ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setting:
    """How a street is asked: the pause between two transactions (ms, from … to) and how delays spread."""

    name: str
    pause: tuple[int, int]
    spread: tuple[float, float] = (1.0, 1.0)

    @property
    def weather(self) -> Weather:
        """The delays of its messages."""
        low, high = self.spread
        return Weather((round(DELAY_MS * low), round(DELAY_MS * high)))


SETTINGS: Final = (
    Setting("one after the other", (0, 0)),
    Setting("at random moments, a few at a time", (1, 2 * DELAY_MS)),
    Setting("at random moments, now and then", (1, 20 * DELAY_MS)),
    Setting("after a pause", (20_000, 30_000)),
    Setting("a few at a time, delays 0.5 to 1.5", (1, 2 * DELAY_MS), (0.5, 1.5)),
    Setting("after a pause, delays 0.5 to 1.5", (20_000, 30_000), (0.5, 1.5)),
)


def delays_to_commit(size: int, setting: Setting, samples: int = 40) -> list[float]:
    """Return the message delays from submitting at a random home to the commit at the same home."""
    street = SimulatedStreet(size, 0, seed=size)
    street.weather = setting.weather
    random = Random(size)
    _move_in(street)
    one_by_one = setting.pause == (0, 0)
    started: dict[str, tuple[int, int]] = {}
    found: dict[str, float] = {}

    def look() -> None:
        for identity, (author, at) in started.items():
            if identity not in found and identity in street.homes[author].disk.ordered:
                found[identity] = (street.clock.now - at) / DELAY_MS

    def wait(milliseconds: int) -> None:
        for _ in range(0, milliseconds, 5):
            street.clock.run(5)
            look()

    for _ in range(samples):
        home = random.choice(street.homes)
        member = street.people[home.author]
        waiting = member.sign("transfer", to=street.people[home.author - 1].address, amount=1)
        started[waiting.transaction.id] = (home.author, street.clock.now)
        home.submit(waiting)
        while one_by_one and len(found) < len(started):
            wait(5)
        wait(random.randint(*setting.pause))
    wait(20 * DELAY_MS)
    return list(found.values())


def _move_in(street: SimulatedStreet) -> None:
    """Let everybody at home in the street become a member, with some money."""
    founder = street.people[0]
    for member in street.people:
        if member is not founder:
            street.homes[0].submit(member.joins(founder))
        money = founder.sign("voucher.issue", to=member.address, amount=10**9, reference="cash")
        street.homes[0].submit(money)
    street.clock.run(100 * DELAY_MS)


def report_latency() -> None:
    """Print a line for each setting and size."""
    for setting in SETTINGS:
        for size in SIZES:
            delays = delays_to_commit(size, setting)
            middle, most = statistics.median(delays), max(delays)
            print(
                f"n = {size}, {setting.name}: median {middle:.1f}, most {most:.1f} message delays", flush=True
            )


# --- idle ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used: processor time in seconds, its memory, and what its links carried."""

    cpu_s: float
    resident: int
    carried: int
    segments: int
    blocks: int

    def since(self, before: Self) -> Usage:
        """Return what was used since then; memory stays as it is now."""
        return Usage(
            self.cpu_s - before.cpu_s,
            self.resident,
            self.carried - before.carried,
            self.segments - before.segments,
            self.blocks - before.blocks,
        )


async def usage_of(house: House, peer_ports: set[int]) -> Usage:
    """Return what a house's process has used until now."""
    carried, segments = _sockets(house.pid, peer_ports)
    blocks = int((await house.figures())["energy_ledger_blocks_total"])
    return Usage(*_process(house.pid), carried, segments, blocks)


def _process(pid: int) -> tuple[float, int]:
    """Return the processor time (s) and the memory (bytes) of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks, pages = int(fields[11]) + int(fields[12]), int(fields[21])
    return ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE")


def _sockets(pid: int, peer_ports: set[int]) -> tuple[int, int]:
    """Return bytes and segments, both ways, of the links of a process, as the kernel counts them."""
    command = ["ss", "-tinpOH", "state", "established"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    mine = [line for line in lines if f"pid={pid}," in line and _ports(line) & peer_ports]
    carried = sum(_field(line, "bytes_sent") + _field(line, "bytes_received") for line in mine)
    return carried, sum(_field(line, "segs_out") + _field(line, "segs_in") for line in mine)


def _ports(line: str) -> set[int]:
    return {int(port) for port in re.findall(r"[\d.\]]:(\d+)\s", line)}


def _field(line: str, name: str) -> int:
    found = re.search(rf"\b{name}:(\d+)", line)
    return int(found[1]) if found else 0


async def idle(size: int, seconds: float) -> list[Usage]:
    """Return what each of so many homes used in a time in which nobody had anything to say."""
    with tempfile.TemporaryDirectory() as folder:
        async with Street(Path(folder), size) as street:
            await street.open()
            await street.submit(street.houses[0], 1)
            await asyncio.sleep(30)  # what is left over from the start is over
            ports = {house.peer_port for house in street.houses}
            before = [await usage_of(house, ports) for house in street.houses]
            await asyncio.sleep(seconds)
            after = [await usage_of(house, ports) for house in street.houses]
    return [now.since(then) for now, then in zip(after, before, strict=True)]


def report_idle(size: int, seconds: float) -> None:
    """Print what an idle day costs a home."""
    used = asyncio.run(idle(size, seconds))
    a_day = DAY_S / seconds
    carried = [one.carried * a_day / 1e6 for one in used]
    on_the_wire = [(one.carried + SEGMENT_BYTES * one.segments) * a_day / 1e6 for one in used]
    print(f"{size} real nodes, idle for {seconds:.0f} s; a day of a home (middle one, greatest):")
    print(f"  {_two(carried)} MB over its links both ways, with TLS; {_two(on_the_wire)} MB with TCP and IP")
    print(f"  {_two(one.cpu_s / seconds * 100 for one in used)} % of one core")
    print(f"  {_two(one.resident / 1e6 for one in used)} MB of memory")
    print(f"  {_two(one.blocks * 600 / seconds for one in used)} blocks accepted in ten minutes")


def _two(values: Iterable[float]) -> str:
    listed = sorted(values)
    return f"{statistics.median(listed):.2f} ({listed[-1]:.2f})"


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--latency", action="store_true")
    parser.add_argument("--idle", type=int, metavar="HOMES")
    parser.add_argument("--seconds", type=float, default=600, help="how long the homes are idle")
    chosen = parser.parse_args()
    if chosen.latency:
        report_latency()
    if chosen.idle:
        report_idle(chosen.idle, chosen.seconds)


if __name__ == "__main__":
    main()
