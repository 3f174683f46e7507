"""Register profiles: which meters are known, and where they keep their values.

A profile is either a fixed `Layout`, read from a table of `tables/`, or something to be found out from the
meter itself (SunSpec). Both become a `Layout` by `prepare`; `recognise` says whether a device is of the kind.
"""

from typing import Protocol

from ..registers import Layout, RegisterReader
from .free import FreeRegister, free_profile
from .identity import Certainty
from .sunspec import SUNSPEC_PROFILES
from .table import load_tables


class Profile(Protocol):
    """A kind of meter."""

    @property
    def key(self) -> str:
        """Its name in settings and translations."""

    @property
    def name(self) -> str:
        """Its name for people."""

    @property
    def certainty(self) -> Certainty | None:
        """What recognising it is worth; None where it cannot be recognised."""

    async def recognise(self, reader: RegisterReader) -> str | None:
        """Return what the device says of itself, perhaps nothing (""); None where it is none of these.

        Raises:
            MeterUnreachableError: no answer.

        """

    async def prepare(self, reader: RegisterReader) -> Layout:
        """Return where this very meter keeps its values.

        Raises:
            MeterError: it does not answer, or is no such meter.

        """


PROFILES: dict[str, Profile] = {
    **{profile.key: profile for profile in SUNSPEC_PROFILES},
    **load_tables(),
}
"""The built-in profiles by key; free registers are made with `free_profile`."""

__all__ = ["PROFILES", "Certainty", "FreeRegister", "Profile", "free_profile"]
