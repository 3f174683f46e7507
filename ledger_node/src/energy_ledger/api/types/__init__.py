"""What the node answers and accepts under `/v1`, as types; `/v1/openapi.json` is made from them.

Energy is in Wh, money in nano-units of the network's currency, prices in nano per Wh, time in milliseconds
since the Unix epoch (parameters whose name ends in `_s`: seconds). Hashes and keys are lower-case hex.
"""

from energy_ledger.api.types.accounts import (
    Account,
    AccountStatus,
    Asset,
    AssetState,
    Key,
    Redemption,
    RedemptionState,
)
from energy_ledger.api.types.certificates import Certificate, CertificateState, Green
from energy_ledger.api.types.dag import Block, Dag, Decision, Peer
from energy_ledger.api.types.district import Allotment, District, FeederDay
from energy_ledger.api.types.events import AuditItem, AuditRow, Event, Hello
from energy_ledger.api.types.network import (
    Committee,
    Feeder,
    Hybrid,
    KnownFrom,
    Money,
    Network,
    Parameters,
    ProblemCode,
    Quota,
    SlotTariff,
    Tariff,
    TariffFrom,
    TariffStep,
)
from energy_ledger.api.types.orders import Flexibility, Order, OrderState
from energy_ledger.api.types.pages import Page, PathStep, Proof, Proven, ProvenPage, StateVote
from energy_ledger.api.types.readings import Claim, ClaimState, DayTotal, Reading
from energy_ledger.api.types.rounds import (
    DepthStep,
    OrderOutcome,
    Price,
    Reason,
    RefusedClearing,
    Round,
    RoundReport,
    RoundState,
    Slot,
)
from energy_ledger.api.types.setup import Health, SetupAnswer, SetupRequest, SetupState
from energy_ledger.api.types.statements import Statement, StatementKind, StatementLine, StatementTotals
from energy_ledger.api.types.trades import Explanation, Trade, TradeReport, TradeSide, TradeState
from energy_ledger.api.types.transactions import Envelope, Submitted, Transaction, TransactionState

__all__ = [
    "Account",
    "AccountStatus",
    "Allotment",
    "Asset",
    "AssetState",
    "AuditItem",
    "AuditRow",
    "Block",
    "Certificate",
    "CertificateState",
    "Claim",
    "ClaimState",
    "Committee",
    "Dag",
    "DayTotal",
    "Decision",
    "DepthStep",
    "District",
    "Envelope",
    "Event",
    "Explanation",
    "Feeder",
    "FeederDay",
    "Flexibility",
    "Green",
    "Health",
    "Hello",
    "Hybrid",
    "Key",
    "KnownFrom",
    "Money",
    "Network",
    "Order",
    "OrderOutcome",
    "OrderState",
    "Page",
    "Parameters",
    "PathStep",
    "Peer",
    "Price",
    "ProblemCode",
    "Proof",
    "Proven",
    "ProvenPage",
    "Quota",
    "Reading",
    "Reason",
    "Redemption",
    "RedemptionState",
    "RefusedClearing",
    "Round",
    "RoundReport",
    "RoundState",
    "SetupAnswer",
    "SetupRequest",
    "SetupState",
    "Slot",
    "SlotTariff",
    "StateVote",
    "Statement",
    "StatementKind",
    "StatementLine",
    "StatementTotals",
    "Submitted",
    "Tariff",
    "TariffFrom",
    "TariffStep",
    "Trade",
    "TradeReport",
    "TradeSide",
    "TradeState",
    "Transaction",
    "TransactionState",
]
