"""Profiles whose layout is known beforehand."""

from dataclasses import dataclass

from ..registers import Layout, RegisterReader


@dataclass(frozen=True, slots=True)
class FixedProfile:
    """A kind of meter that always keeps its values at the same places."""

    key: str
    name: str
    layout: Layout

    async def prepare(self, reader: RegisterReader) -> Layout:
        """Return the layout; the meter is not asked."""
        del reader
        return self.layout
