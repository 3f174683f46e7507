"""The log of each asset: one digest per asset that binds all that ever happened to it, commit by commit.

The digest is a leaf of the tree under the state root. So whoever has a certified root can tell whether a list
of events is an asset's whole log: one that was left out, added, changed or put elsewhere leads to another
digest.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from msgspec import Struct
from msgspec.structs import asdict

from energy_ledger import crypto
from energy_ledger.ledger.events import Event
from energy_ledger.ledger.rows import JsonRow
from energy_ledger.ledger.tables import Table

AUDIT_TAG: Final = crypto.tag("audit")


class Audit(Struct, frozen=True, kw_only=True, gc=False):
    """How long an asset's log is, the digest that binds it (hex), and the commit that last added to it."""

    table: ClassVar[str] = "audits"

    asset: str
    commit: int
    count: int
    digest: str

    @property
    def key(self) -> str:
        """The asset's id."""
        return self.asset

    def row(self) -> JsonRow:
        """Write the log's state as JSON types."""
        return asdict(self)

    def extended(self, commit: int, digests: Sequence[bytes]) -> Audit:
        """Return the log with the events that a commit added, given by their digests."""
        return Audit(
            asset=self.asset,
            commit=commit,
            count=self.count + len(digests),
            digest=crypto.digest(AUDIT_TAG, b"".join((bytes.fromhex(self.digest), *digests))).hex(),
        )


def empty(asset: str) -> Audit:
    """Return the log of an asset to which nothing happened yet, not even its registration."""
    return Audit(asset=asset, commit=0, count=0, digest=asset)


def extend_audits(
    audits: Table[Audit], commit: int, events: Sequence[Event], digests: Sequence[bytes]
) -> None:
    """Add a commit's events, `digests` being theirs, to the logs of the assets they name."""
    for asset, own in _by_asset(events, digests).items():
        audits.put((audits.get(asset) or empty(asset)).extended(commit, own))


def _by_asset(events: Sequence[Event], digests: Sequence[bytes]) -> dict[str, list[bytes]]:
    """Give every asset the digests of its events."""
    found: dict[str, list[bytes]] = {}
    for event, digest in zip(events, digests, strict=True):
        for asset in event.assets:
            found.setdefault(asset, []).append(digest)
    return found
