"""Runs: a street is founded, gets into trouble, heals, and must then agree and fall silent."""

import argparse
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Final, get_args

from energy_ledger.dag.pacemaker import Pace
from energy_ledger.mempool import Waiting
from energy_ledger.quorum import tolerated_faults
from simulation.faults.disk import Disk
from simulation.faults.homes import CrashPoint, Home
from simulation.faults.liars import Liar
from simulation.faults.people import MONEY
from simulation.faults.street import CALM, BrokenPromiseError, Street, Weather

SIZES = (1, 3, 4, 4, 4, 5, 7)
TROUBLES = 12
HEALING_MS = 280_000
"""Longer than any order lives that was placed before."""
HOUR_MS = 3_600_000
HEARTBEAT_MS = Pace().heartbeat
SILENCE_MS = 60_000
CLOCK_ERRORS = (0, 0, 1_500, -5_000, 60_000, 150_000, HOUR_MS, -HOUR_MS)


_EXPECTED: Final[dict[str, tuple[str | None, ...]]] = {
    "transfer": (None,),
    "voucher.issue": (None,),
    "member.join": (None,),
    "asset.register": (None,),
    "order.place": (None, "slot_closed", "beyond_horizon", "unknown_asset", "not_enough_money"),
}
"""With which codes an acknowledged transaction of a kind may end: applied, or come too late for its slot."""


