"""One validator's (or observer's) side of the agreement: a state machine without clock, socket or disk.

Theory of operation
-------------------
Every validator makes at most one block per round, naming blocks of lower rounds. Blocks that arrive are
checked (`block_rules`), held while an ancestor is missing or their time has not come (`waiting`), and
otherwise join the DAG. After each step the commit rule (`base_committer`, `universal_committer`) is asked
for newly decided leader slots; a committed leader's history is flattened (`linearizer`) into a `Commit`.
The `speaker` says whether an own block is due and what it names, the `pacemaker` when. A single validator
runs through the very same rule: its quorum is one, every block votes for the one below, and what is in round
r is committed by its own blocks of rounds r + 1 and r + 2.

How a driver uses it
--------------------
::

    core = Core(Settings(network, epoch=0, keys=committee, voice=Voice(author, seed)), Position(time=created))
    run(core.tick(now))                          # at the start
    run(core.accept(decode_block(raw), now))     # a block came from a peer
    run(core.want(pending, due_at, now))         # the mempool filled up or ran dry; when work is due
    run(core.tick(now))                          # the time of the last Timer has come

`now` is milliseconds since the Unix epoch by the local clock. Every call returns effects (`effects.py`), to
be carried out in their order, before the next call:

* `Store` what must be kept (harmless to repeat). **An own block must be on disk before the Send that
  follows**, and with it everything stored before. Blocks of others may wait for that or for the transaction
  of the next commit.
* `Commit`: apply it, with its effects, in one storage transaction: mark `blocks` as ordered and `losers` as
  lost, keep `Position(index, time, leader)`. After a crash before that, the same commit comes again.
* `Build`, always the last but a Timer: answer at once with ``run(core.propose(payload, more, now))``.
  `payload` is what the mempool gives for one block (at most MAX_PAYLOAD_BYTES and MAX_ITEMS), possibly
  nothing; `more` tells whether it holds more. With one validator that answer leads straight to the next
  Build until the payload is committed: a submitted envelope is ordered within the chain of calls, without
  any timer.
* `Timer`: call `tick` then. `Request`: ask peers for blocks, and give those to `accept`.

The core speaks only when there is a reason: `pending`; a payload not yet ordered; work by ledger time
(`due_at` has passed by the clock, and ledger time is not there yet); a peer's block of a round not lower
than the own next one; or the heartbeat. So the driver says after each commit when the next work is due, and
needs no timer for it. The ledger time of a commit is that of the blocks *below* its leader: after a pause
it lags, until work is due. Build says which time a payload may count on.

After a restart: ``core = Core.restore(settings, position, kept, evidence)`` with the last stored position,
every stored block of this epoch of round >= `position.leader.round` - DEPTH (all of them if there is no
leader yet) as `Kept`, and all stored evidence; then `tick`. It decides as before the crash and never
proposes twice for a round. On every connection push `last_own_block` and what the peer lacks (`unseen_by`
its `frontier`). A validator whose database may be older than its last block is made with ``muted=True``: it
stays silent until `hear` was called for every other validator with that one's newest block of ours. Each
own block is on the disk before anybody gets it, so one that comes from others and is not there proves that
the disk forgot (`Status.forgot`): then nothing less than the word of every other validator will do.

A new committee starts with the end of the commit that voted it in: the driver leaves what comes after that
Commit undone, and makes a new Core for the next epoch with the position (index, time) reached,
`leader=None`.
"""

from collections.abc import Callable, Iterable

from energy_ledger.dag.block_rules import BlockRules, Fault
from energy_ledger.dag.blocks import Block, BlockRef, Payload
from energy_ledger.dag.effects import (
    Effect,
    Evidence,
    Excess,
    Lapse,
    Refuse,
    Request,
    Send,
    Spurn,
    Store,
    Timer,
)
from energy_ledger.dag.linearizer import DEPTH
from energy_ledger.dag.ordering import Kept, Ordering, Position
from energy_ledger.dag.settings import Settings, Status
from energy_ledger.dag.speaker import Speaker
from energy_ledger.dag.waiting import WaitingRoom
from energy_ledger.dag.witness import Witness

MAX_REQUEST = 256
"""Most blocks asked for at once."""
MAX_AHEAD = 2 * DEPTH
"""How many rounds above the own clock a block may wait for its ancestors."""


