"""What a node answers, as values.

The fields are those of docs/protocol.md, "HTTP API". A field that this version does not know is ignored, so
that a newer node stays usable; one that is missing or of another type raises `AnswerError`.
"""

import types
from collections.abc import Hashable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from functools import cache
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from .hybrid import Hybrid
from .tariff import NetworkTariff, SlotTariff, TariffAnswer, TariffError
from .transactions import Envelope


class AnswerError(ValueError):
    """An answer that does not look like the protocol says; the message names the field."""


@dataclass(frozen=True)
class Health:
    """Whether a node works: `ok`, `not_set_up` or `stopped`."""

    status: str
    version: str


@dataclass(frozen=True)
class SetupState:
    """Whether a node already belongs to a network; `peers` are where a newcomer's node may link to."""

    state: str
    node_key: str
    network: str | None
    peers: tuple[str, ...] = ()


@dataclass(frozen=True)
class SetupDone:
    """A node's answer to setting it up: the network, its genesis, and the new bearer token."""

    network: str
    genesis: Envelope
    token: str


@dataclass(frozen=True)
class Parameters:
    """The parameters of a network's market; times in seconds."""

    slot_s: int
    horizon_slots: int
    round_s: int
    proposal_window_s: int
    gate_s: int
    grace_slots: int
    readings: str
    approval: str
    hybrid: Hybrid | None = None
    claim_window_s: int = 0


@dataclass(frozen=True)
class MoneyTotals:
    """All money of a network (nano): what was issued, and where it is now."""

    issued: int
    balances: int
    held: int
    community: int


@dataclass(frozen=True)
class TariffFrom:
    """A tariff and the slot from which it holds."""

    from_slot: int
    tariff: NetworkTariff


@dataclass(frozen=True)
class Network:
    """A network as its node sees it; `time` is ledger time in ms."""

    network: str
    name: str
    currency: str
    test: bool
    genesis: Envelope
    parameters: Parameters
    tariff: NetworkTariff
    feeders: tuple[Mapping[str, Any], ...]
    committee: tuple[str, ...]
    commit: int
    time: int
    state_root: str
    members: int
    money: MoneyTotals
    round: int | None
    in_sync: bool
    problem: str | None
    problem_code: str | None = None
    may_fail: int | None = None
    tariffs: tuple[TariffFrom, ...] = ()

    def with_later_tariffs(self) -> Network:
        """Return the network with a tariff that knows from when on the later ones hold."""
        slot_ms = self.parameters.slot_s * 1000
        later = tuple((one.from_slot * slot_ms, one.tariff) for one in self.tariffs)
        return replace(self, tariff=replace(self.tariff, later=later), tariffs=())


@dataclass(frozen=True)
class Account:
    """An account; money in nano. `sequence` is the highest number that is used up."""

    account: str
    name: str
    status: str
    roles: tuple[str, ...]
    keys: tuple[Mapping[str, Any], ...]
    balance: int
    held: int
    credit: int
    available: int
    sequence: int
    commit: int
    time: int


@dataclass(frozen=True)
class Asset:
    """A registered asset; power in W."""

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
    commit: int | None = None
    state: str = "active"

    @property
    def is_connection_point(self) -> bool:
        """Whether this asset sits on the public grid, where settlement happens."""
        return self.behind is None


@dataclass(frozen=True)
class PlacedOrder:
    """An order and what became of it; `order` is the text of `order.place`, `held` nano."""

    id: str
    account: str
    asset: str
    order: Mapping[str, Any]
    state: str
    filled_wh: int
    held: int
    placed: int
    commit: int


