"""The kinds of transactions, by name, and which of them a network may want signed by every key."""

from collections.abc import Mapping
from typing import Final

from energy_ledger.member_payloads import (
    AssetRetire,
    CommunityPay,
    FlexibilityAnnounce,
    KeyRotate,
    Leave,
    PolicySet,
    RoleSet,
    Suspend,
    TariffSet,
    VoucherRedeem,
    VoucherSettle,
)
from energy_ledger.payloads import (
    Approve,
    AssetRegister,
    AssetUpdate,
    CertificateCancel,
    CertificateClaim,
    CertificateTransfer,
    ClaimDecide,
    ClaimOpen,
    ClearingPropose,
    CommitteeVote,
    CreditSet,
    Join,
    OrderCancel,
    OrderPlace,
    Payload,
    ReadingAttest,
    ReadingDisclose,
    ReadingTotal,
    Transfer,
    VoucherIssue,
)
from energy_ledger.policies import Hybrid
from energy_ledger.refusals import Refused

KINDS: Final[Mapping[str, type[Payload]]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (
        Join,
        Approve,
        Leave,
        Suspend,
        RoleSet,
        KeyRotate,
        AssetRegister,
        AssetUpdate,
        AssetRetire,
        FlexibilityAnnounce,
        OrderPlace,
        OrderCancel,
        ReadingAttest,
        ClaimOpen,
        ClaimDecide,
        CertificateTransfer,
        CertificateCancel,
        CertificateClaim,
        ReadingDisclose,
        ReadingTotal,
        ClearingPropose,
        Transfer,
        VoucherIssue,
        VoucherRedeem,
        VoucherSettle,
        CommunityPay,
        CreditSet,
        TariffSet,
        PolicySet,
        CommitteeVote,
    )
}

_BY_NODES: Final = ("clearing.propose", "committee.vote")
"""Sent by node accounts, which have one key."""


def check_hybrid(hybrid: Hybrid) -> None:
    """Refuse kinds that do not exist, are named twice, or are sent by nodes."""
    for index, kind in enumerate(hybrid.kinds):
        place = f"hybrid.kinds[{index}]"
        if kind not in KINDS:
            raise Refused("bad_value", place, f"There is no kind {kind}; known are {', '.join(KINDS)}.")
        if kind in _BY_NODES:
            raise Refused("bad_value", place, f"{kind} is sent by nodes, which have one key.")
        if kind in hybrid.kinds[:index]:
            raise Refused("bad_value", place, f"{kind} is named twice.")
