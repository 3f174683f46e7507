"""The heart of a node: drives the consensus core and the ledger, both without clock and disk.

One call of `Chain.advance` takes envelopes in and carries out everything that follows from it: own blocks
are made, commits come out, the ledger applies them. What must be kept of it comes back in one `Step`, to be
written in one storage transaction before anybody is told.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from energy_ledger.dag.block_rules import Fault
from energy_ledger.dag.blocks import MAX_ITEMS, MAX_PAYLOAD_BYTES, Block, Payload
from energy_ledger.dag.core import Core
from energy_ledger.dag.effects import (
    Build,
    Commit,
    Effect,
    Evidence,
    Halt,
    Lapse,
    Refuse,
    Request,
    Send,
    Store,
    Timer,
)
from energy_ledger.dag.ordering import Position
from energy_ledger.keys import KeySet
from energy_ledger.ledger.events import Event
from energy_ledger.ledger.governing_rows import Policy
from energy_ledger.ledger.machine import Ledger, Money, Result
from energy_ledger.market.book import Book
from energy_ledger.mempool import Waiting
from energy_ledger.node.certifying import Certifier
from energy_ledger.node.epochs import Epoch
from energy_ledger.proofs import LedgerState
from energy_ledger.refusals import Refused
from energy_ledger.storage.directory import NodeKey
from energy_ledger.storage.writer import CommitEntry, Entry, Ordered
from energy_ledger.tariffs import Schedule
from energy_ledger.transactions import Transaction, parse

MOST_CHECKED: Final = 20_000
"""Checked transactions that are remembered until they are ordered, or never."""
FRESH_MS: Final = 1_000
"""A payload goes out on top of a block that is at most this old, as it gets that block's time."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the ledger stands after a step; `last_round` is the latest whose close has passed, time in ms."""

    commit: int
    time: int
    cursor: int
    root: bytes
    members: int
    money: Money
    last_round: int
    epoch: int
    committee: tuple[str, ...]
    policy: Policy
    tariffs: Schedule

    @classmethod
    def of(cls, ledger: Ledger) -> Standing:
        """Take it from a ledger."""
        return cls(
            ledger.commit,
            ledger.time,
            ledger.cursor,
            ledger.root,
            ledger.members,
            ledger.money,
            ledger.last_round,
            ledger.epoch,
            ledger.committee,
            ledger.policy,
            ledger.tariffs,
        )


@dataclass(frozen=True, slots=True)
class Placed:
    """A transaction that a commit ordered, and what became of it."""

    result: Result
    commit: int


@dataclass(frozen=True, slots=True)
class Incoming:
    """What came over links: blocks, and what other validators (by author) know as our newest block.

    `checked` are transactions in the blocks whose signatures were found good already.
    """

    blocks: Sequence[Block] = ()
    checked: Sequence[Waiting] = ()
    heard: Sequence[tuple[int, Block | None]] = ()


NOTHING = Incoming()


@dataclass(slots=True)
class Step:
    """What one call brought about: what to write, and what to tell once it is written.

    `lines` are the events as JSON, `wake_at` is when to call again though nothing came in (ms), `halted` the
    validators whose lies ended the ordering, `refused` the rules that blocks break, `sent` and `requests`
    what goes out to the neighbours, `homeless` the transactions that another validator must order as this
    node has no voice now.
    """

    standing: Standing
    entry: Entry = field(default_factory=Entry)
    placed: list[Placed] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    open_book: tuple[int, Book] | None = None
    wake_at: int | None = None
    halted: tuple[int, ...] = ()
    refused: list[tuple[Block, Fault]] = field(default_factory=list)
    sent: list[Block] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    homeless: list[Waiting] = field(default_factory=list)