@dataclass(frozen=True)
class Trade:
    """A trade; prices in nano per Wh, money in nano.

    What its meters showed is None until read, the rest of the last eight until it is settled. `passed_wh`
    went through a connection point that had sold on what it bought.
    """

    id: str
    round: int
    slot: int
    wh: int
    seller_price: int
    buyer_price: int
    fee: int
    state: str
    seller: str
    buyer: str
    sell_order: str
    buy_order: str
    sell_asset: str
    buy_asset: str
    sell_point: str
    buy_point: str
    source: str | None = None
    delivered_wh: int | None = None
    taken_wh: int | None = None
    settled_wh: int | None = None
    paid: int | None = None
    received: int | None = None
    seller_penalty: int | None = None
    buyer_penalty: int | None = None
    passed_wh: int | None = None

    @property
    def is_settled(self) -> bool:
        """Whether it came to something already; a claim may still put that right."""
        return self.settled_wh is not None

    @property
    def given_wh(self) -> int:
        """What the seller's meter gave for it, as settled."""
        return (self.settled_wh or 0) + self._through(self.delivered_wh, self.taken_wh)

    @property
    def received_wh(self) -> int:
        """What the buyer's meter took of it, as settled."""
        return (self.settled_wh or 0) + self._through(self.taken_wh, self.delivered_wh)

    def _through(self, more_wh: int | None, less_wh: int | None) -> int:
        return (self.passed_wh or 0) if (more_wh or 0) > (less_wh or 0) else 0


@dataclass(frozen=True)
class OrderOutcome:
    """What a round did for an order, and why it did not do more: docs/protocol.md lists the reasons.

    `price` (nano per Wh) is the limit that would have brought it energy, in `slot`.
    """

    order: str
    account: str
    asked_wh: int
    filled_wh: int
    reason: str
    slot: int | None = None
    price: int | None = None
    feeder: str | None = None


@dataclass(frozen=True)
class MarketRound:
    """A round of the auction; prices per feeder, one entry for each of `slots` slots from `first_slot`.

    The last three are told of one round, not in lists: the ends of the prices that supported what was
    filled, and what became of each order.
    """

    round: int
    closed: int
    first_slot: int
    slots: int
    orders: int
    state: str
    welfare: int | None = None
    bound: int | None = None
    gap_ppm: int | None = None
    volume_wh: int | None = None
    prices: Mapping[str, Any] | None = None
    proposer: str | None = None
    transaction: str | None = None
    refused: tuple[Mapping[str, Any], ...] = ()
    least: Mapping[str, Any] | None = None
    greatest: Mapping[str, Any] | None = None
    outcomes: tuple[OrderOutcome, ...] | None = None


@dataclass(frozen=True)
class DepthStep:
    """Wh at one price (nano per Wh); `movable_wh` of them could as well be taken in another slot."""

    price: int
    wh: int
    movable_wh: int


@dataclass(frozen=True)
class SlotSummary:
    """What the market made of a slot; `start` and `end` in ms, prices per feeder.

    `round` traded it last, or was the last that could have; its proof, the ends of its prices, and what was
    offered and wanted then in this slot.
    """

    slot: int
    start: int
    end: int
    prices: Mapping[str, Any]
    volume_wh: int
    trades: int
    tariff: SlotTariff | None = None
    round: int | None = None
    welfare: int | None = None
    bound: int | None = None
    gap_ppm: int | None = None
    least: Mapping[str, Any] | None = None
    greatest: Mapping[str, Any] | None = None
    supply: tuple[DepthStep, ...] = ()
    demand: tuple[DepthStep, ...] = ()


@dataclass(frozen=True)
class AttestedReading:
    """A reading that is on the ledger."""

    asset: str
    slot: int
    imported_wh: int
    exported_wh: int
    commitment: str
    account: str
    commit: int
    transaction: str


@dataclass(frozen=True)
class TransactionStatus:
    """What became of a transaction."""

    id: str
    state: str
    code: str | None = None
    field: str | None = None
    message: str | None = None
    commit: int | None = None
    time: int | None = None
    block: str | None = None
    envelope: Envelope | None = None


