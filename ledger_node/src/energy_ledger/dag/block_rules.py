"""Which blocks are refused, whatever the rest of the DAG looks like."""

from dataclasses import dataclass, field
from enum import StrEnum

from energy_ledger.dag.blocks import Block, BlockRef, genesis_refs
from energy_ledger.dag.committee import Committee


class Fault(StrEnum):
    """Why a block is refused; the value is the sentence for people."""

    NETWORK = "the block belongs to another network"
    EPOCH = "the block belongs to another epoch of the committee"
    AUTHOR = "the author is not in the committee"
    ROUND = "blocks of round 0 are implied and never sent"
    OWN_FIRST = "the first ancestor is not the author's own previous block"
    ANCESTOR_AUTHOR = "an ancestor's author is not in the committee"
    ANCESTOR_TWICE = "two ancestors have the same author"
    ANCESTOR_ROUND = "an ancestor is not of a lower round"
    GENESIS = "an ancestor of round 0 is not a genesis block of this network and epoch"
    PARENTS = "fewer than a quorum of ancestors are of the round before"
    SIGNATURE = "the signature is not the author's"


@dataclass(frozen=True, slots=True)
class BlockRules:
    """The rules of one epoch: `keys` are the validators' Ed25519 public keys, by author."""

    network: bytes
    epoch: int
    keys: tuple[bytes, ...]
    committee: Committee = field(init=False)
    genesis: tuple[BlockRef, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Derive the committee and its genesis blocks."""
        object.__setattr__(self, "committee", Committee.of(len(self.keys)))
        object.__setattr__(self, "genesis", genesis_refs(self.network, self.epoch, len(self.keys)))

    def fault(self, block: Block) -> Fault | None:
        """Return the first rule that the block breaks; the signature is not looked at here."""
        return self._origin_fault(block) or self._ancestor_fault(block) or self._quorum_fault(block)

    def signature_fault(self, block: Block) -> Fault | None:
        """Check the signature of a block without other faults."""
        return None if block.signed_by(self.keys[block.author]) else Fault.SIGNATURE

    def _origin_fault(self, block: Block) -> Fault | None:
        if block.network != self.network:
            return Fault.NETWORK
        if block.epoch != self.epoch:
            return Fault.EPOCH
        if block.author >= len(self.keys):
            return Fault.AUTHOR
        return Fault.ROUND if block.round < 1 else None

    def _ancestor_fault(self, block: Block) -> Fault | None:
        authors = [ref.author for ref in block.ancestors]
        if authors[:1] != [block.author]:
            return Fault.OWN_FIRST
        if max(authors) >= len(self.keys):
            return Fault.ANCESTOR_AUTHOR
        if len(set(authors)) != len(authors):
            return Fault.ANCESTOR_TWICE
        if any(ref.round >= block.round for ref in block.ancestors):
            return Fault.ANCESTOR_ROUND
        forged = any(ref.round == 0 and ref != self.genesis[ref.author] for ref in block.ancestors)
        return Fault.GENESIS if forged else None

    def _quorum_fault(self, block: Block) -> Fault | None:
        """Refuse a block with too few parents: safety rests on it, see `enough_leader_support`."""
        parents = sum(ref.round == block.round - 1 for ref in block.ancestors)
        return None if parents >= self.committee.quorum else Fault.PARENTS
