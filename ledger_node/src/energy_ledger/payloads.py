"""What a transaction can say: one struct per kind, and the rules of its form that types alone cannot tell.

Energy in Wh, money in nano-units, prices in nano per Wh, times in ms. Optional fields that were left out
are `UNSET`; null is a value of its own where the type allows it.
"""

import datetime
from typing import Annotated, Any, ClassVar, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from energy_ledger.fields import (
    MAX_DAY,
    Address,
    AssetType,
    CertificateId,
    Date,
    Dual,
    Efficiency,
    FeederId,
    Hash,
    Label,
    Memo,
    Natural,
    NaturalDual,
    Positive,
    Quality,
    Reference,
    SignatureHex,
    Source,
    Watts,
    check_plain,
)
from energy_ledger.keys import PublicKey, account_of, check_address, check_keys
from energy_ledger.order_terms import OrderTerms
from energy_ledger.refusals import Refused
from energy_ledger.strict import check_text
from energy_ledger.units import MAX_MONEY

MAX_PAYLOAD = 65_536
MAX_CLEARING_PAYLOAD = 1_048_576
MAX_COMMITTEE = 64


class Payload(Struct, frozen=True, forbid_unknown_fields=True, gc=False, tag_field="kind"):
    """What every payload says: which network and account, in which place, and until when it is meant."""

    max_bytes: ClassVar[int] = MAX_PAYLOAD

    network: Hash
    account: Address
    sequence: Positive
    expires: Natural

    @property
    def kind(self) -> str:
        """The name of its kind."""
        return str(self.__struct_config__.tag)

    def check(self) -> None:
        """Refuse what the types of the fields let through."""


class Join(Payload, frozen=True, tag="member.join"):
    """A new account asks to become a member, with an invite."""

    keys: tuple[PublicKey, ...]
    name: Label
    invite: str
    invite_signature: SignatureHex
    invite_proof: SignatureHex

    def check(self) -> None:
        """Refuse keys that are not well formed or not the account's."""
        check_keys(self.keys, "keys")
        check_text(self.name, "name")
        if check_address(self.account, "account") != account_of(self.keys):
            raise Refused("bad_value", "account", "The address is not that of the given keys.")


class Approve(Payload, frozen=True, tag="member.approve"):
    """The founder lets a pending member in."""

    member: Address

    def check(self) -> None:
        """Refuse a member that is no address."""
        check_address(self.member, "member")


class AssetRegister(Payload, frozen=True, tag="asset.register"):
    """A member tells what it owns; the asset's id is the transaction's."""

    asset_type: AssetType
    name: Label
    rated_import_w: Watts
    rated_export_w: Watts
    behind: Hash | None
    feeder: FeederId
    source: Source | None
    technology: Label | UnsetType = UNSET
    commissioned: Date | UnsetType = UNSET
    location: Label | UnsetType = UNSET
    storage_efficiency: Efficiency | UnsetType = UNSET

    def check(self) -> None:
        """Refuse what cannot move energy, and texts that cannot be shown."""
        if not self.rated_import_w and not self.rated_export_w:
            message = "An asset that neither takes nor gives power cannot trade; give one of the two ratings."
            raise Refused("bad_value", "rated_import_w", message)
        _check_labels(self)


class AssetUpdate(Payload, frozen=True, tag="asset.update"):
    """The owner corrects what it told about an asset."""

    asset: Hash
    name: Label | UnsetType = UNSET
    rated_import_w: Watts | UnsetType = UNSET
    rated_export_w: Watts | UnsetType = UNSET
    behind: Hash | UnsetType | None = UNSET
    feeder: FeederId | UnsetType = UNSET
    technology: Label | UnsetType = UNSET
    commissioned: Date | UnsetType = UNSET
    location: Label | UnsetType = UNSET
    storage_efficiency: Efficiency | UnsetType = UNSET

    @property
    def changes(self) -> dict[str, Any]:
        """The fields to change, with their new values."""
        values = ((name, getattr(self, name)) for name in _UPDATABLE)
        return {name: value for name, value in values if value is not UNSET}

    def check(self) -> None:
        """Refuse an update that changes nothing."""
        if not self.changes:
            message = f"Name at least one of {', '.join(_UPDATABLE)}."
            raise Refused("missing_field", None, message)
        _check_labels(self)


_UPDATABLE: Final = (
    "name",
    "rated_import_w",
    "rated_export_w",
    "behind",
    "feeder",
    "technology",
    "commissioned",
    "location",
    "storage_efficiency",
)


def _check_labels(asset: AssetRegister | AssetUpdate) -> None:
    for field in ("name", "technology", "location"):
        text = getattr(asset, field)
        if text is not UNSET:
            check_text(text, field)
    if asset.commissioned is not UNSET:
        try:
            datetime.date.fromisoformat(asset.commissioned)
        except ValueError:
            raise Refused("bad_value", "commissioned", "There is no such day.") from None


class OrderPlace(Payload, frozen=True, tag="order.place"):
    """A member offers or asks for energy; the order's id is the transaction's."""

    asset: Hash
    order: OrderTerms

    def check(self) -> None:
        """Refuse an order that is not well formed."""
        self.order.check()


class OrderCancel(Payload, frozen=True, tag="order.cancel"):
    """A member takes back what is not matched yet."""

    order: Hash


