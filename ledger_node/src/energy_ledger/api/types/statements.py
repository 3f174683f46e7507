"""What moved an account's money over a time."""

from typing import Literal

import msgspec

type StatementKind = Literal[
    "bought", "sold", "issued", "redeemed", "transfer_in", "transfer_out", "community_in", "community_out"
]


class StatementLine(msgspec.Struct, frozen=True):
    """What one event did to an account's money: `amount` is all of it, `balance` what it led to.

    Of a trade `amount` = `energy` - `fee` + `penalty_received` - `penalty_paid`, for `wh` at `price`; of
    these Wh, `passed_wh` only passed through a home in between. A `correction` says by how much a trade came
    to something else than before. `other` is the counterparty, `text` a memo or reference.
    """

    cursor: int
    commit: int
    time: int
    transaction: str | None
    kind: StatementKind
    trade: str | None
    slot: int | None
    correction: bool
    other: str | None
    text: str | None
    wh: int
    passed_wh: int
    price: int | None
    energy: int
    fee: int
    penalty_paid: int
    penalty_received: int
    amount: int
    balance: int


class StatementTotals(msgspec.Struct, frozen=True):
    """The lines of a statement, added up.

    `closing` = `opening` + `received` + `penalties_received` + `issued` + `transferred_in` + `community_in`
    - `paid` - `fees` - `penalties_paid` - `redeemed` - `transferred_out` - `community_out`.
    """

    bought_wh: int
    sold_wh: int
    passed_on_wh: int
    paid: int
    received: int
    fees: int
    penalties_paid: int
    penalties_received: int
    issued: int
    redeemed: int
    transferred_in: int
    transferred_out: int
    community_in: int
    community_out: int


class Statement(msgspec.Struct, frozen=True):
    """What moved an account's money in commits with a ledger time in [`from`, `until`)."""

    account: str
    name: str
    network: str
    currency: str
    start: int = msgspec.field(name="from")
    until: int
    opening: int
    closing: int
    totals: StatementTotals
    lines: list[StatementLine]
