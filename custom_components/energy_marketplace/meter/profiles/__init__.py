"""Register profiles: which meters are known, and where they keep their values.

A profile is either a fixed `Layout` or something to be found out from the meter itself (SunSpec). Both
become a `Layout` by `prepare`.
"""

from typing import Protocol

from ..registers import Layout, RegisterReader
from .eastron import SDM120, SDM230, SDM630
from .free import FreeRegister, free_profile
from .sunspec import SUNSPEC


class Profile(Protocol):
    """A kind of meter."""

    @property
    def key(self) -> str:
        """Its name in settings and translations."""

    @property
    def name(self) -> str:
        """Its name for people."""

    async def prepare(self, reader: RegisterReader) -> Layout:
        """Return where this very meter keeps its values.

        Raises:
            MeterError: it does not answer, or is no such meter.

        """


PROFILES: dict[str, Profile] = {profile.key: profile for profile in (SDM120, SDM230, SDM630, SUNSPEC)}
"""The built-in profiles by key; free registers are made with `free_profile`."""

__all__ = ["PROFILES", "FreeRegister", "Profile", "free_profile"]
