"""Claims and certificates as values, and the rows they are shown and kept as. Energy in Wh, times in ms."""

from typing import ClassVar

from msgspec import Struct
from msgspec.structs import asdict, replace

from energy_ledger.ledger.ranges import WhRange
from energy_ledger.ledger.rows import JsonRow
from energy_ledger.ledger.states import CertificateState, ClaimState

THOUSAND = 1000


class Claim(Struct, frozen=True, kw_only=True, gc=False):
    """What somebody (`account`) says the reading of a connection point, of `owner`, should be."""

    table: ClassVar[str] = "claims"

    account: str
    asset: str
    commit: int
    commitment: str | None
    decided: int | None = None
    decided_by: str | None = None
    exported_wh: int
    id: str
    imported_wh: int
    note: str | None = None
    opened: int
    owner: str
    reason: str
    slot: int
    state: ClaimState

    @property
    def key(self) -> str:
        """The claim's id."""
        return self.id

    @property
    def place(self) -> tuple[str, int]:
        """The connection point and slot it is about."""
        return self.asset, self.slot

    def row(self) -> JsonRow:
        """Write the claim as JSON types."""
        return asdict(self)


class Certificate(Struct, frozen=True, kw_only=True, gc=False):
    """Wh that an asset exported in a slot, numbered from `first` up to `end`, and who holds or used them.

    `trade` brought them to `consumer`, an asset that used them in `consumed_slot`; of what was cancelled by
    hand these are None, and `cancelled_for` says why. `source` is what the energy was made of, also where it
    came out of a store.
    """

    table: ClassVar[str] = "certificates"

    asset: str
    cancelled_for: str | None = None
    claimed_for: str | None = None
    commissioned: str | None
    consumed_slot: int | None = None
    consumer: str | None = None
    end: int
    expires: int
    first: int
    holder: str
    id: str
    issued: int
    issuer: str
    location: str | None
    purpose: str = "exported"
    rated_w: int
    slot: int
    source: str | None
    state: CertificateState
    storage: bool
    technology: str | None
    trade: str | None = None
    wh: int

    @property
    def key(self) -> str:
        """The certificate's id."""
        return self.id

    @property
    def range(self) -> WhRange:
        """The numbers of its Wh."""
        return WhRange(self.first, self.end)

    def over(self, wh_range: WhRange) -> Certificate:
        """Return the same for another range of the asset's Wh."""
        return replace(
            self,
            id=f"{self.asset}.{wh_range.first}",
            first=wh_range.first,
            end=wh_range.end,
            wh=wh_range.wh,
        )

    def split(self, wh: int) -> tuple[Certificate, Certificate]:
        """Return the lower `wh` Wh, under the old id, and the rest; both must hold something."""
        lower, upper = self.range.split(wh)
        return self.over(lower), self.over(upper)

    def row(self) -> JsonRow:
        """Write the certificate as JSON types."""
        return asdict(self)


class Tally(Struct, frozen=True, kw_only=True, gc=False):
    """What is counted of an asset for its certificates: the next number, and what a store holds.

    `store` has thousandths of a Wh by source ("" where it is unknown); below zero when a correction took back
    what had been given on already.
    """

    table: ClassVar[str] = "tallies"

    asset: str
    next: int = 0
    store: dict[str, int] = {}

    @property
    def key(self) -> str:
        """The asset's id."""
        return self.asset

    @property
    def held_wh(self) -> dict[str, int]:
        """The whole Wh in the store, by source, no more in all than it holds in all."""
        left = max(0, sum(self.store.values()) // THOUSAND)
        held: dict[str, int] = {}
        for source, amount in self.store.items():
            held[source] = min(left, max(0, amount // THOUSAND))
            left -= held[source]
        return held

    def stored(self, source: str, thousandths: int) -> Tally:
        """Return the tally with so much more (or less) of a source in the store."""
        return replace(self, store=self.store | {source: self.store.get(source, 0) + thousandths})

    def row(self) -> JsonRow:
        """Write the tally as JSON types."""
        return asdict(self)
