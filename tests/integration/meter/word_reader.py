"""Readers without a network: of given words, of any words, of nobody."""

import random

from custom_components.energy_marketplace.meter.readings import MeterNonsenseError, MeterUnreachableError
from tests.integration.meter.modbus_meter import HOLDING, INPUT, Words

SPECIAL_WORDS = (0, 1, 0x7F80, 0x7FC0, 0x7FF0, 0x7FFF, 0x8000, 0xFF80, 0xFFC0, 0xFFF0, 0xFFFF)


class WordReader:
    """Reads given words; what is not given is refused, as a meter refuses an illegal address."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self.asked: list[tuple[int, int, int]] = []

    async def read_holding(self, address: int, count: int) -> list[int]:
        return self._read(HOLDING, address, count)

    async def read_input(self, address: int, count: int) -> list[int]:
        return self._read(INPUT, address, count)

    def _read(self, function: int, address: int, count: int) -> list[int]:
        self.asked.append((function, address, count))
        known = self.words.words[function]
        if any(place not in known for place in range(address, address + count)):
            raise MeterNonsenseError("illegal address")
        return [known[place] for place in range(address, address + count)]


class SilentReader(WordReader):
    """Answers what it has, and nothing where another would refuse."""

    def _read(self, function: int, address: int, count: int) -> list[int]:
        try:
            return super()._read(function, address, count)
        except MeterNonsenseError as error:
            raise MeterUnreachableError("no answer") from error


class AnyReader(WordReader):
    """Answers everything by chance, the same every time: values, special values, refusals, silence."""

    def __init__(self, seed: int, given: Words | None = None, *, faults: float = 0.0) -> None:
        super().__init__(given or Words())
        self.seed, self.faults = seed, faults

    def _read(self, function: int, address: int, count: int) -> list[int]:
        self.asked.append((function, address, count))
        chance = random.Random(f"{self.seed} {function} {address} {count}")
        if chance.random() < self.faults:
            raise chance.choice([MeterNonsenseError, MeterUnreachableError])("by chance")
        length = count if chance.random() >= self.faults else chance.randrange(count + 3)
        return [self._word(function, address + offset) for offset in range(length)]

    def _word(self, function: int, address: int) -> int:
        if (given := self.words.words[function].get(address)) is not None:
            return given
        chance = random.Random(f"{self.seed} {function} {address}")
        return chance.choice(SPECIAL_WORDS) if chance.random() < 0.5 else chance.randrange(0x10000)
