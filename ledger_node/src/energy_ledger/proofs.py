"""State votes, commit certificates, and proofs that a row is part of a state the committee vouches for.

A validator's *state vote* is its signature over what the ledger came to at a commit. Votes by a quorum for
the same state are a *certificate*: at least one honest node among them worked it out by itself. A *proof*
leads from one row through the Merkle tree to the root that a certificate names, so whoever knows the
committee's keys need not trust the node that answers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import msgspec
from msgspec import Struct

from energy_ledger import crypto

STATE_TAG: Final = crypto.tag("state")
LEAF_TAG: Final = crypto.tag("leaf")
NODE_TAG: Final = crypto.tag("node")

_WORD = 8
_DIGEST = 32
_SIGNATURE = 64
_STATE_BYTES = 2 * _WORD + 2 * _DIGEST
VOTE_BYTES: Final = _STATE_BYTES + _SIGNATURE
"""Length of a state vote as blocks carry it."""


class Step(NamedTuple):
    """One step of a path up the tree: the neighbour's digest, and on which side it stands."""

    side: Literal["left", "right"]
    digest: bytes


def leaf_digest(key: bytes, value: bytes) -> bytes:
    """Return the digest of a leaf."""
    return crypto.digest(LEAF_TAG, key + b"\x00" + value)


def node_digest(left: bytes, right: bytes) -> bytes:
    """Return the digest of a node over its two children."""
    return crypto.digest(NODE_TAG, left + right)


def climb(leaf: bytes, path: Iterable[Step]) -> bytes:
    """Return the root to which a path leads from a leaf's digest."""
    digest = leaf
    for step in path:
        left, right = (step.digest, digest) if step.side == "left" else (digest, step.digest)
        digest = node_digest(left, right)
    return digest


NO_LEADER: Final = bytes(_DIGEST)
"""Stands for the leader of a commit that ended the epoch before: the new epoch has none yet."""


class LedgerState(Struct, frozen=True, array_like=True, gc=False):
    """What the ledger came to, and where in the order.

    The commit's index, the ledger time (ms), the root over all rows, and the digest of the leader block in
    the epoch whose validators vote for it. With that leader the blocks around it say what is ordered
    already, so who starts from this state goes on as everybody else.
    """

    commit: int
    time: int
    root: bytes
    leader: bytes = NO_LEADER

    def encode(self) -> bytes:
        """Write the state as votes carry and sign it."""
        numbers = self.commit.to_bytes(_WORD, "big") + self.time.to_bytes(_WORD, "big")
        return numbers + self.root + self.leader


@dataclass(frozen=True, slots=True)
class Electorate:
    """Whose votes count: a network (its id), an epoch, the validators' keys by number, and the quorum."""

    network: bytes
    epoch: int
    keys: tuple[bytes, ...]
    quorum: int

    def sign(self, seed: bytes, state: LedgerState) -> bytes:
        """Return a validator's signature over a state."""
        return crypto.sign(seed, STATE_TAG, self._message(state))

    def has_signed(self, validator: int, state: LedgerState, signature: bytes) -> bool:
        """Tell whether a validator signed a state."""
        return 0 <= validator < len(self.keys) and crypto.verify(
            self.keys[validator], STATE_TAG, self._message(state), signature
        )

    def certifies(self, certificate: Certificate) -> bool:
        """Tell whether a certificate holds the good votes of a quorum of different validators."""
        votes = dict(certificate.votes)
        return (
            certificate.epoch == self.epoch
            and len(votes) == len(certificate.votes)
            and len(votes) >= self.quorum
            and all(self.has_signed(one, certificate.state, vote) for one, vote in votes.items())
        )

    def _message(self, state: LedgerState) -> bytes:
        return self.network + self.epoch.to_bytes(_WORD, "big") + state.encode()


@dataclass(frozen=True, slots=True)
class StateVote:
    """One validator's vote; who cast it and in which epoch says the block that carries it."""

    state: LedgerState
    signature: bytes

    def encode(self) -> bytes:
        """Write the vote as blocks carry it."""
        return self.state.encode() + self.signature


def read_vote(data: bytes) -> StateVote | None:
    """Read a vote from a block; None for bytes that are none. The signature is not checked here."""
    if len(data) != VOTE_BYTES:
        return None
    commit, time = (int.from_bytes(data[at : at + _WORD], "big") for at in (0, _WORD))
    root, leader = (data[at : at + _DIGEST] for at in (2 * _WORD, 2 * _WORD + _DIGEST))
    return StateVote(LedgerState(commit, time, root, leader), data[_STATE_BYTES:])


class Certificate(Struct, frozen=True, array_like=True, gc=False):
    """A state, and signatures over it by validators of an epoch, by their numbers."""

    epoch: int
    state: LedgerState
    votes: tuple[tuple[int, bytes], ...]

    def encode(self) -> bytes:
        """Write the certificate as storage keeps it."""
        return msgspec.msgpack.encode(self)


read_certificate: Final = msgspec.msgpack.Decoder(Certificate).decode
"""Reads what `Certificate.encode` wrote; raises MsgspecError."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Proves one leaf (its key and value) as of the state that the certificate names."""

    key: bytes
    value: bytes
    path: Sequence[Step]
    certificate: Certificate

    def holds(self, electorate: Electorate) -> bool:
        """Tell whether the path leads to the certified root, and the certificate is good."""
        root = climb(leaf_digest(self.key, self.value), self.path)
        return root == self.certificate.state.root and electorate.certifies(self.certificate)
