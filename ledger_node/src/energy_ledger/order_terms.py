"""The terms of an order: an offer, or a bid that is fixed, flexible or a block. Prices in nano per Wh."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from energy_ledger.fields import Address, Natural, Positive, Source, check_plain, is_hash
from energy_ledger.keys import check_address


class Terms(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False, tag_field="type"):
    """What every order says: its price, whom it would rather deal with, and when the rest lapses."""

    price: Natural
    prefer_sources: Annotated[tuple[Source, ...], Meta(max_length=8)] | UnsetType = UNSET
    prefer: Annotated[tuple[Address, ...], Meta(max_length=32)] | UnsetType = UNSET
    expires: Natural | UnsetType = UNSET

    def check(self) -> None:
        """Refuse a preference that is neither an address nor an asset's id."""
        for index, name in enumerate(self.prefer or ()):
            if not is_hash(name):
                check_address(name, f"order.prefer[{index}]")


class SlotTerms(Terms, frozen=True):
    """An order that names its slots one by one."""

    slots: Annotated[dict[str, Positive], Meta(min_length=1)]

    def check(self) -> None:
        """Refuse slots not written in plain decimal."""
        super().check()
        for slot in self.slots:
            check_plain(slot, "order.slots")


class OfferTerms(SlotTerms, frozen=True, tag="offer"):
    """Sells up to so much per slot at no less than the price."""


class FixedTerms(SlotTerms, frozen=True, tag="fixed"):
    """Buys up to so much per slot at no more than the price, grid fee included."""


class FlexibleTerms(Terms, frozen=True, tag="flexible"):
    """Buys energy any time in [earliest, deadline), at most so much per slot."""

    energy_wh: Positive
    earliest: Natural
    deadline: Natural
    max_wh_per_slot: Positive
    min_fill: Literal["any", "all"] = "any"


class BlockTerms(Terms, frozen=True, tag="block"):
    """Buys a whole profile of consecutive slots within [earliest, deadline), or nothing."""

    profile_wh: Annotated[tuple[Positive, ...], Meta(min_length=1)]
    earliest: Natural
    deadline: Natural


type OrderTerms = OfferTerms | FixedTerms | FlexibleTerms | BlockTerms
