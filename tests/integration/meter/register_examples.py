"""What each kind of meter keeps where, written down from its maker's register list, and what it means.

Numbers of registers are those of the lists where these count the address on the wire; "- 1" and "- 30_000"
mark lists that count otherwise. `raw` is the number in the registers, or the words themselves.
"""

from dataclasses import dataclass

from tests.integration.meter.modbus_meter import HOLDING, INPUT, Words

type Raw = tuple[int, int, str, str, float]


@dataclass(frozen=True)
class Example:
    """Registers with what is in them, and what that means in W and Wh."""

    registers: tuple[Raw, ...]
    power_w: float
    imported_wh: int
    exported_wh: int

    def words(self) -> Words:
        """Give the registers, and zeros around them: makers have other values in between."""
        words = Words()
        for function, address, *_ in self.registers:
            words.put(function, address, *([0] * 60))
        for function, address, kind, order, raw in self.registers:
            words.put_number(function, address, raw, kind, order)
        return words


def big(function: int, kind: str, numbers: dict[int, float]) -> tuple[Raw, ...]:
    return tuple((function, address, kind, "big", raw) for address, raw in numbers.items())


def little(function: int, kind: str, numbers: dict[int, float]) -> tuple[Raw, ...]:
    return tuple((function, address, kind, "little", raw) for address, raw in numbers.items())


def eastron(power_register: int) -> Example:
    """Give an Eastron meter: floats, W and kWh; register 30001 is address 0."""
    registers = big(INPUT, "float32", {power_register - 30_001: -588.5, 30_073 - 30_001: 7670.25, 74: 1334.5})
    return Example(registers, -588.5, 7_670_250, 1_334_500)


ABB = Example(
    big(HOLDING, "uint64", {0x5000: 123_456, 0x5004: 7890}) + big(HOLDING, "int32", {0x5B14: -150_025}),
    -1500.25,
    1_234_560,
    78_900,
)
"""The example of the manual is 0.01 kWh and 0.01 W."""


def gavazzi(imported: int, exported: int) -> Example:
    registers = little(INPUT, "int32", {0x28: -12_345, imported: 987_654, exported: 70_000})
    return Example(registers, -1234.5, 98_765_400, 7_000_000)