class Core:
    """The consensus state machine of one epoch; the module's text says how to drive it."""

    def __init__(
        self,
        settings: Settings,
        position: Position,
        *,
        muted: bool = False,
        check: Callable[[BlockRules, Block], Fault | None] = BlockRules.signature_fault,
    ) -> None:
        """Start an epoch with nothing accepted.

        `muted` keeps the voice silent until `hear` was called for every other validator. `check` stands in
        for the signature check, for a simulation that has many cores check the same block.
        """
        self._settings = settings
        self._rules = BlockRules(settings.network, settings.epoch, settings.keys)
        self._check = check
        self._ordering = Ordering(self._rules.committee, position)
        self._waiting = WaitingRoom()
        self._witness = Witness(self._rules.committee)
        self._speaker = Speaker(settings, self._rules, self._ordering, self._witness)
        self._pacemaker, self._hearsay = self._speaker.pacemaker, self._speaker.hearsay
        self._me = self._speaker.me
        if muted:
            self._speaker.mute()

    @classmethod
    def restore(
        cls,
        settings: Settings,
        position: Position,
        kept: Iterable[Kept],
        evidence: Iterable[Evidence] = (),
        *,
        muted: bool = False,
        check: Callable[[BlockRules, Block], Fault | None] = BlockRules.signature_fault,
    ) -> Core:
        """Take up an epoch from what storage kept; call `tick` next. Stored blocks are not checked again."""
        core = cls(settings, position, muted=muted, check=check)
        core._witness.remember(evidence)
        window = sorted(kept, key=lambda one: one.block.ref)
        core._ordering.resume(window)
        for one in window:
            core._hearsay.note(one.block)
            core._place(one.block, future=False, now=0)
        return core

    # --- what happens ---------------------------------------------------------------------------------------

    def accept(self, block: Block, now: int) -> list[Effect]:
        """Take in a block that a peer sent, pushed or asked for; harmless when it comes again."""
        self._speaker.building = None
        if self._is_known(block.ref):
            return []
        fault = self._rules.fault(block) or self._check(self._rules, block)
        if fault is not None:
            return [Refuse(block.ref, fault)]
        self._speaker.meet(block)
        effects, welcome = self._watch(block)
        if welcome:
            self._hearsay.note(block)
            early = self._is_early(block, now)
            if not early:
                self._hearsay.reach(block)
            effects += self._place(block, early, now) if self._is_near(block) else _spurn_far(block)
            effects += self._release_early(now)
        return effects + self._proceed(now)

    def tick(self, now: int) -> list[Effect]:
        """Take note that time has passed."""
        self._speaker.building = None
        return [*self._release_early(now), *self._request_gaps(now), *self._proceed(now)]

    def want(self, pending: bool, due_at: int | None, now: int) -> list[Effect]:
        """Say whether envelopes or votes wait, and at which ledger time (ms) the next work is due."""
        self._speaker.want(pending, due_at)
        return self._proceed(now)

    def propose(self, payload: Payload, more: bool, now: int) -> list[Effect]:
        """Make the own block asked for by the Build just returned; `more`: the mempool holds more.

        Raises ProposalNotDueError without that Build, BlockError when the payload is too large.
        """
        block = self._speaker.write(payload, more, now)
        self._hearsay.note(block)
        stored, *others = self._admit([block], now)
        return [stored, Send(block), *others, *self._proceed(now)]

    def hear(self, author: int, last: Block | None, now: int) -> list[Effect]:
        """Take another validator's word on the newest block of ours that it knows (None: none)."""
        self._speaker.hear(author)
        return self.tick(now) if last is None else self.accept(last, now)

    # --- what can be asked ----------------------------------------------------------------------------------

    @property
    def last_own_block(self) -> Block | None:
        """The own newest accepted block, to be pushed again on every connection."""
        own = self._speaker.own
        return self._ordering.blocks.get(own) if own is not None else None

    def block(self, ref: BlockRef) -> Block | None:
        """Return an accepted block that is still in memory."""
        return self._ordering.blocks.get(ref)

    def newest_by(self, author: int) -> Block | None:
        """Return an author's newest block in memory, accepted or waiting: the word that `hear` takes."""
        accepted = [self._ordering.blocks[ref] for ref in self._ordering.blocks if ref.author == author]
        known = [*accepted, *self._waiting.blocks_by(author)]
        return max(known, key=lambda block: block.ref, default=None)

    def unordered_own(self) -> tuple[Block, ...]:
        """Return the own blocks with envelopes that no commit has reached, oldest first."""
        return tuple(
            self._ordering.blocks[ref] for ref in sorted(self._ordering.unordered) if ref.author == self._me
        )

    @property
    def is_muted(self) -> bool:
        """Whether others have yet to say what they know of our own blocks, before one more may be made."""
        return bool(self._speaker.unheard)

    @property
    def speaks(self) -> bool:
        """Whether this node has a voice that is not muted."""
        return self._me is not None and not self._speaker.unheard

    def blocks_at(self, round_: int) -> list[Block]:
        """Return the accepted blocks of a round in memory, in the order in which they came."""
        return [self._ordering.blocks[ref] for ref in self._ordering.dag.at_round(round_)]

    def frontier(self) -> tuple[int, ...]:
        """Return the highest round of an accepted block, by author; 0 where there is none."""
        highest = [0] * len(self._settings.keys)
        for ref in self._ordering.blocks:
            highest[ref.author] = max(highest[ref.author], ref.round)
        return tuple(highest)

    def unseen_by(self, frontier: tuple[int, ...], limit: int) -> tuple[Block, ...]:
        """Return blocks in memory above a peer's frontier, lowest rounds first, at most `limit`."""
        known = (*frontier, *[0] * len(self._settings.keys))
        unseen = sorted(ref for ref in self._ordering.blocks if ref.round > known[ref.author])
        return tuple(self._ordering.blocks[ref] for ref in unseen[:limit])

    def status(self) -> Status:
        """Return what there is to know about this core now."""
        finished = self._ordering.dag.authors_at(self._pacemaker.clock - 1)
        everyone = range(len(self._settings.keys))
        return Status(
            round=self._pacemaker.clock,
            own_round=self._pacemaker.last_round,
            position=self._ordering.position,
            undecided=len(self._ordering.universal.statuses()),
            absent=tuple(author for author in everyone if author not in finished) if finished else (),
            awaited=self._awaited(),
            gaps=self._waiting.gaps(),
            waiting=len(self._waiting),
            early=len(self._waiting.future_blocks()),
            equivocators=self._witness.equivocators,
            halted=self._witness.is_halted,
            unheard=tuple(self._speaker.unheard),
            forgot=self._speaker.forgot,
        )

    def _awaited(self) -> tuple[int, ...]:
        if not self._ordering.unordered:
            return ()
        here = self._ordering.dag.authors_at(self._pacemaker.clock)
        return tuple(author for author in range(len(self._settings.keys)) if author not in here)

    # --- blocks coming in -----------------------------------------------------------------------------------

    def _is_known(self, ref: BlockRef) -> bool:
        dag = self._ordering.dag
        return ref in dag or ref in self._waiting or 0 < ref.round < dag.floor

    def _watch(self, block: Block) -> tuple[list[Effect], bool]:
        """Compare a block with what is known of its slot; tell whether it is welcome.

        A second block of a slot comes in only when another block names it, so that a liar cannot fill the
        memory with variants nobody builds on.
        """
        first = self._first_at(block.ref.slot)
        if first is None:
            return [], True
        evidence = self._witness.testify(first, block)
        if self._waiting.is_wanted(block.ref):
            return [*evidence], True
        return [*evidence, Spurn(block, Excess.TWIN)], False

    def _first_at(self, slot: tuple[int, int]) -> Block | None:
        accepted = self._ordering.dag.at_slot(*slot)
        return self._ordering.blocks[accepted[0]] if accepted else self._waiting.at_slot(slot)

    def _is_near(self, block: Block) -> bool:
        """Tell whether the block may be of use soon: what lies further ahead comes again with its history."""
        return block.round <= self._pacemaker.clock + MAX_AHEAD

    def _place(self, block: Block, future: bool, now: int) -> list[Effect]:
        missing = self._ordering.missing(block)
        if not missing and not future:
            return self._admit([block], now)
        if self._waiting.make_room(block):
            self._waiting.hold(block, missing, future, now)
        return []

    def _admit(self, blocks: list[Block], now: int) -> list[Effect]:
        admitted = list(blocks)
        effects: list[Effect] = []
        for block in admitted:
            self._ordering.add(block)
            self._hearsay.reach(block)
            self._pacemaker.observe(block.round, now)
            self._speaker.observe(block)
            effects.append(Store(block))
            admitted += self._waiting.settle(block.ref)
        return effects

    def _is_early(self, block: Block, now: int) -> bool:
        return block.timestamp > self._hearsay.vouched_time(now) + self._settings.pace.tolerance

    def _release_early(self, now: int) -> list[Effect]:
        effects: list[Effect] = []
        for block in self._waiting.future_blocks():
            if block.ref in self._waiting and not self._is_early(block, now):
                effects += self._admit(self._waiting.time_has_come(block.ref), now)
        return effects

    def _request_gaps(self, now: int) -> list[Effect]:
        pace = self._settings.pace
        due = self._waiting.due_gaps(now, 2 * pace.least_round, pace.timeout, MAX_REQUEST)
        if not due:
            return []
        gaps = self._waiting.gaps()
        return [Request(tuple(due), tuple(sorted({author for ref in due for author in gaps[ref]})))]

    # --- what follows ---------------------------------------------------------------------------------------

    def _proceed(self, now: int) -> list[Effect]:
        effects: list[Effect] = [*self._witness.tell_halt()]
        effects += self._order(now)
        effects += self._speaker.speak(now)
        at = self._next_time(now)
        return effects if at is None else [*effects, Timer(at)]

    def _order(self, now: int) -> list[Effect]:
        effects: list[Effect] = []
        while not self._witness.is_halted:
            effects += self._ordering.advance()
            effects += [Lapse(block) for block in self._ordering.prune() if block.author == self._me]
            ready = self._waiting.drop_below(self._ordering.dag.floor)
            if not ready:
                break
            effects += self._admit(ready, now)
        return effects

    def _next_time(self, now: int) -> int | None:
        """Return the next time at which something may happen without any news."""
        pace = self._settings.pace
        early = (block.timestamp - pace.tolerance for block in self._waiting.future_blocks())
        asking = self._waiting.next_asking(2 * pace.least_round, pace.timeout)
        times = [*early, *([] if asking is None else [asking]), *self._speaker.times(now)]
        return min(times, default=None)


def _spurn_far(block: Block) -> list[Effect]:
    return [Spurn(block, Excess.AHEAD)]
