"""What a commit brought about, in the words of the API, and the chain of digests that binds all of it."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import batched, groupby
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from energy_ledger import crypto
from energy_ledger.ledger.rows import JsonRow

HISTORY_TAG: Final = crypto.tag("history")

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
    "trade.matched",
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
_AT_ONCE: Final = 1_000
"""Events that are written in one call, which no other thread can interrupt."""


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


def encode_all(events: Iterable[Event]) -> Iterator[bytes]:
    """Write events as canonical JSON, each followed by a line feed; some at a time.

    Structs whose fields stand in the order of their names are canonical as they are written anyway.
    """
    for ready, run in groupby(events, key=lambda event: isinstance(event.data, Struct)):
        encode = (_IN_ORDER if ready else _CANONICAL).encode_lines
        yield from map(encode, batched(run, _AT_ONCE, strict=False))


def extend_history(previous: bytes, written: Sequence[bytes]) -> bytes:
    """Return the digest that binds the commit's events, one line each, to all events before."""
    return crypto.digest_of(HISTORY_TAG, previous, *written) if written else previous
