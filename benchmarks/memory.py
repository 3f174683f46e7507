"""How much memory and disk a node needs for a month of readings.

    python -m benchmarks.memory [--homes 100] [--days 30]

Every home attests the net reading of every quarter of an hour; blocks, commits, rows, events and proofs are
made and written as a node does, in one process without a network. Printed is what the process holds resident,
day by day: it may rise with what a node looks up now and then, not with the length of the history.
"""

import argparse
import os
import tempfile
from pathlib import Path

from energy_ledger.mempool import Waiting
from tests.ledger_node.node.homes import HOUSE, StoredChain
from tests.support.people import EUR, Person

SLOT_MS = 900_000
SLOTS_PER_DAY = 96
GENEROUS = {"work_per_s": 10**9, "burst": 10**12}
SHOWN_DAYS = (1, 2, 7, 14, 21, 30)
PAGE = os.sysconf("SC_PAGE_SIZE")


class Month(StoredChain):
    """Homes that attest every slot."""

    def settle(self, homes: int) -> None:
        """Let the homes join, and register an asset each."""
        self.people = [self.joins(f"Home {number}", money=EUR) for number in range(homes)]
        step = self.at(self.now + 1_000, *(self.sign(one, "asset.register", **HOUSE) for one in self.people))
        self.points = [placed.result.id for placed in step.placed]
        self.slot = self.now // SLOT_MS

    def pass_slot(self) -> None:
        """Let a slot end, and every home attest it."""
        homes = enumerate(zip(self.people, self.points, strict=True))
        self.now = (self.slot + 1) * SLOT_MS + 1_000
        step = self.at(self.now, *(self._reading(number, *home) for number, home in homes))
        assert all(placed.result.state == "applied" for placed in step.placed)
        self.blocks.clear()
        self.slot += 1

    def _reading(self, number: int, who: Person, point: str) -> Waiting:
        wh = (number * 7 + self.slot) % 200
        return self.sign(
            who,
            "reading.attest",
            asset=point,
            slot=self.slot,
            imported_wh=wh,
            exported_wh=0,
            commitment=f"{number:064x}",
        )


def resident_mb() -> float:
    """Return what this process holds in memory now, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * PAGE / 1e6


def main() -> None:
    """Measure, and print a line for some of the days."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", type=int, default=100)
    parser.add_argument("--days", type=int, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ledger-month-") as name:
        folder = Path(name)
        month = Month(folder, quota=GENEROUS, readings="net", slot_s=900, grace_slots=2)
        month.settle(arguments.homes)
        for day in range(1, arguments.days + 1):
            for _ in range(SLOTS_PER_DAY):
                month.pass_slot()
            if day in SHOWN_DAYS or day == arguments.days:
                disk = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
                print(
                    f"day {day:3}: {resident_mb():6.0f} MB resident, {disk / 1e6:7.1f} MB on disk", flush=True
                )
        month.close()


if __name__ == "__main__":
    main()
