"""What a commit brought about, in the words of the API, and the chain of digests that binds all of it."""

from collections.abc import Iterable
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from energy_ledger import crypto

HISTORY_TAG: Final = crypto.tag("history")

type EventType = Literal[
    "member.joined",
    "member.approved",
    "asset.registered",
    "asset.updated",
    "order.placed",
    "order.cancelled",
    "order.lapsed",
    "order.filled",
    "round.closed",
    "round.cleared",
    "round.void",
    "clearing.refused",
    "trade.matched",
    "trade.delivering",
    "trade.metered",
    "trade.overdue",
    "trade.settled",
    "trade.disputed",
    "reading.attested",
    "claim.opened",
    "claim.decided",
    "certificate.issued",
    "certificate.transferred",
    "certificate.cancelled",
    "certificate.claimed",
    "certificate.withdrawn",
    "certificate.expired",
    "transfer",
    "voucher.issued",
    "credit.set",
    "committee.voted",
    "committee.changed",
    "transaction.refused",
]

_CANONICAL = msgspec.json.Encoder(order="sorted")


def canonical(value: object) -> bytes:
    """Write a value as the JSON that is hashed: sorted keys, no spaces, UTF-8."""
    return _CANONICAL.encode(value)


class Event(Struct, frozen=True, kw_only=True, gc=False):
    """Something that happened, to whom and to what; `cursor` is its place in history."""

    cursor: int
    commit: int
    time: int
    type: EventType
    accounts: tuple[str, ...]
    assets: tuple[str, ...]
    transaction: str | None
    data: dict[str, Any]

    def encode(self) -> bytes:
        """Write the event as one line of JSON."""
        return canonical(self)


def extend_history(previous: bytes, events: Iterable[Event]) -> bytes:
    """Return the digest that binds the commit's events, one line each, to all events before."""
    lines = b"".join(event.encode() + b"\n" for event in events)
    return crypto.digest(HISTORY_TAG, previous + lines) if lines else previous
