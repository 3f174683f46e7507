"""Which meter answers: identity registers as makers document them, and devices that answer anything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.energy_marketplace.meter.detect import MOST_READS, Candidate, detect
from custom_components.energy_marketplace.meter.profiles import PROFILES, Certainty
from custom_components.energy_marketplace.meter.profiles.identity import decode_text
from custom_components.energy_marketplace.meter.readings import MeterNonsenseError, MeterUnreachableError
from custom_components.energy_marketplace.meter.sources.modbus_link import TcpLink, open_link
from tests.integration.meter.modbus_meter import HOLDING, INPUT, UNIT, Words, serving
from tests.integration.meter.sunspec_device import COMMON, DER, SunSpecDevice, gen24
from tests.integration.meter.word_reader import AnyReader, SilentReader, WordReader


def text(words: Words, function: int, address: int, value: str, count: int, *, swapped: bool = False) -> None:
    raw = value.encode().ljust(2 * count, b"\0")
    pairs = (raw[place : place + 2] for place in range(0, 2 * count, 2))
    words.put(function, address, *(int.from_bytes(pair, "little" if swapped else "big") for pair in pairs))


def device(*numbers: tuple[int, int, str, str, float]) -> Words:
    words = Words()
    for function, address, kind, order, value in numbers:
        words.put_number(function, address, value, kind, order)
    return words


def named(function: int, address: int, value: str, count: int, *, swapped: bool = False) -> Words:
    words = Words()
    text(words, function, address, value, count, swapped=swapped)
    return words


def huawei(**states: int) -> Words:
    words = named(HOLDING, 30_000, "SUN2000-10KTL-M1", 15)
    words.put(HOLDING, 37_100, states.get("meter", 0))
    words.put(HOLDING, 37_000, states.get("storage", 0))
    return words


def sma(device_class: int, grid_wh: int) -> Words:
    return device(
        (HOLDING, 30_051, "uint32", "big", device_class), (HOLDING, 30_581, "uint32", "big", grid_wh)
    )


def goodwe(meter: int, charged: int) -> Words:
    words = named(HOLDING, 35_011, "GW10K-ET", 5)
    words.put(HOLDING, 36_004, meter)
    words.put_number(HOLDING, 35_206, charged, "uint32")
    return words


def gavazzi(code: int) -> Words:
    return device((INPUT, 0x0B, "uint16", "big", code))


def eastron(code: int) -> Words:
    return device((HOLDING, 0xFC02, "uint16", "big", code), (INPUT, 0x46, "float32", "big", 49.98))


def growatt(grid: int, charged: int) -> Words:
    return device(
        (INPUT, 3025, "uint16", "big", 5001),
        (INPUT, 3069, "uint32", "big", grid),
        (INPUT, 3131, "uint32", "big", charged),
    )


DEVICES: list[tuple[Words, Certainty, str, tuple[str, ...]]] = [
    (eastron(0x0020), Certainty.CERTAIN, "", ("sdm120",)),
    (eastron(0x0084), Certainty.CERTAIN, "", ("sdm72",)),
    (eastron(0x0089), Certainty.CERTAIN, "", ("sdm72",)),
    (eastron(0x0070), Certainty.LIKELY, "", ("sdm630",)),
    (eastron(0x1234), Certainty.POSSIBLE, "", ("sdm220", "sdm230", "sdm530")),
    (named(HOLDING, 0x8960, "B21 112-100 ", 6), Certainty.CERTAIN, "B21", ("abb_b21",)),
    (named(HOLDING, 0x8960, "B23 112-100 ", 6), Certainty.CERTAIN, "B23", ("abb_b23",)),
    (named(HOLDING, 0x8960, "B24 352-100 ", 6), Certainty.CERTAIN, "B24", ("abb_b24",)),
    *((gavazzi(code), Certainty.CERTAIN, "", ("em24",)) for code in (70, 71, 72, 73)),
    *((gavazzi(code), Certainty.CERTAIN, "", ("em24_e1",)) for code in range(1648, 1654)),
    *((gavazzi(code), Certainty.CERTAIN, "", ("em340",)) for code in (331, 332, 340, 341, 346)),
    *((gavazzi(code), Certainty.CERTAIN, "", ("em540",)) for code in (1744, 1747, 1760, 1763)),
    (named(HOLDING, 49, "iEM3155", 20), Certainty.CERTAIN, "iEM3155", ("iem3155",)),
    (named(HOLDING, 64_002, "7KM2200-2EA30-1JA1", 10), Certainty.CERTAIN, "7KM2200-2EA30-1JA1", ("pac2200",)),
    (named(HOLDING, 6, "7E23", 2), Certainty.CERTAIN, "7E23", ("finder_7e23",)),
    (
        named(INPUT, 6, "SPEM-003CEBEU", 10, swapped=True),
        Certainty.CERTAIN,
        "SPEM-003CEBEU",
        ("shelly_pro_3em",),
    ),
    (huawei(), Certainty.CERTAIN, "SUN2000-10KTL-M1", ("huawei_inverter",)),
    (huawei(meter=1), Certainty.CERTAIN, "SUN2000-10KTL-M1", ("huawei_inverter", "huawei_grid")),
    (huawei(storage=2), Certainty.CERTAIN, "SUN2000-10KTL-M1", ("huawei_inverter", "huawei_battery")),
    (sma(8001, 0xFFFFFFFF), Certainty.CERTAIN, "", ("sma_inverter",)),
    (sma(8009, 123), Certainty.CERTAIN, "", ("sma_inverter", "sma_grid", "sma_battery")),
    (sma(8007, 123), Certainty.CERTAIN, "", ("sma_grid", "sma_battery")),
    (goodwe(0, 0), Certainty.CERTAIN, "GW10K-ET", ("goodwe_inverter",)),
    (
        goodwe(1, 5),
        Certainty.CERTAIN,
        "GW10K-ET",
        ("goodwe_inverter", "goodwe_grid", "goodwe_battery"),
    ),
    (device((INPUT, 4999, "uint16", "big", 0x0E03)), Certainty.LIKELY, "", ("sungrow_sh", "sungrow_sh_grid")),
    (device((INPUT, 4999, "uint16", "big", 0x2430)), Certainty.LIKELY, "", ("sungrow_sg",)),
    (growatt(0, 0), Certainty.LIKELY, "", ("growatt_inverter",)),
    (growatt(7, 7), Certainty.LIKELY, "", ("growatt_inverter", "growatt_grid", "growatt_battery")),
    (device((HOLDING, 2644, "uint16", "big", 5002)), Certainty.LIKELY, "", ("victron_grid",)),
    (device((HOLDING, 19_050, "float32", "big", 50.01)), Certainty.LIKELY, "", ("umg",)),
    (device((HOLDING, 0x5008, "float32", "big", 60.0)), Certainty.LIKELY, "", ("pro380",)),
    (device((HOLDING, 0x130, "uint16", "big", 4999)), Certainty.LIKELY, "", ("we514",)),
    (device((HOLDING, 0x12, "uint32", "big", 50_010)), Certainty.LIKELY, "", ("dvh4013",)),
    (device((INPUT, 2498, "float32", "big", 49.9)), Certainty.LIKELY, "", ("finder_7m",)),
    (device((HOLDING, 0x14, "float32", "big", 50.0)), Certainty.POSSIBLE, "", ("we516",)),
    (device((HOLDING, 204, "int32", "little", 5000)), Certainty.POSSIBLE, "", ("finder_6m",)),
    (
        gen24(),
        Certainty.CERTAIN,
        "Fronius Symo GEN24 10.0",
        ("sunspec_inverter", "sunspec_pv", "sunspec_battery"),
    ),
]


@pytest.mark.parametrize(("words", "certainty", "said", "keys"), DEVICES)
async def test_a_device_is_known_by_what_its_maker_documents(words, certainty, said, keys):
    found = await detect(WordReader(words))
    assert found == tuple(Candidate(PROFILES[key], certainty, said) for key in keys)


@pytest.mark.parametrize(
    ("words", "key"),
    [(eastron(0x0020), "sdm120"), (named(HOLDING, 0x8960, "B23 ", 6), "abb_b23"), (gavazzi(71), "em24")],
)
async def test_a_device_that_is_silent_where_others_refuse_is_known_too(words, key):
    assert [found.profile.key for found in await detect(SilentReader(words))] == [key]


def test_what_can_be_recognised_is_among_the_devices():
    known = {key for _, _, _, keys in DEVICES for key in keys}
    undetectable = {key for key, profile in PROFILES.items() if profile.certainty is None}
    assert undetectable == {"finder_7e78"}
    assert PROFILES.keys() - undetectable - known == {"sunspec", "sungrow_sg_grid"}


async def test_a_meter_and_an_inverter_behind_one_sunspec_address_are_both_found():
    words = SunSpecDevice(COMMON, (203, 105), DER, (713, 7))
    words.common("SolarEdge", "SE10K")
    found = await detect(WordReader(words))
    assert [(one.profile.key, one.said) for one in found] == [
        ("sunspec", "SolarEdge SE10K (with storage)"),
        ("sunspec_inverter", "SolarEdge SE10K (with storage)"),
    ]


async def test_a_sunspec_device_without_name_is_found():
    found = await detect(WordReader(SunSpecDevice((203, 105))))
    assert [(one.profile.key, one.said) for one in found] == [("sunspec", "")]


@pytest.mark.usefixtures("socket_enabled")
async def test_a_device_is_known_through_a_real_modbus_server():
    words = named(HOLDING, 30_000, "SUN2000-10KTL-M1", 15)
    async with serving(words) as port, open_link(TcpLink(host="127.0.0.1", port=port), UNIT) as reader:
        (candidate,) = await detect(reader)
    assert (candidate.profile.key, candidate.said) == ("huawei_inverter", "SUN2000-10KTL-M1")


async def test_another_device_is_none_of_the_known_ones():
    reader = WordReader(Words())
    assert await detect(reader) == ()
    assert len(set(reader.asked)) == len(reader.asked) <= MOST_READS


async def test_nobody_is_given_up_after_six_requests():
    reader = SilentReader(Words())
    with pytest.raises(MeterUnreachableError, match="does not answer any"):
        await detect(reader)
    assert len(reader.asked) == 6


async def test_nobody_is_noticed_by_fewer_requests_too():
    reader = SilentReader(Words())
    with pytest.raises(MeterUnreachableError):
        await detect(reader, [PROFILES["em24"]])
    assert len(reader.asked) == 1


async def test_a_device_that_falls_silent_is_left_alone():
    words = Words()
    words.put(HOLDING, 40_000, 0, 0)
    reader = SilentReader(words)
    assert await detect(reader) == ()
    assert len(reader.asked) == 9


async def test_no_more_is_asked_than_allowed():
    reader = WordReader(Words())
    assert await detect(reader, most_reads=5) == ()
    assert len(reader.asked) == 5


async def test_only_the_kinds_that_are_asked_for_are_looked_for():
    reader = WordReader(eastron(0x0020))
    assert await detect(reader, [PROFILES["sdm630"], PROFILES["em24"]]) == ()
    assert len(reader.asked) == 2


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), faults=st.sampled_from([0.0, 0.05, 0.5, 1.0]), most=st.integers(0, 120))
async def test_whatever_answers_the_look_ends_in_time_and_reads_nothing_twice(seed, faults, most):
    reader = AnyReader(seed, faults=faults)
    try:
        found = await detect(reader, most_reads=most)
    except MeterUnreachableError:
        found = ()
    assert len(reader.asked) == len(set(reader.asked)) <= most
    assert len({candidate.certainty for candidate in found}) <= 1


@given(words=st.lists(st.integers(0, 0xFFFF), max_size=20), order=st.sampled_from(["big", "little"]))
def test_any_words_are_some_text(words, order):
    text = decode_text(words, order)
    assert text.isascii()
    assert len(text) <= 2 * len(words)


async def test_a_refusal_is_an_answer():
    class Refusing(WordReader):
        def _read(self, function: int, address: int, count: int) -> list[int]:
            self.asked.append((function, address, count))
            if len(self.asked) > 1:
                raise MeterUnreachableError("no answer")
            raise MeterNonsenseError("illegal address")

    assert await detect(Refusing(Words())) == ()
