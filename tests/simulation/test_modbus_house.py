"""The simulated meters answer a real Modbus client as the real ones do."""

import socket
from collections.abc import AsyncIterator

import pytest
from pymodbus.client import AsyncModbusTcpClient

from simulation.devices import FuseBox, Meter, Switched
from simulation.modbus_house import RELAY_COIL, UNIT_ID, ModbusMeter, sdm120, sdm630

pytestmark = pytest.mark.usefixtures("socket_enabled")
START = 1_700_000_000.0


class Clock:
    at_s = START

    def __call__(self) -> float:
        return self.at_s


class Laundry:
    """A machine behind its own SDM120, both behind an SDM630."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.machine = Switched(on_w=2_400, standby_w=0)
        self.own = Meter([self.machine], START, imported_wh=123_456)
        self.main = Meter([self.machine], START, exported_wh=7_000)
        self.box = FuseBox([self.own, self.main])

    def server(self, meter: Meter) -> ModbusMeter:
        layout, machine = (sdm120, self.machine) if meter is self.own else (sdm630, None)
        return ModbusMeter(self.box, meter, free_port(), layout, machine, self.clock)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def laundry() -> AsyncIterator[tuple[Laundry, AsyncModbusTcpClient, AsyncModbusTcpClient]]:
    laundry = Laundry()
    async with laundry.server(laundry.own) as own, laundry.server(laundry.main) as main:
        clients = [AsyncModbusTcpClient("127.0.0.1", port=server.port) for server in (own, main)]
        for client in clients:
            assert await client.connect()
        yield laundry, *clients
        for client in clients:
            client.close()


async def read(client: AsyncModbusTcpClient, address: int) -> float:
    answer = await client.read_input_registers(address, count=2, device_id=UNIT_ID)
    return client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32)


async def test_registers_are_big_endian_floats_at_the_sdm120s_addresses(laundry):
    _, own, _ = laundry
    assert await read(own, 0) == 230
    assert await read(own, 70) == 50
    assert await read(own, 72) == pytest.approx(123.456)
    assert await read(own, 74) == 0


async def test_registers_are_big_endian_floats_at_the_sdm630s_addresses(laundry):
    state, _, main = laundry
    state.machine.is_on = True
    state.clock.at_s += 15
    assert await read(main, 52) == 2_400
    assert [await read(main, address) for address in (12, 14, 16)] == [800, 800, 800]
    assert await read(main, 72) == pytest.approx(0.010)
    assert await read(main, 74) == pytest.approx(7.0)


async def test_the_machine_draws_power_only_while_its_relay_is_on(laundry):
    state, own, main = laundry
    state.clock.at_s += 30
    assert await read(own, 12) == 0
    await own.write_coil(RELAY_COIL, True, device_id=UNIT_ID)
    state.clock.at_s += 15
    assert await read(own, 12) == 2_400
    assert (await own.read_coils(RELAY_COIL, count=1, device_id=UNIT_ID)).bits[0] is True
    await own.write_coil(RELAY_COIL, False, device_id=UNIT_ID)
    state.clock.at_s += 300
    assert await read(own, 12) == 0
    assert await read(own, 72) == pytest.approx(123.466)
    assert await read(main, 72) == pytest.approx(0.010)


async def test_a_meter_without_a_relay_ignores_its_coil(laundry):
    state, _, main = laundry
    await main.write_coil(RELAY_COIL, True, device_id=UNIT_ID)
    assert not state.machine.is_on


async def test_a_closed_server_frees_its_port(laundry):
    state, *_ = laundry
    server = state.server(state.own)
    for _ in range(2):
        async with server:
            client = AsyncModbusTcpClient("127.0.0.1", port=server.port)
            assert await client.connect()
            client.close()