EXAMPLES: dict[str, Example] = {
    "sdm72": eastron(30_053),
    "sdm120": eastron(30_013),
    "sdm220": eastron(30_013),
    "sdm230": eastron(30_013),
    "sdm530": eastron(30_053),
    "sdm630": eastron(30_053),
    "abb_b21": ABB,
    "abb_b23": ABB,
    "abb_b24": ABB,
    "em24": gavazzi(0x3E, 0x5C),
    "em24_e1": gavazzi(0x34, 0x4E),
    "em340": gavazzi(0x34, 0x4E),
    "em540": gavazzi(0x34, 0x4E),
    "umg": Example(
        big(HOLDING, "float32", {19_026: 812.5, 19_068: 1_500_000.0, 19_076: 250_500.0}),
        812.5,
        1_500_000,
        250_500,
    ),
    "iem3155": Example(
        big(HOLDING, "float32", {3060 - 1: -2.5})
        + big(HOLDING, "int64", {3204 - 1: 5_000_000_123, 3208 - 1: 42}),
        -2500.0,
        5_000_000_123,
        42,
    ),
    "pac2200": Example(
        big(HOLDING, "float32", {65: 4321.5})
        + big(HOLDING, "float64", {801: 1_000_000.4, 805: 234_567.0, 809: 50_000.0, 813: 6000.0}),
        4321.5,
        1_234_567,
        56_000,
    ),
    "pro380": Example(
        big(HOLDING, "float32", {0x5012: -0.75, 0x600C: 4321.5, 0x6018: 12.25}), -750.0, 4_321_500, 12_250
    ),
    "we514": Example(
        big(HOLDING, "int32", {0x140: 2300}) + big(HOLDING, "uint32", {0xA000: 912_351}), 2300.0, 9_123_510, 0
    ),
    "we516": Example(big(HOLDING, "float32", {0x1C: 1.5, 0x108: 123.25, 0x110: 4.5}), 1500.0, 123_250, 4500),
    "dvh4013": Example(
        big(HOLDING, "uint32", {0x0000: 0, 0x0002: 12_345, 0x4000: 7_654_321, 0x4100: 54_321}),
        -1234.5,
        7_654_321,
        54_321,
    ),
    "finder_6m": Example(
        little(HOLDING, "int32", {196: -123_450, 210: 98_765, 212: -4321}), -1234.5, 987_650, 43_210
    ),
    # The manual's own example: 13 * 65536 + 60383 is 9123.51 kWh.
    "finder_7e23": Example(
        big(HOLDING, "uint32", {28 - 1: 13 * 65_536 + 60_383, 30 - 1: 2})
        + big(HOLDING, "int16", {38 - 1: -154}),
        -1540.0,
        9_123_510,
        20,
    ),
    "finder_7e78": Example(
        big(INPUT, "float32", {0x1026: 345.5, 0x1106: 1_234_567.0, 0x110E: 89_012.0}),
        345.5,
        1_234_567,
        89_012,
    ),
    "finder_7m": Example(
        big(INPUT, "float32", {32_536 - 30_000: -99.5, 32_638 - 30_000: 765_432.0, 32_642 - 30_000: 1234.0}),
        -99.5,
        765_432,
        1234,
    ),
    "shelly_pro_3em": Example(
        little(
            INPUT,
            "float32",
            {31_013 - 30_000: -432.5, 31_162 - 30_000: 2_345_678.0, 31_164 - 30_000: 345_678.0},
        ),
        -432.5,
        2_345_678,
        345_678,
    ),
    "sma_inverter": Example(
        big(HOLDING, "int32", {30_775: 5432}) + big(HOLDING, "uint64", {30_513: 6_000_000_000}),
        -5432.0,
        0,
        6_000_000_000,
    ),
    "sma_grid": Example(
        big(HOLDING, "int32", {30_865: 0, 30_867: 1250})
        + big(HOLDING, "uint32", {30_581: 4_000_000_000, 30_583: 777}),
        -1250.0,
        4_000_000_000,
        777,
    ),
    "sma_battery": Example(
        big(HOLDING, "uint32", {31_393: 1500, 31_395: 0})
        + big(HOLDING, "uint64", {31_397: 4_500_000, 31_401: 4_100_000}),
        1500.0,
        4_500_000,
        4_100_000,
    ),
    "huawei_inverter": Example(
        big(HOLDING, "int32", {32_080: 7654}) + big(HOLDING, "uint32", {32_106: 1_234_567}),
        -7654.0,
        0,
        12_345_670,
    ),
    "huawei_grid": Example(
        big(HOLDING, "int32", {37_113: 2500, 37_119: -54_321, 37_121: 98_765}), -2500.0, 987_650, 543_210
    ),
    "huawei_battery": Example(
        big(HOLDING, "int32", {37_765: -1800}) + big(HOLDING, "uint32", {37_780: 12_345, 37_782: 11_111}),
        -1800.0,
        123_450,
        111_110,
    ),
    "sungrow_sg": Example(
        little(INPUT, "uint32", {5031 - 1: 8200, 5004 - 1: 43_210}), -8200.0, 0, 43_210_000
    ),
    "sungrow_sg_grid": Example(
        little(INPUT, "int32", {5083 - 1: -640})
        + little(INPUT, "uint32", {5099 - 1: 98_765, 5095 - 1: 1234}),
        -640.0,
        9_876_500,
        123_400,
    ),
    "sungrow_sh": Example(
        little(INPUT, "uint32", {5017 - 1: 4100, 13_003 - 1: 234_567}), -4100.0, 0, 23_456_700
    ),
    "sungrow_sh_grid": Example(
        little(INPUT, "int32", {13_010 - 1: -70_000})
        + little(INPUT, "uint32", {13_037 - 1: 70_001, 13_046 - 1: 80_002}),
        70_000.0,
        7_000_100,
        8_000_200,
    ),
    "goodwe_inverter": Example(
        big(HOLDING, "uint32", {35_105: 1200, 35_109: 800, 35_113: 0xFFFFFFFF, 35_117: 0, 35_191: 65_432}),
        -2000.0,
        0,
        6_543_200,
    ),
    "goodwe_grid": Example(
        big(HOLDING, "int32", {36_025: 900})
        + big(HOLDING, "float32", {36_015: 123_456.0, 36_017: 654_321.0}),
        -900.0,
        654_321,
        123_456,
    ),
    "goodwe_battery": Example(
        big(HOLDING, "int32", {35_182: -2200}) + big(HOLDING, "uint32", {35_206: 4321, 35_209: 3210}),
        2200.0,
        432_100,
        321_000,
    ),
    "growatt_inverter": Example(big(INPUT, "uint32", {3023: 31_415, 3051: 27_182}), -3141.5, 0, 2_718_200),
    "growatt_grid": Example(
        big(INPUT, "uint32", {3041: 0, 3043: 15_005, 3069: 11_111, 3073: 22_222}),
        -1500.5,
        1_111_100,
        2_222_200,
    ),
    "growatt_battery": Example(
        big(INPUT, "uint32", {3178: 0, 3180: 10_000, 3127: 333, 3131: 444}), 1000.0, 44_400, 33_300
    ),
    "victron_grid": Example(
        big(HOLDING, "int16", {2600: 500, 2601: -1500, 2602: 250})
        + big(HOLDING, "uint32", {2634: 1_234_567, 2636: 7654}),
        -750.0,
        12_345_670,
        76_540,
    ),
}

