"""What meters showed: readings, claims against them, totals of a day."""

from typing import Literal

import msgspec

type ClaimState = Literal["open", "upheld", "rejected"]


class Reading(msgspec.Struct, frozen=True):
    """What a connection point attested for a slot, or what an upheld claim (then named) put in its place."""

    asset: str
    slot: int
    imported_wh: int
    exported_wh: int
    commitment: str | None
    quality: Literal["measured", "estimated"]
    account: str
    commit: int
    transaction: str
    claim: str | None


class Claim(msgspec.Struct, frozen=True):
    """What `account` says the reading of a connection point (of `owner`) should be."""

    id: str
    account: str
    owner: str
    asset: str
    slot: int
    imported_wh: int
    exported_wh: int
    reason: str
    commitment: str | None
    state: ClaimState
    opened: int
    decided: int | None
    decided_by: str | None
    note: str | None
    commit: int


class DayTotal(msgspec.Struct, frozen=True):
    """What a connection point, or a feeder's meter, counted in a day (since the epoch, UTC)."""

    asset: str
    day: int
    imported_wh: int
    exported_wh: int
    produced_wh: int
    self_consumed_wh: int
    account: str
    commit: int
    transaction: str
