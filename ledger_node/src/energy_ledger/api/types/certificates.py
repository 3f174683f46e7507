"""Certificates, and where the energy came from that somebody bought."""

from typing import Literal

import msgspec

type CertificateState = Literal["active", "cancelled", "claimed", "withdrawn", "expired"]


class Certificate(msgspec.Struct, frozen=True):
    """Wh that an asset exported in a slot, numbered [first, end), and who holds or used them.

    The community's own record, not a state guarantee of origin.
    """

    id: str
    asset: str
    slot: int
    first: int
    end: int
    wh: int
    holder: str
    state: CertificateState
    source: str | None
    technology: str | None
    commissioned: str | None
    rated_w: int
    location: str | None
    storage: bool
    purpose: str
    issuer: str
    issued: int
    expires: int
    trade: str | None
    consumer: str | None
    consumed_slot: int | None
    cancelled_for: str | None
    claimed_for: str | None


class Green(msgspec.Struct, frozen=True):
    """How much of what an account or asset bought was certified, and from which sources and assets, in Wh."""

    consumed_wh: int
    green_wh: int
    by_source: dict[str, int]
    by_asset: dict[str, int]
