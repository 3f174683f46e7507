"""What the API asks of the node behind it."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from energy_ledger.api import types
from energy_ledger.api.auth import Role
from energy_ledger.api.paging import Value, Window

type Kind = Literal[
    "account",
    "asset",
    "audit",
    "order",
    "trade",
    "round",
    "slot",
    "reading",
    "claim",
    "certificate",
    "total",
    "redemption",
    "flexibility",
    "transaction",
    "block",
    "committee",
]


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events a listener wants: those that match everything it names."""

    account: str | None = None
    asset: str | None = None
    types: frozenset[str] = frozenset()


class EventSource(Protocol):
    """The network's events, in order."""

    @property
    def start(self) -> int:
        """Return the cursor from which on all events are known."""
        ...

    def head(self) -> types.Hello:
        """Return the newest cursor that is on disk, and the ledger time."""
        ...

    def after(self, cursor: int, wanted: EventFilter) -> AsyncIterator[list[bytes]]:
        """Give every wanted event after `cursor` as JSON, some at a time, and wait for new ones for ever."""
        ...


class Node(Protocol):
    """A running node. Whatever needs a network raises ProblemError `not_set_up` while there is none."""

    @property
    def events(self) -> EventSource:
        """Return the network's events."""
        ...

    def health(self) -> types.Health:
        """Tell whether the node runs."""
        ...

    def setup_state(self) -> types.SetupState:
        """Tell whether the node has a network."""
        ...

    async def found(self, genesis: types.Envelope) -> types.SetupAnswer:
        """Found the network; the same genesis again gives the same answer with a new token."""
        ...

    async def join(self, invite: str) -> types.SetupAnswer:
        """Give a token to whoever holds a good invite to the network."""
        ...

    async def network(self) -> types.Network:
        """Describe the network."""
        ...

    async def peers(self) -> types.Page[types.Peer]:
        """Tell who is linked, and of the validators also who is not."""
        ...

    async def one(self, kind: Kind, key: str) -> object | None:
        """Return one row by its key, None when there is none."""
        ...

    async def proven(self, kind: Kind, key: str) -> types.Proven[object] | None:
        """Return one account or asset with its proof, None when there is no such row."""
        ...

    async def page(self, kind: Kind, filters: Mapping[str, Value], window: Window) -> types.Page[object]:
        """Return a page of rows."""
        ...

    async def audit(self, asset: str, window: Window) -> types.Page[types.AuditItem]:
        """Return a page of the events that concern an asset, oldest first."""
        ...

    async def green(self, party: tuple[str, str], first: int, end: int) -> types.Green:
        """Sum up where the energy came from that an account or asset (kind, name) bought in these slots."""
        ...

    async def proven_audit(
        self, asset: str, window: Window
    ) -> types.ProvenPage[types.AuditItem, types.AuditRow] | None:
        """Return such a page as of a certified commit, with the proof; None when there is no such asset."""
        ...

    async def export_audit(self, asset: str) -> bytes | None:
        """Return an asset's whole log as a file that proves itself; None when there is no such asset."""
        ...

    async def district(self, first: int, end: int) -> types.District:
        """Return the district's figures of the days from `first` up to, and without, `end`."""
        ...

    async def feeders(self, first: int, end: int) -> list[types.FeederDay]:
        """Compare the feeders' own meters with their members, for a span of days."""
        ...

    async def allotments(self, first: int, end: int) -> list[types.Allotment]:
        """Return what the sharing key made of a span of slots."""
        ...

    async def allotments_csv(self, first: int, end: int) -> bytes:
        """Return the same as a file for the grid operator."""
        ...

    async def statement(self, account: str, since: int, until: int) -> types.Statement | None:
        """Return an account's statement over ledger times (ms) in [since, until); None for no account."""
        ...

    async def dag(self) -> types.Dag:
        """Describe the latest rounds of the DAG."""
        ...

    async def submit(self, envelopes: list[bytes]) -> list[types.Submitted]:
        """Check and take transactions, each the JSON of an envelope.

        Returns when all are ordered, at the latest after ten seconds.
        """
        ...

    def metrics(self) -> Mapping[str, int | float]:
        """Return the node's figures for Prometheus, by metric name."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read: the key its path names (or ""), its query and body, and who sent it."""

    node: Node
    key: str
    query: dict[str, Value]
    body: bytes
    role: Role | None
