"""A pymodbus server on a free loopback port whose words a test may change at any time."""

import socket
from contextlib import asynccontextmanager

from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

UNIT = 7
HOLDING, INPUT = 3, 4
_SIZE = 41_000


class Words:
    """Holding and input words by address; what is not set reads as an illegal address."""

    def __init__(self) -> None:
        self.words: dict[int, dict[int, int]] = {HOLDING: {}, INPUT: {}}
        self.requests: list[tuple[int, int, int]] = []

    def put(self, function: int, address: int, *words: int) -> None:
        for offset, word in enumerate(words):
            self.words[function][address + offset] = word

    def put_number(self, function: int, address: int, value: float, kind: str, order: str = "big") -> None:
        datatype = ModbusClientMixin.DATATYPE[kind.upper()]
        self.put(
            function, address, *ModbusClientMixin.convert_to_registers(value, datatype, word_order=order)
        )

    async def answer(self, function, start, address, count, registers, values):
        self.requests.append((function, address, count))
        for place in range(address, address + count):
            if place not in self.words[function]:
                return ExcCodes.ILLEGAL_ADDRESS
            registers[place - start] = self.words[function][place]
        return None


@asynccontextmanager
async def serving(words: Words, port: int | None = None):
    """Serve the words; gives the port."""
    port = port or free_port()
    bits = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    registers = [SimData(0, count=_SIZE, datatype=DataType.REGISTERS)]
    device = SimDevice(UNIT, simdata=(bits, bits, registers, registers), action=words.answer)
    server = ModbusTcpServer(device, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    try:
        yield port
    finally:
        await server.shutdown()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
