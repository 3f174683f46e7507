"""Profiles of a user's own registers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from ..registers import Function, Layout, Point, Register, RegisterType, WordOrder
from .fixed import FixedProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeRegister:
    """A register as a user describes it; `scale` is what its number is multiplied by to get W or Wh."""

    address: int
    type: RegisterType
    function: Function = "input"
    word_order: WordOrder = "big"
    scale: str = "1"

    def as_dict(self) -> dict[str, Any]:
        """Return the register as it is stored."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FreeRegister:
        """Return the register as it was stored."""
        return cls(**data)

    def point(self) -> Point:
        """Return where and how to read it; raises ValueError for a scale that is no number."""
        try:
            scale = Decimal(self.scale)
        except InvalidOperation as error:
            raise ValueError(f"{self.scale!r} is not a number") from error
        if not scale.is_finite() or scale == 0:
            raise ValueError("the scale must be a number other than 0")
        register = Register(
            address=self.address, type=self.type, function=self.function, word_order=self.word_order
        )
        return Point(register=register, factor=scale)


def free_profile(
    *, power: FreeRegister | None, imported: FreeRegister | None, exported: FreeRegister | None
) -> FixedProfile:
    """Return a profile of the user's registers; at least one energy is needed.

    Raises:
        ValueError: neither energy is given, or a scale is no number.

    """
    if imported is None and exported is None:
        raise ValueError("a meter needs at least one energy register")
    layout = Layout(
        power=power.point() if power else None,
        imported=imported.point() if imported else None,
        exported=exported.point() if exported else None,
    )
    return FixedProfile("free", "Registers", layout)
