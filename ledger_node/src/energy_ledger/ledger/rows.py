"""What the ledger remembers, as values; each writes itself as the row that the API shows and storage keeps.

Energy in Wh, money in nano-units, prices in nano per Wh, times in ms. `commit` is the commit that last
changed the row.
"""

from typing import Any, ClassVar, Literal, Protocol

from msgspec import UNSET, Struct, UnsetType, to_builtins
from msgspec.structs import asdict

from energy_ledger.keys import KeySet
from energy_ledger.ledger.states import MemberState

type JsonRow = dict[str, Any]


class Entity(Protocol):
    """A value with a key that can write itself as a row."""

    table: ClassVar[str]

    @property
    def key(self) -> str:
        """The row's key within its table."""
        ...

    def row(self) -> JsonRow:
        """Write the value as JSON types."""
        ...


class Account(Struct, frozen=True, kw_only=True, gc=False):
    """A member's or node's account; `held` is the part of `balance` that orders and trades have bound."""

    table: ClassVar[str] = "accounts"

    account: str
    name: str
    status: MemberState
    roles: tuple[str, ...]
    keys: KeySet
    balance: int = 0
    held: int = 0
    credit: int = 0
    sequence: int = 0
    commit: int
    time: int

    @property
    def key(self) -> str:
        """The address."""
        return self.account

    @property
    def available(self) -> int:
        """What the member can still spend, its credit included; negative when it owes."""
        return self.balance + self.credit - self.held

    def row(self) -> JsonRow:
        """Write the account as JSON types."""
        return {
            "account": self.account,
            "name": self.name,
            "status": self.status,
            "roles": list(self.roles),
            "keys": [{"type": key.type, "public": key.public} for key in self.keys],
            "balance": self.balance,
            "held": self.held,
            "credit": self.credit,
            "available": self.available,
            "sequence": self.sequence,
            "commit": self.commit,
            "time": self.time,
        }


class Asset(Struct, frozen=True, kw_only=True, gc=False):
    """Something with a meter; a connection point when it is behind nothing."""

    table: ClassVar[str] = "assets"

    id: str
    account: str
    asset_type: str
    name: str
    rated_import_w: int
    rated_export_w: int
    behind: str | None
    feeder: str
    source: str | None
    technology: str | None = None
    commissioned: str | None = None
    location: str | None = None
    storage_efficiency: int | None = None
    state: Literal["active", "retired"] = "active"
    commit: int

    @property
    def key(self) -> str:
        """The asset's id."""
        return self.id

    @property
    def point(self) -> str:
        """The id of its connection point."""
        return self.behind or self.id

    def row(self) -> JsonRow:
        """Write the asset as JSON types."""
        return asdict(self)


class UsedInvite(Struct, frozen=True, kw_only=True, gc=False):
    """The key of an invite that somebody joined with."""

    table: ClassVar[str] = "invites"

    invite_key: str
    account: str
    commit: int

    @property
    def key(self) -> str:
        """The invite's public key."""
        return self.invite_key

    def row(self) -> JsonRow:
        """Write the used invite as JSON types."""
        return asdict(self)


SEQUENCE_WINDOW = 32
"""How far a sequence number may run ahead, and how many of the past are remembered."""
_MARK = 16
"""Characters of a transaction's id by which it is remembered."""


class Used(Struct, frozen=True, kw_only=True, gc=False):
    """The last transactions of an account, to tell a replay from a number used twice.

    `recent` has the beginning of an id for each remainder of the sequence number; zeros where there is none.
    """

    table: ClassVar[str] = "used"

    account: str
    recent: str = "0" * _MARK * SEQUENCE_WINDOW

    @property
    def key(self) -> str:
        """The account."""
        return self.account

    def row(self) -> JsonRow:
        """Write the used numbers as JSON types."""
        return {"account": self.account, "recent": self.recent}

    def noting(self, sequence: int, transaction: str) -> Used:
        """Return the same with a number used by a transaction, in place of the one a window before."""
        at = sequence % SEQUENCE_WINDOW * _MARK
        recent = self.recent[:at] + transaction[:_MARK] + self.recent[at + _MARK :]
        return Used(account=self.account, recent=recent)

    def has(self, sequence: int, transaction: str) -> bool:
        """Tell whether the number was used by this very transaction."""
        return self.recent.startswith(transaction[:_MARK], sequence % SEQUENCE_WINDOW * _MARK)


class CommitteeWish(Struct, frozen=True, gc=False):
    """A validator's vote: the committee it wants next, and the transaction that says so."""

    committee: tuple[str, ...]
    transaction: str


class Work(Struct, frozen=True, kw_only=True, gc=False):
    """What an account has drawn from its bucket of work, in thousandths, as of a ledger time (ms)."""

    table: ClassVar[str] = "work"

    account: str
    drawn: int
    time: int

    @property
    def key(self) -> str:
        """The address."""
        return self.account

    def row(self) -> JsonRow:
        """Write the drawn work as JSON types."""
        return asdict(self)


class Handover(Struct, frozen=True, kw_only=True, gc=False):
    """That an epoch began: its committee, and the transactions of the quorum that wished it."""

    table: ClassVar[str] = "handovers"

    epoch: int
    committee: tuple[str, ...]
    votes: tuple[str, ...]

    @property
    def key(self) -> str:
        """The number of the epoch that began, as text."""
        return str(self.epoch)

    def row(self) -> JsonRow:
        """Write the handover as JSON types."""
        row: JsonRow = to_builtins(self)
        return row


class Totals(Struct, frozen=True, kw_only=True, gc=False):
    """What the ledger counts besides its tables.

    `cursor` is that of the latest event, `history` (hex) binds all events so far, `placed` counts orders,
    `closed_round` is the latest round whose close has passed. `open_round` is being decided: its book has the
    open orders up to number `open_until`; `cancelling` maps those of them that are to be cancelled when it is
    over to the transactions that asked for it. `committee` has the validators' node keys in `epoch`; `votes`
    maps those of them that want another one to what they want and the transaction that said so.
    """

    table: ClassVar[str] = "totals"

    commit: int
    time: int
    cursor: int
    history: str
    issued: int
    community: int
    placed: int
    closed_round: int
    open_round: int | None = None
    open_until: int = 0
    cancelling: dict[str, str] = {}
    epoch: int = 0
    committee: tuple[str, ...]
    votes: dict[str, CommitteeWish] = {}

    @property
    def key(self) -> str:
        """The only row's key."""
        return "totals"

    def row(self) -> JsonRow:
        """Write the totals as JSON types."""
        row: JsonRow = to_builtins(self)
        return row


def given[T](value: T | UnsetType) -> T | None:
    """Return an optional field's value, None where it was left out."""
    return None if value is UNSET else value
