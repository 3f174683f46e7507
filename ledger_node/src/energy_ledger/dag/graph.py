"""The DAG as the commit rule sees it: references and who names whom, nothing else."""

from dataclasses import dataclass, field

from energy_ledger.dag.blocks import BlockRef


@dataclass(slots=True)
class Dag:
    """Blocks by reference, by round and by slot. A block is added after all its ancestors.

    Genesis blocks (round 0) and blocks below the pruned floor need not be added: whoever walks down
    takes a reference that is not here as the end of the known history.
    """

    _ancestors: dict[BlockRef, tuple[BlockRef, ...]] = field(default_factory=dict)
    _rounds: dict[int, list[BlockRef]] = field(default_factory=dict)
    _slots: dict[tuple[int, int], list[BlockRef]] = field(default_factory=dict)
    highest_round: int = 0
    floor: int = 0

    def add(self, ref: BlockRef, ancestors: tuple[BlockRef, ...]) -> None:
        """Add a block; `ancestors` in the order in which the block lists them."""
        self._ancestors[ref] = ancestors
        self._rounds.setdefault(ref.round, []).append(ref)
        self._slots.setdefault(ref.slot, []).append(ref)
        self.highest_round = max(self.highest_round, ref.round)

    def __contains__(self, ref: BlockRef) -> bool:
        """Tell whether the block is here."""
        return ref in self._ancestors

    def ancestors(self, ref: BlockRef) -> tuple[BlockRef, ...]:
        """Return the listed ancestors of a block that is here."""
        return self._ancestors[ref]

    def at_round(self, round_: int) -> list[BlockRef]:
        """Return the blocks of a round in the order in which they came."""
        return self._rounds.get(round_, [])

    def at_slot(self, round_: int, author: int) -> list[BlockRef]:
        """Return the blocks of one author and round; more than one is an equivocation."""
        return self._slots.get((round_, author), [])

    def authors_at(self, round_: int) -> set[int]:
        """Return the authors that have a block of this round."""
        return {ref.author for ref in self.at_round(round_)}

    def prune(self, floor: int) -> list[BlockRef]:
        """Forget the blocks of rounds below `floor` and return them."""
        gone: list[BlockRef] = []
        for round_ in range(self.floor, floor):
            for ref in self._rounds.pop(round_, []):
                gone.append(ref)
                del self._ancestors[ref]
                self._slots.pop(ref.slot, None)
        self.floor = max(self.floor, floor)
        return gone
