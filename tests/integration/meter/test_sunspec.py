"""SunSpec inverters, their strings and their storage, against the offsets of the specification."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custom_components.energy_marketplace.meter.probe import probe
from custom_components.energy_marketplace.meter.profiles import PROFILES
from custom_components.energy_marketplace.meter.readings import MeterError, MeterNonsenseError, Sample
from custom_components.energy_marketplace.meter.sources.modbus_link import TcpLink, open_link
from tests.integration.meter.modbus_meter import HOLDING, UNIT, serving
from tests.integration.meter.sunspec_device import COMMON, DER, INVERTER, SunSpecDevice, gen24, inputs
from tests.integration.meter.word_reader import AnyReader, WordReader

SUNSPEC = ("sunspec", "sunspec_inverter", "sunspec_pv", "sunspec_battery")


def now() -> int:
    return 1_700_000_000_000


async def look(device: SunSpecDevice, key: str) -> Sample:
    return await probe(WordReader(device), PROFILES[key], clock=now)


@pytest.mark.parametrize("base", [40_000, 50_000, 0])
@pytest.mark.parametrize("model", [101, 102, 103])
async def test_inverters_with_scale_factors_give_what_they_make(model, base):
    device = SunSpecDevice(COMMON, (model, 50), base=base)
    device.number(model, 14, "int16", 4567)
    device.number(model, 15, "int16", -1)
    device.number(model, 24, "uint32", 3_000_000_000)
    device.number(model, 26, "int16", 1)
    assert await look(device, "sunspec_inverter") == Sample(now(), 0, 30_000_000_000, -456.7)


@pytest.mark.parametrize("model", [111, 112, 113])
async def test_inverters_with_floats_give_what_they_make(model):
    device = SunSpecDevice(COMMON, (model, 60))
    device.number(model, 22, "float32", 1234.5)
    device.number(model, 32, "float32", 7_654_321.0)
    assert await look(device, "sunspec_inverter") == Sample(now(), 0, 7_654_321, -1234.5)


def der(absorbed: int) -> SunSpecDevice:
    device = SunSpecDevice(COMMON, INVERTER, DER, (713, 7))
    device.number(701, 10, "int16", -25)
    device.number(701, 116, "int16", 2)
    device.number(701, 19, "uint64", 50_000_000_000)
    device.number(701, 23, "uint64", absorbed)
    device.number(701, 120, "int16", -1)
    return device


async def test_a_distributed_resource_counts_both_directions_and_goes_before_the_older_model():
    sample = await look(der(12_345), "sunspec_inverter")
    assert sample == Sample(now(), 1234, 5_000_000_000, 2500.0)


async def test_a_distributed_resource_that_only_gives_takes_nothing():
    assert (await look(der(2**64 - 1), "sunspec_inverter")).imported_wh == 0


@pytest.mark.usefixtures("socket_enabled")
async def test_a_distributed_resource_comes_through_a_real_modbus_server():
    async with serving(der(10)) as port, open_link(TcpLink(host="127.0.0.1", port=port), UNIT) as reader:
        sample = await probe(reader, PROFILES["sunspec_inverter"], clock=now)
    assert sample == Sample(now(), 1, 5_000_000_000, 2500.0)


async def test_strings_are_summed_without_the_storage():
    assert await look(gen24(), "sunspec_pv") == Sample(now(), 0, 2_000_010, -2100.0)


async def test_a_storage_takes_and_gives():
    assert await look(gen24(), "sunspec_battery") == Sample(now(), 1_000_020, 1_000_030, -100.0)


async def test_a_storage_is_known_however_its_name_is_written():
    device = gen24()
    device.text(160, 10 + 40 + 1, "STCHA", 8)
    device.text(160, 10 + 60 + 1, "STDISCHA", 8)
    assert await look(device, "sunspec_battery") == Sample(now(), 1_000_020, 1_000_030, -100.0)


async def test_a_string_that_sleeps_shows_no_power_but_keeps_its_energy():
    device = gen24()
    device.number(160, 10 + 11, "uint16", 0xFFFF)
    sample = await look(device, "sunspec_pv")
    assert (sample.power_w, sample.exported_wh) == (None, 2_000_010)


@pytest.mark.parametrize(
    ("key", "device", "lacking"),
    [
        ("sunspec", gen24(), "meter"),
        ("sunspec_battery", gen24(storage=False), "battery"),
        ("sunspec_pv", SunSpecDevice(COMMON, INVERTER), "solar strings"),
        ("sunspec_pv", SunSpecDevice(COMMON, inputs(0)), "solar strings"),
        ("sunspec_inverter", SunSpecDevice(COMMON, (203, 105)), "inverter"),
    ],
)
async def test_what_a_device_does_not_measure_is_said_with_its_models(key, device, lacking):
    with pytest.raises(MeterNonsenseError, match=rf"has no {lacking}; its models are \[1, "):
        await look(device, key)


async def test_more_inputs_than_there_is_room_for_are_nonsense():
    device = gen24()
    device.number(160, 8, "uint16", 5)
    with pytest.raises(MeterNonsenseError, match="5 inputs"):
        await look(device, "sunspec_pv")


async def test_a_chain_that_breaks_off_keeps_what_was_found():
    device = SunSpecDevice(COMMON, (103, 50))
    end = device.at[103] + 52
    del device.words[HOLDING][end]
    assert (await look(device, "sunspec_inverter")).exported_wh == 0


async def test_a_chain_that_leads_out_of_the_address_space_ends():
    device = SunSpecDevice(COMMON, (103, 50))
    device.put(HOLDING, device.at[103] + 1, 60_000)
    reader = WordReader(device)
    with pytest.raises(MeterNonsenseError, match="has no meter"):
        await probe(reader, PROFILES["sunspec"], clock=now)
    assert max(address + count for _, address, count in reader.asked) <= 0x10000


async def test_a_chain_without_end_is_left():
    device = SunSpecDevice(COMMON)
    device.put(HOLDING, 40_002, *([0x0009, 0] * 500))
    reader = WordReader(device)
    with pytest.raises(MeterNonsenseError, match="has no meter"):
        await probe(reader, PROFILES["sunspec"], clock=now)
    assert len(reader.asked) <= 101


MODELS = st.lists(
    st.sampled_from(
        [COMMON, INVERTER, DER, inputs(2), inputs(4), (203, 105), (213, 124), (113, 60), (713, 7)]
    ),
    max_size=6,
    unique_by=lambda model: model[0],
)


@pytest.mark.parametrize("key", SUNSPEC)
@settings(max_examples=60, deadline=None)
@given(models=MODELS, seed=st.integers(0, 2**32), faults=st.sampled_from([0.0, 0.0, 0.1]))
async def test_whatever_a_sunspec_device_holds_is_a_sample_or_a_meter_error(key, models, seed, faults):
    device = SunSpecDevice(*models)
    chance = random.Random(seed)
    for model, length in models:
        # The chain stands; what its models hold is chance.
        for offset in range(2, length + 2):
            if chance.random() < 0.8:
                del device.words[HOLDING][device.at[model] + offset]
        if model == 160:
            device.number(160, 8, "uint16", chance.randrange(4))
    try:
        sample = await probe(AnyReader(seed, device, faults=faults), PROFILES[key], clock=now)
    except MeterError:
        return
    assert 0 <= sample.imported_wh < 10**15
    assert 0 <= sample.exported_wh < 10**15
