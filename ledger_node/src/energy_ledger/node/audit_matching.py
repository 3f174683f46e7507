"""Whether an event says what the transaction said that it comes from."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct, to_builtins

from energy_ledger.ledger.events import EventType
from energy_ledger.payloads import AssetUpdate, ClaimDecide, Payload
from energy_ledger.transactions import Transaction


class AuditEvent(Struct, frozen=True, forbid_unknown_fields=True):
    """An event as it stands in a log."""

    cursor: int
    commit: int
    time: int
    type: EventType
    accounts: tuple[str, ...]
    assets: tuple[str, ...]
    transaction: str | None
    data: dict[str, Any]


type Fields = Mapping[str, Any]

_KINDS: Final[dict[EventType, frozenset[str]]] = {
    "asset.registered": frozenset({"asset.register"}),
    "asset.updated": frozenset({"asset.update"}),
    "order.placed": frozenset({"order.place"}),
    "reading.attested": frozenset({"reading.attest"}),
    "claim.opened": frozenset({"claim.open"}),
    "claim.decided": frozenset({"claim.decide"}),
    "certificate.transferred": frozenset({"certificate.transfer"}),
    "certificate.cancelled": frozenset({"certificate.cancel"}),
    "certificate.claimed": frozenset({"certificate.claim"}),
    "reading.disclosed": frozenset({"reading.disclose"}),
}
"""Events that only one kind of transaction brings about."""
_RENAMED: Final[dict[str, dict[str, str]]] = {
    "order.cancel": {"order": "id"},
    "claim.decide": {"claim": "id"},
    "certificate.transfer": {"to": "holder"},
    "certificate.cancel": {"purpose": "cancelled_for"},
    "certificate.claim": {"beneficiary": "claimed_for"},
    "asset.retire": {"asset": "id"},
}
"""Fields of a kind that its event has under another name."""
_CREATES: Final = frozenset({"asset.register", "claim.open", "flexibility.announce", "order.place"})
"""Kinds that name what they create after themselves, the sender being its owner."""


def mismatch(event: AuditEvent, transaction: Transaction) -> str | None:
    """Return what an event says otherwise than its transaction; None when they agree."""
    allowed = _KINDS.get(event.type)
    if allowed is not None and transaction.kind not in allowed:
        return f"that is a {transaction.kind}"
    expected = _EXPECTED.get(transaction.kind, _as_named)(transaction, event.data)
    return next((name for name, value in expected.items() if event.data.get(name) != value), None)


def _as_named(transaction: Transaction, data: Fields) -> Fields:
    """Expect the fields of a payload where the event has one of the same name."""
    renamed = _RENAMED.get(transaction.kind, {})
    fields = {renamed.get(name, name): value for name, value in _fields(transaction.payload).items()}
    expected = {name: value for name, value in fields.items() if name in data}
    if transaction.kind in _CREATES:
        expected |= {"id": transaction.id, "account": transaction.payload.account}
    return expected


def _as_updated(transaction: Transaction, data: Fields) -> Fields:
    """Expect what was changed; of an asset that followed its connection point, only the feeder."""
    payload = transaction.payload
    assert isinstance(payload, AssetUpdate)  # noqa: S101 -- chosen by its kind
    if data.get("id") == payload.asset:
        return payload.changes
    return {"behind": payload.asset, "feeder": payload.changes.get("feeder")}


def _fields(payload: Payload) -> dict[str, Any]:
    """Return the fields of a kind, None standing for what was left out."""
    names = [name for name in payload.__struct_fields__ if name not in Payload.__struct_fields__]
    return dict.fromkeys(names) | {
        name: value for name, value in to_builtins(payload).items() if name in names
    }


def _as_decided(transaction: Transaction, data: Fields) -> Fields:
    """Expect the claim in the state that was decided."""
    payload = transaction.payload
    assert isinstance(payload, ClaimDecide)  # noqa: S101 -- chosen by its kind
    state = "upheld" if payload.upheld else "rejected"
    return {**_as_named(transaction, data), "state": state, "decided_by": payload.account}


_EXPECTED: Final[dict[str, Callable[[Transaction, Fields], Fields]]] = {
    "asset.update": _as_updated,
    "claim.decide": _as_decided,
}
