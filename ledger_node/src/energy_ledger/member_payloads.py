"""What a transaction can say about membership, keys, vouchers and the network's own rules.

Money in nano-units, energy in Wh. The rest of the kinds, and what they have in common, is in `payloads`.
"""

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, UnsetType

from energy_ledger.fields import Address, Hash, Memo, Natural, Positive, Reference
from energy_ledger.keys import HEX, PublicKey, check_address, check_keys
from energy_ledger.payloads import Payload
from energy_ledger.policies import Approval, Hybrid, Quota, Sharing
from energy_ledger.refusals import Refused
from energy_ledger.strict import check_text
from energy_ledger.tariffs import Tariff, check_tariff
from energy_ledger.units import MAX_MONEY

Amount = Annotated[int, Meta(gt=0, le=MAX_MONEY)]
Proof = Annotated[str, Meta(pattern=HEX, max_length=2 * 2420)]


class Leave(Payload, frozen=True, tag="member.leave"):
    """A member wants to leave, and does when nothing of it is open any more."""


class Suspend(Payload, frozen=True, tag="member.suspend"):
    """A founder stops a member from trading, or lets it trade again."""

    member: Address
    suspended: bool
    reason: Reference

    def check(self) -> None:
        """Refuse a member that is no address."""
        check_address(self.member, "member")
        check_text(self.reason, "reason")


class RoleSet(Payload, frozen=True, tag="member.role"):
    """A founder gives a member a role, or takes it away."""

    member: Address
    role: Literal["founder", "treasurer", "auditor"]
    granted: bool

    def check(self) -> None:
        """Refuse a member that is no address."""
        check_address(self.member, "member")


class KeyRotate(Payload, frozen=True, tag="key.rotate"):
    """An account has other keys from now on; each of them proves itself."""

    keys: tuple[PublicKey, ...]
    proofs: tuple[Proof, ...]

    def check(self) -> None:
        """Refuse keys that are not well formed, and proofs that are not one for each."""
        check_keys(self.keys, "keys")
        if len(self.proofs) != len(self.keys):
            raise Refused("bad_value", "proofs", "Give one proof for each of the new keys.")


class AssetRetire(Payload, frozen=True, tag="asset.retire"):
    """The owner takes an asset out of the market for good."""

    asset: Hash


class FlexibilityAnnounce(Payload, frozen=True, tag="flexibility.announce"):
    """A member says what an asset could take or give any time in [earliest, deadline), and orders nothing."""

    asset: Hash
    direction: Literal["consume", "produce"]
    energy_wh: Positive
    earliest: Natural
    deadline: Natural
    max_wh_per_slot: Positive
    note: Memo | UnsetType = UNSET

    def check(self) -> None:
        """Refuse a note that cannot be shown."""
        _check_note(self.note)


class VoucherRedeem(Payload, frozen=True, tag="voucher.redeem"):
    """A member wants real money for some of its vouchers; the redemption's id is the transaction's."""

    amount: Amount
    reference: Reference

    def check(self) -> None:
        """Refuse a reference that cannot be shown."""
        check_text(self.reference, "reference")


class VoucherSettle(Payload, frozen=True, tag="voucher.settle"):
    """The treasurer says that a redemption was paid out, or gives the vouchers back."""

    redemption: Hash
    paid: bool
    note: Memo | UnsetType = UNSET

    def check(self) -> None:
        """Refuse a note that cannot be shown."""
        _check_note(self.note)


class CommunityPay(Payload, frozen=True, tag="community.pay"):
    """The treasurer pays a member out of the community fund."""

    to: Address
    amount: Amount
    reference: Reference

    def check(self) -> None:
        """Refuse a recipient that is no address."""
        check_address(self.to, "to")
        check_text(self.reference, "reference")


class TariffSet(Payload, frozen=True, tag="tariff.set"):
    """A founder sets the tariff that holds from a slot on."""

    from_slot: Natural
    tariff: Tariff

    def check(self) -> None:
        """Refuse a week that is none."""
        check_tariff(self.tariff, "tariff")


POLICIES: Final = ("approval", "quota", "hybrid", "sharing")


class PolicySet(Payload, frozen=True, tag="policy.set"):
    """A founder changes how members come in, what they may send, what all keys must sign, or the key."""

    approval: Approval | UnsetType = UNSET
    quota: Quota | UnsetType = UNSET
    hybrid: Hybrid | UnsetType = UNSET
    sharing: Sharing | UnsetType = UNSET

    def check(self) -> None:
        """Refuse a change of nothing."""
        if all(getattr(self, name) is UNSET for name in POLICIES):
            raise Refused("missing_field", None, f"Name at least one of {', '.join(POLICIES)}.")


def _check_note(note: str | UnsetType) -> None:
    if note is not UNSET:
        check_text(note, "note")
