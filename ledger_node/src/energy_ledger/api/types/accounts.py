"""Members' accounts, their assets, and what they ask real money for."""

from typing import Literal

import msgspec

type AccountStatus = Literal["pending", "active", "suspended", "leaving", "left"]
type AssetState = Literal["active", "retired"]
type RedemptionState = Literal["requested", "paid", "returned"]


class Key(msgspec.Struct, frozen=True):
    """A public key of an account."""

    type: str
    public: str


class Account(msgspec.Struct, frozen=True):
    """A member's account as of a commit."""

    account: str
    name: str
    status: AccountStatus
    roles: list[str]
    keys: list[Key]
    balance: int
    held: int
    credit: int
    available: int
    sequence: int
    commit: int
    time: int


class Asset(msgspec.Struct, frozen=True):
    """Something with a meter."""

    id: str
    account: str
    asset_type: str
    name: str
    rated_import_w: int
    rated_export_w: int
    behind: str | None
    feeder: str
    source: str | None
    technology: str | None
    commissioned: str | None
    location: str | None
    storage_efficiency: int | None
    state: AssetState
    commit: int


class Redemption(msgspec.Struct, frozen=True):
    """Vouchers that a member wants real money for, or wanted; `settled` is null until then."""

    id: str
    account: str
    amount: int
    reference: str
    state: RedemptionState
    note: str | None
    requested: int
    settled: int | None
