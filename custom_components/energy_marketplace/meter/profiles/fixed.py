"""Profiles whose layout is known beforehand."""

from dataclasses import dataclass
from typing import Literal

from ..registers import Layout, RegisterReader
from .identity import Certainty, Identity

type Direction = Literal["imported", "exported"]


@dataclass(frozen=True, slots=True)
class FixedProfile:
    """A kind of meter that always keeps its values at the same places."""

    key: str
    name: str
    layout: Layout
    identity: Identity | None = None
    """How such a meter is recognised; None where nothing tells it from others."""
    unit_id: int = 1
    """Where its maker lets it answer."""

    @property
    def certainty(self) -> Certainty | None:
        """What recognising it is worth; None where it cannot be recognised."""
        return None if self.identity is None else self.identity.certainty

    @property
    def counts_only(self) -> Direction | None:
        """The one direction that the meter counts; None where it counts both."""
        if self.layout.imported and self.layout.exported:
            return None
        return "imported" if self.layout.imported else "exported"

    async def recognise(self, reader: RegisterReader) -> str | None:
        """Return what the device says of itself, perhaps nothing; None where it is none of these."""
        return None if self.identity is None else await self.identity.recognise(reader)

    async def prepare(self, reader: RegisterReader) -> Layout:
        """Return the layout; the meter is not asked."""
        del reader
        return self.layout
