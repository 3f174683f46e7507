"""What a commit brought about, in the words of the API, and the chain of digests that binds all of it."""

from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from energy_ledger import crypto
from energy_ledger.ledger.rows import JsonRow

HISTORY_TAG: Final = crypto.tag("history")
EVENT_TAG: Final = crypto.tag("event")

type EventType = Literal[
    "member.joined",
    "member.approved",
    "member.suspended",
    "member.resumed",
    "member.role",
    "member.leaving",
    "member.left",
    "key.rotated",
    "asset.registered",
    "asset.updated",
    "asset.retired",
    "flexibility.announced",
    "order.placed",
    "order.cancelled",
    "order.lapsed",
    "order.filled",
    "round.closed",
    "round.cleared",
    "round.void",
    "clearing.refused",
    "trades.matched",
    "trade.delivering",
    "trade.metered",
    "trade.overdue",
    "trade.settled",
    "trade.disputed",
    "trade.reviewed",
    "reading.attested",
    "claim.opened",
    "claim.decided",
    "certificate.issued",
    "certificate.transferred",
    "certificate.cancelled",
    "certificate.claimed",
    "certificate.withdrawn",
    "certificate.expired",
    "reading.disclosed",
    "reading.totalled",
    "transfer",
    "voucher.issued",
    "voucher.requested",
    "voucher.paid",
    "voucher.returned",
    "community.paid",
    "credit.set",
    "tariff.set",
    "policy.set",
    "committee.voted",
    "committee.changed",
    "transaction.refused",
]

_CANONICAL = msgspec.json.Encoder(order="sorted")
_IN_ORDER = msgspec.json.Encoder()


def canonical(value: object) -> bytes:
    """Write a value as the JSON that is hashed: sorted keys, no spaces, UTF-8."""
    return _CANONICAL.encode(value)


class Event(Struct, frozen=True, kw_only=True, gc=False):
    """Something that happened, to whom and to what; `cursor` is its place in history.

    `data` is a row, or a value that is written as its row would be. Fields stand in the order of their names.
    """

    accounts: tuple[str, ...]
    assets: tuple[str, ...]
    commit: int
    cursor: int
    data: Any
    time: int
    transaction: str | None
    type: EventType

    @property
    def row(self) -> JsonRow:
        """The data as JSON types."""
        return self.data if isinstance(self.data, dict) else asdict(self.data)

    def encode(self) -> bytes:
        """Write the event as one line of JSON."""
        return canonical(self)


def encode_all(events: Iterable[Event]) -> list[bytes]:
    """Write events as canonical JSON.

    Structs whose fields stand in the order of their names are canonical as they are written anyway.
    """
    return [(_IN_ORDER if isinstance(one.data, Struct) else _CANONICAL).encode(one) for one in events]


def digest_of_line(line: bytes) -> bytes:
    """Return the digest of an event (canonical JSON), by which the chains below bind it."""
    return crypto.digest(EVENT_TAG, line)


def extend_history(previous: bytes, digests: Iterable[bytes]) -> bytes:
    """Return the digest that binds the commit's events, by their digests, to all events before."""
    bound = b"".join(digests)
    return crypto.digest(HISTORY_TAG, previous + bound) if bound else previous
