"""What the ledger remembers, as values; each writes itself as the row that the API shows and storage keeps.

Energy in Wh, money in nano-units, prices in nano per Wh, times in ms. `commit` is the commit that last
changed the row.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from msgspec import UNSET, Struct, UnsetType, to_builtins
from msgspec.structs import asdict

from energy_ledger.keys import KeySet
from energy_ledger.ledger.states import MemberState, OrderState, RoundState, TradeState
from energy_ledger.payloads import BlockTerms, FlexibleTerms, OfferTerms, OrderTerms

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


def total_wh(terms: OrderTerms) -> int:
    """Return all the energy an order asks for."""
    match terms:
        case FlexibleTerms():
            return terms.energy_wh
        case BlockTerms():
            return sum(terms.profile_wh)
        case _:
            return sum(terms.slots.values())


class Order(Struct, frozen=True, kw_only=True, gc=False):
    """An order and what became of it: `number` is its place in ledger order, `fills` the Wh per slot."""

    table: ClassVar[str] = "orders"

    id: str
    account: str
    asset: str
    order: OrderTerms
    state: OrderState
    filled_wh: int = 0
    held: int
    placed: int
    number: int
    fills: dict[int, int] = {}
    commit: int

    @property
    def key(self) -> str:
        """The order's id."""
        return self.id

    @property
    def is_offer(self) -> bool:
        """Whether it sells."""
        return isinstance(self.order, OfferTerms)

    @property
    def total_wh(self) -> int:
        """All the energy it asked for at the start."""
        return total_wh(self.order)

    def row(self) -> JsonRow:
        """Write the order as JSON types."""
        return {
            "id": self.id,
            "account": self.account,
            "asset": self.asset,
            "order": to_builtins(self.order),
            "state": self.state,
            "filled_wh": self.filled_wh,
            "held": self.held,
            "placed": self.placed,
            "number": self.number,
            "fills": {str(slot): wh for slot, wh in self.fills.items()},
            "commit": self.commit,
        }


class ClosedOrder(Struct, frozen=True, kw_only=True, gc=False):
    """That an order was finished and how; kept `until` a day later, to answer a late `order.cancel`."""

    table: ClassVar[str] = "closed_orders"

    id: str
    account: str
    state: OrderState
    number: int
    until: int

    @property
    def key(self) -> str:
        """The order's id."""
        return self.id

    def row(self) -> JsonRow:
        """Write the finished order as JSON types."""
        return asdict(self)


class Trade(Struct, frozen=True, kw_only=True, gc=False):
    """A part of an offer and a bid that met; the meters' figures are None until known."""

    table: ClassVar[str] = "trades"

    id: str
    round: int
    slot: int
    wh: int
    seller_price: int
    buyer_price: int
    fee: int
    state: TradeState
    seller: str
    buyer: str
    sell_order: str
    buy_order: str
    sell_asset: str
    buy_asset: str
    sell_point: str
    buy_point: str
    source: str | None
    delivered_wh: int | None = None
    taken_wh: int | None = None
    settled_wh: int | None = None
    paid: int | None = None
    received: int | None = None
    seller_penalty: int | None = None
    buyer_penalty: int | None = None

    @property
    def key(self) -> str:
        """The trade's id."""
        return self.id

    @property
    def place(self) -> tuple[int, int]:
        """Its place in ledger order: the round, and its number there."""
        return self.round, int(self.id.rpartition(".")[2])

    @property
    def hold(self) -> int:
        """The buyer's money that is bound until settlement: what it costs when all is delivered."""
        return self.wh * (self.buyer_price + self.fee)

    def row(self) -> JsonRow:
        """Write the trade as JSON types."""
        return asdict(self)


class Reading(Struct, frozen=True, kw_only=True, gc=False):
    """What a connection point attested for a slot."""

    table: ClassVar[str] = "readings"

    asset: str
    slot: int
    imported_wh: int
    exported_wh: int
    commitment: str
    account: str
    commit: int
    transaction: str

    @property
    def key(self) -> str:
        """The connection point's id and the slot."""
        return reading_key(self.asset, self.slot)

    def row(self) -> JsonRow:
        """Write the reading as JSON types."""
        return asdict(self)


def reading_key(point: str, slot: int) -> str:
    """Return the key of a connection point's reading for a slot."""
    return f"{point}/{slot}"


class RefusedClearing(Struct, frozen=True, gc=False):
    """A proposal that was wrong, and why."""

    account: str
    code: str
    message: str


class Round(Struct, frozen=True, kw_only=True, gc=False):
    """One run of the auction: `closed` is its close in ms, `orders` how many were in the book."""

    table: ClassVar[str] = "rounds"

    round: int
    closed: int
    first_slot: int
    slots: int
    orders: int
    state: RoundState
    welfare: int | None = None
    bound: int | None = None
    gap_ppm: int | None = None
    volume_wh: int | None = None
    prices: Mapping[str, tuple[int | None, ...]] | None = None
    proposer: str | None = None
    transaction: str | None = None
    refused: tuple[RefusedClearing, ...] = ()

    @property
    def key(self) -> str:
        """The round's number as text."""
        return str(self.round)

    def row(self) -> JsonRow:
        """Write the round as JSON types."""
        row: JsonRow = to_builtins(self)
        return row

    def summary(self) -> JsonRow:
        """Write the round without its prices, as its events carry it."""
        row = self.row()
        del row["prices"]
        return row


class Proposal(Struct, frozen=True, kw_only=True, gc=False):
    """A verified clearing that may win its round: fills by rank in the book, prices per node and slot."""

    table: ClassVar[str] = "proposals"

    round: int
    proposer: str
    transaction: str
    ranks: tuple[int, ...]
    slots: tuple[int, ...]
    wh: tuple[int, ...]
    prices: tuple[tuple[int | None, ...], ...]
    welfare: int
    bound: int
    gap_ppm: int
    volume_wh: int

    @property
    def key(self) -> str:
        """The round's number as text."""
        return str(self.round)

    @property
    def merit(self) -> tuple[int, int, int]:
        """What makes one proposal better than another: welfare, then volume, then early orders served."""
        ranks = sum(rank * wh for rank, wh in zip(self.ranks, self.wh, strict=True))
        return self.welfare, self.volume_wh, -ranks

    def row(self) -> JsonRow:
        """Write the proposal as JSON types."""
        row: JsonRow = to_builtins(self)
        return row


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


class Used(Struct, frozen=True, kw_only=True, gc=False):
    """One of the last transactions of an account, to tell a replay from a number used twice."""

    table: ClassVar[str] = "used"

    account: str
    sequence: int
    transaction: str

    @property
    def key(self) -> str:
        """The account and the place in the window of sequence numbers."""
        return used_key(self.account, self.sequence)

    def row(self) -> JsonRow:
        """Write the used number as JSON types."""
        return {"account": self.account, "sequence": self.sequence, "transaction": self.transaction}


SEQUENCE_WINDOW = 32
"""How far a sequence number may run ahead, and how many of the past are remembered."""


def used_key(account: str, sequence: int) -> str:
    """Return the key under which a sequence number is remembered; a number a window later takes its place."""
    return f"{account}/{sequence % SEQUENCE_WINDOW}"


class Totals(Struct, frozen=True, kw_only=True, gc=False):
    """What the ledger counts besides its tables.

    `cursor` is that of the latest event, `history` (hex) binds all events so far, `placed` counts orders,
    `closed_round` is the latest round whose close has passed. `open_round` is being decided: its book has the
    open orders up to number `open_until`; `cancelling` maps those of them that are to be cancelled when it is
    over to the transactions that asked for it.
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
