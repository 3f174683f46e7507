"""Orders as values: what a member asks the market for.

Prices are nano per Wh; a bid's price is all-in (grid fee included). Slots are absolute numbers from the
epoch; a deadline is exclusive. The node checks what only it can know (ratings, money, open slots); what is
wrong in itself is refused here, with the name of the field.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .units import MAX_INTEGER

type MinFill = Literal["any", "all"]


class OrderError(ValueError):
    """An order that cannot be meant; `field` names the place."""

    def __init__(self, field_name: str, message: str) -> None:
        super().__init__(message)
        self.field = field_name


@dataclass(frozen=True, kw_only=True)
class _Order(ABC):
    """What every order can say."""

    price: int
    prefer_sources: tuple[str, ...] = ()
    prefer: tuple[str, ...] = ()
    expires: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.price <= MAX_INTEGER:
            raise OrderError("price", "a price is a whole number of nano per Wh, 0 or more")

    def as_dict(self) -> dict[str, Any]:
        """Return the order as it stands in `order.place`."""
        return {**self._body(), **self._wishes()}

    @abstractmethod
    def _body(self) -> dict[str, Any]:
        """Return what makes this kind of order."""

    def _wishes(self) -> dict[str, Any]:
        wishes: dict[str, Any] = {}
        if self.prefer_sources:
            wishes["prefer_sources"] = list(self.prefer_sources)
        if self.prefer:
            wishes["prefer"] = list(self.prefer)
        if self.expires is not None:
            wishes["expires"] = self.expires
        return wishes


@dataclass(frozen=True, kw_only=True)
class _PerSlot(_Order):
    """Wh per slot, of which any part may be filled."""

    slots: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.slots:
            raise OrderError("slots", "an order names at least one slot")
        for slot, wh in self.slots.items():
            _positive(f"slots.{slot}", wh)

    def _slots(self) -> dict[str, int]:
        return {str(slot): self.slots[slot] for slot in sorted(self.slots)}


@dataclass(frozen=True, kw_only=True)
class Offer(_PerSlot):
    """Sell up to so many Wh per slot, at this price or better."""

    def _body(self) -> dict[str, Any]:
        return {"type": "offer", "price": self.price, "slots": self._slots()}


@dataclass(frozen=True, kw_only=True)
class FixedBid(_PerSlot):
    """Buy up to so many Wh per slot, at this price or better."""

    def _body(self) -> dict[str, Any]:
        return {"type": "fixed", "price": self.price, "slots": self._slots()}


@dataclass(frozen=True, kw_only=True)
class FlexibleBid(_Order):
    """Buy some Wh any time in a window of slots, at most so many in each of them."""

    energy_wh: int
    earliest: int
    deadline: int
    max_wh_per_slot: int
    min_fill: MinFill = "any"

    def __post_init__(self) -> None:
        """Refuse a window that cannot move the energy."""
        super().__post_init__()
        _positive("energy_wh", self.energy_wh)
        _positive("max_wh_per_slot", self.max_wh_per_slot)
        if self.deadline <= self.earliest:
            raise OrderError("deadline", "the deadline lies before the start")
        movable = self.max_wh_per_slot * (self.deadline - self.earliest)
        if movable < self.energy_wh:
            raise OrderError("deadline", f"the window is too short: it can move {movable} Wh at most")

    def _body(self) -> dict[str, Any]:
        return {
            "type": "flexible",
            "price": self.price,
            "energy_wh": self.energy_wh,
            "earliest": self.earliest,
            "deadline": self.deadline,
            "max_wh_per_slot": self.max_wh_per_slot,
            "min_fill": self.min_fill,
        }


@dataclass(frozen=True, kw_only=True)
class BlockBid(_Order):
    """Buy a profile of Wh over consecutive slots, whole or not at all, starting anywhere in a window."""

    profile_wh: tuple[int, ...]
    earliest: int
    deadline: int

    def __post_init__(self) -> None:
        """Refuse a window that is shorter than the profile."""
        super().__post_init__()
        for place, wh in enumerate(self.profile_wh):
            _positive(f"profile_wh.{place}", wh)
        if not self.profile_wh:
            raise OrderError("profile_wh", "a profile has at least one slot")
        if self.deadline - self.earliest < len(self.profile_wh):
            raise OrderError(
                "deadline", f"the window is shorter than the profile of {len(self.profile_wh)} slots"
            )

    def _body(self) -> dict[str, Any]:
        return {
            "type": "block",
            "price": self.price,
            "profile_wh": list(self.profile_wh),
            "earliest": self.earliest,
            "deadline": self.deadline,
        }


type Order = Offer | FixedBid | FlexibleBid | BlockBid


def _positive(name: str, wh: int) -> None:
    if not 0 < wh <= MAX_INTEGER:
        raise OrderError(name, f"{name} is a whole number of Wh above 0")
