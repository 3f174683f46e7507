"""What is ordered already around a leader, worked out from the blocks alone.

Who starts in the middle of an epoch needs to know which blocks of the depth window came out before. It need
not be told: a commit reaches DEPTH rounds down at most, so what came out of the rounds above (leader -
DEPTH) did so in commits of leaders there; and those follow from the blocks there by the ordinary rule.
"""

from collections.abc import Iterable

from energy_ledger.dag.block_rules import BlockRules
from energy_ledger.dag.blocks import Block, BlockRef
from energy_ledger.dag.linearizer import DEPTH
from energy_ledger.dag.ordering import Fate, Kept, Ordering, Position


class WindowError(ValueError):
    """The blocks do not lead to the leader; the message says why."""


def floor_of(leader: BlockRef) -> int:
    """Return the lowest round that matters after the commit of a leader."""
    return max(0, leader.round - DEPTH)


def work_out(rules: BlockRules, blocks: Iterable[Block], leader: bytes) -> tuple[BlockRef, list[Kept]]:
    """Return the leader block with this digest, and what its commit and those before made of the blocks.

    `blocks` are all that somebody accepted of the epoch from `floor_of` the leader on. Each is checked.
    Raises WindowError.
    """
    ordered = sorted(blocks, key=lambda block: block.ref)
    ref = next((block.ref for block in ordered if block.ref.digest == leader), None)
    if ref is None:
        raise WindowError("the leader is not among the blocks")
    ordering = _accepted(rules, ordered, ref)
    fates = _fates(ordering, ref)
    return ref, [Kept(block, fates.get(block.ref, Fate.OPEN)) for block in ordered]


def _accepted(rules: BlockRules, ordered: list[Block], leader: BlockRef) -> Ordering:
    ordering, floor = Ordering(rules.committee, Position()), floor_of(leader)
    ordering.dag.floor = floor
    ordering.linearizer.restore((), (), leader.round)
    ordering.universal.resume_after(max(1, floor) - 1)
    for block in ordered:
        fault = rules.fault(block) or rules.signature_fault(block)
        if fault is not None:
            raise WindowError(f"a block is not good: {fault}")
        if block.round < floor or ordering.missing(block):
            raise WindowError("a block is not above the window's floor, or an ancestor of it is missing")
        ordering.add(block)
    return ordering


def _fates(ordering: Ordering, leader: BlockRef) -> dict[BlockRef, Fate]:
    """Return what became of the blocks that the commits up to a leader's reached."""
    fates: dict[BlockRef, Fate] = {}
    for status in ordering.universal.take_decided():
        if status.block is None:
            continue
        flat = ordering.linearizer.linearize(status.block)
        fates |= dict.fromkeys(flat.output, Fate.ORDERED) | dict.fromkeys(flat.losers, Fate.LOST)
        if status.block == leader:
            return fates
    raise WindowError("the blocks do not say that the leader was committed")