class ReadingAttest(Payload, frozen=True, tag="reading.attest"):
    """What a connection point's meter showed for a slot, with a commitment to its registers."""

    asset: Hash
    slot: Natural
    imported_wh: Natural
    exported_wh: Natural
    commitment: Hash
    quality: Quality = "measured"


class ClaimOpen(Payload, frozen=True, tag="claim.open"):
    """A member says what the reading of a connection point and slot should be, and why."""

    asset: Hash
    slot: Natural
    imported_wh: Natural
    exported_wh: Natural
    reason: Reference
    commitment: Hash | UnsetType = UNSET

    def check(self) -> None:
        """Refuse a reason that cannot be shown."""
        check_text(self.reason, "reason")


class ClaimDecide(Payload, frozen=True, tag="claim.decide"):
    """A founder decides whether a claim is right."""

    claim: Hash
    upheld: bool
    note: Memo | UnsetType = UNSET

    def check(self) -> None:
        """Refuse a note that cannot be shown."""
        if self.note is not UNSET:
            check_text(self.note, "note")


class CertificateTransfer(Payload, frozen=True, tag="certificate.transfer"):
    """A holder gives Wh of a certificate to another member."""

    certificate: CertificateId
    wh: Positive
    to: Address

    def check(self) -> None:
        """Refuse a recipient that is no address or the sender's own."""
        check_address(self.to, "to")
        if self.to == self.account:
            raise Refused("bad_value", "to", "This is your own address.")


class CertificateCancel(Payload, frozen=True, tag="certificate.cancel"):
    """A holder uses Wh of a certificate up, for a purpose."""

    certificate: CertificateId
    wh: Positive
    purpose: Reference

    def check(self) -> None:
        """Refuse a purpose that cannot be shown."""
        check_text(self.purpose, "purpose")


class CertificateClaim(Payload, frozen=True, tag="certificate.claim"):
    """Who cancelled Wh of a certificate says for whom they count."""

    certificate: CertificateId
    wh: Positive
    beneficiary: Reference

    def check(self) -> None:
        """Refuse a beneficiary that cannot be shown."""
        check_text(self.beneficiary, "beneficiary")


class ReadingDisclose(Payload, frozen=True, tag="reading.disclose"):
    """The owner opens a reading: the exact text of the registers, and the salt of the commitment to it."""

    asset: Hash
    slot: Natural
    registers: Annotated[str, Meta(max_length=4096)]
    salt: Hash


class ReadingTotal(Payload, frozen=True, tag="reading.total"):
    """What a connection point counted in a day (since the epoch, UTC), and what was produced behind it."""

    asset: Hash
    day: Annotated[int, Meta(ge=0, le=MAX_DAY)]
    imported_wh: Natural
    exported_wh: Natural
    produced_wh: Natural
    self_consumed_wh: Natural


class FillColumns(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Fills as three columns: index in the book, slot relative to the book's first, Wh."""

    order: tuple[Natural, ...]
    slot: tuple[Natural, ...]
    wh: tuple[Positive, ...]


class ClearingPropose(Payload, frozen=True, tag="clearing.propose"):
    """A matcher's clearing of a round's book, with its proof."""

    max_bytes: ClassVar[int] = MAX_CLEARING_PAYLOAD

    round: Natural
    fills: FillColumns
    prices: dict[str, tuple[Natural | None, ...]]
    node_duals: dict[str, tuple[Dual, ...]]
    flexible_duals: dict[str, NaturalDual]

    def check(self) -> None:
        """Refuse columns of different lengths, and bids not named in plain decimal."""
        if not len(self.fills.order) == len(self.fills.slot) == len(self.fills.wh):
            raise Refused("bad_value", "fills", "order, slot and wh must be of one length.")
        for index in self.flexible_duals:
            check_plain(index, "flexible_duals")


class Transfer(Payload, frozen=True, tag="transfer"):
    """A member gives money to another."""

    to: Address
    amount: Positive
    memo: Memo | UnsetType = UNSET

    def check(self) -> None:
        """Refuse a recipient that is no address or the sender's own."""
        check_address(self.to, "to")
        if self.to == self.account:
            raise Refused("bad_value", "to", "This is your own address.")
        if self.memo is not UNSET:
            check_text(self.memo, "memo")


class VoucherIssue(Payload, frozen=True, tag="voucher.issue"):
    """The treasurer brings money into the network against real money."""

    to: Address
    amount: Annotated[int, Meta(gt=0, le=MAX_MONEY)]
    reference: Reference

    def check(self) -> None:
        """Refuse a recipient that is no address."""
        check_address(self.to, "to")
        check_text(self.reference, "reference")


class CreditSet(Payload, frozen=True, tag="credit.set"):
    """The treasurer sets how far a member may owe."""

    member: Address
    limit: Annotated[int, Meta(ge=0, le=MAX_MONEY)]

    def check(self) -> None:
        """Refuse a member that is no address."""
        check_address(self.member, "member")


class CommitteeVote(Payload, frozen=True, tag="committee.vote"):
    """A validator wants these nodes, by their keys and in this order, to be the committee of an epoch."""

    epoch: Natural
    committee: Annotated[tuple[Hash, ...], Meta(min_length=1, max_length=MAX_COMMITTEE)]

    def check(self) -> None:
        """Refuse a committee in which a node has two voices."""
        if len(set(self.committee)) != len(self.committee):
            raise Refused("bad_value", "committee", "A node is named twice.")
