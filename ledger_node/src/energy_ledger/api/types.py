"""What the node answers and accepts under `/v1`, as types; `/v1/openapi.json` is made from them.

Energy is in Wh, money in nano-units of the network's currency, prices in nano per Wh, time in milliseconds
since the Unix epoch (parameters whose name ends in `_s`: seconds). Hashes and keys are lower-case hex.
"""

from typing import Any, Literal

import msgspec

type Price = int | None
type AccountStatus = Literal["pending", "active", "suspended", "leaving", "left"]
type AssetState = Literal["active", "retired"]
type RedemptionState = Literal["requested", "paid", "returned"]
type OrderState = Literal["open", "filled", "cancelled", "lapsed"]
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
type TradeState = Literal["matched", "delivering", "metered", "overdue", "settled", "disputed"]
type ClaimState = Literal["open", "upheld", "rejected"]
type CertificateState = Literal["active", "cancelled", "claimed", "withdrawn", "expired"]
type TransactionState = Literal["pending", "applied", "refused"]


class Page[T](msgspec.Struct, frozen=True):
    """One page of a list; `next` is the cursor of the following one, null on the last."""

    items: list[T]
    next: str | None


class Health(msgspec.Struct, frozen=True):
    """Whether the node runs."""

    status: Literal["ok", "not_set_up", "stopped"]
    version: str


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signed transaction: `payload` is the exact JSON text that was signed."""

    payload: str
    signatures: list[str]


class SetupState(msgspec.Struct, frozen=True):
    """Whether the node has a network already, and where a newcomer's node may link to (`key@host:port`)."""

    state: Literal["empty", "ready"]
    node_key: str
    network: str | None
    peers: list[str] = msgspec.field(default_factory=list)


class SetupRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Found a network with its signed genesis, or ask for a token with an invite; exactly one of the two."""

    found: Envelope | None = None
    join: str | None = None


class SetupAnswer(msgspec.Struct, frozen=True):
    """The network one now belongs to, and the token for everything else."""

    network: str
    genesis: Envelope
    token: str


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


class KnownFrom(msgspec.Struct, frozen=True):
    """From where on the node knows everything: a commit, its ledger time (ms), its newest event's cursor.

    All zero when it knows the whole history; else it went on from a certified snapshot.
    """

    commit: int
    time: int
    cursor: int


class Network(msgspec.Struct, frozen=True):
    """The network and how far this node is with it; `tariff` holds now, `tariffs` are all, first from 0."""

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
    in_sync: bool
    problem: str | None


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


class Committee(msgspec.Struct, frozen=True):
    """A committee that was voted in; `votes` are `committee.vote` by a quorum of the one before."""

    epoch: int
    committee: list[str]
    votes: list[Envelope]


class PathStep(msgspec.Struct, frozen=True):
    """One step from a leaf up to the root: the neighbour's digest, and on which side it stands."""

    side: Literal["left", "right"]
    digest: str


class StateVote(msgspec.Struct, frozen=True):
    """A validator (by its number in the epoch's committee) and its signature over the state."""

    validator: int
    signature: str


class Proof(msgspec.Struct, frozen=True):
    """Proves a row as of a certified commit; docs/protocol.md says how to check it."""

    key: str
    path: list[PathStep]
    epoch: int
    commit: int
    time: int
    root: str
    leader: str
    votes: list[StateVote]


class Proven[T](msgspec.Struct, frozen=True):
    """A row as of the newest certified commit; without a proof the newest row."""

    row: T
    proof: Proof | None


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


class Trade(msgspec.Struct, frozen=True):
    """A part of an offer and a bid that met in one slot; what is not known yet is null."""

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
    delivered_wh: int | None
    taken_wh: int | None
    settled_wh: int | None
    paid: int | None
    received: int | None
    seller_penalty: int | None
    buyer_penalty: int | None
    passed_wh: int | None


class TradeSide(msgspec.Struct, frozen=True):
    """One side of a trade: what its connection point traded and its meter showed in the slot.

    `read_wh` is null without a reading, which counts as zero; `share_wh` of it fell to this trade. `short_wh`
    is what this side kept less to than the other; for each it owes the difference of `outside` and `inside`,
    the price it would have had to pay or would have got without the neighbours, and the price of the trade.
    """

    point: str
    traded_wh: int
    read_wh: int | None
    share_wh: int | None
    passed_wh: int
    short_wh: int
    outside: int
    inside: int
    penalty: int | None


