"""The own voice: whether there is a reason to speak, when, and what an own block names."""

from energy_ledger.dag.block_rules import BlockRules
from energy_ledger.dag.blocks import Block, BlockRef, Draft, Payload, sign_block
from energy_ledger.dag.effects import Build
from energy_ledger.dag.ordering import Ordering, lower_median
from energy_ledger.dag.pacemaker import Pacemaker, has_passed
from energy_ledger.dag.settings import Settings
from energy_ledger.dag.witness import Hearsay, Witness


class ProposalNotDueError(RuntimeError):
    """`propose` was called although the last effects held no Build, or after another call."""


class Speaker:
    """Says when a core has to make its next block, and makes it; an observer's never speaks."""

    def __init__(self, settings: Settings, rules: BlockRules, ordering: Ordering, witness: Witness) -> None:
        """Begin with the own genesis block as the newest, and nothing to say."""
        self.me = settings.voice.author if settings.voice else None
        self.pacemaker = Pacemaker(ordering.base, settings.pace)
        self.hearsay = Hearsay(rules.committee, self.me)
        self._settings = settings
        self._rules = rules
        self._ordering = ordering
        self._witness = witness
        self._linked: dict[int, BlockRef] = {}
        self._pending = False
        self._due_at: int | None = None
        self.own = rules.genesis[self.me] if self.me is not None else None
        """The own newest accepted block."""
        self.unheard: dict[int, None] = {}
        """Validators whose word on the own blocks is awaited before the voice is free."""
        self.forgot = False
        """Whether others had an own block that was not in the store."""
        self.building: int | None = None
        """The round of the Build that is to be answered now."""

    def mute(self) -> None:
        """Stay silent until every other validator was heard."""
        self.unheard = dict.fromkeys(self._others())

    def hear(self, author: int) -> None:
        """Take note that a validator has said which own block it knows."""
        self.unheard.pop(author, None)

    def meet(self, block: Block) -> None:
        """Look at a good block that came from others and was not known here."""
        self.forgot = self.forgot or block.author == self.me

    def want(self, pending: bool, due_at: int | None) -> None:
        """Take note of what there is to say, and of the ledger time (ms) of the next work."""
        self.building = None
        self._pending, self._due_at = pending, due_at

    def observe(self, block: Block) -> None:
        """Take note of an accepted block; an own one may be newer than all before."""
        if block.author == self.me and block.round > self.pacemaker.last_round:
            self.own = block.ref
            self.pacemaker.speak(block.round, block.timestamp)

    def speak(self, now: int) -> list[Build]:
        """Ask for the own next block if it is due."""
        round_ = self.pacemaker.next_round(self.hearsay.front())
        if round_ is None or not self._may_speak() or not self._has_reason(round_, now):
            return []
        if not self.pacemaker.is_ready(round_, now):
            return []
        self.building = round_
        return [Build(round_, self._payload_time(round_, now))]

    def times(self, now: int) -> list[int]:
        """Return when the own next block may become due without any news."""
        round_ = self.pacemaker.next_round(self.hearsay.front())
        if round_ is None or self.building is not None or not self._may_speak():
            return []
        if self._has_reason(round_, now):
            return [self.pacemaker.wait_until(round_, now)]
        due = self._due_at if self._due_at is not None and self._due_at > now else None
        return [self.pacemaker.heartbeat_at(), *([] if due is None else [due])]

    def write(self, payload: Payload, more: bool, now: int) -> Block:
        """Make the block that is due. Raises ProposalNotDueError when none is, BlockError for the payload."""
        round_, voice, own = self.building, self._settings.voice, self.own
        if round_ is None or voice is None or own is None:
            raise ProposalNotDueError("propose answers a Build at once; none is open")
        ancestors = (own, *self._other_ancestors(round_))
        draft = Draft(
            self._rules.network, self._rules.epoch, round_, voice.author, max(0, now), ancestors, payload
        )
        block = sign_block(draft, voice.seed)
        self.building, self._pending = None, more
        self._linked.update((ref.author, ref) for ref in ancestors)
        return block

    def _payload_time(self, round_: int, now: int) -> int:
        """Return what ledger time the payload of an own block made now may count on.

        A commit has the time of the blocks below its leader. Those lie below this block if it is the
        leader's, else they are of its own round or later.
        """
        if self._rules.committee.leader(round_) == self.me:
            below = [block.timestamp for block in self._blocks_at(round_ - 1)]
            return lower_median(below) if below else 0
        return lower_median([now, *(block.timestamp for block in self._blocks_at(round_))])

    def _may_speak(self) -> bool:
        """Tell whether the voice is free.

        An own block that came from others must be accepted first, unless it sank below the depth window: what
        nobody accepted until then nobody will, and all rounds that can still be said lie above it.
        """
        if self.me is None or self.unheard or self._witness.is_halted:
            return False
        return self.hearsay.own_round() <= max(self.pacemaker.last_round, self._ordering.dag.floor)

    def _has_reason(self, round_: int, now: int) -> bool:
        return (
            self._pending
            or bool(self._ordering.unordered)
            or self._ordering.dag.highest_round >= round_
            or (self._due_at is not None and self._ordering.position.time < self._due_at <= now)
            or has_passed(self.pacemaker.proposed_at, self._settings.pace.heartbeat, now)
        )

    def _other_ancestors(self, round_: int) -> list[BlockRef]:
        newest = (self._newest_below(round_, author) for author in self._others())
        return [ref for ref in newest if ref is not None and self._is_worth_naming(ref, round_)]

    def _newest_below(self, round_: int, author: int) -> BlockRef | None:
        for below in range(round_ - 1, max(0, self._ordering.dag.floor - 1), -1):
            known = self._ordering.dag.at_slot(below, author)
            if known:
                return known[0]
        return self._rules.genesis[author] if round_ == 1 else None

    def _is_worth_naming(self, ref: BlockRef, round_: int) -> bool:
        return ref.round == round_ - 1 or self._linked.get(ref.author) != ref

    def _others(self) -> list[int]:
        return [author for author in range(len(self._settings.keys)) if author != self.me]

    def _blocks_at(self, round_: int) -> list[Block]:
        return [self._ordering.blocks[ref] for ref in self._ordering.dag.at_round(round_)]
