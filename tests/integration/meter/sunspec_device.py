"""A SunSpec device of any models, word by word as the specification lists them."""

from tests.integration.meter.modbus_meter import HOLDING, Words

type Body = tuple[int, int, str, float]
"""Offset from the model's id, then kind, then number: (model index, offset, kind, number)."""


class SunSpecDevice(Words):
    """Models one after the other; `at` is where each begins."""

    def __init__(self, *models: tuple[int, int], base: int = 40_000) -> None:
        super().__init__()
        self.at: dict[int, int] = {}
        self.put(HOLDING, base, 0x5375, 0x6E53)
        address = base + 2
        for model, length in models:
            self.at[model] = address
            self.put(HOLDING, address, model, length, *([0] * length))
            address += 2 + length
        self.put(HOLDING, address, 0xFFFF, 0)

    def number(self, model: int, offset: int, kind: str, value: float) -> None:
        self.put_number(HOLDING, self.at[model] + offset, value, kind)

    def text(self, model: int, offset: int, text: str, words: int) -> None:
        raw = text.encode().ljust(2 * words, b"\0")
        self.put(
            HOLDING,
            self.at[model] + offset,
            *(int.from_bytes(raw[place : place + 2]) for place in range(0, 2 * words, 2)),
        )

    def common(self, maker: str, product: str) -> None:
        self.text(1, 2, maker, 16)
        self.text(1, 18, product, 16)


COMMON, INVERTER, DER, NAMEPLATE = (1, 66), (103, 50), (701, 153), (120, 26)


def inputs(count: int) -> tuple[int, int]:
    """Give model 160 with that many direct current inputs."""
    return 160, 8 + 20 * count


def gen24(*, storage: bool = True) -> SunSpecDevice:
    """Give a hybrid inverter: two strings, and a storage's two directions as inputs 3 and 4."""
    names = ["MPPT 1", "MPPT 2", *(["StCha 3", "StDisCha 4"] if storage else [])]
    device = SunSpecDevice(COMMON, INVERTER, NAMEPLATE, inputs(len(names)))
    device.common("Fronius", "Symo GEN24 10.0")
    device.number(103, 14, "int16", 3210)
    device.number(103, 24, "uint32", 98_765_432)
    device.number(160, 4, "int16", -1)
    device.number(160, 5, "int16", 1)
    device.number(160, 8, "uint16", len(names))
    for number, name in enumerate(names):
        device.text(160, 10 + 20 * number + 1, name, 8)
        device.number(160, 10 + 20 * number + 11, "uint16", 10_000 + 1000 * number)
        device.number(160, 10 + 20 * number + 12, "uint32", 100_000 + number)
    return device
