"""Orders, and flexibility that is announced without a price."""

from typing import Any, Literal

import msgspec

type OrderState = Literal["open", "filled", "cancelled", "lapsed"]


class Order(msgspec.Struct, frozen=True):
    """An order and how far it is filled: Wh in all, and by slot. `number` is its place in ledger order."""

    id: str
    account: str
    asset: str
    order: dict[str, Any]
    state: OrderState
    filled_wh: int
    held: int
    placed: int
    number: int
    fills: dict[str, int]
    commit: int


class Flexibility(msgspec.Struct, frozen=True):
    """What an asset could take or give any time in [earliest, deadline), at most so much per slot."""

    id: str
    account: str
    asset: str
    direction: Literal["consume", "produce"]
    energy_wh: int
    earliest: int
    deadline: int
    max_wh_per_slot: int
    note: str | None
    announced: int
