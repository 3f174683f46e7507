"""Orders, rounds, trades and readings as values, and the rows they are shown and kept as."""

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct, to_builtins
from msgspec.structs import asdict

from energy_ledger.fields import Quality
from energy_ledger.ledger.rows import JsonRow
from energy_ledger.ledger.states import OrderState, RoundState, TradeState
from energy_ledger.order_terms import BlockTerms, FlexibleTerms, OfferTerms, OrderTerms


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
    """A part of an offer and a bid that met; the meters' figures are None until known.

    Fields stand in the order of their names, so that a trade written as JSON is canonical.
    """

    table: ClassVar[str] = "trades"

    buy_asset: str
    buy_order: str
    buy_point: str
    buyer: str
    buyer_penalty: int | None = None
    buyer_price: int
    delivered_wh: int | None = None
    fee: int
    id: str
    paid: int | None = None
    passed_wh: int | None = None
    received: int | None = None
    round: int
    sell_asset: str
    sell_order: str
    sell_point: str
    seller: str
    seller_penalty: int | None = None
    seller_price: int
    settled_wh: int | None = None
    slot: int
    source: str | None
    state: TradeState
    taken_wh: int | None = None
    wh: int

    @property
    def key(self) -> str:
        """The trade's id."""
        return self.id

    @property
    def internal(self) -> bool:
        """Whether it stays behind one connection point, where no meter of the ledger sees it."""
        return self.sell_point == self.buy_point

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
    """What a connection point attested for a slot, or what a claim (then named) put right."""

    table: ClassVar[str] = "readings"

    asset: str
    slot: int
    imported_wh: int
    exported_wh: int
    commitment: str | None
    quality: Quality = "measured"
    account: str
    commit: int
    transaction: str
    claim: str | None = None

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


class DayTotal(Struct, frozen=True, kw_only=True, gc=False):
    """A day's sums, Wh; `day` counts days since the epoch."""

    table: ClassVar[str] = "day_totals"

    asset: str
    day: int
    imported_wh: int
    exported_wh: int
    produced_wh: int
    self_consumed_wh: int
    account: str
    commit: int
    transaction: str

    @property
    def key(self) -> str:
        """The asset's id and the day."""
        return f"{self.asset}/{self.day}"

    def row(self) -> JsonRow:
        """Write the total as JSON types."""
        return asdict(self)


class RefusedClearing(Struct, frozen=True, gc=False):
    """A proposal that was wrong, and why."""

    account: str
    code: str
    message: str


class Round(Struct, frozen=True, kw_only=True, gc=False):
    """One run of the auction: `closed` is its close in ms, `orders` how many were in the book.

    `numbers` are spans (first and last) of the numbers of these orders, `feeders` the place of each one's
    feeder among those of the genesis, from 1, with 0 for the busbar; () where all are there. From both the
    book can be written again later.
    """

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
    numbers: tuple[tuple[int, int], ...] = ()
    feeders: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """The round's number as text."""
        return str(self.round)

    def row(self) -> JsonRow:
        """Write the round as JSON types."""
        row: JsonRow = to_builtins(self)
        return row

    def summary(self) -> JsonRow:
        """Write the round without its prices and what its book is made of, as its events carry it."""
        row = self.row()
        for long in ("prices", "numbers", "feeders"):
            del row[long]
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
