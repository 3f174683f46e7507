"""Profiles and readers against a real pymodbus server on loopback."""

from decimal import Decimal

import pytest

from custom_components.energy_marketplace.meter.probe import probe
from custom_components.energy_marketplace.meter.profiles import PROFILES, FreeRegister, free_profile
from custom_components.energy_marketplace.meter.readings import (
    MeterNonsenseError,
    MeterUnreachableError,
    Sample,
)
from custom_components.energy_marketplace.meter.registers import Point, Register
from custom_components.energy_marketplace.meter.sources import modbus_link
from custom_components.energy_marketplace.meter.sources.modbus_link import TcpLink, open_link
from tests.integration.meter.modbus_meter import HOLDING, INPUT, UNIT, Words, free_port, serving

pytestmark = pytest.mark.usefixtures("socket_enabled")


def now() -> int:
    return 1_700_000_000_000


async def look(words: Words, profile) -> Sample:
    async with serving(words) as port, open_link(TcpLink(host="127.0.0.1", port=port), UNIT) as reader:
        return await probe(reader, profile, clock=now)


def eastron(power_address: int, power_w: float, imported_kwh: float, exported_kwh: float) -> Words:
    words = Words()
    words.put_number(INPUT, power_address, power_w, "float32")
    words.put_number(INPUT, 72, imported_kwh, "float32")
    words.put_number(INPUT, 74, exported_kwh, "float32")
    return words


@pytest.mark.parametrize(("key", "power_address"), [("sdm120", 12), ("sdm230", 12), ("sdm630", 52)])
async def test_eastron_meters_show_power_and_both_energies(key, power_address):
    words = eastron(power_address, -1919.7, 1551.374, 1335.694)
    sample = await look(words, PROFILES[key])
    assert (sample.at, sample.imported_wh, sample.exported_wh) == (now(), 1_551_374, 1_335_694)
    assert sample.power_w == pytest.approx(-1919.7)
    # Pairs of words at even addresses, as the meters demand.
    assert all(address % 2 == 0 and count % 2 == 0 for _, address, count in words.requests)
    assert len(words.requests) == 2


async def test_a_meter_wired_the_other_way_round_is_turned():
    sample = await look(eastron(12, 100.0, 1.0, 2.0), PROFILES["sdm120"])
    assert sample.turned() == Sample(now(), 2000, 1000, -100.0)


def sunspec(base: int, model: int, length: int) -> Words:
    """Give a device with the common model, something else, and one meter model at the end."""
    words = Words()
    words.put(HOLDING, base, 0x5375, 0x6E53, 1, 66, *([0] * 66), 160, 8, *([0] * 8))
    meter = base + 2 + 68 + 10
    words.put(HOLDING, meter, model, length, *([0] * length), 0xFFFF, 0)
    words.meter = meter
    return words


@pytest.mark.parametrize("model", [201, 202, 203, 204])
@pytest.mark.parametrize("base", [40_000, 0])
async def test_sunspec_meters_with_scale_factors_are_found_and_scaled(model, base):
    words = sunspec(base, model, 105)
    words.put_number(HOLDING, words.meter + 18, -250, "int16")
    words.put_number(HOLDING, words.meter + 22, 1, "int16")
    words.put_number(HOLDING, words.meter + 38, 4_294_967_000, "uint32")
    words.put_number(HOLDING, words.meter + 46, 77_777, "uint32")
    words.put_number(HOLDING, words.meter + 54, -1, "int16")
    sample = await look(words, PROFILES["sunspec"])
    assert sample == Sample(now(), 7_778, 429_496_700, -2500.0)


@pytest.mark.parametrize("model", [211, 212, 213, 214])
async def test_sunspec_meters_with_floats_are_found(model):
    words = sunspec(40_000, model, 124)
    words.put_number(HOLDING, words.meter + 28, 1234.5, "float32")
    words.put_number(HOLDING, words.meter + 60, 1000.0, "float32")
    words.put_number(HOLDING, words.meter + 68, 2000.9, "float32")
    assert await look(words, PROFILES["sunspec"]) == Sample(now(), 2001, 1000, 1234.5)


async def test_what_a_sunspec_meter_does_not_have_is_not_made_up():
    words = sunspec(40_000, 203, 105)
    words.put(HOLDING, words.meter + 18, 0x8000)
    sample = await look(words, PROFILES["sunspec"])
    assert (sample.power_w, sample.imported_wh) == (None, 0)
    words.put(HOLDING, words.meter + 54, 0x8000)
    with pytest.raises(MeterNonsenseError, match="no imported energy"):
        await look(words, PROFILES["sunspec"])


async def test_a_scale_factor_out_of_all_proportion_is_nonsense():
    words = sunspec(40_000, 203, 105)
    words.put_number(HOLDING, words.meter + 54, 11, "int16")
    with pytest.raises(MeterNonsenseError, match="scale factor"):
        await look(words, PROFILES["sunspec"])


async def test_a_sunspec_inverter_without_meter_tells_its_models():
    words = Words()
    words.put(HOLDING, 40_000, 0x5375, 0x6E53, 1, 66, *([0] * 66), 103, 50, *([0] * 50), 0xFFFF, 0)
    with pytest.raises(MeterNonsenseError, match=r"no meter; its models are \[1, 103\]"):
        await look(words, PROFILES["sunspec"])