class Chain:
    """Drives one core and one ledger. An instance belongs to one thread."""

    def __init__(self, core: Core, ledger: Ledger, certifier: Certifier, key: NodeKey | None = None) -> None:
        """Drive the core of an epoch; `key` makes the node a validator of later epochs that name it."""
        self.ledger = ledger
        self.core = core
        self.certifier = certifier
        self._key = key
        self._queue: deque[Waiting] = deque()
        self._checked: dict[bytes, Waiting] = {}
        self._pausing = False
        self._given: Block | None = None

    def advance(self, waiting: Iterable[Waiting], now: int, incoming: Incoming = NOTHING) -> Step:
        """Take in checked transactions and what came over links; do what they and the time (ms) call for."""
        self._take_in(waiting)
        step = Step(Standing.of(self.ledger))
        commits = -1
        self._follow(self.core.tick(now), step, now)
        self._receive(incoming, step, now)
        while commits != len(step.entry.commits):
            commits = len(step.entry.commits)
            pending = bool(self._queue) or self.certifier.is_due
            self._follow(self.core.want(pending, self.ledger.next_due(), now), step, now)
        if self._queue and not self.core.speaks:
            step.homeless = list(self._queue)
            self._queue.clear()
        step.entry.certificate = self.certifier.take()
        step.standing = Standing.of(self.ledger)
        step.open_book = self.ledger.open_book()
        return step

    def accept(self, block: Block) -> Step:
        """Take in a block that was made elsewhere or earlier, at the time it says."""
        step = Step(Standing.of(self.ledger))
        self._given = block
        self._carry_out(self.core.accept(block, block.timestamp), step)
        step.entry.certificate = self.certifier.take()
        return step

    def take_voice(self, restored: Chain) -> None:
        """Take over the core of the same place in the order that has this node's voice."""
        self.core, self.certifier, self._key = restored.core, restored.certifier, restored._key

    @property
    def epoch(self) -> int:
        """The epoch in which the core is."""
        return self.certifier.electorate.epoch

    def _receive(self, incoming: Incoming, step: Step, now: int) -> None:
        """Give the core what came over links; blocks of other epochs are nothing to this one."""
        for author, last in incoming.heard:
            known = last if last is not None and last.epoch == self.epoch else None
            self._follow(self.core.hear(author, known, now), step, now)
        for one in incoming.checked:
            self._checked.setdefault(one.data, one)
        while len(self._checked) > MOST_CHECKED:
            del self._checked[next(iter(self._checked))]  # it is checked again, should it be ordered
        for block in incoming.blocks:
            if block.epoch == self.epoch:
                self._given = block
                self._follow(self.core.accept(block, now), step, now)

    def _take_in(self, waiting: Iterable[Waiting]) -> None:
        for one in waiting:
            self._queue.append(one)
            self._checked[one.data] = one

    def _follow(self, effects: list[Effect], step: Step, now: int) -> None:
        """Carry out effects, and what follows from the blocks they ask for, to the end."""
        while self._carry_out(effects, step):
            payload = self._load(now)
            effects = self.core.propose(payload, bool(self._queue), now)

    def _carry_out(self, effects: list[Effect], step: Step) -> bool:
        """Carry out effects; tell whether a block is asked for.

        What comes after the last commit of an epoch is left undone.
        """
        wanted = False
        for effect in effects:
            match effect:
                case Build():
                    wanted = True
                case Timer(at):
                    step.wake_at = at
                case Commit():
                    self._commit(effect, step)
                    if self.ledger.epoch != self.epoch:
                        self._begin_epoch(step)
                        return False
                case _:
                    self._note(effect, step)
        return wanted

    def _note(self, effect: Effect, step: Step) -> None:
        match effect:
            case Store(block):
                step.entry.blocks.append(block)
                self.certifier.hear(block)
            case Send(block):
                step.sent.append(block)
            case Request():
                step.requests.append(effect)
            case Evidence(first, second):
                step.entry.evidence.append((first, second))
            case Halt(equivocators):
                step.halted = equivocators
            case Refuse(_, fault) if self._given is not None:
                step.refused.append((self._given, fault))
            case Lapse(block):
                self._take_back(block)

    def _begin_epoch(self, step: Step) -> None:
        """Start the epoch of the committee just voted in; own transactions left open come along."""
        left, ledger = self.core.unordered_own(), self.ledger
        epoch = Epoch.of(ledger)
        self.core = Core(epoch.settings(self._key), Position(ledger.commit, ledger.time))
        self.certifier = Certifier(epoch.electorate(), epoch.voice(self._key))
        self.certifier.note(LedgerState(ledger.commit, ledger.time, ledger.root))
        step.wake_at = None
        for block in left:
            self._take_back(block)

    def _take_back(self, block: Block) -> None:
        """Let the transactions of an own block that was never ordered wait again."""
        for data in block.envelopes:
            one = self._checked.get(data) or _parsed(data)
            if one is not None:
                self._queue.append(one)

    def _load(self, now: int) -> Payload:
        """Take what waits into the next own block.

        After a pause no envelopes yet: their ledger time will be that of the block below it.
        """
        last = self.core.last_own_block
        votes = self.certifier.speak()
        paused = last is None or now - last.timestamp > FRESH_MS
        self._pausing = (
            paused and not self._pausing
        )  # where rounds are slow, each is a pause: only one is left
        if self._pausing:
            return Payload(votes=votes)
        envelopes: list[bytes] = []
        room = MAX_PAYLOAD_BYTES - sum(map(len, votes))
        while self._queue and len(self._queue[0].data) <= room and len(envelopes) < MAX_ITEMS:
            envelopes.append(self._queue.popleft().data)
            room -= len(envelopes[-1])
        return Payload(tuple(envelopes), votes)

    def _commit(self, commit: Commit, step: Step) -> None:
        ordered = [place for block in commit.blocks for place in self._read(block)]
        transactions = [one.transaction for one in ordered]
        verified = _verified(ordered)
        outcome = self.ledger.apply(commit.index, commit.time, transactions, verified)
        for one in ordered:
            self._checked.pop(one.data, None)
        self.certifier.note(LedgerState(commit.index, self.ledger.time, outcome.root))
        step.events += outcome.events
        step.lines += outcome.lines
        step.placed += [Placed(result, commit.index) for result in outcome.results]
        step.entry.commits.append(
            CommitEntry(
                index=commit.index,
                time=self.ledger.time,
                epoch=self.certifier.electorate.epoch,
                leader=commit.leader.digest,
                root=outcome.root,
                blocks=tuple(block.ref.digest for block in commit.blocks),
                losers=tuple(ref.digest for ref in commit.losers),
                ordered=_ordered(ordered, outcome.results),
                events=outcome.events,
                lines=outcome.lines,
                changes=outcome.changes,
                leaves=outcome.leaves,
            )
        )

    def _read(self, block: Block) -> Iterable[_Place]:
        """Return the transactions in a block; what is none is passed over, by every node alike."""
        for number, data in enumerate(block.envelopes):
            one = self._checked.get(data) or _parsed(data)
            if one is not None:
                yield _Place(one.transaction, one.signers, data, block.ref.digest, number)


@dataclass(frozen=True, slots=True)
class _Place:
    """A transaction, the keys known to have signed it, its envelope, and where in which block it stands."""

    transaction: Transaction
    signers: KeySet
    data: bytes
    block: bytes
    number: int


def _verified(ordered: Sequence[_Place]) -> dict[str, KeySet]:
    """Return under which keys signatures were found good here already, by transaction id.

    An id says nothing about signatures, so one that also comes with others is not among them.
    """
    unchecked = {one.transaction.id for one in ordered if not one.signers}
    return {one.transaction.id: one.signers for one in ordered if one.transaction.id not in unchecked}


def _parsed(data: bytes) -> Waiting | None:
    try:
        return Waiting(parse(data), data)
    except Refused:
        return None


def _ordered(places: Sequence[_Place], results: Sequence[Result]) -> tuple[Ordered, ...]:
    return tuple(
        Ordered(
            bytes.fromhex(result.id), place.block, place.number, result.code, result.field, result.message
        )
        for place, result in zip(places, results, strict=True)
    )
