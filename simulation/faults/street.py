"""The street: homes, the network between them, and what must hold at every moment."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from energy_ledger import crypto
from energy_ledger.dag.block_rules import BlockRules, Fault
from energy_ledger.dag.blocks import Block, BlockRef
from energy_ledger.mempool import Waiting
from energy_ledger.node.chain import Step
from energy_ledger.proofs import LedgerState
from energy_ledger.storage.directory import NodeKey
from simulation.faults.clock import START, Clock
from simulation.faults.disk import Disk
from simulation.faults.homes import Home
from simulation.faults.liars import LIES, Liar
from simulation.faults.people import Person, found

KEEPALIVE_MS: Final = 5_000
_TRACED = 60


class BrokenPromiseError(AssertionError):
    """Something that must never happen did; the message says what, and what went before."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad the network is: delays from … to (ms), and how many of a thousand get lost or come twice."""

    delay: tuple[int, int] = (5, 60)
    lost: int = 0
    doubled: int = 0


CALM: Final = Weather()


class Street:
    """Homes under one virtual clock, the last `liars` of them dishonest."""

    def __init__(self, size: int, liars: int, seed: int) -> None:
        self.size = size
        self.clock = Clock(seed)
        self.weather = CALM
        self.groups: list[set[int]] = []
        self.keys = [NodeKey(crypto.digest(crypto.tag("simulated"), b"node %d" % one)) for one in range(size)]
        self.people = [Person(f"Person {number}") for number in range(max(2, size - liars))]
        self.genesis = found(self.keys, self.people)
        self.agreed: dict[int, tuple[LedgerState, bytes, tuple[bytes, ...]]] = {}
        self.said_at: list[int] = []
        self._checked: dict[Block, Fault | None] = {}
        self._trace: deque[str] = deque(maxlen=_TRACED)
        self.homes = [self._build(author, author >= size - liars) for author in range(size)]
        self.honest = self.homes[: size - liars]
        for home in self.homes:
            home.step()
        self.keepalive_ms = KEEPALIVE_MS
        self.clock.after(self.keepalive_ms, self._keep_alive)

    def _build(self, author: int, lies: bool) -> Home:
        disk = Disk.found(self.genesis)
        if not lies:
            return Home(self, author, disk)
        return Liar(self, author, disk, lie=self.clock.random.choice(LIES))

    def others(self, home: Home) -> list[Home]:
        """Return all homes but one."""
        return [other for other in self.homes if other is not home]

    # --- the network ----------------------------------------------------------------------------------------

    def linked(self, one: Home, other: Home) -> bool:
        """Tell whether nothing stands between two homes."""
        return all((one.author in group) == (other.author in group) for group in self.groups)

    def send(self, sender: Home, to: Home, block: Block) -> None:
        """Let a block travel, or get lost, or come twice."""
        random, weather = self.clock.random, self.weather
        if not self.linked(sender, to) or random.randrange(1_000) < weather.lost:
            return
        for _ in range(2 if random.randrange(1_000) < weather.doubled else 1):
            self.clock.after(
                random.randint(*weather.delay), partial(self._arrive, sender, sender.life, to, block)
            )

    def _arrive(self, sender: Home, life: int, to: Home, block: Block) -> None:
        """Let a block arrive, unless the link died with its sender."""
        if sender.life == life:
            to.receive(block)

    def ask(self, asker: Home, refs: tuple[BlockRef, ...], holders: tuple[int, ...]) -> None:
        """Ask those who should have blocks, and a random other, for them."""
        asked = {*holders, self.clock.random.randrange(self.size)} - {asker.author}
        for author in sorted(asked):
            other = self.homes[author]
            for ref in refs:
                block = other.disk.blocks.get(ref)
                if other.up and block is not None:
                    self.send(other, asker, block)

    def inquire(self, asker: Home, other: Home) -> None:
        """Ask another home for the newest block of the asker that it knows, over a link that dies with it."""
        life = asker.life

        def answer() -> None:
            if other.up and self.linked(asker, other):
                word = other.chain.core.newest_by(asker.author) or other.disk.newest_by(asker.author)
                self._later(lambda: hear(word))

        def hear(word: Block | None) -> None:
            if asker.life == life:
                asker.hear(other.author, word)

        self._later(answer)

    def _later(self, arrive: Callable[[], None]) -> None:
        """Let something arrive after a delay of the present weather."""
        self.clock.after(self.clock.random.randint(*self.weather.delay), arrive)

    def forward(self, sender: Home, waiting: list[Waiting]) -> None:
        """Pass transactions on, all to one who may order them, so that they stay in their order."""
        other = self.clock.random.choice(self.others(sender))
        if self.linked(sender, other):
            self.clock.after(self.clock.random.randint(*self.weather.delay), lambda: other.take_in(waiting))

    def check(self, rules: BlockRules, block: Block) -> Fault | None:
        """Check a block's signature once for all homes."""
        if block not in self._checked:
            self._checked[block] = rules.signature_fault(block)
        return self._checked[block]

    def _keep_alive(self) -> None:
        for home in self.homes:
            home.keep_alive()
        self.clock.after(self.keepalive_ms, self._keep_alive)

    # --- what must hold -------------------------------------------------------------------------------------

    def watch(self, home: Home, step: Step) -> None:
        """Hold a step of an honest home against everything that the others did."""
        if home not in self.honest:
            return
        self._watch_words(step)
        for commit in step.entry.commits:
            if commit.ordered:
                self.note(home, f"commits {commit.index} with {len(commit.ordered)} transactions")
            state = LedgerState(commit.index, commit.time, commit.root, commit.leader)
            came = (state, commit.leader, tuple(one.id for one in commit.ordered))
            if self.agreed.setdefault(commit.index, came) != came:
                self.fail(f"home {home.author} has another commit {commit.index} than the others")
            before = self.agreed.get(commit.index - 1)
            if before is not None and before[0].time > commit.time:
                self.fail(f"ledger time goes back at commit {commit.index}")
        self._watch_money(home, step)
        certificate = step.entry.certificate
        if certificate is not None and self.agreed[certificate.state.commit][0] != certificate.state:
            self.fail(f"commit {certificate.state.commit} is certified with another state than was agreed")
        for block, fault in step.refused:
            if block.author < len(self.honest):
                self.fail(f"home {home.author} refuses a block of the honest home {block.author}: {fault}")
        if step.halted:
            self.fail(f"home {home.author} stops though no more than f homes lie")

    def _watch_words(self, step: Step) -> None:
        """See that nobody ever holds two blocks of an honest home for one round."""
        for first, _ in step.entry.evidence:
            if first.author < len(self.honest):
                self.fail(f"home {first.author} shows two blocks for round {first.round}")

    def _watch_money(self, home: Home, step: Step) -> None:
        money = step.standing.money
        if money.issued != money.balances + money.community:
            self.fail(f"at home {home.author} money was made or lost: {money}")

    def note_said(self) -> None:
        """Take note that a home sends a new block."""
        self.said_at.append(self.clock.now)

    def note(self, home: Home | None, what: str) -> None:
        """Remember what happened, for the trace of a failing run."""
        who = "street" if home is None else f"home {home.author}"
        self._trace.append(f"{self.clock.now - START:>8} ms  {who} {what}")

    def fail(self, what: str) -> None:
        """End the run."""
        raise BrokenPromiseError("\n".join([what, "What went before:", *self._trace]))
