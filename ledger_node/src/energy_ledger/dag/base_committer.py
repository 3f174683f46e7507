"""Decides one leader slot: the predicates of the commit rule, each under its name from the paper.

The rule is Mysticeti's for uncertified DAGs (Babel et al., "Mysticeti: Reaching the Limits of Latency with
Uncertified DAGs", arXiv:2310.14821) with waves of three rounds, one leader in every round, and the quorum of
`committee.py`. Leader block at round r, votes at r + 1, certificates at r + 2. Proof: `docs/consensus.md`.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from energy_ledger.dag.blocks import BlockRef
from energy_ledger.dag.committee import Committee
from energy_ledger.dag.graph import Dag

WAVE = 3
"""Rounds from a leader to the first round whose leader can be its anchor."""


class Verdict(StrEnum):
    """What became of a leader slot."""

    COMMIT = "commit"
    SKIP = "skip"
    UNDECIDED = "undecided"


class Rule(StrEnum):
    """Which part of the rule decided a slot."""

    DIRECT = "direct"
    INDIRECT = "indirect"


@dataclass(frozen=True, slots=True)
class LeaderStatus:
    """The decision on the leader slot of one round; `block` is the committed leader block."""

    round: int
    author: int
    verdict: Verdict = Verdict.UNDECIDED
    block: BlockRef | None = None
    rule: Rule | None = None


@dataclass(slots=True)
class History:
    """The causal history of one block, walked down round by round only as far as somebody asks."""

    dag: Dag
    top: BlockRef
    _reached: dict[int, dict[BlockRef, None]] = field(init=False)
    _walked_to: int = field(init=False)

    def __post_init__(self) -> None:
        """Start with the block itself."""
        self._reached = {self.top.round: {self.top: None}}
        self._walked_to = self.top.round

    def holds(self, ref: BlockRef) -> bool:
        """Tell whether the block is the top or one of its ancestors, near or far."""
        while self._walked_to > ref.round:
            self._walk()
        return ref in self._reached.get(ref.round, ())

    def _walk(self) -> None:
        for ref in self._reached.get(self._walked_to, ()):
            for ancestor in self.dag.ancestors(ref) if ref in self.dag else ():
                self._reached.setdefault(ancestor.round, {})[ancestor] = None
        self._walked_to -= 1


@dataclass(slots=True)
class BaseCommitter:
    """The commit rule for single leader slots over a growing DAG.

    What a block votes for and certifies follows from its ancestors alone, so it is worked out once.
    """

    dag: Dag
    committee: Committee
    _supported: dict[BlockRef, BlockRef | None] = field(default_factory=dict)
    _certified: dict[BlockRef, tuple[BlockRef, ...]] = field(default_factory=dict)

    def leader_blocks(self, round_: int) -> list[BlockRef]:
        """Return the known blocks of the leader slot; more than one when the leader equivocates."""
        return self.dag.at_slot(round_, self.committee.leader(round_))

    def supported_block(self, voter: BlockRef) -> BlockRef | None:
        """Return the leader block of the round before that the block votes for.

        It is the first of its listed ancestors in that slot. Claim: a block votes for at most one block
        of a slot, whatever it lists, so an honest validator votes once.
        """
        if voter not in self._supported:
            slot = (voter.round - 1, self.committee.leader(voter.round - 1))
            listed = self.dag.ancestors(voter)
            self._supported[voter] = next((ref for ref in listed if ref.slot == slot), None)
        return self._supported[voter]

    def is_vote(self, voter: BlockRef, leader: BlockRef) -> bool:
        """Tell whether the block, one round above, votes for this very leader block."""
        return voter.round == leader.round + 1 and self.supported_block(voter) == leader

    def enough_votes(self, leader: BlockRef) -> bool:
        """Tell whether a quorum of authors vote for the leader block, so that certificates can be made."""
        above = self.dag.at_round(leader.round + 1)
        return self._is_quorum({ref.author for ref in above if self.is_vote(ref, leader)})

    def certified_blocks(self, block: BlockRef) -> tuple[BlockRef, ...]:
        """Return the leader blocks two rounds below that a block (of round 3 or higher) certifies."""
        if block not in self._certified:
            voters: dict[BlockRef, set[int]] = {}
            for vote in self.dag.ancestors(block):
                leader = self.supported_block(vote) if vote.round == block.round - 1 else None
                if leader is not None:
                    voters.setdefault(leader, set()).add(vote.author)
            enough = (leader for leader, authors in voters.items() if self._is_quorum(authors))
            self._certified[block] = tuple(enough)
        return self._certified[block]

    def is_certificate(self, block: BlockRef, leader: BlockRef) -> bool:
        """Tell whether the ancestors of the block hold votes of a quorum of authors for the leader block.

        Claim: two quorums share an honest validator and that one votes once, so no two blocks of one
        slot are ever both certified.
        """
        return block.round == leader.round + 2 and leader in self.certified_blocks(block)

    def enough_leader_support(self, leader: BlockRef) -> bool:
        """Tell whether a quorum of authors have a certificate for the leader block.

        Claim: every block three rounds up or higher has a quorum of ancestors at the certificates' round,
        so it has one of these certificates in its history: no later anchor can skip the leader.
        """
        certificates = self.dag.at_round(leader.round + 2)
        return self._is_quorum({ref.author for ref in certificates if self.is_certificate(ref, leader)})

    def enough_leader_blame(self, round_: int) -> bool:
        """Tell whether no block of the leader slot, known or not, can ever be certified.

        So it is when a quorum of authors have a block above that does not vote for it, for each known
        leader block. A block nobody here knows has no vote from any block here, as their ancestors are all
        here: for those it is enough that a quorum of authors have a block above at all. An author who
        equivocates above counts on both sides.
        """
        above = self.dag.at_round(round_ + 1)
        return self._is_quorum({ref.author for ref in above}) and all(
            self._is_quorum({ref.author for ref in above if not self.is_vote(ref, leader)})
            for leader in self.leader_blocks(round_)
        )

    def try_direct_decide(self, round_: int) -> LeaderStatus:
        """Decide a slot by the two rounds above it, or leave it undecided."""
        author = self.committee.leader(round_)
        supported = [ref for ref in self.leader_blocks(round_) if self.enough_leader_support(ref)]
        if supported:
            return LeaderStatus(round_, author, Verdict.COMMIT, min(supported), Rule.DIRECT)
        if self.enough_leader_blame(round_):
            return LeaderStatus(round_, author, Verdict.SKIP, None, Rule.DIRECT)
        return LeaderStatus(round_, author)

    def decide_leader_from_anchor(self, anchor: History, round_: int) -> LeaderStatus:
        """Decide a slot by the committed leader block at least three rounds above it.

        The leader block with a certificate in the anchor's history is committed, else the slot skipped.
        Claim: everyone commits the same anchor, and a block's history is the same for everyone.
        """
        author = self.committee.leader(round_)
        certified = [
            leader
            for ref in self.dag.at_round(round_ + 2)
            if self.certified_blocks(ref) and anchor.holds(ref)
            for leader in self.certified_blocks(ref)
        ]
        if certified:
            return LeaderStatus(round_, author, Verdict.COMMIT, min(certified), Rule.INDIRECT)
        return LeaderStatus(round_, author, Verdict.SKIP, None, Rule.INDIRECT)

    def forget(self, gone: list[BlockRef]) -> None:
        """Drop what was worked out about blocks that were pruned."""
        for ref in gone:
            self._supported.pop(ref, None)
            self._certified.pop(ref, None)

    def _is_quorum(self, authors: set[int]) -> bool:
        return len(authors) >= self.committee.quorum