class Explanation(msgspec.Struct, frozen=True):
    """Why a trade came to what it came to; nulls and zeros where nothing is known yet."""

    seller: TradeSide
    buyer: TradeSide
    claims: list[str]


class TradeReport(Trade, frozen=True):
    """A trade with all that its parties may ask about it."""

    explanation: Explanation


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


class Certificate(msgspec.Struct, frozen=True):
    """Wh that an asset exported in a slot, numbered [first, end), and who holds or used them.

    The community's own record, not a state guarantee of origin.
    """

    id: str
    asset: str
    slot: int
    first: int
    end: int
    wh: int
    holder: str
    state: CertificateState
    source: str | None
    technology: str | None
    commissioned: str | None
    rated_w: int
    location: str | None
    storage: bool
    purpose: str
    issuer: str
    issued: int
    expires: int
    trade: str | None
    consumer: str | None
    consumed_slot: int | None
    cancelled_for: str | None
    claimed_for: str | None


class Green(msgspec.Struct, frozen=True):
    """How much of what an account or asset bought was certified, and from which sources and assets, in Wh."""

    consumed_wh: int
    green_wh: int
    by_source: dict[str, int]
    by_asset: dict[str, int]


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


class Transaction(msgspec.Struct, frozen=True):
    """A transaction this node knows, and what became of it."""

    id: str
    state: TransactionState
    code: str | None
    field: str | None
    message: str | None
    commit: int | None
    time: int | None
    block: str | None
    envelope: Envelope


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a submitted transaction.

    `accepted`: it is on disk and will be ordered, or already is; then it has an id and a state, null is what
    is not known yet. Otherwise it changed nothing, and has an id if it was read so far.
    """

    accepted: bool
    id: str | msgspec.UnsetType = msgspec.UNSET
    state: TransactionState | msgspec.UnsetType = msgspec.UNSET
    commit: int | msgspec.UnsetType | None = msgspec.UNSET
    code: str | None
    field: str | None
    message: str | None


class Event(msgspec.Struct, frozen=True):
    """Something that a commit brought about; cursors rise by one."""

    cursor: int
    commit: int
    time: int
    type: str
    accounts: list[str]
    assets: list[str]
    transaction: str | None
    data: dict[str, Any]


class AuditItem(Event, frozen=True):
    """An event of an asset's log; `block` (id) brought its transaction into the order."""

    block: str | None


class AuditRow(msgspec.Struct, frozen=True):
    """How long an asset's log is, the digest that binds all of it, and the commit that last added to it."""

    asset: str
    commit: int
    count: int
    digest: str


class ProvenPage[T, R](msgspec.Struct, frozen=True):
    """One page of a list as of the newest certified commit, and what proves the whole of it."""

    items: list[T]
    next: str | None
    row: R
    proof: Proof | None


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


class Hello(msgspec.Struct, frozen=True, tag_field="type", tag="hello"):
    """The first message on the event stream: the newest cursor and the ledger time."""

    cursor: int
    time: int


class Block(msgspec.Struct, frozen=True):
    """A block of the DAG; `transactions` are the ids of the envelopes in it."""

    id: str
    network: str
    epoch: int
    round: int
    author: int
    timestamp: int
    ancestors: list[str]
    transactions: list[str]
    signature: str
    commit: int | None


class Decision(msgspec.Struct, frozen=True):
    """A commit of the agreed order and the leader block behind it."""

    commit: int
    round: int
    leader: int
    block: str
    time: int
    state_root: str


class Dag(msgspec.Struct, frozen=True):
    """The latest rounds of the DAG, newest first."""

    round: int
    committee: int
    quorum: int
    decisions: list[Decision]
    blocks: list[Block]


class Peer(msgspec.Struct, frozen=True):
    """Another node: a validator (with its number from 1) or a linked observer, and where it says it stands.

    What is not known without a link is null; `problem` says why there is none.
    """

    node_key: str
    address: str
    validator: int | None
    linked: bool
    dialled: bool | None
    epoch: int | None
    commit: int | None
    clock_ahead_ms: int | None
    problem: str | None
