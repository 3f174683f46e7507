"""How fast a newcomer comes in with a certified snapshot, against replaying the same history.

    python -m benchmarks.snapshot [--homes 100] [--days 30]

Both are measured in one run on one machine, in one process and without a network in between: what is compared
is the work and the bytes. The history is one of homes that pay each other and place and cancel orders; every
home also has an asset and an order that stays open.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from energy_ledger.dag.blocks import decode_block
from energy_ledger.ledger.timing import Timing
from energy_ledger.mempool import Waiting
from energy_ledger.node import founding
from energy_ledger.node.rebuilding import read_checked, rebuild
from energy_ledger.node.snapshots import make
from energy_ledger.storage import database
from energy_ledger.storage.directory import DataDirectory
from energy_ledger.storage.reader import Reader
from energy_ledger.storage.writer import Writer
from tests.ledger_node.node.homes import HOUSE, StoredChain
from tests.support.people import EUR, Person

HOUR_MS = 3_600_000
PER_DAY = 24
"""Transactions of a home in a day."""
GENEROUS = {"work_per_s": 10**9, "burst": 10**12}


def order_of(chain: StoredChain, asset: str, place: int) -> dict[str, object]:
    """Return a bid for a slot that is open for some time."""
    first = Timing.of(chain.ledger.genesis.rules).first_open_slot(chain.now) + 20 + place
    return {"asset": asset, "order": {"type": "fixed", "price": 200_000, "slots": {str(first): 5}}}


class Neighbourhood(StoredChain):
    """Homes with a history."""

    def settle(self, homes: int) -> None:
        """Let the homes join, and register an asset each."""
        self.people = [self.joins(f"Home {number}", money=1_000 * EUR) for number in range(homes)]
        step = self.at(self.now + 1_000, *(self.sign(one, "asset.register", **HOUSE) for one in self.people))
        self.points = [placed.result.id for placed in step.placed]

    def pass_hour(self) -> None:
        """Let every home pay its neighbour or place an order, and an hour pass."""
        hour = self.now // HOUR_MS
        ready = [self._act(number, who, hour) for number, who in enumerate(self.people)]
        self.at(self.now + 1_000, *ready)
        self.at(self.now + HOUR_MS - 1_000)

    def _act(self, number: int, who: Person, hour: int) -> Waiting:
        if (number + hour) % 6 == 0:
            return self.sign(who, "order.place", **order_of(self, self.points[number], hour % 3))
        to = self.people[number - 1].address
        return self.sign(who, "transfer", to=to, amount=1 + hour % 100)

    def leave_orders(self) -> None:
        """Let every home place an order that is still open at the end."""
        ready = [
            self.sign(who, "order.place", **order_of(self, self.points[number], number % 5))
            for number, who in enumerate(self.people)
        ]
        self.at(self.now + 1_000, *ready)


def timed[T](work: Callable[[], T]) -> tuple[T, float]:
    """Return what the work gives, and how long it took (s)."""
    started = time.perf_counter()
    done = work()
    return done, time.perf_counter() - started


def replay(chain: StoredChain, folder: Path, blocks: list[bytes]) -> int:
    """Take the whole history through the ordinary rule, as from a neighbour; return the last commit."""
    place = DataDirectory(folder)
    place.prepare()
    database.open_or_set_aside(place.database)
    with closing(Writer(place.database)) as writer, closing(Reader(place.database)) as reader:
        founding.begin(writer, chain.ledger.genesis)
        follower = founding.restore(reader, chain.ledger.genesis, None)
        for start in range(0, len(blocks), 100):
            for raw in blocks[start : start + 100]:
                step = follower.accept(decode_block(raw))
                if step.entry:
                    writer.write(step.entry)
        return follower.ledger.commit


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", type=int, default=100)
    parser.add_argument("--days", type=int, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ledger-snapshot-") as name:
        folder = Path(name)
        chain = Neighbourhood(folder / "node", quota=GENEROUS)
        chain.settle(arguments.homes)
        for _ in range(arguments.days * PER_DAY):
            chain.pass_hour()
        chain.leave_orders()
        measure(chain, folder)
        chain.close()


def measure(chain: Neighbourhood, folder: Path) -> None:
    """Bring two newcomers in, one by the history and one by a snapshot."""
    blocks = [record.raw for record in chain.reader.all_blocks()]
    commit, replaying = timed(lambda: replay(chain, folder / "replayed", blocks))
    assert commit == chain.ledger.commit
    chain.shutter.wanted = True
    taken = chain.at(chain.now).taken
    while taken is None:
        taken = chain.at(chain.now + 1_000).taken
    frozen, freezing = timed(chain.ledger.freeze)
    file = folder / "snapshot"
    _, making = timed(lambda: make(chain.reader, chain.ledger.genesis, taken, file))
    _, checking = timed(lambda: read_checked(file))
    newcomer = DataDirectory(folder / "newcomer")
    newcomer.prepare()
    _, taking = timed(lambda: rebuild(newcomer, file, new_key=True))
    history, size = sum(map(len, blocks)), file.stat().st_size
    rows = sum(len(values) for _, values in frozen.values)
    print(f"history: {chain.ledger.commit} commits, {len(blocks)} blocks, {history / 1e6:.1f} MB")
    print(f"replayed in {replaying:.1f} s")
    print(f"snapshot: {rows} rows, {size / 1e6:.2f} MB, {100 * size / history:.1f} % of the history")
    print(f"held in {1000 * freezing:.1f} ms, written in {making:.2f} s, checked in {checking:.2f} s")
    print(f"checked and taken up in {taking:.2f} s: {replaying / taking:.0f} times as fast as replaying")


if __name__ == "__main__":
    main()
