"""The district's figures, the feeders' meters, and what the sharing key made of the slots."""

from typing import Literal

import msgspec


class District(msgspec.Struct, frozen=True, kw_only=True):
    """How a district did from `from_day` up to, and without, `until_day`.

    Shares are parts per million, null where there is no whole; `positive` is told of twelve full months
    without gaps, peaks in a `net` network, the baseline being the same meters without trades shifted.
    """

    from_day: int
    until_day: int
    scope: Literal["electricity"]
    days_complete: int
    produced_wh: int
    consumed_wh: int
    self_consumed_wh: int
    traded_wh: int
    shared_wh: int
    local_wh: int
    imported_wh: int
    exported_wh: int
    balance_wh: int
    self_sufficiency_ppm: int | None
    self_consumption_ppm: int | None
    positive: bool | None
    money_kept: int
    flexible_wh: int
    moved_wh: int
    peak_slot: int | None
    peak_import_wh: int | None
    baseline_peak_import_wh: int | None


class FeederDay(msgspec.Struct, frozen=True):
    """A feeder's own meter beside the sum of its members' (imports less exports), for a day."""

    asset: str
    feeder: str
    day: int
    metered_wh: int
    members_wh: int
    difference_wh: int
    complete: bool
    persistent: bool


class Allotment(msgspec.Struct, frozen=True):
    """What the sharing key gave to and took from a connection point in a slot, beside its trades."""

    slot: int
    account: str
    asset: str
    surplus_wh: int
    need_wh: int
    given_wh: int
    taken_wh: int