@dataclass(frozen=True)
class Submission:
    """A node's answer to a submitted transaction.

    `accepted` says that it is on disk and will be ordered; `state` what came of it so far: `pending`,
    `applied` or `refused`. `code`, `field` and `message` tell why it was refused.
    """

    accepted: bool
    id: str | None = None
    state: str | None = None
    commit: int | None = None
    code: str | None = None
    field: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class Event:
    """Something that happened on the ledger; `time` in ms, `data` by type as docs/protocol.md lists."""

    cursor: int
    commit: int
    time: int
    type: str
    accounts: tuple[str, ...]
    assets: tuple[str, ...]
    transaction: str | None
    data: Mapping[str, Any]


@dataclass(frozen=True)
class CommitteeChange:
    """A committee that was voted in: its keys (hex), and the votes of a quorum of the one before."""

    epoch: int
    committee: tuple[str, ...]
    votes: tuple[Envelope, ...]


@dataclass(frozen=True)
class PathStep:
    """A step of a proof: the neighbour's digest (hex), and whether it stands `left` or `right`."""

    side: str
    digest: str


@dataclass(frozen=True)
class StateVote:
    """A validator's number in its committee, and its signature (hex) over a state."""

    validator: int
    signature: str


@dataclass(frozen=True)
class Proof:
    """Leads from a row to a state that a committee signed; `time` is the ledger's, ms."""

    key: str
    path: tuple[PathStep, ...]
    epoch: int
    commit: int
    time: int
    root: str
    leader: str
    votes: tuple[StateVote, ...]


@dataclass(frozen=True)
class ProvenRow:
    """A row as the node sent it, and the proof for exactly that; None where the node has none yet."""

    row: Mapping[str, Any]
    proof: Proof | None


@dataclass(frozen=True)
class AuditPage:
    """A page of an asset's events as the node sent them, and the row and proof that bind the whole log."""

    items: tuple[Mapping[str, Any], ...]
    next: str | None
    row: Mapping[str, Any]
    proof: Proof | None


@dataclass(frozen=True)
class Page[T]:
    """One page of a list; `next` is the cursor of the following page, None on the last."""

    items: tuple[T, ...]
    next: str | None


def read[T](kind: type[T], data: object, place: str = "") -> T:
    """Return an answer as a value of one of the classes above.

    Raises:
        AnswerError: naming the field that is missing or of another type.

    """
    if not isinstance(data, Mapping):
        raise AnswerError(f"{place or kind.__name__} is not an object")
    values: dict[str, Any] = {}
    for field, hint in _fields(cast("Hashable", kind)):
        at = f"{place}.{field.name}" if place else field.name
        if field.name in data:
            values[field.name] = _value(hint, data[field.name], at)
        elif field.default is MISSING:
            raise AnswerError(f"{at} is missing")
    return kind(**values)


@cache
def _fields(kind: Any) -> tuple[tuple[Field[Any], Any], ...]:
    hints = get_type_hints(kind)
    return tuple((field, hints[field.name]) for field in fields(kind))


def _value(hint: Any, value: object, place: str) -> Any:
    """Return a value of the hinted type, or refuse it."""
    if get_origin(hint) in (Union, types.UnionType):
        return _one_of(get_args(hint), value, place)
    if hint is NetworkTariff:
        return _tariff(value, place)
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise AnswerError(f"{place} is not a list")
        return tuple(_value(get_args(hint)[0], item, place) for item in value)
    if is_dataclass(hint):
        return read(cast("type[Any]", hint), value, place)
    expected = get_origin(hint) or hint
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        raise AnswerError(f"{place} is not of the type {expected.__name__}")
    return value


def _one_of(hints: tuple[Any, ...], value: object, place: str) -> Any:
    """Return a value of one of the types, which a list or null tells apart."""
    if value is None and types.NoneType in hints:
        return None
    as_list = [hint for hint in hints if get_origin(hint) is tuple and isinstance(value, list)]
    return _value((as_list or hints)[0], value, place)


def _tariff(value: object, place: str) -> NetworkTariff:
    try:
        return read(TariffAnswer, value, place).whole()
    except TariffError as error:
        raise AnswerError(f"{place}.{error}") from None