@dataclass
class Run:
    """One run from one seed."""

    seed: int
    street: Street = field(init=False)
    acknowledged: dict[str, str] = field(default_factory=dict)
    """Every transaction that an honest home took, with its kind."""
    backups: dict[int, Disk] = field(default_factory=dict)
    hour_fast: bool = False
    """Whether a clock was an hour fast: others take what it said when that hour is over."""

    def __post_init__(self) -> None:
        """Found the street; every second one with homes that lie has as many as it withstands."""
        size = SIZES[self.seed % len(SIZES)]
        liars = tolerated_faults(size) if self.seed % 2 else 0
        self.street = Street(size, liars, self.seed)
        self.random = self.street.clock.random

    def play(self) -> None:
        """Go through the whole run. Raises BrokenPromiseError."""
        self._move_in()
        for _ in range(TROUBLES):
            self._get_into_trouble()
            for _ in range(self.random.randint(1, 6)):
                self._act()
                self.street.clock.run(self.random.randint(20, 1_500))
            self._get_out_of_trouble()
        self._heal()
        self._check_end()

    # --- what people do -------------------------------------------------------------------------------------

    def _move_in(self) -> None:
        """Let everybody join at the first home, get money, and register a home."""
        founder, *others = self.street.people
        for person in others:
            self._submit(0, person.joins(founder))
            self._submit(0, founder.sign("voucher.issue", to=person.address, amount=MONEY, reference="cash"))
        self._submit(0, founder.sign("voucher.issue", to=founder.address, amount=MONEY, reference="cash"))
        self.street.clock.run(3_000)
        for number, person in enumerate(self.street.people):
            self._submit(number % len(self.street.honest), person.registers())
        self.street.clock.run(3_000)

    def _act(self) -> None:
        number = self.random.randrange(len(self.street.people))
        author = number % len(self.street.honest)
        if self.street.homes[author].up:
            person = self.street.people[number]
            others = [other for other in self.street.people if other is not person]
            self._submit(author, person.acts(self.random, others, self.street.clock.now))

    def _submit(self, author: int, waiting: Waiting) -> None:
        if self.street.homes[author].submit(waiting):
            self.acknowledged[waiting.transaction.id] = waiting.transaction.kind

    # --- what goes wrong ------------------------------------------------------------------------------------

    def _get_into_trouble(self) -> None:
        victim = self.random.choice(self.street.honest)
        troubles: list[Callable[[Home], None]] = [
            self._crash_soon, self._crash_soon, self._cut, self._set_clock, self._storm, self._restore_backup,
        ]  # fmt: skip
        self.random.choice(troubles)(victim)

    def _crash_soon(self, victim: Home) -> None:
        victim.crash_at = self.random.choice(get_args(CrashPoint.__value__))
        self.street.note(victim, f"will crash {victim.crash_at}")

    def _cut(self, _: Home) -> None:
        size = self.street.size
        self.street.groups = [set(self.random.sample(range(size), self.random.randint(1, size)))]
        self.street.note(None, f"is cut in two: {self.street.groups}")

    def _set_clock(self, victim: Home) -> None:
        victim.clock_error = self.random.choice(CLOCK_ERRORS)
        self.hour_fast = self.hour_fast or victim.clock_error == HOUR_MS
        self.street.note(victim, f"has a clock that is wrong by {victim.clock_error} ms")

    def _storm(self, _: Home) -> None:
        slowest = self.random.choice((100, 400, 1_500))
        self.street.weather = Weather((5, slowest), self.random.randrange(300), self.random.randrange(300))
        self.street.note(None, f"has {self.street.weather}")

    def _restore_backup(self, victim: Home) -> None:
        """Make a backup, or crash a home whose disk then dies and bring it back on the backup it has.

        What was written on the dead disk since is given up: it is never brought back later, as a backup of
        it would hold words that contradict what the home said meanwhile.
        """
        backup = self.backups.pop(victim.author, None)
        if backup is None or not victim.up or self.street.size == 1:
            self.backups[victim.author] = victim.disk.copy()
            return
        victim.crash()
        # What only the dead disk held is lost with it, though it was acknowledged.
        for lost in victim.disk.outbox.keys() - backup.outbox.keys():
            self.acknowledged.pop(lost, None)
        victim.start(backup)

    def _get_out_of_trouble(self) -> None:
        self.street.groups = []
        for home in self.street.homes:
            home.crash_at = None
            if not home.up and self.random.random() < 0.7:
                home.start()
        if self.random.random() < 0.5:
            self.street.weather = CALM

    # --- the end --------------------------------------------------------------------------------------------

    def _heal(self) -> None:
        self.street.weather, self.street.groups = CALM, []
        self.street.note(None, "heals")
        for home in self.street.homes:
            home.clock_error, home.crash_at = 0, None
            if isinstance(home, Liar):
                home.lie = None
            if not home.up:
                home.start()
        self.street.clock.run(HEALING_MS)
        if self.hour_fast:
            self._wait_out()

    def _wait_out(self) -> None:
        """Wait until the blocks of a fast clock are not early any more, and for the end of a heartbeat."""
        self.street.keepalive_ms = HEARTBEAT_MS // 10
        self.street.clock.run(HOUR_MS)
        before = len(self.street.said_at)
        while len(self.street.said_at) == before:
            self.street.clock.run(SILENCE_MS)
        self.street.clock.run(SILENCE_MS)

    def _check_end(self) -> None:
        street = self.street
        before = len(street.said_at)
        street.clock.run(SILENCE_MS)
        if len(street.said_at) > before:
            street.fail(f"{len(street.said_at) - before} blocks are said though there is nothing to say")
        last = max(street.agreed, default=0)
        for home in street.honest:
            if not last or home.chain.ledger.root != street.agreed[last][0].root:
                street.fail(f"home {home.author} is at commit {home.chain.ledger.commit} of {last}")
            self._check_acknowledged(home)
            certificate = home.chain.certifier.newest
            if certificate is None or certificate.state.root != home.chain.ledger.root:
                street.fail(f"home {home.author} has no certificate of the last state")

    def _check_acknowledged(self, home: Home) -> None:
        for identity, kind in self.acknowledged.items():
            code = home.disk.ordered.get(identity, "never ordered")
            if code == "never ordered":
                self.street.fail(f"at home {home.author} an acknowledged {kind} was never ordered")
            if code not in _EXPECTED[kind]:
                self.street.fail(f"at home {home.author} an acknowledged {kind} was refused: {code}")


def play(seed: int) -> str | None:
    """Play the run of a seed; return what went wrong, None when nothing did."""
    try:
        Run(seed).play()
    except BrokenPromiseError as error:
        return f"seed {seed}: {error}"
    return None


def main() -> int:
    """Play many runs on all cores; the exit code is 1 when one failed."""
    parser = argparse.ArgumentParser(prog="scripts/simulate-faults", description=__doc__)
    parser.add_argument("seeds", type=int, nargs="?", default=50, help="how many runs")
    parser.add_argument("--seed", type=int, help="play this run alone, again and exactly")
    parser.add_argument("--first", type=int, default=0, help="the first run's seed")
    chosen = parser.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.seeds) if chosen.seed is None else [chosen.seed]
    started = time.monotonic()
    failures = 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for number, failure in enumerate(pool.map(play, seeds, chunksize=1), 1):
            if failure is not None:
                failures += 1
                print(f"{failure}\nAgain: scripts/simulate-faults --seed {failure.split()[1][:-1]}")
            if number % 100 == 0:
                print(f"{number} runs, {failures} failed, {time.monotonic() - started:.0f} s", flush=True)
    print(f"{len(seeds)} runs, {failures} failed, {time.monotonic() - started:.0f} s")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
