"""What a core is told at its start, and what it tells about itself."""

from dataclasses import dataclass, field

from energy_ledger.dag.blocks import BlockRef
from energy_ledger.dag.ordering import Position
from energy_ledger.dag.pacemaker import Pace


@dataclass(frozen=True, slots=True)
class Voice:
    """What makes a validator of a node: its number in the committee and its Ed25519 seed."""

    author: int
    seed: bytes


@dataclass(frozen=True, slots=True)
class Settings:
    """What stays the same for an epoch. `keys`: Ed25519 public keys by author; `voice` None: an observer."""

    network: bytes
    epoch: int
    keys: tuple[bytes, ...]
    voice: Voice | None = None
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, slots=True)
class Status:
    """What a person or a metric may want to know of a core at this moment."""

    round: int
    """The highest round that may be entered."""
    own_round: int
    position: Position
    undecided: int
    """Rounds above the last decided one."""
    absent: tuple[int, ...]
    """Validators without a block in the newest round that a quorum has finished."""
    awaited: tuple[int, ...]
    """Validators without a block in the round that is open, while a payload waits for its order."""
    gaps: dict[BlockRef, tuple[int, ...]]
    """Missing blocks, each with the validators whose blocks name them."""
    waiting: int
    early: int
    """Blocks held because their time has not come by the local clock."""
    equivocators: tuple[int, ...]
    halted: bool
    unheard: tuple[int, ...]
    """Validators whose word on our own blocks is awaited before we speak."""
    forgot: bool
    """Whether others had a block of ours that was not in our store any more."""
