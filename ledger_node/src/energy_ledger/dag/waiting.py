"""Blocks that are right but cannot be accepted yet: an ancestor is missing, or they come from the future."""

from dataclasses import dataclass, field

from energy_ledger.dag.blocks import Block, BlockRef
from energy_ledger.dag.pacemaker import has_passed

MAX_HELD_BLOCKS = 64
"""Most blocks of one author that wait, while no other author's block waits for the next one."""
MAX_HELD_BYTES = 4 * 1024 * 1024
"""Most bytes of such blocks of one author."""
WANTED_FACTOR = 4
"""How many times more may wait of what other authors' blocks wait for."""

MAX_DOUBLINGS = 9
"""How often the time before asking again for a missing block is doubled."""


@dataclass(slots=True)
class _Held:
    block: Block
    missing: dict[BlockRef, None]


@dataclass(slots=True)
class _Gap:
    """A reference that blocks wait for; `asked_at` is when it was noticed or last asked for."""

    children: list[BlockRef]
    asked_at: int
    asked: int = 0

    def wait(self, patience: int, repeat: int) -> int:
        """Return how long to wait before asking: longer and longer for what nobody seems to have."""
        return repeat << min(self.asked - 1, MAX_DOUBLINGS) if self.asked else patience

    def due_at(self, patience: int, repeat: int) -> int:
        return self.asked_at + self.wait(patience, repeat)

    def is_due(self, now: int, patience: int, repeat: int) -> bool:
        return has_passed(self.asked_at, self.wait(patience, repeat), now)


