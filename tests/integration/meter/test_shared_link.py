"""Home Assistant's shared link and existing entities, in a real core with a real Modbus server."""

import pytest
from homeassistant.components.modbus.connection import async_get_connection_info
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_marketplace.meter.probe import probe
from custom_components.energy_marketplace.meter.profiles import PROFILES
from custom_components.energy_marketplace.meter.readings import (
    MeterNonsenseError,
    MeterUnreachableError,
    Sample,
)
from custom_components.energy_marketplace.meter.sources.entities import EntityMeter
from custom_components.energy_marketplace.meter.sources.modbus_link import SerialLink, TcpLink
from custom_components.energy_marketplace.meter.sources.shared_link import (
    LinkInUseError,
    params,
    shared_reader,
    temporary_reader,
)
from tests.integration.meter.modbus_meter import INPUT, UNIT, Words, free_port, serving


@pytest.fixture
def sdm120() -> Words:
    words = Words()
    for address, value in ((12, 250.0), (72, 3.5), (74, 0.25)):
        words.put_number(INPUT, address, value, "float32")
    return words


def clock() -> int:
    return 5


async def test_a_flow_reads_over_the_shared_link_and_lets_go_of_it(
    hass: HomeAssistant, socket_enabled, sdm120
):
    async with serving(sdm120) as port:
        async with temporary_reader(hass, TcpLink(host="127.0.0.1", port=port), UNIT) as reader:
            assert await probe(reader, PROFILES["sdm120"], clock=clock) == Sample(5, 3500, 250, 250.0)
        assert async_get_connection_info(hass) == []


async def test_an_entry_and_a_flow_share_one_connection(hass: HomeAssistant, socket_enabled, sdm120):
    entry = MockConfigEntry(domain="energy_marketplace")
    entry.add_to_hass(hass)
    async with serving(sdm120) as port:
        link = TcpLink(host="127.0.0.1", port=port)
        kept = shared_reader(hass, entry, link, UNIT)
        async with temporary_reader(hass, link, UNIT) as reader:
            assert await reader.read_input(72, 2) == await kept.read_input(72, 2)
            assert len(async_get_connection_info(hass)) == 1
        assert len(async_get_connection_info(hass)) == 1
        await entry._async_process_on_unload(hass)
        assert async_get_connection_info(hass) == []


async def test_what_the_device_refuses_is_nonsense(hass: HomeAssistant, socket_enabled, sdm120):
    async with (
        serving(sdm120) as port,
        temporary_reader(hass, TcpLink(host="127.0.0.1", port=port), UNIT) as reader,
    ):
        with pytest.raises(MeterNonsenseError, match="refuses"):
            await reader.read_holding(300, 2)


async def test_nobody_at_the_address_is_unreachable(hass: HomeAssistant, socket_enabled):
    async with temporary_reader(hass, TcpLink(host="127.0.0.1", port=free_port()), UNIT) as reader:
        with pytest.raises(MeterUnreachableError, match="does not answer"):
            await reader.read_input(72, 2)


async def test_a_line_that_is_used_with_other_settings_says_so(hass: HomeAssistant):
    entry = MockConfigEntry(domain="energy_marketplace")
    entry.add_to_hass(hass)
    shared_reader(hass, entry, SerialLink(device="/dev/ttyUSB9", baudrate=9600), 1)
    with pytest.raises(LinkInUseError, match="different link settings"):
        shared_reader(hass, entry, SerialLink(device="/dev/ttyUSB9", baudrate=19200), 2)
    with pytest.raises(LinkInUseError):
        async with temporary_reader(hass, SerialLink(device="/dev/ttyUSB9", parity="E"), 2):
            pass
    await entry._async_process_on_unload(hass)


def test_serial_frames_over_a_gateway_are_a_serial_line_on_a_socket():
    link = params(TcpLink(host="fe80::1", port=4001, framing="rtu"))
    assert link.endpoint == ("serial", "socket://[fe80::1]:4001")
    assert params(TcpLink(host="Meter.Local", port=502)).endpoint == ("tcp", "meter.local", 502)


METER = EntityMeter(imported="sensor.bought", exported="sensor.sold", power="sensor.power")


def show(hass: HomeAssistant, entity_id: str, state: str, unit: str | None) -> None:
    hass.states.async_set(entity_id, state, {"unit_of_measurement": unit})


async def test_entities_in_any_unit_become_watt_hours(hass: HomeAssistant):
    show(hass, "sensor.bought", "12.345", "kWh")
    show(hass, "sensor.sold", "3.6", "MJ")
    show(hass, "sensor.power", "-1.5", "kW")
    sample = METER.read(hass)
    assert (sample.imported_wh, sample.exported_wh, sample.power_w) == (12_345, 1_000, -1500.0)
    assert EntityMeter(imported="sensor.bought", exported=None).read(hass).exported_wh == 0
    turned = EntityMeter(imported=None, exported="sensor.sold", power="sensor.power", power_inverted=True)
    assert turned.read(hass).power_w == 1500.0


async def test_a_look_is_as_old_as_the_newest_report(hass: HomeAssistant, freezer):
    freezer.move_to("2026-06-01T12:00:00Z")
    show(hass, "sensor.bought", "1", "kWh")
    show(hass, "sensor.sold", "1", "kWh")
    show(hass, "sensor.power", "1", "W")
    freezer.move_to("2026-06-01T12:00:30Z")
    show(hass, "sensor.sold", "1", "kWh")
    reported = METER.read(hass).at
    freezer.move_to("2026-06-01T12:05:00Z")
    assert METER.read(hass).at == reported == 1_780_315_230_000


@pytest.mark.parametrize("state", ["unavailable", "unknown"])
async def test_an_energy_that_is_away_is_a_meter_that_is_away(hass: HomeAssistant, state):
    with pytest.raises(MeterUnreachableError, match=r"sensor\.bought is missing"):
        METER.read(hass)
    show(hass, "sensor.bought", state, "kWh")
    with pytest.raises(MeterUnreachableError, match=state):
        METER.read(hass)


@pytest.mark.parametrize(
    ("state", "unit"),
    [("nan", "kWh"), ("inf", "kWh"), ("-1", "kWh"), ("on", "kWh"), ("1", "°C"), ("1", None)],
)
async def test_a_state_that_is_no_energy_is_nonsense(hass: HomeAssistant, state, unit):
    show(hass, "sensor.bought", state, unit)
    show(hass, "sensor.sold", "1", "kWh")
    with pytest.raises(MeterNonsenseError, match=r"sensor\.bought"):
        METER.read(hass)


async def test_a_missing_power_costs_no_energy(hass: HomeAssistant):
    show(hass, "sensor.bought", "1", "kWh")
    show(hass, "sensor.sold", "1", "kWh")
    show(hass, "sensor.power", "unavailable", "W")
    assert METER.read(hass).power_w is None
