"""An honest home: the node's chain, driven as the node drives it; written first, then said, then told."""

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

from energy_ledger.dag.blocks import Block
from energy_ledger.mempool import Waiting
from energy_ledger.node.chain import NOTHING, Chain, Incoming, Step, Word
from energy_ledger.quorum import quorum_of
from energy_ledger.storage.directory import NodeKey
from energy_ledger.transactions import parse
from simulation.faults.disk import Disk

if TYPE_CHECKING:
    from simulation.faults.street import Street

GRACE_MS = 5_000
"""How long a restarted home waits for those who may know of a newer own block."""
MAX_PUSHED = 128

type CrashPoint = Literal["before the write", "after the write", "amid the sends"]


@dataclass
class Home:
    """One validator: its disk, its chain, its clock (wrong by `clock_error` ms)."""

    street: Street
    author: int
    disk: Disk
    clock_error: int = 0
    up: bool = True
    amnesiac: bool = False
    crash_at: CrashPoint | None = None
    halted: bool = False
    life: int = 0
    """How often it crashed; its links end with each life, and what was on its way over them."""
    heard: set[int] = field(default_factory=set)
    homeless: dict[str, Waiting] = field(default_factory=dict)
    """What was taken without a voice to order it, until somebody has ordered it."""
    chain: Chain = field(init=False)
    _timer: int = 0

    def __post_init__(self) -> None:
        """Begin with an empty mind."""
        self.chain = self.disk.restore(self.key, self.street.check, muted=False)

    @property
    def key(self) -> NodeKey:
        """The node's key."""
        return self.street.keys[self.author]

    @property
    def now(self) -> int:
        """The time by this home's clock, ms."""
        return self.street.clock.now + self.clock_error

    # --- what comes in --------------------------------------------------------------------------------------

    def submit(self, waiting: Waiting) -> bool:
        """Take a member's transaction; True when it is on the disk, so that it will be ordered."""
        if not self.up or self.halted:
            return False
        self.disk.outbox[waiting.transaction.id] = waiting.data
        self.step([waiting])
        return True

    def take_in(self, waiting: list[Waiting]) -> None:
        """Take transactions that another home passes on because it has no voice."""
        if self.up and self.chain.core.speaks:
            self.step([one for one in waiting if one.transaction.id not in self.disk.ordered])

    def receive(self, *blocks: Block) -> None:
        """Take blocks that came over a link."""
        if self.up:
            self.step((), Incoming(blocks))

    def step(self, waiting: tuple[Waiting, ...] | list[Waiting] = (), incoming: Incoming = NOTHING) -> None:
        """Do what waits and what came in call for."""
        if self.halted:
            return
        step = self.chain.advance(waiting, self.now, incoming)
        if self._crashes("before the write"):
            return
        self.disk.write(step.entry)
        self.street.watch(self, step)
        if self._crashes("after the write"):
            return
        self._send(step)
        self.homeless |= {one.transaction.id: one for one in step.homeless}
        self.halted = bool(step.halted)
        if step.wake_at is not None:
            self._wake_at(step.wake_at)

    def _send(self, step: Step) -> None:
        for block in step.sent:
            self.say(block)
            if self._crashes("amid the sends"):
                return
        for request in step.requests:
            self.street.ask(self, request.refs, request.holders)

    def say(self, block: Block) -> None:
        """Send an own block to everybody."""
        self.street.note_said()
        for other in self.street.others(self):
            self.street.send(self, other, block)

    def _wake_at(self, local: int) -> None:
        self._timer += 1
        number = self._timer

        def wake() -> None:
            if self.up and number == self._timer:
                self.step()

        self.street.clock.at(local - self.clock_error, wake)

    # --- links ----------------------------------------------------------------------------------------------

    def keep_alive(self) -> None:
        """Push to each linked home what it lacks, as frontiers show it."""
        for other in self.street.others(self):
            if self.up and other.up and self.street.linked(self, other):
                for block in self._lacking(other):
                    self.street.send(self, other, block)
        if self.up:
            self._pass_on()
            self.step()

    def _pass_on(self) -> None:
        self.homeless = {
            identity: one for identity, one in self.homeless.items() if identity not in self.disk.ordered
        }
        if self.homeless and not self.chain.core.speaks:
            self.street.forward(self, list(self.homeless.values()))

    def _lacking(self, other: Home) -> list[Block]:
        known = other.chain.core.frontier()
        missing = [ref for ref in self.disk.blocks if ref.round > known[ref.author]]
        last = self.chain.core.last_own_block
        return [*(self.disk.blocks[ref] for ref in sorted(missing)[:MAX_PUSHED]), *([last] if last else [])]

    # --- crashes and returns --------------------------------------------------------------------------------

    def crash(self) -> None:
        """Lose everything that is not on the disk."""
        self.street.note(self, "crashes")
        self.up, self.crash_at = False, None
        self.life += 1
        self._timer += 1

    def _crashes(self, point: CrashPoint) -> bool:
        if self.crash_at != point or not self.up:
            return not self.up
        self.crash()
        return True

    def start(self, backup: Disk | None = None) -> None:
        """Come back on the own disk, or on a backup of it; ask the others for the own newest block."""
        self.street.note(self, "returns" + (" on a backup" if backup else ""))
        if backup is not None:
            self.disk, self.amnesiac = backup.copy(), True
        self.up, self.heard, self.homeless = True, set(), {}
        self.chain = self.disk.restore(self.key, self.street.check, muted=self.street.size > 1)
        again = [Waiting(parse(data), data) for data in self.disk.outbox.values()]
        self.step(again)
        self._ask_around(self.life)
        self.street.clock.after(GRACE_MS, partial(self._wait_no_longer, self.life))

    def _ask_around(self, life: int) -> None:
        """Ask whoever is there and has not answered yet; they all answer in the end."""
        if self.life != life:
            return
        for other in self.street.others(self):
            if other.author not in self.heard:
                self.street.inquire(self, other)
        if len(self.heard) < self.street.size - 1:
            self.street.clock.after(GRACE_MS, partial(self._ask_around, life))

    def hear(self, other: int, last: Block | None) -> None:
        """Take another validator's word on the own newest block."""
        if self.up and other not in self.heard:
            self.heard.add(other)
            self.step((), Incoming(heard=[Word(self.chain.epoch, other, last)]))

    def _wait_no_longer(self, life: int) -> None:
        """Speak though some did not answer, unless memory was lost."""
        if self.life != life or self.amnesiac:
            return
        if len(self.heard) + 1 < quorum_of(self.street.size):
            self.street.clock.after(GRACE_MS, partial(self._wait_no_longer, life))
            return
        silent = [other.author for other in self.street.others(self) if other.author not in self.heard]
        self.step((), Incoming(heard=[Word(self.chain.epoch, author, None) for author in silent]))
