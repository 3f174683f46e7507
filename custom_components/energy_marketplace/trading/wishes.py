"""What a home wants from the market: energies and limits that follow from its plan, not orders yet."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..ledger.orders import BlockBid, FixedBid, FlexibleBid, Offer, Order
from .sentences import Sentence


@dataclass(frozen=True, slots=True)
class SlotWish:
    """To sell or buy up to so many Wh in each of some slots, at `price` or better."""

    asset: str
    selling: bool
    price: int
    slots: Mapping[int, int]
    because: Sentence

    def order(self) -> Order:
        """Return it as an order."""
        kind = Offer if self.selling else FixedBid
        return kind(price=self.price, slots=self.slots)


@dataclass(frozen=True, slots=True)
class WindowWish:
    """To buy energy any time in a window of slots."""

    asset: str
    price: int
    energy_wh: int
    earliest: int
    deadline: int
    max_wh_per_slot: int
    because: Sentence

    def order(self) -> Order:
        """Return it as an order."""
        return FlexibleBid(
            price=self.price,
            energy_wh=self.energy_wh,
            earliest=self.earliest,
            deadline=self.deadline,
            max_wh_per_slot=self.max_wh_per_slot,
        )


@dataclass(frozen=True, slots=True)
class RunWish:
    """To buy a profile in one piece, somewhere in a window of slots."""

    asset: str
    price: int
    profile_wh: tuple[int, ...]
    earliest: int
    deadline: int
    because: Sentence

    def order(self) -> Order:
        """Return it as an order."""
        return BlockBid(
            price=self.price, profile_wh=self.profile_wh, earliest=self.earliest, deadline=self.deadline
        )


type Wish = SlotWish | WindowWish | RunWish
