"""Checks that what a node says stands in the ledger (docs/protocol.md, "Votes, certificates, proofs").

A member knows its network by the hash of the genesis, and the genesis names the committee. So an answer whose
proof a quorum of that committee signed is true, whoever gave it; a node cannot make one up.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .answers import CommitteeChange, Proof, ProvenRow
from .client import NodeClient
from .digests import canonical, digest
from .genesis import Genesis
from .transactions import Envelope
from .wallet import verifies

_WORD = 8
_LARGEST = 2**63


class Verdict(StrEnum):
    """What a check came to."""

    PROVEN = "proven"
    UNPROVEN = "unproven"
    CONTRADICTED = "contradicted"


@dataclass(frozen=True)
class Finding:
    """What a check came to: the ledger time (ms) and commit that are proven, or why nothing is."""

    verdict: Verdict
    time: int | None = None
    commit: int = 0
    reason: str | None = None

    @property
    def is_proven(self) -> bool:
        """Whether the row is true as of `time`."""
        return self.verdict is Verdict.PROVEN

    @property
    def is_lie(self) -> bool:
        """Whether the node vouched for something that its own proof speaks against."""
        return self.verdict is Verdict.CONTRADICTED

    def age_s(self, now: int) -> int | None:
        """Return how old (s) the proven state is at a time (ms); None when nothing is proven."""
        return None if self.time is None else max(0, now - self.time) // 1000


@dataclass(frozen=True)
class Committee:
    """The validators of an epoch, by number, as a member pinned them; `network` is the network's id (hex)."""

    network: str
    epoch: int
    keys: tuple[str, ...]

    @classmethod
    def of(cls, genesis: Genesis) -> Committee:
        """Pin the first committee of a verified genesis; raises ValueError when it names none."""
        keys = genesis.payload.get("committee")
        if not isinstance(keys, list) or not keys or not all(isinstance(key, str) for key in keys):
            raise ValueError("the genesis names no committee")
        return cls(genesis.network, 0, tuple(keys))

    @property
    def quorum(self) -> int:
        """How many validators decide: floor((n + f) / 2) + 1 with f = floor((n - 1) / 3)."""
        size = len(self.keys)
        return (size + (size - 1) // 3) // 2 + 1

    def has_certified(self, proof: Proof) -> bool:
        """Tell whether a quorum of different validators signed the proof's state."""
        voters = {vote.validator for vote in proof.votes}
        if len(voters) < max(self.quorum, len(proof.votes)):
            return False
        message = _signed(self.network, proof)
        return message is not None and all(
            0 <= vote.validator < len(self.keys)
            and verifies(self.keys[vote.validator], "state", message, vote.signature)
            for vote in proof.votes
        )


class CommitteeError(ValueError):
    """A committee that the one before did not vote in."""


def successor(committee: Committee, change: CommitteeChange) -> Committee:
    """Return the committee that follows, as the votes of a quorum of the present one prove it.

    Raises:
        CommitteeError: they do not.

    """
    wish = (committee.network, committee.epoch + 1, change.committee)
    voters = {
        key
        for key in committee.keys
        if any(_wish(vote) == wish and _is_signed(vote, key) for vote in change.votes)
    }
    if not change.committee or len(voters) < committee.quorum:
        raise CommitteeError(f"the committee of epoch {wish[1]} was not voted in by the one before")
    return Committee(*wish)


async def follow(client: NodeClient, committee: Committee, epoch: int) -> Committee:
    """Return the committee of an epoch as the node can prove it, step by step from the one that is known.

    Raises:
        NodeError: no answer, or the node knows of no such committee.
        CommitteeError: the node shows a committee that the one before did not vote in.

    """
    while committee.epoch < epoch:
        committee = successor(committee, await client.committee(committee.epoch + 1))
    return committee


def check(answer: ProvenRow, key: str, committee: Committee, since: int = 0) -> Finding:
    """Check a node's answer about the row with this key.

    `since` is the newest commit that was proven before: a node may fall behind it, but what it then proves is
    the past and says nothing of the present.
    """
    proof = answer.proof
    if proof is None:
        return Finding(Verdict.UNPROVEN, reason="the node gave no proof")
    if proof.epoch != committee.epoch:
        return Finding(Verdict.UNPROVEN, reason=f"the proof is of the committee of epoch {proof.epoch}")
    if proof.key != key:
        return Finding(Verdict.CONTRADICTED, reason="the proof is for another row")
    if _root(answer.row, proof) != proof.root:
        return Finding(Verdict.CONTRADICTED, reason="the row is not in the state that its proof names")
    if not committee.has_certified(proof):
        return Finding(
            Verdict.CONTRADICTED, reason="the committee did not sign the state that the proof names"
        )
    if proof.commit < since:
        return Finding(Verdict.UNPROVEN, reason="the node fell behind what it proved before")
    return Finding(Verdict.PROVEN, proof.time, proof.commit)


def account_key(address: str) -> str:
    """Return the key of an account's row."""
    return f"account/{address}"


def asset_key(asset: str) -> str:
    """Return the key of an asset's row."""
    return f"asset/{asset}"


def _wish(vote: Envelope) -> tuple[str, int, tuple[str, ...]] | None:
    """Return network, epoch and committee that a vote is for; None for what is no vote."""
    try:
        payload = json.loads(vote.payload)
        if payload["kind"] != "committee.vote":
            return None
        return payload["network"], payload["epoch"], tuple(payload["committee"])
    except ValueError, KeyError, TypeError, RecursionError:
        return None


def _is_signed(vote: Envelope, key: str) -> bool:
    return len(vote.signatures) == 1 and verifies(
        key, "transaction", vote.payload.encode(), vote.signatures[0]
    )


def _root(row: Mapping[str, Any], proof: Proof) -> str | None:
    """Return the root (hex) to which the path leads from the row; None for a path that is none."""
    try:
        reached = digest("leaf", proof.key.encode() + b"\x00" + canonical(row).encode())
        for step in proof.path:
            neighbour = bytes.fromhex(step.digest)
            pair = {"left": neighbour + reached, "right": reached + neighbour}
            reached = digest("node", pair[step.side])
    except ValueError, KeyError, RecursionError:
        return None
    return reached.hex()


def _signed(network: str, proof: Proof) -> bytes | None:
    """Return the bytes that a vote signs; None when the state is none."""
    numbers = (proof.epoch, proof.commit, proof.time)
    if not all(0 <= number < _LARGEST for number in numbers):
        return None
    try:
        digests = bytes.fromhex(proof.root) + bytes.fromhex(proof.leader)
    except ValueError:
        return None
    return bytes.fromhex(network) + b"".join(number.to_bytes(_WORD) for number in numbers) + digests
