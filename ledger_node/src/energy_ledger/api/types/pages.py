"""Lists in pages, and rows and lists that come with a proof."""

from typing import Literal

import msgspec


class Page[T](msgspec.Struct, frozen=True):
    """One page of a list; `next` is the cursor of the following one, null on the last."""

    items: list[T]
    next: str | None


class PathStep(msgspec.Struct, frozen=True):
    """One step from a leaf up to the root: the neighbour's digest, and on which side it stands."""

    side: Literal["left", "right"]
    digest: str


class StateVote(msgspec.Struct, frozen=True):
    """A validator (by its number in the epoch's committee) and its signature over the state."""

    validator: int
    signature: str


class Proof(msgspec.Struct, frozen=True):
    """Proves a row as of a certified commit; docs/protocol.md says how to check it."""

    key: str
    path: list[PathStep]
    epoch: int
    commit: int
    time: int
    root: str
    leader: str
    votes: list[StateVote]


class Proven[T](msgspec.Struct, frozen=True):
    """A row as of the newest certified commit; without a proof the newest row."""

    row: T
    proof: Proof | None


class ProvenPage[T, R](msgspec.Struct, frozen=True):
    """One page of a list as of the newest certified commit, and what proves the whole of it."""

    items: list[T]
    next: str | None
    row: R
    proof: Proof | None
