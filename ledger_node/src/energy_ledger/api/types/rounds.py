"""Rounds of the auction, what they did for each order, and the slots they traded."""

from typing import Literal

import msgspec

from energy_ledger.api.types.network import SlotTariff

type Price = int | None
type Reason = Literal[
    "filled",
    "price",
    "priority",
    "feeder",
    "no_counterpart",
    "indivisible",
    "paradoxical",
    "not_cleared",
]
type RoundState = Literal["open", "cleared", "void"]


class RefusedClearing(msgspec.Struct, frozen=True):
    """A proposal that was wrong, and why."""

    account: str
    code: str
    message: str


class Round(msgspec.Struct, frozen=True):
    """One run of the auction; prices per feeder and slot of the book, null where nobody trades."""

    round: int
    closed: int
    first_slot: int
    slots: int
    orders: int
    state: RoundState
    welfare: int | None
    bound: int | None
    gap_ppm: int | None
    volume_wh: int | None
    prices: dict[str, list[Price]] | None
    proposer: str | None
    transaction: str | None
    refused: list[RefusedClearing]


class OrderOutcome(msgspec.Struct, frozen=True):
    """What a round did for an order, `asked_wh` being what was left of it, and why it did not do more."""

    order: str
    account: str
    asked_wh: int
    filled_wh: int
    reason: Reason
    slot: int | None
    price: int | None
    feeder: str | None


class RoundReport(Round, frozen=True):
    """A round with all that a neighbour may ask about it; the last three are null while it is open.

    `least` and `greatest` are the ends of the prices per feeder and slot that would have supported what was
    filled; null of a void round.
    """

    least: dict[str, list[int]] | None
    greatest: dict[str, list[int]] | None
    outcomes: list[OrderOutcome] | None


class DepthStep(msgspec.Struct, frozen=True):
    """Wh at one price; `movable_wh` of them could as well be taken in another slot."""

    price: int
    wh: int
    movable_wh: int


class Slot(msgspec.Struct, frozen=True):
    """One settlement interval: what is traded in it, and at which prices it was traded last.

    `round` traded it last, or else was the last that could have; from `welfare` on all is about that round,
    its proof, the ends of its prices per feeder, and what was offered and wanted in this slot.
    """

    slot: int
    start: int
    end: int
    tariff: SlotTariff
    prices: dict[str, Price]
    volume_wh: int
    trades: int
    round: int | None
    welfare: int | None
    bound: int | None
    gap_ppm: int | None
    least: dict[str, int] | None
    greatest: dict[str, int] | None
    supply: list[DepthStep]
    demand: list[DepthStep]
