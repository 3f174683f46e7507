"""What the validators' signed blocks give away, accepted or not: lies, clocks, and how far they are."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from energy_ledger.dag.blocks import Block
from energy_ledger.dag.committee import Committee
from energy_ledger.dag.effects import Evidence, Halt


@dataclass(slots=True)
class Witness:
    """Keeps the evidence of equivocation. More than f liars are more than the rule withstands."""

    committee: Committee
    _evidence: dict[int, Evidence] = field(default_factory=dict)
    _told: bool = False

    def remember(self, evidence: Iterable[Evidence]) -> None:
        """Take up evidence that was stored before a restart."""
        self._evidence.update((pair.first.author, pair) for pair in evidence)

    def testify(self, first: Block, second: Block) -> list[Evidence]:
        """Keep two blocks of one slot; return them if they are the first proof against their author."""
        if first.author in self._evidence:
            return []
        self._evidence[first.author] = Evidence(first, second)
        return [self._evidence[first.author]]

    @property
    def equivocators(self) -> tuple[int, ...]:
        """The validators that are proven to have signed two blocks for one round."""
        return tuple(sorted(self._evidence))

    @property
    def is_halted(self) -> bool:
        """Whether the order has come to its end."""
        return len(self._evidence) > self.committee.faults

    def tell_halt(self) -> list[Halt]:
        """Return the news of the end, once."""
        if self._told or not self.is_halted:
            return []
        self._told = True
        return [Halt(self.equivocators)]


@dataclass(slots=True)
class Hearsay:
    """The latest time and round that each author has shown in a rightly signed block."""

    committee: Committee
    me: int | None
    _times: dict[int, int] = field(default_factory=dict)
    _rounds: dict[int, int] = field(default_factory=dict)

    def note(self, block: Block) -> None:
        """Take note of a block whose signature holds: of its time, and of an own one's round."""
        self._times[block.author] = max(block.timestamp, self._times.get(block.author, 0))
        if block.author == self.me:
            self.reach(block)

    def reach(self, block: Block) -> None:
        """Take note of the round of a block that is not ahead of its time.

        Where a fast clock is, nobody can follow: waiting for that round would stop those behind it.
        """
        self._rounds[block.author] = max(block.round, self._rounds.get(block.author, 0))

    def own_round(self) -> int:
        """Return the highest round of an own block that anybody has shown."""
        return 0 if self.me is None else self._rounds.get(self.me, 0)

    def front(self) -> int:
        """Return the highest round that f + 1 others have reached, so that one honest validator is there."""
        reached = self._of_others(self._rounds)
        return reached[self.committee.faults] if len(reached) > self.committee.faults else 0

    def vouched_time(self, now: int) -> int:
        """Return the local clock, or a later time that enough others have seen: then our clock is slow.

        Enough are f + 1, of whom one is honest, and at least two: one clock proves nothing against another.
        """
        seen = self._of_others(self._times)
        enough = max(2, self.committee.faults + 1)
        return max(now, seen[enough - 1]) if len(seen) >= enough else now

    def _of_others(self, values: dict[int, int]) -> list[int]:
        return sorted((value for author, value in values.items() if author != self.me), reverse=True)