@dataclass(slots=True)
class WaitingRoom:
    """Holds blocks by what they wait for, within a limit per author."""

    _held: dict[BlockRef, _Held] = field(default_factory=dict)
    _future: dict[BlockRef, Block] = field(default_factory=dict)
    _slots: dict[tuple[int, int], BlockRef] = field(default_factory=dict)
    _gaps: dict[BlockRef, _Gap] = field(default_factory=dict)
    _load: dict[int, tuple[int, int]] = field(default_factory=dict)
    _asked_at: int = 0

    def __contains__(self, ref: BlockRef) -> bool:
        """Tell whether the block is held here."""
        return ref in self._held

    def __len__(self) -> int:
        """Return how many blocks wait."""
        return len(self._held)

    def at_slot(self, slot: tuple[int, int]) -> Block | None:
        """Return the first block of this (round, author) that waits here."""
        ref = self._slots.get(slot)
        return None if ref is None else self._held[ref].block

    def blocks_by(self, author: int) -> list[Block]:
        """Return the blocks of an author that wait here."""
        return [held.block for held in self._held.values() if held.block.author == author]

    def is_wanted(self, ref: BlockRef) -> bool:
        """Tell whether a held block waits for this one."""
        return ref in self._gaps

    def has_room(self, block: Block) -> bool:
        """Tell whether one more block of this author may wait. A liar's chain fills its own share only."""
        count, size = self._load.get(block.author, (0, 0))
        gap = self._gaps.get(block.ref)
        by_others = gap is not None and any(child.author != block.author for child in gap.children)
        factor = WANTED_FACTOR if by_others else 1
        return count < factor * MAX_HELD_BLOCKS and size + len(block.body) <= factor * MAX_HELD_BYTES

    def make_room(self, block: Block) -> bool:
        """Give up later blocks of the same author for one that comes before them; tell whether it may wait.

        What comes first is needed first: an author's room that is full of what follows would keep out the
        very block that all of it waits for.
        """
        while not self.has_room(block):
            later = max((held.ref for held in self.blocks_by(block.author)), default=block.ref)
            if later.round <= block.round:
                return False
            self._give_up(self._held[later])
        return True

    def hold(self, block: Block, missing: list[BlockRef], future: bool, now: int) -> None:
        """Hold a block until its missing ancestors are accepted and, if it is early, its time has come."""
        self._held[block.ref] = _Held(block, dict.fromkeys(missing))
        if future:
            self._future[block.ref] = block
        self._slots.setdefault(block.ref.slot, block.ref)
        self._count(block, 1)
        for ref in missing:
            gap = self._gaps.setdefault(ref, _Gap([], now))
            gap.children.append(block.ref)
            if gap.asked and block.author not in {child.author for child in gap.children[:-1]}:
                gap.asked = 1  # one more who must have it

    def settle(self, ref: BlockRef) -> list[Block]:
        """Note that a block was accepted or sank below the floor; return what waited only for it."""
        gap = self._gaps.pop(ref, None)
        ready: list[Block] = []
        for child in gap.children if gap else ():
            held = self._held.get(child)
            if held is not None:
                held.missing.pop(ref, None)
                ready += self._release_if_ready(held)
        return ready

    def future_blocks(self) -> list[Block]:
        """Return the blocks whose time has not come."""
        return list(self._future.values())

    def time_has_come(self, ref: BlockRef) -> list[Block]:
        """Note that a block is no longer from the future; return it if nothing else is in its way."""
        held = self._held[ref]
        del self._future[ref]
        return self._release_if_ready(held)

    def drop_below(self, floor: int) -> list[Block]:
        """Forget what lies below the floor; return the blocks that waited for nothing else."""
        for held in [held for held in self._held.values() if held.block.round < floor]:
            self._remove(held)
        ready: list[Block] = []
        for ref in [ref for ref in self._gaps if ref.round < floor]:
            ready += self.settle(ref)
        return ready

    def gaps(self) -> dict[BlockRef, tuple[int, ...]]:
        """Return the references that are neither here nor accepted, each with the authors that name it."""
        return {
            ref: tuple(sorted({child.author for child in gap.children}))
            for ref, gap in self._gaps.items()
            if ref not in self._held
        }

    def due_gaps(self, now: int, patience: int, repeat: int, limit: int) -> list[BlockRef]:
        """Return the gaps to ask for now: `patience` ms after they were noticed, then less and less often.

        Between two times of asking lies a quarter of the patience, or a flood of blocks that name what nobody
        has would keep a home awake.
        """
        if not has_passed(self._asked_at, patience // 4, now):
            return []
        open_gaps = ((ref, gap) for ref, gap in self._gaps.items() if ref not in self._held)
        due = [(ref, gap) for ref, gap in open_gaps if gap.is_due(now, patience, repeat)][:limit]
        for _, gap in due:
            gap.asked, gap.asked_at = gap.asked + 1, now
            self._asked_at = now
        return [ref for ref, _ in due]

    def next_asking(self, patience: int, repeat: int) -> int | None:
        """Return when the next gap becomes due."""
        open_gaps = (gap for ref, gap in self._gaps.items() if ref not in self._held)
        due_at = min((gap.due_at(patience, repeat) for gap in open_gaps), default=None)
        return None if due_at is None else max(due_at, self._asked_at + patience // 4)

    def _release_if_ready(self, held: _Held) -> list[Block]:
        if held.missing or held.block.ref in self._future:
            return []
        self._remove(held)
        return [held.block]

    def _give_up(self, held: _Held) -> None:
        """Forget a block, and what nothing else waits for."""
        for ref in held.missing:
            gap = self._gaps[ref]
            gap.children.remove(held.block.ref)
            if not gap.children:
                del self._gaps[ref]
        self._remove(held)

    def _remove(self, held: _Held) -> None:
        ref = held.block.ref
        del self._held[ref]
        self._future.pop(ref, None)
        if self._slots.get(ref.slot) == ref:
            del self._slots[ref.slot]
        self._count(held.block, -1)

    def _count(self, block: Block, sign: int) -> None:
        count, size = self._load.get(block.author, (0, 0))
        self._load[block.author] = (count + sign, size + sign * len(block.body))