MISSING: tuple[tuple[str, int, int, str, str, int, str], ...] = (
    ("abb_b23", HOLDING, 0x5B14, "int32", "big", 0x7FFFFFFF, "power"),
    ("abb_b23", HOLDING, 0x5000, "uint64", "big", 0xFFFFFFFFFFFFFFFF, "imported"),
    ("abb_b23", HOLDING, 0x5004, "uint64", "big", 0xFFFFFFFFFFFFFFFF, "exported"),
    ("iem3155", HOLDING, 3207, "int64", "big", -0x8000000000000000, "exported"),
    ("sma_inverter", HOLDING, 30_775, "int32", "big", -0x80000000, "power"),
    ("sma_inverter", HOLDING, 30_513, "uint64", "big", 0xFFFFFFFFFFFFFFFF, "exported"),
    ("sma_grid", HOLDING, 30_867, "int32", "big", -0x80000000, "power"),
    ("sma_grid", HOLDING, 30_581, "uint32", "big", 0xFFFFFFFF, "imported"),
    ("sma_battery", HOLDING, 31_395, "uint32", "big", 0xFFFFFFFF, "power"),
    ("huawei_grid", HOLDING, 37_113, "int32", "big", 0x7FFFFFFF, "power"),
    ("huawei_grid", HOLDING, 37_119, "int32", "big", 0x7FFFFFFF, "exported"),
    ("huawei_inverter", HOLDING, 32_106, "uint32", "big", 0xFFFFFFFF, "exported"),
    ("sungrow_sh_grid", INPUT, 13_009, "int32", "little", 0x7FFFFFFF, "power"),
    ("sungrow_sh_grid", INPUT, 13_045, "uint32", "little", 0xFFFFFFFF, "exported"),
    ("goodwe_battery", HOLDING, 35_206, "uint32", "big", 0xFFFFFFFF, "imported"),
    ("victron_grid", HOLDING, 2634, "uint32", "big", 0xFFFFFFFF, "imported"),
    ("sdm630", INPUT, 0x34, "float32", "big", float("nan"), "power"),
    ("shelly_pro_3em", INPUT, 1162, "float32", "little", float("nan"), "imported"),
)
"""How meters say that they do not have a value, by their makers' lists."""
