"""Flattens the history of committed leaders into one sequence."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from energy_ledger.dag.blocks import BlockRef
from energy_ledger.dag.graph import Dag

DEPTH = 60
"""A commit reaches this many rounds below its leader; what lies deeper is neither output nor walked."""


class Flattened(NamedTuple):
    """What one commit brings: the output in order, and the equivocation losers that never come out."""

    output: tuple[BlockRef, ...]
    losers: tuple[BlockRef, ...]


@dataclass(slots=True)
class Linearizer:
    """Remembers, inside the depth window, which blocks were walked and which slots have their one output.

    Leaders come in rising order of rounds. What a walked block has below it was walked in the same commit
    or lies below the window for good, so walking stops there.
    """

    dag: Dag
    _walked: dict[int, dict[BlockRef, None]] = field(default_factory=dict)
    _taken: dict[int, dict[int, None]] = field(default_factory=dict)
    _floor: int = 1

    def is_walked(self, ref: BlockRef) -> bool:
        """Tell whether an earlier commit put the block out, or dropped it for another of its slot."""
        return ref in self._walked.get(ref.round, ())

    def linearize(self, leader: BlockRef) -> Flattened:
        """Return what the commit of this leader brings, sorted by (round, author, digest).

        Of several blocks of one slot the first to come takes it, in the order of commits and inside a
        commit in that of the sort; the others are losers. Losers never come out, their ancestors do.
        """
        self._raise_floor(leader.round - DEPTH)
        output: list[BlockRef] = []
        losers: list[BlockRef] = []
        for ref in sorted(self._new_history(leader)):
            (losers if self._is_taken(ref) else output).append(ref)
            self._take(ref)
        return Flattened(tuple(output), tuple(losers))

    def restore(self, output: Iterable[BlockRef], losers: Iterable[BlockRef], leader_round: int) -> None:
        """Take up the window as it was after the commit of a leader of this round."""
        for ref in (*output, *losers):
            self._walked.setdefault(ref.round, {})[ref] = None
        for ref in output:
            self._take(ref)
        self._raise_floor(leader_round - DEPTH)

    def _new_history(self, leader: BlockRef) -> list[BlockRef]:
        found = [leader]
        self._walked.setdefault(leader.round, {})[leader] = None
        for ref in found:
            for ancestor in self.dag.ancestors(ref):
                if ancestor.round >= self._floor and not self.is_walked(ancestor):
                    self._walked.setdefault(ancestor.round, {})[ancestor] = None
                    found.append(ancestor)
        return found

    def _is_taken(self, ref: BlockRef) -> bool:
        return ref.author in self._taken.get(ref.round, ())

    def _take(self, ref: BlockRef) -> None:
        self._taken.setdefault(ref.round, {})[ref.author] = None

    def _raise_floor(self, floor: int) -> None:
        for round_ in range(self._floor, floor):
            self._walked.pop(round_, None)
            self._taken.pop(round_, None)
        self._floor = max(self._floor, floor)
