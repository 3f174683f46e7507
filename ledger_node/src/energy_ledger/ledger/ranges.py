"""Half-open ranges of whole Wh: [first, end). What is split adds up, and neighbours never overlap."""

from typing import Self

from msgspec import Struct


class WhRange(Struct, frozen=True, gc=False):
    """The Wh of one asset from number `first` up to, but not with, number `end`; never empty."""

    first: int
    end: int

    def __post_init__(self) -> None:
        """Refuse a range that holds nothing."""
        if not 0 <= self.first < self.end:
            raise ValueError(f"there is no Wh from {self.first} up to {self.end}")

    @property
    def wh(self) -> int:
        """How many Wh it holds."""
        return self.end - self.first

    def split(self, wh: int) -> tuple[Self, Self]:
        """Return the lower `wh` Wh and the rest; both must hold something, else ValueError."""
        middle = self.first + wh
        return type(self)(self.first, middle), type(self)(middle, self.end)
