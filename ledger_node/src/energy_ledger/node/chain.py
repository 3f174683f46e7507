"""The heart of a node: drives the consensus core and the ledger, both without clock and disk.

One call of `Chain.advance` takes envelopes in and carries out everything that follows from it: own blocks
are made, commits come out, the ledger applies them. What must be kept of it comes back in one `Step`, to be
written in one storage transaction before anybody is told.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import Struct

from energy_ledger.dag.block_rules import Fault
from energy_ledger.dag.blocks import MAX_ITEMS, MAX_PAYLOAD_BYTES, Block, Payload
from energy_ledger.dag.core import Core
from energy_ledger.dag.effects import (
    Build,
    Commit,
    Effect,
    Evidence,
    Excess,
    Halt,
    Lapse,
    Refuse,
    Request,
    Send,
    Spurn,
    Store,
    Timer,
)
from energy_ledger.dag.ordering import Position
from energy_ledger.dag.pacemaker import has_passed
from energy_ledger.keys import KeySet
from energy_ledger.ledger.events import Event
from energy_ledger.ledger.governing_rows import Policy
from energy_ledger.ledger.machine import Ledger, Money, Result
from energy_ledger.market.book import Book
from energy_ledger.mempool import Waiting
from energy_ledger.node.certifying import Certifier
from energy_ledger.node.epochs import Epoch
from energy_ledger.node.shutter import Shutter, Taken
from energy_ledger.proofs import LedgerState
from energy_ledger.refusals import Refused
from energy_ledger.storage.directory import NodeKey
from energy_ledger.storage.writer import CommitEntry, Entry, Ordered
from energy_ledger.tariffs import Schedule
from energy_ledger.transactions import Transaction, parse

MOST_CHECKED: Final = 20_000
"""Checked transactions that are remembered until they are ordered, or never."""
FRESH_MS: Final = 1_000
"""A payload waits for the next own block where it would get a ledger time that lags by more than this."""
VOTE_PATIENCE_MS: Final = 1_000
"""How long state votes wait for a block that is made anyway, before they are a reason to make one."""


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


class Placed(Struct, frozen=True, gc=False):
    """A transaction that a commit ordered, and what became of it."""

    result: Result
    commit: int


@dataclass(frozen=True, slots=True)
class Word:
    """What another validator, by its number in an epoch, knows as our newest block there (None: none)."""

    epoch: int
    author: int
    newest: Block | None


@dataclass(frozen=True, slots=True)
class Incoming:
    """What came over links: blocks, and what others know of our own.

    `checked` are transactions in the blocks whose signatures were found good already.
    """

    blocks: Sequence[Block] = ()
    checked: Sequence[Waiting] = ()
    heard: Sequence[Word] = ()


NOTHING = Incoming()


@dataclass(slots=True)
class Step:
    """What one call brought about: what to write, and what to tell once it is written.

    `lines` are the events as JSON, `wake_at` is when to call again though nothing came in (ms), `halted` the
    validators whose lies ended the ordering, `refused` the rules that blocks break, `spurned` the blocks that
    break none and are not kept, `sent` and `requests` what goes out to the neighbours, `homeless` the
    transactions that another validator must order as this node has no voice now, `taken` a certified state
    that was asked for.
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
    spurned: list[tuple[Block, Excess]] = field(default_factory=list)
    sent: list[Block] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    homeless: list[Waiting] = field(default_factory=list)
    taken: Taken | None = None


