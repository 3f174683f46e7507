"""Redemptions, announcements, and the network's own rules as values, and the rows they are kept as."""

from typing import ClassVar, Final, Literal

from msgspec import Struct, to_builtins
from msgspec.structs import asdict

from energy_ledger.ledger.rows import JsonRow
from energy_ledger.ledger.states import RedemptionState
from energy_ledger.policies import Approval, Hybrid, Quota, Sharing
from energy_ledger.tariffs import Tariff

POLICY: Final = "policy"
"""The key of the only row of the policy."""


class Redemption(Struct, frozen=True, kw_only=True, gc=False):
    """Vouchers that a member wants real money for; `requested` and `settled` are ledger times (ms)."""

    table: ClassVar[str] = "redemptions"

    id: str
    account: str
    amount: int
    reference: str
    state: RedemptionState
    note: str | None = None
    requested: int
    settled: int | None = None

    @property
    def key(self) -> str:
        """The redemption's id."""
        return self.id

    def row(self) -> JsonRow:
        """Write the redemption as JSON types."""
        return asdict(self)


class Flexibility(Struct, frozen=True, kw_only=True, gc=False):
    """What an asset could take or give at any time in [earliest, deadline); kept until then."""

    table: ClassVar[str] = "flexibility"

    id: str
    account: str
    asset: str
    direction: Literal["consume", "produce"]
    energy_wh: int
    earliest: int
    deadline: int
    max_wh_per_slot: int
    note: str | None = None
    announced: int

    @property
    def key(self) -> str:
        """The announcement's id."""
        return self.id

    def row(self) -> JsonRow:
        """Write the announcement as JSON types."""
        return asdict(self)


class TariffEntry(Struct, frozen=True, kw_only=True, gc=False):
    """A tariff that was set: it holds from a slot on, until the next one does."""

    table: ClassVar[str] = "tariffs"

    from_slot: int
    tariff: Tariff
    transaction: str

    @property
    def key(self) -> str:
        """The slot, as text."""
        return str(self.from_slot)

    def row(self) -> JsonRow:
        """Write the tariff as JSON types."""
        row: JsonRow = to_builtins(self)
        return row


class Policy(Struct, frozen=True, kw_only=True, gc=False):
    """What holds now of those rules of the genesis that may change; `hybrid` None: one signature per key."""

    table: ClassVar[str] = "policy"

    approval: Approval
    quota: Quota
    hybrid: Hybrid | None
    sharing: Sharing

    @property
    def key(self) -> str:
        """The only row's key."""
        return POLICY

    def row(self) -> JsonRow:
        """Write the policy as JSON types."""
        row: JsonRow = to_builtins(self)
        return row
