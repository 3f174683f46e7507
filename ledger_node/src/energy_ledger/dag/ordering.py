"""From accepted blocks to commits: the DAG, the decisions on it, and the memory they need."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from energy_ledger.dag.base_committer import BaseCommitter
from energy_ledger.dag.blocks import Block, BlockRef
from energy_ledger.dag.committee import Committee
from energy_ledger.dag.effects import Commit
from energy_ledger.dag.graph import Dag
from energy_ledger.dag.linearizer import DEPTH, Linearizer
from energy_ledger.dag.universal_committer import UniversalCommitter


@dataclass(frozen=True, slots=True)
class Position:
    """Where the order stands: the last commit's index, ledger time (ms), leader (None: none this epoch)."""

    index: int = 0
    time: int = 0
    leader: BlockRef | None = None


class Fate(StrEnum):
    """What a stored block came to: still open, put out by a commit, or lost to another of its slot."""

    OPEN = "open"
    ORDERED = "ordered"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Kept:
    """A block as storage gives it back."""

    block: Block
    fate: Fate


def lower_median(times: list[int]) -> int:
    """Return the median, of an even number of values the lower of the two in the middle.

    With at least a quorum of values it lies between two honest ones, as a quorum has 2f + 1 members or more.
    """
    return sorted(times)[(len(times) - 1) // 2]


@dataclass(slots=True)
class Ordering:
    """The accepted blocks inside the depth window and what has been decided about them."""

    committee: Committee
    position: Position
    dag: Dag = field(default_factory=Dag)
    base: BaseCommitter = field(init=False)
    universal: UniversalCommitter = field(init=False)
    linearizer: Linearizer = field(init=False)
    blocks: dict[BlockRef, Block] = field(default_factory=dict)
    unordered: dict[BlockRef, None] = field(default_factory=dict)
    """The accepted blocks with envelopes that no commit has reached."""

    def __post_init__(self) -> None:
        """Put the parts of the rule together."""
        self.base = BaseCommitter(self.dag, self.committee)
        self.universal = UniversalCommitter(self.base)
        self.linearizer = Linearizer(self.dag)

    def resume(self, kept: Iterable[Kept]) -> None:
        """Take up the window after the commit that `position` names, before any block is added."""
        leader = self.position.leader
        if leader is None:
            return
        blocks = tuple(kept)
        ordered = [one.block.ref for one in blocks if one.fate is Fate.ORDERED]
        lost = [one.block.ref for one in blocks if one.fate is Fate.LOST]
        self.linearizer.restore(ordered, lost, leader.round)
        self.universal.resume_after(leader.round)
        self.dag.floor = max(0, leader.round - DEPTH)

    def missing(self, block: Block) -> list[BlockRef]:
        """Return the ancestors that must still be accepted before this block."""
        floor = max(1, self.dag.floor)
        return [ref for ref in block.ancestors if ref.round >= floor and ref not in self.dag]

    def add(self, block: Block) -> None:
        """Accept a block whose ancestors are all here or below the floor."""
        self.dag.add(block.ref, block.ancestors)
        self.blocks[block.ref] = block
        if block.envelopes and not self.linearizer.is_walked(block.ref):
            self.unordered[block.ref] = None

    def advance(self) -> list[Commit]:
        """Return the commits that follow from the blocks accepted so far."""
        decided = self.universal.take_decided()
        return [self._commit(status.block) for status in decided if status.block is not None]

    def prune(self) -> list[Block]:
        """Forget the rounds below the depth window; return their blocks whose payload was never ordered."""
        leader = self.position.leader
        if leader is None or leader.round - DEPTH <= self.dag.floor:
            return []
        gone = self.dag.prune(leader.round - DEPTH)
        self.base.forget(gone)
        lapsed = [self.blocks[ref] for ref in gone if ref in self.unordered]
        for ref in gone:
            del self.blocks[ref]
            self.unordered.pop(ref, None)
        return lapsed

    def _commit(self, leader: BlockRef) -> Commit:
        time = max(self.position.time, self._ledger_time(leader))
        flat = self.linearizer.linearize(leader)
        for ref in (*flat.output, *flat.losers):
            self.unordered.pop(ref, None)
        self.position = Position(self.position.index + 1, time, leader)
        blocks = tuple(self.blocks[ref] for ref in flat.output)
        return Commit(self.position.index, leader, time, blocks, flat.losers)

    def _ledger_time(self, leader: BlockRef) -> int:
        parents = [ref for ref in self.dag.ancestors(leader) if ref.round == leader.round - 1]
        return lower_median([self.blocks[ref].timestamp if ref.round else 0 for ref in parents])
