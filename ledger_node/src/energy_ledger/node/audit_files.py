"""The exported log of an asset: one JSON document that proves itself to whoever knows the network's id.

It holds the genesis, how the committee changed, every event of the asset, the signed transactions they come
from with the keys that signed them, and a certified leaf that binds all events. `node.audit_check` checks it.
"""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from energy_ledger import crypto
from energy_ledger.api import types
from energy_ledger.fields import Hash
from energy_ledger.ledger.events import canonical
from energy_ledger.transactions import Envelope

FORMAT: Final = "energy-ledger audit 1"
EXPORT_TAG: Final = crypto.tag("audit-export")


class SignedTransaction(Struct, frozen=True, forbid_unknown_fields=True):
    """A transaction that an event comes from, and the block that brought it into the order."""

    block: Hash
    envelope: Envelope


class Change(Struct, frozen=True, forbid_unknown_fields=True):
    """The committee of an epoch, and the votes of a quorum of the one before, in that one's order."""

    epoch: int
    committee: tuple[Hash, ...]
    votes: tuple[Envelope, ...]


class AuditFile(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An exported log.

    `accounts` has for each sender that is neither the founder nor a node its `member.join`, and for everybody
    the `key.rotate` since, in their order.
    """

    format: Annotated[str, Meta(pattern=f"^{FORMAT}$")]
    network: Hash
    asset: Hash
    genesis: Envelope
    committees: tuple[Change, ...]
    row: dict[str, Any]
    proof: types.Proof
    events: tuple[dict[str, Any], ...]
    transactions: dict[str, SignedTransaction]
    accounts: dict[str, tuple[Envelope, ...]]
    checksum: Hash


def checksum(document: dict[str, Any]) -> str:
    """Return the checksum over a document without it."""
    rest = {name: value for name, value in document.items() if name != "checksum"}
    return crypto.digest(EXPORT_TAG, canonical(rest)).hex()


def sealed(document: dict[str, Any]) -> bytes:
    """Write a document with its checksum as canonical JSON."""
    return canonical(document | {"checksum": checksum(document)})