async def test_another_device_is_no_sunspec_device():
    words = Words()
    words.put(HOLDING, 0, 1, 2)
    with pytest.raises(MeterNonsenseError, match="no SunSpec device"):
        await look(words, PROFILES["sunspec"])


@pytest.mark.parametrize("function", ["holding", "input"])
@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize(
    ("kind", "number", "scale", "wh"),
    [
        ("uint16", 65_535, "10", 655_350),
        ("int32", 123_456, "0.1", 12_346),
        ("uint32", 4_000_000_000, "1", 4_000_000_000),
        ("int64", 5_000_000_000, "0.001", 5_000_000),
        ("uint64", 5_000_000_000, "1", 5_000_000_000),
        ("float32", 1.5, "1000", 1500),
        ("float64", 12345.678, "1000", 12_345_678),
    ],
)
async def test_free_registers_of_every_type_and_order_are_read(function, order, kind, number, scale, wh):
    words = Words()
    words.put_number(HOLDING if function == "holding" else INPUT, 100, number, kind, order)
    register = FreeRegister(address=100, type=kind, function=function, word_order=order, scale=scale)
    profile = free_profile(power=None, imported=FreeRegister.from_dict(register.as_dict()), exported=None)
    assert await look(words, profile) == Sample(now(), wh, 0, None)


async def test_a_free_power_register_may_count_the_other_way_round():
    words = Words()
    words.put_number(INPUT, 5, 300, "int16")
    words.put_number(INPUT, 9, 1, "uint16")
    profile = free_profile(
        power=FreeRegister(address=5, type="int16", scale="-0.1"),
        imported=None,
        exported=FreeRegister(address=9, type="uint16"),
    )
    assert await look(words, profile) == Sample(now(), 0, 1, -30.0)


@pytest.mark.parametrize("scale", ["", "zero", "NaN", "0", "Infinity"])
def test_a_scale_that_is_none_is_refused(scale):
    with pytest.raises(ValueError, match=r"scale|number"):
        free_profile(power=None, imported=FreeRegister(address=1, type="int16", scale=scale), exported=None)


def test_a_meter_without_any_energy_is_refused():
    with pytest.raises(ValueError, match="at least one energy"):
        free_profile(power=FreeRegister(address=1, type="int16"), imported=None, exported=None)


@pytest.mark.parametrize(
    ("imported", "exported", "words"),
    [
        (float("nan"), 1.0, "no imported energy"),
        (1.0, float("inf"), "infinity"),
        (-1.0, 1.0, "imported -1000 Wh"),
        (3e30, 1.0, "imported"),
    ],
)
async def test_a_meter_that_answers_nonsense_says_which(imported, exported, words):
    with pytest.raises(MeterNonsenseError, match=words):
        await look(eastron(12, 1.0, imported, exported), PROFILES["sdm120"])


async def test_the_wrong_profile_is_suspected_when_the_power_is_absurd():
    with pytest.raises(MeterNonsenseError, match="right profile"):
        await look(eastron(12, 1e12, 1.0, 1.0), PROFILES["sdm120"])


async def test_a_device_without_the_registers_refuses():
    with pytest.raises(MeterNonsenseError, match="refuses"):
        await look(Words(), PROFILES["sdm120"])


async def test_nobody_at_the_address_is_unreachable(monkeypatch):
    monkeypatch.setattr(modbus_link, "TIMEOUT_S", 0.2)
    async with open_link(TcpLink(host="127.0.0.1", port=free_port()), UNIT) as reader:
        with pytest.raises(MeterUnreachableError, match="no connection"):
            await reader.read_input(0, 2)


async def test_another_unit_on_the_line_does_not_answer(monkeypatch):
    monkeypatch.setattr(modbus_link, "TIMEOUT_S", 0.2)
    async with (
        serving(eastron(12, 1.0, 1.0, 1.0)) as port,
        open_link(TcpLink(host="127.0.0.1", port=port), UNIT + 1) as reader,
    ):
        with pytest.raises((MeterUnreachableError, MeterNonsenseError)):
            await probe(reader, PROFILES["sdm120"])


async def test_the_link_comes_back_by_itself(monkeypatch):
    monkeypatch.setattr(modbus_link, "TIMEOUT_S", 0.3)
    words, port = eastron(12, 1.0, 1.0, 2.0), free_port()
    async with open_link(TcpLink(host="127.0.0.1", port=port), UNIT) as reader:
        async with serving(words, port):
            assert (await probe(reader, PROFILES["sdm120"])).imported_wh == 1000
        with pytest.raises(MeterUnreachableError):
            await probe(reader, PROFILES["sdm120"])
        async with serving(words, port):
            assert (await probe(reader, PROFILES["sdm120"])).exported_wh == 2000


def test_a_power_of_ten_may_stand_in_a_register_of_its_own():
    value, exponent = Register(address=1, type="int16"), Register(address=2, type="int16")
    point = Point(register=value, exponent=exponent)
    assert point.value({value: Decimal(7), exponent: Decimal(-2)}) == Decimal("0.07")
