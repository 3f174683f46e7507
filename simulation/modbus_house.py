"""Real Modbus TCP servers for simulated meters, with the register maps of Eastron's SDM120 and SDM630.

Both meters keep big-endian 32-bit floats in input registers: energy in kWh, power in W. A switched machine
also offers its relay as coil 0, the way a DIN-rail relay beside the meter does.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from simulation.devices import FuseBox, Meter, Switched

UNIT_ID = 1
RELAY_COIL = 0
REGISTERS = 400
MAINS_V = 230.0
MAINS_HZ = 50.0
READ_INPUT = 4
WRITE_COIL = (5, 15)

type Values = Mapping[int, float]
type Layout = Callable[[Meter], Values]


def sdm120(meter: Meter) -> Values:
    """Return the single-phase meter's input registers, by address."""
    return {
        0: MAINS_V,
        6: abs(meter.power_w) / MAINS_V,
        12: meter.power_w,
        18: abs(meter.power_w),
        30: 1.0,
        70: MAINS_HZ,
        72: meter.imported_wh / 1000,
        74: meter.exported_wh / 1000,
        342: (meter.imported_wh + meter.exported_wh) / 1000,
    }


def sdm630(meter: Meter) -> Values:
    """Return the three-phase meter's input registers, by address; the load is spread evenly."""
    phase_w = meter.power_w / 3
    phases = {
        base + 2 * phase: value
        for base, value in ((0, MAINS_V), (6, abs(phase_w) / MAINS_V), (12, phase_w), (18, abs(phase_w)))
        for phase in range(3)
    }
    totals = {
        52: meter.power_w,
        70: MAINS_HZ,
        72: meter.imported_wh / 1000,
        74: meter.exported_wh / 1000,
        342: (meter.imported_wh + meter.exported_wh) / 1000,
    }
    return phases | totals


@dataclass
class ModbusMeter:
    """One meter on its own loopback port; an asynchronous context manager that serves while it is open."""

    box: FuseBox
    meter: Meter
    port: int
    layout: Layout = sdm120
    machine: Switched | None = None
    clock: Callable[[], float] = time.time

    async def __aenter__(self) -> Self:
        """Start to serve."""
        self._server = ModbusTcpServer(self._device(), address=("127.0.0.1", self.port))
        await self._server.serve_forever(background=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the port and every connection."""
        await self._server.shutdown()  # type: ignore[no-untyped-call]

    def _device(self) -> SimDevice:
        relay = [SimData(RELAY_COIL, values=[False] * 16, datatype=DataType.BITS)]
        inputs = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
        holding = [SimData(0, count=REGISTERS, datatype=DataType.REGISTERS)]
        registers = [SimData(0, count=REGISTERS, datatype=DataType.REGISTERS, readonly=True)]
        return SimDevice(UNIT_ID, simdata=(relay, inputs, holding, registers), action=self._on_request)

    async def _on_request(  # noqa: PLR0917 - the signature is pymodbus'
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Refresh the registers before they are read, obey the relay when it is written."""
        if function == READ_INPUT:
            self._refresh(registers)
        elif function in WRITE_COIL and values and address == RELAY_COIL and self.machine:
            self.box.switch(self.machine, bool(values[0]), self.clock())
        return None

    def _refresh(self, registers: list[int]) -> None:
        self.box.advance(self.clock())
        for address, value in self.layout(self.meter).items():
            registers[address : address + 2] = to_registers(value)


def to_registers(value: float) -> list[int]:
    """Return a 32-bit float as two registers, high word first."""
    return AsyncModbusTcpClient.convert_to_registers(value, AsyncModbusTcpClient.DATATYPE.FLOAT32)
