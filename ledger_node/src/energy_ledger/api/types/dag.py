"""The DAG as this node holds it, and the nodes it is linked to."""

import msgspec


class Block(msgspec.Struct, frozen=True):
    """A block of the DAG; `transactions` are the ids of the envelopes in it."""

    id: str
    network: str
    epoch: int
    round: int
    author: int
    timestamp: int
    ancestors: list[str]
    transactions: list[str]
    signature: str
    commit: int | None


class Decision(msgspec.Struct, frozen=True):
    """A commit of the agreed order and the leader block behind it."""

    commit: int
    round: int
    leader: int
    block: str
    time: int
    state_root: str


class Dag(msgspec.Struct, frozen=True):
    """The latest rounds of the DAG, newest first."""

    round: int
    committee: int
    quorum: int
    decisions: list[Decision]
    blocks: list[Block]


class Peer(msgspec.Struct, frozen=True):
    """Another node: a validator (with its number from 1) or a linked observer, and where it says it stands.

    What is not known without a link is null; `problem` says why there is none.
    """

    node_key: str
    address: str
    validator: int | None
    linked: bool
    dialled: bool | None
    epoch: int | None
    commit: int | None
    clock_ahead_ms: int | None
    problem: str | None
