"""The network: its rules, its money, its committees, and how far this node is with it."""

from typing import Literal

import msgspec

from energy_ledger.api.types.transactions import Envelope


class Quota(msgspec.Struct, frozen=True):
    """How much work (bytes, and a thousand for each signature) an account may make per second and at once."""

    work_per_s: int
    burst: int


class Hybrid(msgspec.Struct, frozen=True):
    """What all keys of an account sign: these kinds, and transfers above so much (null: none)."""

    kinds: list[str]
    transfer_above: int | None


class Parameters(msgspec.Struct, frozen=True):
    """The times the genesis fixed, and the rules as they hold now; `hybrid` null: one signature per key."""

    slot_s: int
    horizon_slots: int
    round_s: int
    proposal_window_s: int
    gate_s: int
    grace_slots: int
    readings: Literal["traded", "net"]
    approval: Literal["invite", "manual"]
    quota: Quota
    claim_window_s: int
    certificate_life_s: int
    hybrid: Hybrid | None


class TariffStep(msgspec.Struct, frozen=True):
    """A value of a tariff that holds from a minute of the week on; Monday 00:00 UTC is minute 0."""

    minute: int
    value: int


class Tariff(msgspec.Struct, frozen=True):
    """The network's price limits and fee, nano per Wh: each one price, or a week's schedule of them."""

    price_floor: int | list[TariffStep]
    price_cap: int | list[TariffStep]
    grid_fee: int | list[TariffStep]


class TariffFrom(msgspec.Struct, frozen=True):
    """A tariff and the slot from which it holds, until the next one does."""

    from_slot: int
    tariff: Tariff


class SlotTariff(msgspec.Struct, frozen=True):
    """The price limits and fee of one slot, nano per Wh."""

    price_floor: int
    price_cap: int
    grid_fee: int


class Feeder(msgspec.Struct, frozen=True):
    """A branch of the grid; limits in Wh per slot, null where there is none. `""` is the busbar."""

    id: str
    parent: str
    up_limit_wh: int | None
    down_limit_wh: int | None


class Money(msgspec.Struct, frozen=True):
    """Where the issued money is: `issued` = `balances` + `community`; `held` of the balances is bound."""

    issued: int
    balances: int
    held: int
    community: int


type ProblemCode = Literal[
    "stopped",
    "clock",
    "disk",
    "snapshot",
    "catching_up",
    "alone",
    "sole_waits",
    "database_lost",
    "database_old",
    "asking",
    "no_quorum",
    "gaps",
    "history_pruned",
]
"""What may keep a node out of step."""


class KnownFrom(msgspec.Struct, frozen=True):
    """From where on the node knows everything: a commit, its ledger time (ms), its newest event's cursor.

    All zero when it knows the whole history; else it went on from a certified snapshot, or what is older is
    pruned.
    """

    commit: int
    time: int
    cursor: int


class Network(msgspec.Struct, frozen=True):
    """The network and how far this node is with it; `tariff` holds now, `tariffs` are all, first from 0.

    `database_bytes` is the size of the node's database on the disk.
    """

    network: str
    name: str
    currency: str
    test: bool
    genesis: Envelope
    parameters: Parameters
    tariff: Tariff
    tariffs: list[TariffFrom]
    feeders: list[Feeder]
    committee: list[str]
    epoch: int
    may_fail: int
    commit: int
    time: int
    state_root: str
    members: int
    money: Money
    round: int | None
    known_from: KnownFrom
    database_bytes: int
    in_sync: bool
    problem: str | None
    problem_code: ProblemCode | None


class Committee(msgspec.Struct, frozen=True):
    """A committee that was voted in; `votes` are `committee.vote` by a quorum of the one before."""

    epoch: int
    committee: list[str]
    votes: list[Envelope]
