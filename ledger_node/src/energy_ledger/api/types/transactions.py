"""Signed transactions, and what became of them."""

from typing import Literal

import msgspec

type TransactionState = Literal["pending", "applied", "refused"]


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signed transaction: `payload` is the exact JSON text that was signed."""

    payload: str
    signatures: list[str]


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
