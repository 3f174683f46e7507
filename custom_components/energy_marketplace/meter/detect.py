"""Which kind of meter answers at an address: an ordered look at registers that tell.

The kinds that a device proves are asked first, then the likely ones, then the possible ones; the first group
in which any is recognised is the answer. Registers are read at most once, at most `most_reads` of them, and
never written. A device may be several things at once: an inverter, the meter at it, a storage.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from .profiles import PROFILES, Certainty, Profile
from .readings import MeterNonsenseError, MeterUnreachableError
from .registers import RegisterReader

MOST_READS = 100
_SILENCES_OF_NOBODY = 3
"""So many requests without any answer mean that nobody is there: each costs a time limit."""
_MOST_SILENCES = 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kind of meter that may be the one that answers; `said` is what it says of itself, perhaps ""."""

    profile: Profile
    certainty: Certainty
    said: str


async def detect(
    reader: RegisterReader, profiles: Iterable[Profile] | None = None, *, most_reads: int = MOST_READS
) -> tuple[Candidate, ...]:
    """Return the kinds of meter that may be the one that answers, in the order of the profiles.

    Raises:
        MeterUnreachableError: nobody answers.

    """
    known = tuple(PROFILES.values() if profiles is None else profiles)
    once = _OnceReader(reader, most_reads)
    for certainty in Certainty:
        found = [
            Candidate(profile, certainty, said)
            for profile in known
            if profile.certainty is certainty and (said := await profile.recognise(once)) is not None
        ]
        if found:
            return tuple(found)
    once.refuse_silence()
    return ()


@dataclass
class _OnceReader:
    """Reads words once and not without end; silence on one request is a refusal once anything answered."""

    reader: RegisterReader
    most_reads: int
    _known: dict[tuple[str, int, int], list[int] | str] = field(default_factory=dict)
    _answered: bool = False
    _silences: int = 0

    async def read_holding(self, address: int, count: int) -> list[int]:
        """Return words by function code 3."""
        return await self._read("holding", address, count)

    async def read_input(self, address: int, count: int) -> list[int]:
        """Return words by function code 4."""
        return await self._read("input", address, count)

    def refuse_silence(self) -> None:
        """Raise MeterUnreachableError if requests were made, and not one was answered."""
        if self._silences and not self._answered:
            raise MeterUnreachableError("the meter does not answer any of the requests by which one is known")

    async def _read(self, function: str, address: int, count: int) -> list[int]:
        place = (function, address, count)
        if place not in self._known:
            self._known[place] = await self._ask(function, address, count)
        known = self._known[place]
        if isinstance(known, str):
            raise MeterNonsenseError(known)
        return known

    async def _ask(self, function: str, address: int, count: int) -> list[int] | str:
        """Return the words, or why there are none."""
        if len(self._known) >= self.most_reads or self._silences >= _MOST_SILENCES:
            return "enough was asked"
        read = self.reader.read_holding if function == "holding" else self.reader.read_input
        try:
            words = await read(address, count)
        except MeterNonsenseError as error:
            self._answered = True
            return str(error)
        except MeterUnreachableError as error:
            self._silences += 1
            if self._silences >= _SILENCES_OF_NOBODY:
                self.refuse_silence()
            return str(error)
        self._answered = True
        return words if len(words) == count else f"asked for {count} words, the meter sent {len(words)}"
