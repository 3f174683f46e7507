"""The table of all paths: what each takes and answers. Server and OpenAPI are both made from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from energy_ledger.api import answers, paging, types
from energy_ledger.api.answers import Answer
from energy_ledger.api.paging import PAGE, Parameter
from energy_ledger.api.ports import Kind


@dataclass(frozen=True, slots=True)
class Route:
    """One path: how it is called, who may, and what it answers. It names at most one key, in braces."""

    method: str
    path: str
    answer: Answer
    gives: Any
    summary: str
    query: tuple[Parameter, ...] = ()
    takes: Any = None
    or_gives: Any = None
    """What it answers instead when the query asks for that."""
    open: bool = False
    """Whether it can be asked without a token."""
    free: bool = False
    """Whether it can be asked as often as one likes."""
    status: Callable[[object], int] = lambda _: 200
    """The HTTP status that goes with an answer."""

    @property
    def key(self) -> str:
        """The name of the key in the path, or ""."""
        return self.path.partition("{")[2].partition("}")[0]


def _one(path: str, kind: Kind, gives: Any) -> Route:
    return Route("GET", f"/v1/{path}", answers.one(kind), gives, f"One {kind}")


def _provable(path: str, kind: Kind, gives: Any) -> Route:
    text = f"One {kind}, on demand with its proof"
    return Route(
        "GET",
        f"/v1/{path}",
        answers.provable(kind),
        gives,
        text,
        (paging.PROOF,),
        or_gives=types.Proven[gives],
    )


def _many(path: str, kind: Kind, gives: Any, *query: Parameter, summary: str = "") -> Route:
    text = summary or f"The {path}, in ledger order"
    return Route("GET", f"/v1/{path}", answers.many(kind), types.Page[gives], text, (*query, *PAGE))


ROUTES = (
    Route(
        "GET",
        "/health",
        answers.health,
        types.Health,
        "Whether the node runs",
        open=True,
        free=True,
        status=answers.health_status,
    ),
    Route("GET", "/v1/setup", answers.setup_state, types.SetupState, "Whether the node has a network"),
    Route(
        "POST",
        "/v1/setup",
        answers.set_up,
        types.SetupAnswer,
        "Found a network (with the setup token) or join one (with an invite)",
        takes=types.SetupRequest,
        open=True,
    ),
    Route("GET", "/v1/network", answers.network, types.Network, "The network and how far this node is"),
    _provable("accounts/{address}", "account", types.Account),
    Route(
        "GET",
        "/v1/accounts/{address}/statement",
        answers.statement,
        types.Statement,
        "What moved an account's money over a time; `community` is the community fund's",
        (paging.FROM, paging.UNTIL, paging.FORMAT),
    ),
    _many("accounts", "account", types.Account, paging.KEY, paging.ACCOUNT_STATUS),
    _many("assets", "asset", types.Asset, paging.ACCOUNT),
    _provable("assets/{id}", "asset", types.Asset),
    Route(
        "GET",
        "/v1/assets/{id}/audit",
        answers.audit,
        types.Page[types.AuditItem],
        "The events that concern an asset, oldest first, on demand with the proof of all of them",
        (paging.PROOF, paging.EXPORT, *PAGE),
        or_gives=types.ProvenPage[types.AuditItem, types.AuditRow],
    ),
    _many("orders", "order", types.Order, paging.ACCOUNT, paging.ASSET, paging.ORDER_STATE),
    _one("orders/{id}", "order", types.Order),
    _many(
        "trades",
        "trade",
        types.Trade,
        paging.ACCOUNT,
        paging.ASSET,
        paging.ORDER,
        paging.SLOT,
        paging.TRADE_STATE,
    ),
    _one("trades/{id}", "trade", types.TradeReport),
    _many("rounds", "round", types.Round, summary="The rounds, newest first"),
    _one("rounds/{n}", "round", types.RoundReport),
    _one("slots/{n}", "slot", types.Slot),
    _many("readings", "reading", types.Reading, paging.ASSET, paging.SLOT),
    _many("claims", "claim", types.Claim, paging.ACCOUNT, paging.ASSET, paging.SLOT, paging.CLAIM_STATE),
    _one("claims/{id}", "claim", types.Claim),
    Route(
        "GET",
        "/v1/certificates",
        answers.certificates,
        types.Page[types.Certificate],
        "The certificates (the community's own records, not state guarantees of origin), in ledger order",
        (
            paging.HOLDER,
            paging.ASSET,
            paging.CONSUMER,
            paging.SLOT,
            paging.CERTIFICATE_STATE,
            paging.CERTIFICATE_FORMAT,
            *PAGE,
        ),
    ),
    _one("certificates/{id}", "certificate", types.Certificate),
    Route(
        "GET",
        "/v1/green",
        answers.green,
        types.Green,
        "Where the energy came from that an account or asset bought in the slots from `from` up to `until`",
        (paging.ACCOUNT, paging.ASSET, paging.FROM_SLOT, paging.UNTIL_SLOT),
    ),
    _many("totals", "total", types.DayTotal, paging.ACCOUNT, paging.ASSET, paging.DAY),
    Route(
        "GET",
        "/v1/district",
        answers.district,
        types.District,
        "How the district did in a span of days",
        (paging.FROM_DAY, paging.UNTIL_DAY),
    ),
    Route(
        "GET",
        "/v1/feeders",
        answers.feeders,
        list[types.FeederDay],
        "The feeders' own meters beside the sum of their members', day by day",
        (paging.FROM_DAY, paging.UNTIL_DAY),
    ),
    Route(
        "GET",
        "/v1/allotments",
        answers.allotments,
        list[types.Allotment],
        "What the sharing key made of a span of slots",
        (paging.FROM_SLOT, paging.UNTIL_SLOT, paging.TABLE),
    ),
    _many("redemptions", "redemption", types.Redemption, paging.ACCOUNT, paging.REDEMPTION_STATE),
    _one("redemptions/{id}", "redemption", types.Redemption),
    _many("flexibility", "flexibility", types.Flexibility, paging.ACCOUNT, paging.SLOT),
    _one("transactions/{id}", "transaction", types.Transaction),
    _one("blocks/{id}", "block", types.Block),
    _one("committees/{epoch}", "committee", types.Committee),
    Route("GET", "/v1/dag", answers.dag, types.Dag, "The latest rounds of the DAG"),
    Route("GET", "/v1/peers", answers.peers, types.Page[types.Peer], "The nodes linked to this one"),
    Route(
        "POST",
        "/v1/transactions",
        answers.submit,
        types.Submitted | list[types.Submitted],
        "Submit one transaction or up to 1,000; waits up to 10 s for their order",
        takes=types.Envelope | list[types.Envelope],
    ),
)

EVENTS_PATH = "/v1/events"
EVENTS_QUERY = (paging.EVENT_CURSOR, paging.ACCOUNT, paging.ASSET, paging.TYPES)
METRICS_PATH = "/metrics"
OPENAPI_PATH = "/v1/openapi.json"
