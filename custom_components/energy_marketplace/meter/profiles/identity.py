"""How a meter is known again: registers that say what it is, or that only its kind has.

A check reads one register or one text and says whether it is as this kind of meter shows it. What a check
that holds has read is text for people ("SUN2000-10KTL-M1"), or empty where it is but a number.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol

from ..readings import MeterNonsenseError
from ..registers import Function, Register, RegisterReader, read_registers


class Certainty(StrEnum):
    """How much a recognition is worth, best first."""

    CERTAIN = "certain"
    """The device names its own kind: a type code or a name that its maker documents."""
    LIKELY = "likely"
    """A register at an unusual place holds what it must (a mains frequency, a range of type codes)."""
    POSSIBLE = "possible"
    """As `LIKELY`, but other makers' meters hold the same at the same place."""


class Check(Protocol):
    """One look at a device."""

    async def holds(self, reader: RegisterReader) -> str | None:
        """Return what the device says, perhaps nothing (""); None where it is another device.

        Raises:
            MeterUnreachableError: no answer.

        """


@dataclass(frozen=True, slots=True)
class NumberCheck:
    """A register that holds a number of one of the ranges; both ends belong to a range."""

    register: Register
    ranges: tuple[tuple[Decimal, Decimal], ...]

    async def holds(self, reader: RegisterReader) -> str | None:
        """Return "" where the number is in a range."""
        try:
            number = (await read_registers(reader, [self.register]))[self.register]
        except MeterNonsenseError:
            return None
        if number is None:
            return None
        return "" if any(least <= number <= most for least, most in self.ranges) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCheck:
    """Registers that hold a text which begins in one of the ways; two characters a word."""

    address: int
    words: int
    starts: tuple[str, ...]
    function: Function
    byte_order: Literal["big", "little"] = "big"

    async def holds(self, reader: RegisterReader) -> str | None:
        """Return the text where it begins as it should."""
        read = reader.read_holding if self.function == "holding" else reader.read_input
        try:
            text = decode_text(await read(self.address, self.words), self.byte_order)
        except MeterNonsenseError:
            return None
        return text if text.startswith(self.starts) else None


@dataclass(frozen=True, slots=True)
class Identity:
    """What must hold, all of it, for a device to be of a kind, and what that is worth."""

    certainty: Certainty
    checks: tuple[Check, ...]

    async def recognise(self, reader: RegisterReader) -> str | None:
        """Return what the device says of itself, perhaps nothing; None where a check does not hold."""
        said: dict[str, None] = {}
        for check in self.checks:
            text = await check.holds(reader)
            if text is None:
                return None
            said |= {text: None} if text else {}
        return " ".join(said)


def decode_text(words: list[int], byte_order: Literal["big", "little"] = "big") -> str:
    """Return the text in words, without what fills it up; other characters than ASCII become "?"."""
    raw = b"".join(word.to_bytes(2, byte_order) for word in words)
    text = raw.decode("ascii", "replace").replace("\N{REPLACEMENT CHARACTER}", "?")
    return text.split("\0", 1)[0].strip()
