"""Who is there: the conversations that go on, and what they say about the committee."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from energy_ledger.dag.blocks import Block, BlockRef
from energy_ledger.dag.settings import Status
from energy_ledger.network.frames import Admission, Frame, Standing
from energy_ledger.network.link import Link
from energy_ledger.network.peers import AddressBook
from energy_ledger.node import chain
from energy_ledger.node.snapshot_check import Checked
from energy_ledger.quorum import tolerated_faults
from energy_ledger.storage.directory import NodeKey
from energy_ledger.storage.reader import Reader


@dataclass(slots=True)
class Neighbour:
    """Another node with which a conversation goes on."""

    link: Link
    standing: Standing
    address: str
    word: Block | None
    """The newest block of ours that it knew when it said hello."""
    clock_ahead: int
    """How far its clock is ahead of ours, ms."""
    stale: int = 0
    """How many blocks of epochs that are over it has sent."""
    asked_at: int | None = None
    """The round that was reached here when it was asked for the history that leads to its blocks."""


@dataclass(slots=True)
class Ties:
    """What a node needs besides its chain to speak to others."""

    key: NodeKey
    reader: Reader
    book: AddressBook
    admission: Admission | None
    amnesiac: bool
    """Whether the node's key has spoken with a database that is gone."""
    snapshot_part: Path
    """Where a snapshot is put together that others give."""
    on_snapshot: Callable[[Checked], None]
    """Called with one that is whole and true."""
    snapshot_after: int | None = None
    """Who is more commits behind takes a snapshot; None: never."""
    address: str = ""
    """Where this node accepts links, as `key@host:port`; "" when it only dials."""
    heard: set[bytes] = field(default_factory=set)


@dataclass(slots=True)
class Company:
    """The nodes around this one, as of `standing`: where its own ledger stands."""

    ties: Ties
    standing: chain.Standing
    near: dict[bytes, Neighbour] = field(default_factory=dict)
    muted: bool = False
    """Whether the consensus core is a validator's and does not speak yet."""
    status: Status | None = None
    """What the consensus core last said of itself."""
    silent: tuple[bytes, ...] = ()
    """Validators without whose blocks nothing has been ordered for a while, linked or not."""
    gaps_since: float | None = None
    """Since when (monotonic s) blocks are missing."""

    def tell_all(self, frame: Frame) -> None:
        """Say something to everybody."""
        for one in self.all:
            one.link.send(frame)

    @property
    def all(self) -> list[Neighbour]:
        """The nodes with which a conversation goes on."""
        return list(self.near.values())

    @property
    def committee(self) -> tuple[bytes, ...]:
        """The validators' keys."""
        return tuple(map(bytes.fromhex, self.standing.committee))

    @property
    def others(self) -> list[bytes]:
        """The keys of the other validators."""
        return [key for key in self.committee if key != self.ties.key.public]

    @property
    def is_validator(self) -> bool:
        """Whether this node is in the committee."""
        return self.ties.key.public in self.committee

    @property
    def is_muted(self) -> bool:
        """Whether this validator does not know yet what it may have said before."""
        return self.muted or (self.ties.amnesiac and self.is_validator)

    @property
    def unheard(self) -> list[bytes]:
        """The other validators that have not said what they know of us."""
        return [key for key in self.others if key not in self.ties.heard]

    @property
    def validators(self) -> list[Link]:
        """The links to other validators, in their order."""
        return [self.near[key].link for key in self.others if key in self.near]

    @property
    def present(self) -> list[bytes]:
        """The validators that take part in our epoch, this one included.

        Who accepts no links, so that it cannot be dialled, is judged by its blocks, which others pass on.
        """
        return [key for key in self.committee if key == self.ties.key.public or self._is_present(key)]

    @property
    def gaps(self) -> dict[BlockRef, tuple[int, ...]]:
        """The missing blocks that so many validators name that one of them must be honest."""
        named = self.status.gaps if self.status else {}
        lies = tolerated_faults(len(self.committee))
        return {ref: authors for ref, authors in named.items() if len(authors) > lies}

    def _is_present(self, key: bytes) -> bool:
        one = self.near.get(key)
        if key in self.silent:
            return False
        if one is not None:
            return one.standing.epoch == self.standing.epoch
        if self.ties.book.get(key) is not None or self.status is None:
            return False
        return self.status.round > 1 and self.committee.index(key) not in self.status.absent