class Chain:
    """Drives one core and one ledger. An instance belongs to one thread."""

    def __init__(self, core: Core, ledger: Ledger, certifier: Certifier, key: NodeKey | None = None) -> None:
        """Drive the core of an epoch; `key` makes the node a validator of later epochs that name it."""
        self.ledger = ledger
        self.core = core
        self.certifier = certifier
        self.shutter = Shutter()
        self._key = key
        self._queue: deque[Waiting] = deque()
        self._checked: dict[bytes, Waiting] = {}
        self._pausing = False
        self._votes_since: int | None = None
        self._homeless: dict[str, Waiting] = {}
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
            self._take_home()
            pending = bool(self._queue) or self._is_vote_due(now)
            self._follow(self.core.want(pending, self.ledger.next_due(), now), step, now)
        self._wake_for_votes(step, now)
        if self._queue and not self.core.speaks:
            step.homeless = list(self._queue)
            passed_on = (*self._homeless.values(), *self._queue)
            valid = (one for one in passed_on if one.transaction.payload.expires >= self.ledger.time)
            self._homeless = {one.transaction.id: one for one in valid}
            self._queue.clear()
        certificates = self.certifier.take_all()
        step.entry.certificate = certificates[-1] if certificates else None
        step.taken = self.shutter.look(self.ledger, self.certifier.newest, certificates)
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
        """Give the core what came over links; what is of other epochs is nothing to this one."""
        for word in incoming.heard:
            if word.epoch == self.epoch:
                newest = word.newest
                known = newest if newest is not None and newest.epoch == self.epoch else None
                self._follow(self.core.hear(word.author, known, now), step, now)
        for one in incoming.checked:
            self._checked.setdefault(one.data, one)
        while len(self._checked) > MOST_CHECKED:
            del self._checked[next(iter(self._checked))]  # it is checked again, should it be ordered
        for block in incoming.blocks:
            if block.epoch == self.epoch:
                self._given = block
                self._follow(self.core.accept(block, now), step, now)

    def _is_vote_due(self, now: int) -> bool:
        """Tell whether own state votes have waited for long enough.

        Whoever comes with a transaction right after a commit would otherwise find this round's block made.
        """
        if not self.certifier.is_due:
            self._votes_since = None
            return False
        if self._votes_since is None:
            self._votes_since = now
        return self._is_alone or has_passed(self._votes_since, VOTE_PATIENCE_MS, now)

    def _wake_for_votes(self, step: Step, now: int) -> None:
        if self.certifier.is_due and self._votes_since is not None and not self._is_vote_due(now):
            at = self._votes_since + VOTE_PATIENCE_MS
            step.wake_at = at if step.wake_at is None else min(step.wake_at, at)

    def _take_in(self, waiting: Iterable[Waiting]) -> None:
        for one in waiting:
            self._queue.append(one)
            self._checked[one.data] = one

    def _follow(self, effects: list[Effect], step: Step, now: int) -> None:
        """Carry out effects, and what follows from the blocks they ask for, to the end."""
        while (wanted := self._carry_out(effects, step)) is not None:
            payload = self._load(wanted, now)
            effects = self.core.propose(payload, bool(self._queue), now)

    def _carry_out(self, effects: list[Effect], step: Step) -> Build | None:
        """Carry out effects; return the block that is asked for, if one is.

        What comes after the last commit of an epoch is left undone.
        """
        wanted = None
        for effect in effects:
            match effect:
                case Build():
                    wanted = effect
                case Timer(at):
                    step.wake_at = at
                case Commit():
                    self._commit(effect, step)
                    if self.ledger.epoch != self.epoch:
                        self._begin_epoch(step)
                        return None
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
            case Spurn(block, excess):
                step.spurned.append((block, excess))
            case Lapse(block):
                self._take_back(block)

    def _begin_epoch(self, step: Step) -> None:
        """Start the epoch of the committee just voted in; own transactions left open come along.

        Who does not know yet what it said before may have been in this epoch already, and forgot: it goes on
        asking.
        """
        left, ledger = self.core.unordered_own(), self.ledger
        epoch = Epoch.of(ledger)
        position, muted = Position(ledger.commit, ledger.time), self.core.is_muted
        self.core = Core(epoch.settings(self._key), position, muted=muted)
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
                self._put_back(one)

    def _take_home(self) -> None:
        """Take back what was passed on and is not ordered, once there is a voice: nothing may overtake it."""
        if self._homeless and self.core.speaks:
            homeless, self._homeless = self._homeless, {}
            for one in homeless.values():
                self._put_back(one)

    def _put_back(self, one: Waiting) -> None:
        """Let a transaction wait before those of its account with higher numbers, which would void it."""
        later = (
            place
            for place, other in enumerate(self._queue)
            if other.account == one.account and other.sequence > one.sequence
        )
        self._queue.insert(next(later, len(self._queue)), one)

    def _load(self, build: Build, now: int) -> Payload:
        """Take what waits into the next own block; no envelopes yet where their ledger time would be old."""
        self._take_home()
        votes = self.certifier.speak()
        paused = now - build.time > FRESH_MS
        # Where rounds are slow, each is a pause: only one is left out.
        self._pausing = paused and not self._pausing
        if self._pausing:
            return Payload(votes=votes)
        return Payload(self._take_envelopes(MAX_PAYLOAD_BYTES - sum(map(len, votes))), votes)

    def _take_envelopes(self, room: int) -> tuple[bytes, ...]:
        """Take what fits out of the queue, in its order, but for accounts with envelopes in open own blocks.

        A block that is late can sink below the window, and its envelopes come again. Had a later number of
        the account been ordered meanwhile, they would be void.
        """
        open_accounts = self._open_accounts()
        taken: list[bytes] = []
        left: deque[Waiting] = deque()
        while self._queue and len(self._queue[0].data) <= room and len(taken) < MAX_ITEMS:
            one = self._queue.popleft()
            if one.account in open_accounts:
                left.append(one)
                continue
            taken.append(one.data)
            room -= len(one.data)
        self._queue.extendleft(reversed(left))
        return tuple(taken)

    def _open_accounts(self) -> set[str]:
        """Return the accounts that have envelopes in own blocks which are not ordered and may never be."""
        if self._is_alone:
            return set()
        data = (one for block in self.core.unordered_own() for one in block.envelopes)
        known = (self._checked.get(one) or _parsed(one) for one in data)
        return {one.account for one in known if one is not None}

    @property
    def _is_alone(self) -> bool:
        return len(self.certifier.electorate.keys) == 1

    def _commit(self, commit: Commit, step: Step) -> None:
        ordered = [place for block in commit.blocks for place in self._read(block)]
        transactions = [one.transaction for one in ordered]
        verified = _verified(ordered)
        outcome = self.ledger.apply(commit.index, commit.time, transactions, verified)
        self._forget(ordered)
        leader = commit.leader.digest
        self.certifier.note(LedgerState(commit.index, self.ledger.time, outcome.root, leader))
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

    def _forget(self, ordered: Sequence[_Place]) -> None:
        """Drop what is ordered, also where the very same envelope waits here once more after a restart."""
        for one in ordered:
            self._checked.pop(one.data, None)
            self._homeless.pop(one.transaction.id, None)
        if self._queue and not self._is_alone:
            gone = {one.data for one in ordered}
            self._queue = deque(one for one in self._queue if one.data not in gone)

    def _read(self, block: Block) -> Iterable[_Place]:
        """Return the transactions in a block; what is none is passed over, by every node alike."""
        for number, data in enumerate(block.envelopes):
            one = self._checked.get(data) or _parsed(data)
            if one is not None:
                yield _Place(one.transaction, one.signers, data, block.ref.digest, number)


class _Place(Struct, frozen=True, gc=False):
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
