"""Modbus by pymodbus' own asynchronous client: for members without Home Assistant, and for its tests."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from pymodbus import FramerType, ModbusException
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.pdu import ModbusPDU

from ..readings import MeterNonsenseError, MeterUnreachableError

TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpLink:
    """A Modbus TCP device or gateway; `rtu` for gateways that pass the serial frames through."""

    host: str
    port: int = 502
    framing: Literal["socket", "rtu"] = "socket"


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialLink:
    """A serial line."""

    device: str
    baudrate: int = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1


type Link = TcpLink | SerialLink
type _Client = AsyncModbusTcpClient | AsyncModbusSerialClient


class PymodbusReader:
    """Words of one unit on a link of its own; it connects when it is needed, also after a break."""

    def __init__(self, link: Link, unit: int) -> None:
        self._link = link
        self._unit = unit
        self._client = _client(link)

    async def read_holding(self, address: int, count: int) -> list[int]:
        """Return words by function code 3."""
        client = await self._connected()
        return await _words(client.read_holding_registers(address, count=count, device_id=self._unit))

    async def read_input(self, address: int, count: int) -> list[int]:
        """Return words by function code 4."""
        client = await self._connected()
        return await _words(client.read_input_registers(address, count=count, device_id=self._unit))

    def close(self) -> None:
        """Give up the link; reading opens it again."""
        self._client.close()

    async def _connected(self) -> _Client:
        if not self._client.connected and not await self._client.connect():
            raise MeterUnreachableError(f"no connection to {_where(self._link)}")
        return self._client


@asynccontextmanager
async def open_link(link: Link, unit: int) -> AsyncIterator[PymodbusReader]:
    """Hold a reader for a while, and close its link in the end."""
    reader = PymodbusReader(link, unit)
    try:
        yield reader
    finally:
        reader.close()


async def _words(request: Awaitable[ModbusPDU]) -> list[int]:
    try:
        answer = await request
    except (ModbusException, OSError) as error:
        raise MeterUnreachableError(f"the meter does not answer: {error}") from error
    if answer.isError():
        raise MeterNonsenseError(f"the meter refuses the request: {answer}")
    return answer.registers


def _client(link: Link) -> _Client:
    if isinstance(link, TcpLink):
        return AsyncModbusTcpClient(
            link.host,
            port=link.port,
            framer=FramerType(link.framing),
            timeout=TIMEOUT_S,
            retries=1,
            reconnect_delay=0,
        )
    return AsyncModbusSerialClient(
        link.device,
        baudrate=link.baudrate,
        parity=link.parity,
        stopbits=link.stop_bits,
        timeout=TIMEOUT_S,
        retries=1,
        reconnect_delay=0,
    )


def _where(link: Link) -> str:
    return f"{link.host}:{link.port}" if isinstance(link, TcpLink) else link.device
