"""A street of cores under a virtual clock: delays, losses, crashes, wrong clocks and liars, from one seed."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from energy_ledger import crypto
from energy_ledger.dag.block_rules import BlockRules, Fault
from energy_ledger.dag.blocks import Block, BlockRef, Draft, Payload, sign_block
from energy_ledger.dag.core import Core
from energy_ledger.dag.effects import (
    Build,
    Commit,
    Effect,
    Evidence,
    Halt,
    Lapse,
    Request,
    Send,
    Spurn,
    Store,
    Timer,
)
from energy_ledger.dag.ordering import Fate, Kept, Position
from energy_ledger.dag.pacemaker import Pace
from energy_ledger.dag.settings import Settings, Voice

NETWORK = bytes(32)
START = 1_700_000_000_000


def seed_of(author: int) -> bytes:
    return bytes([author + 1]) * 32


def settings_of(n: int, author: int | None, pace: Pace | None = None) -> Settings:
    keys = tuple(crypto.public_key(seed_of(one)) for one in range(n))
    voice = None if author is None else Voice(author, seed_of(author))
    return Settings(NETWORK, 0, keys, voice, pace or Pace())


@dataclass
class Disk:
    """What survives a crash: everything up to the last sync."""

    blocks: dict[BlockRef, Block] = field(default_factory=dict)
    fates: dict[BlockRef, Fate] = field(default_factory=dict)
    position: Position = field(default_factory=lambda: Position(time=START))
    evidence: list[Evidence] = field(default_factory=list)
    unsynced: list[Block] = field(default_factory=list)

    def sync(self) -> None:
        self.blocks |= {block.ref: block for block in self.unsynced}
        self.unsynced.clear()

    def kept(self) -> list[Kept]:
        return [Kept(block, self.fates.get(ref, Fate.OPEN)) for ref, block in self.blocks.items()]


@dataclass
class Home:
    """One validator: a core, its driver, its disk and its clock."""

    street: Street
    author: int
    disk: Disk = field(default_factory=Disk)
    clock_error: int = 0
    pool: list[bytes] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    sent: list[tuple[int, Block]] = field(default_factory=list)
    halted: bool = False
    timer: int = 0
    crash_at: type | None = None
    core: Core = field(init=False)
    up: bool = True

    def __post_init__(self) -> None:
        self.core = Core(self.settings, self.disk.position, check=self.street.check)

    @property
    def settings(self) -> Settings:
        return settings_of(self.street.n, self.author, self.street.pace)

    @property
    def now(self) -> int:
        return self.street.now + self.clock_error

    def submit(self, envelope: bytes) -> None:
        self.pool.append(envelope)
        self.run(self.core.want(True, None, self.now))

    def receive(self, block: Block) -> None:
        self.run(self.core.accept(block, self.now))

    def run(self, effects: list[Effect]) -> None:
        while effects:
            effect = effects.pop(0)
            if self.crash_at is not None and isinstance(effect, self.crash_at):
                self.crash()
                return
            effects += self.carry_out(effect)

    def carry_out(self, effect: Effect) -> list[Effect]:
        match effect:
            case Store(block):
                self.disk.unsynced.append(block)
                if block.author == self.author:
                    self.disk.sync()
            case Send(block):
                self.sent.append((self.street.now, block))
                self.send_to_all(block)
            case Request(refs, holders):
                self.street.ask(self, refs, holders)
            case Commit():
                self.apply(effect)
            case Build():
                envelopes, self.pool = tuple(self.pool[:5]), self.pool[5:]
                return self.core.propose(Payload(envelopes), bool(self.pool), self.now)
            case Timer(at):
                self.wake_at(at - self.clock_error)
            case Evidence():
                self.disk.evidence.append(effect)
            case Lapse(block):
                self.pool += block.envelopes
            case Halt():
                self.halted = True
            case Spurn():
                pass  # a liar's, or of a round that comes again with its history
            case _:
                raise AssertionError(f"an honest street refuses nothing: {effect}")
        return []

    def send_to_all(self, block: Block) -> None:
        for other in self.street.others(self):
            self.street.send(self, other, block)

    def apply(self, commit: Commit) -> None:
        self.disk.sync()
        self.disk.position = Position(commit.index, commit.time, commit.leader)
        self.disk.fates |= {block.ref: Fate.ORDERED for block in commit.blocks}
        self.disk.fates |= dict.fromkeys(commit.losers, Fate.LOST)
        self.commits.append(commit)

    def wake_at(self, at: int) -> None:
        self.timer += 1
        number = self.timer

        def wake() -> None:
            if self.up and number == self.timer:
                self.run(self.core.tick(self.now))

        self.street.at(max(at, self.street.now), wake)

    def keep_alive(self) -> None:
        if not self.up:
            return
        for other in self.street.others(self):
            if other.up and self.street.linked(self, other):
                known = other.core.frontier()
                missing = [block for ref, block in self.disk.blocks.items() if ref.round > known[ref.author]]
                for block in sorted(missing, key=lambda one: one.ref)[:500]:
                    self.street.send(self, other, block)
                if self.core.last_own_block is not None:
                    self.street.send(self, other, self.core.last_own_block)

    def crash(self) -> None:
        self.up, self.crash_at = False, None
        self.disk.unsynced.clear()

    def start(self) -> None:
        disk = self.disk
        self.up = True
        self.core = Core.restore(
            self.settings, disk.position, disk.kept(), disk.evidence, check=self.street.check
        )
        self.run(self.core.tick(self.now))
        self.run(self.core.want(bool(self.pool), None, self.now))


@dataclass
class Liar(Home):
    """Makes two blocks in every round and shows each to half of the street."""

    def send_to_all(self, block: Block) -> None:
        payload = Payload((*block.envelopes, b"twin"), block.votes)
        draft = Draft(NETWORK, 0, block.round, self.author, block.timestamp, block.ancestors, payload)
        twin = sign_block(draft, seed_of(self.author))
        for other in self.street.others(self):
            self.street.send(self, other, twin if other.author % 2 else block)


class Street:
    def __init__(
        self,
        n: int,
        seed: int,
        *,
        liars: int = 0,
        delay: tuple[int, int] = (5, 60),
        loss: float = 0.0,
        pace: Pace | None = None,
    ) -> None:
        self.n = n
        self.random = Random(seed)
        self.pace = pace or Pace()
        self.now = START
        self.delay, self.loss = delay, loss
        self.groups: list[set[int]] = []
        self._checked: dict[Block, Fault | None] = {}
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self.homes = [Home(self, author) for author in range(n - liars)]
        self.homes += [Liar(self, author) for author in range(n - liars, n)]
        self.honest = self.homes[: n - liars]
        for home in self.homes:
            home.run(home.core.tick(home.now))
        self.at(self.now + 5_000, self._keep_alive)

    def check(self, rules: BlockRules, block: Block) -> Fault | None:
        if block not in self._checked:
            self._checked[block] = rules.signature_fault(block)
        return self._checked[block]

    def at(self, time: int, event: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (time, self._count, event))

    def others(self, home: Home) -> list[Home]:
        return [other for other in self.homes if other is not home]

    def linked(self, one: Home, other: Home) -> bool:
        return all((one.author in group) == (other.author in group) for group in self.groups)

    def send(self, sender: Home, to: Home, block: Block) -> None:
        if not self.linked(sender, to) or self.random.random() < self.loss:
            return
        self.at(self.now + self.random.randint(*self.delay), lambda: to.receive(block) if to.up else None)

    def ask(self, asker: Home, refs: tuple[BlockRef, ...], holders: tuple[int, ...]) -> None:
        asked = {*holders, self.random.randrange(self.n)} - {asker.author}
        for author in sorted(asked):
            other = self.homes[author]
            for ref in refs:
                block = other.core.block(ref) or other.disk.blocks.get(ref)
                if other.up and block is not None:
                    self.send(other, asker, block)

    def run(self, milliseconds: int) -> None:
        end = self.now + milliseconds
        while self._events and self._events[0][0] <= end:
            self.now, _, event = heapq.heappop(self._events)
            event()
        self.now = end

    def _keep_alive(self) -> None:
        for home in self.homes:
            home.keep_alive()
        self.at(self.now + 5_000, self._keep_alive)

    # --- what must hold ------------------------------------------------------------------------------------

    def assert_agreement(self) -> None:
        """No two honest homes differ in the common part of their orders; ledger time never goes back."""
        longest = max((home.commits for home in self.honest), key=len)
        for home in self.honest:
            assert home.commits == longest[: len(home.commits)]
            assert [commit.index for commit in home.commits] == list(range(1, len(home.commits) + 1))
        times = [commit.time for commit in longest]
        assert times == sorted(times)

    def assert_no_honest_equivocation(self) -> None:
        for home in self.honest:
            rounds = [block.round for _, block in home.sent]
            assert rounds == sorted(set(rounds))

    def assert_nothing_stored_is_lost(self) -> None:
        """Every envelope in an own block that reached the disk is ordered, everywhere, once."""
        stored = {
            envelope
            for home in self.honest
            for block in home.disk.blocks.values()
            if block.author == home.author
            for envelope in block.envelopes
        }
        for home in self.honest:
            assert sorted(one for one in self.ordered(home) if one != b"twin") == sorted(stored)

    def ordered(self, home: Home) -> list[bytes]:
        return [
            envelope for commit in home.commits for block in commit.blocks for envelope in block.envelopes
        ]

    def rounds_sent_since(self, time: int) -> int:
        return sum(at >= time for home in self.homes for at, _ in home.sent)
