"""Checks that what a node tells of an asset is all that ever happened to it (docs/protocol.md, "Audit log").

The committee signs a root that binds a digest over the asset's events, chained commit by commit. So a node
can neither leave an event out nor add, change or move one: the chain over what it tells would end elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from .answers import AuditPage, Proof, ProvenRow
from .client import NodeClient
from .digests import canonical, digest
from .proof import Committee, Finding, Verdict, check

type Item = Mapping[str, Any]


@dataclass(frozen=True)
class AuditLog:
    """An asset's events as a node tells them, oldest first, and the row and proof that should bind them."""

    asset: str
    items: tuple[Item, ...]
    row: Item
    proof: Proof | None


async def fetch(client: NodeClient, asset: str) -> AuditLog:
    """Fetch the whole log of an asset, as far as the node can prove it; not yet checked.

    Raises:
        NodeError: no answer, or none that fits.

    """
    first = page = await client.proven_audit(asset)
    items = list(page.items)
    while page.next is not None and len(items) < _count(first):
        page = await client.proven_audit(asset, cursor=page.next)
        items += page.items
    return AuditLog(asset, tuple(items[: _count(first)]), first.row, first.proof)


def verify(log: AuditLog, committee: Committee) -> Finding:
    """Check a log: proven, not proven, or contradicted by its own proof."""
    finding = check(ProvenRow(log.row, log.proof), audit_key(log.asset), committee)
    if not finding.is_proven:
        return finding
    if log.row.get("asset") != log.asset or log.row.get("count") != len(log.items):
        return Finding(Verdict.CONTRADICTED, reason="the log has another number of events than is proven")
    if chain(log.asset, log.items) != log.row.get("digest"):
        return Finding(Verdict.CONTRADICTED, reason="the events are not those that the committee signed for")
    return finding


def chain(asset: str, items: Sequence[Item]) -> str | None:
    """Return the digest (hex) over events, commit by commit; None for what are no events of an asset."""
    try:
        reached = bytes.fromhex(asset)
        for _, group in groupby(items, key=lambda item: item["commit"]):
            reached = digest("audit", reached + b"".join(_bound(item) for item in group))
    except KeyError, TypeError, ValueError:
        return None
    return reached.hex()


def audit_key(asset: str) -> str:
    """Return the key of the row that binds an asset's log."""
    return f"audit/{asset}"


def _bound(item: Item) -> bytes:
    """Return the digest by which the ledger bound an event; `block` only says where its transaction is."""
    event = {name: value for name, value in item.items() if name != "block"}
    return digest("event", canonical(event).encode())


def _count(page: AuditPage) -> int:
    count = page.row.get("count")
    return count if isinstance(count, int) else 0
