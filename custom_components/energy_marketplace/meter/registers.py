"""Where a meter keeps its values, as data, and how to read them.

A `Layout` names three points: power, imported and exported energy. A point is a register (address,
function, type, word order) and a factor to W or Wh, which may itself stand in a register as a power of ten
(SunSpec's scale factors). pymodbus turns the words into numbers; `Decimal` turns these into whole Wh.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from pymodbus.client.mixin import ModbusClientMixin

from .readings import MeterNonsenseError, Sample

type Function = Literal["holding", "input"]
type RegisterType = Literal["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
type WordOrder = Literal["big", "little"]

_DATATYPES = {kind.name.lower(): kind for kind in ModbusClientMixin.DATATYPE}
_MOST_WORDS_AT_ONCE = 80
"""Eastron meters answer at most this many words; the protocol would allow 125."""
_WORDS_OF_A_METER = 0x10000
_MOST_WH = 10**15
_MOST_W = 10**15


class RegisterReader(Protocol):
    """Fetches words of a meter; implementations raise `MeterUnreachableError` and `MeterNonsenseError`."""

    async def read_holding(self, address: int, count: int) -> list[int]:
        """Return words by function code 3."""

    async def read_input(self, address: int, count: int) -> list[int]:
        """Return words by function code 4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A number in a meter's words; `address` counts from 0 as on the wire."""

    address: int
    type: RegisterType
    function: Function = "input"
    word_order: WordOrder = "big"
    missing: int | None = None
    """The value by which the meter says that it does not have this one."""

    @property
    def count(self) -> int:
        """How many words of 16 bits it takes."""
        return _DATATYPES[self.type].value[1]

    @property
    def span(self) -> int | None:
        """After how many steps a counter of this type begins at zero again; None for floating point."""
        name, bits = self.type.rstrip("0123456789"), 16 * self.count
        return {"uint": 2**bits, "int": 2 ** (bits - 1)}.get(name)

    def decode(self, words: list[int]) -> Decimal | None:
        """Return the number in the words, exactly; None where the meter has none.

        Raises:
            MeterNonsenseError: it is not a number.

        """
        value = ModbusClientMixin.convert_from_registers(words, _DATATYPES[self.type], self.word_order)
        if not isinstance(value, int | float):
            raise MeterNonsenseError(f"register {self.address} does not hold one number")
        if isinstance(value, float) and math.isnan(value):
            return None
        if isinstance(value, float) and math.isinf(value):
            raise MeterNonsenseError(f"register {self.address} holds infinity")
        return None if value == self.missing else Decimal(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A quantity: its register, a factor to W or Wh, and where a power of ten for it stands, if one does.

    What a meter keeps in pieces (phases, tariffs, one register per direction) is the sum of `plus` too.
    """

    register: Register
    factor: Decimal = Decimal(1)
    exponent: Register | None = None
    absolute: bool = False
    """Only the size counts: some meters count this direction below zero."""
    optional: bool = False
    """What the meter does not have counts as zero: a phase or a string that is not connected."""
    plus: tuple[Point, ...] = ()

    @property
    def registers(self) -> tuple[Register, ...]:
        """All registers that have to be read for it."""
        own = (self.register,) if self.exponent is None else (self.register, self.exponent)
        return own + tuple(register for point in self.plus for register in point.registers)

    @property
    def span(self) -> int | None:
        """After how many whole W or Wh a counter begins at zero again; None where that cannot be told."""
        steps = self.register.span
        if steps is None or self.exponent is not None or self.plus:
            return None
        return int(steps * self.factor)

    def value(self, numbers: Mapping[Register, Decimal | None]) -> Decimal | None:
        """Return the quantity in W or Wh from the numbers of its registers; None where the meter has none.

        Raises:
            MeterNonsenseError: the power of ten is out of all proportion.

        """
        total = self._own(numbers)
        for point in self.plus:
            part = point.value(numbers)
            total = None if total is None or part is None else total + part
        return total

    def _own(self, numbers: Mapping[Register, Decimal | None]) -> Decimal | None:
        number = numbers[self.register]
        exponent = Decimal(0) if self.exponent is None else numbers[self.exponent]
        if number is None or exponent is None:
            return Decimal(0) if self.optional else None
        if self.exponent is not None and not -10 <= exponent <= 10:
            raise MeterNonsenseError(f"the scale factor in register {self.exponent.address} is {exponent}")
        return ((abs(number) if self.absolute else number) * self.factor).scaleb(int(exponent))


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where a meter keeps power (W, positive is import) and its two cumulative energies (Wh).

    A meter that counts one direction only leaves the other None; it then counts as zero. `gap_words` is how
    many words between two values may be read along with them.
    """

    power: Point | None
    imported: Point | None
    exported: Point | None
    gap_words: int = 0

    @property
    def points(self) -> tuple[Point, ...]:
        """The points that exist."""
        return tuple(point for point in (self.power, self.imported, self.exported) if point is not None)


async def read_layout(reader: RegisterReader, layout: Layout, clock: Callable[[], int]) -> Sample:
    """Return one look at the meter; `clock` gives the time in ms.

    Raises:
        MeterUnreachableError: no answer.
        MeterNonsenseError: an answer without the energies, or with impossible ones.

    """
    registers = [register for point in layout.points for register in point.registers]
    before = clock()
    numbers = await read_registers(reader, registers, layout.gap_words)
    at = (before + clock()) // 2
    return Sample(
        at=at,
        imported_wh=_energy("imported", layout.imported, numbers),
        exported_wh=_energy("exported", layout.exported, numbers),
        power_w=_power(layout.power, numbers),
        spans_wh=(_span(layout.imported), _span(layout.exported)),
    )


async def read_words(reader: RegisterReader, function: Function, address: int, count: int) -> list[int]:
    """Return exactly so many words.

    Raises:
        MeterUnreachableError: no answer.
        MeterNonsenseError: another number of words, or a place where no meter has any.

    """
    if address + count > _WORDS_OF_A_METER:
        raise MeterNonsenseError(f"a meter has no words behind {_WORDS_OF_A_METER}; {address} is asked for")
    read = reader.read_holding if function == "holding" else reader.read_input
    words = await read(address, count)
    if len(words) != count:
        raise MeterNonsenseError(f"asked for {count} words, the meter sent {len(words)}")
    return words


async def read_registers(
    reader: RegisterReader, registers: Iterable[Register], gap_words: int = 0
) -> dict[Register, Decimal | None]:
    """Return the numbers of registers, those that lie together in one request."""
    numbers: dict[Register, Decimal | None] = {}
    for block in _blocks(registers, gap_words):
        start, end = block[0].address, max(register.address + register.count for register in block)
        words = await read_words(reader, block[0].function, start, end - start)
        for register in block:
            offset = register.address - start
            numbers[register] = register.decode(words[offset : offset + register.count])
    return numbers


def _blocks(registers: Iterable[Register], gap_words: int) -> list[list[Register]]:
    """Return registers in groups that one request can fetch."""
    blocks: list[list[Register]] = []
    for register in sorted(set(registers), key=lambda item: (item.function, item.address)):
        block = blocks[-1] if blocks else None
        if (
            block
            and block[0].function == register.function
            and register.address - (block[-1].address + block[-1].count) <= gap_words
            and register.address + register.count - block[0].address <= _MOST_WORDS_AT_ONCE
        ):
            block.append(register)
        else:
            blocks.append([register])
    return blocks


def _span(point: Point | None) -> int | None:
    return None if point is None else point.span


def _power(point: Point | None, numbers: Mapping[Register, Decimal | None]) -> float | None:
    value = None if point is None else point.value(numbers)
    if value is not None and abs(value) >= _MOST_W:
        raise MeterNonsenseError(f"the meter shows {float(value):.3g} W")
    return None if value is None else float(value)


def _energy(name: str, point: Point | None, numbers: Mapping[Register, Decimal | None]) -> int:
    if point is None:
        return 0
    value = point.value(numbers)
    if value is None:
        raise MeterNonsenseError(f"the meter has no {name} energy")
    if not 0 <= value < _MOST_WH:
        raise MeterNonsenseError(f"the meter says it has {name} {value} Wh")
    # To the nearest Wh: a float just below 12.345 kWh means 12,345 Wh.
    return round(value)
