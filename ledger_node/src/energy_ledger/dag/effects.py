"""What the consensus core asks of its driver. Effects are carried out in the order in which they come."""

from dataclasses import dataclass
from enum import StrEnum

from energy_ledger.dag.block_rules import Fault
from energy_ledger.dag.blocks import Block, BlockRef


@dataclass(frozen=True, slots=True)
class Store:
    """Keep this block. An own block must be on disk, with all stored before it, before the Send after it."""

    block: Block


@dataclass(frozen=True, slots=True)
class Send:
    """Send this own block to every peer."""

    block: Block


@dataclass(frozen=True, slots=True)
class Request:
    """Ask peers for blocks that others name and nobody has sent.

    `holders` are validators whose blocks name them, so they must have them; ask one more peer at random.
    """

    refs: tuple[BlockRef, ...]
    holders: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Commit:
    """One step of the agreed order.

    `index` counts from 1 without gaps, `time` is the ledger time in milliseconds and never goes back.
    `blocks` come out in this order; `losers` are equivocations that never do (`Fate.LOST` when restored).
    """

    index: int
    leader: BlockRef
    time: int
    blocks: tuple[Block, ...]
    losers: tuple[BlockRef, ...]


@dataclass(frozen=True, slots=True)
class Build:
    """Answer with `Core.propose`: the core wants to make the own block of this round now.

    `time` is the ledger time (ms) that its payload may count on; after a pause it can be an old one.
    """

    round: int
    time: int


@dataclass(frozen=True, slots=True)
class Timer:
    """Call `Core.tick` at this time (milliseconds). It takes the place of any earlier timer."""

    at: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Keep these two blocks: one validator signed both for one round. Told once per validator and epoch."""

    first: Block
    second: Block


@dataclass(frozen=True, slots=True)
class Refuse:
    """The block just given breaks a rule; whoever passed it on did not check it."""

    ref: BlockRef
    fault: Fault


class Excess(StrEnum):
    """Why a block that breaks no rule is not kept; the value is the sentence for people."""

    TWIN = "it signed two different blocks for one round"
    AHEAD = "its block is of a round far ahead of all that is known"


@dataclass(frozen=True, slots=True)
class Spurn:
    """The block just given is rightly signed and not kept.

    An `Excess.AHEAD` is no proof against its author: we may be far behind.
    """

    block: Block
    excess: Excess


@dataclass(frozen=True, slots=True)
class Lapse:
    """An own block sank below the depth window without being ordered: its envelopes may go out again.

    The same is true of own blocks that a restart finds stored as open below that window.
    """

    block: Block


@dataclass(frozen=True, slots=True)
class Halt:
    """More validators than the rule withstands signed two blocks for one round: ordering is over."""

    equivocators: tuple[int, ...]


type Effect = Store | Send | Request | Commit | Build | Timer | Evidence | Refuse | Spurn | Lapse | Halt
