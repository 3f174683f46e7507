"""Modbus over Home Assistant's shared link: one connection per device for all integrations that talk to it.

Many inverters accept a single client. The core keeps one connection per endpoint and hands out units on it,
so this integration never takes a meter away from another one.
"""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from homeassistant.components.modbus import async_get_temporary_unit, async_get_unit
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from modbus_connection import (
    ModbusConnectionError,
    ModbusError,
    ModbusSerialParams,
    ModbusTcpParams,
    ModbusTimeoutError,
    ModbusUnit,
)

from ..readings import MeterNonsenseError, MeterUnreachableError
from .modbus_link import Link, TcpLink


class LinkInUseError(MeterUnreachableError):
    """Another integration uses the same device with other line settings; both cannot be honoured."""


@dataclass(frozen=True, slots=True)
class SharedReader:
    """Words of one unit on the shared link."""

    unit: ModbusUnit

    async def read_holding(self, address: int, count: int) -> list[int]:
        """Return words by function code 3."""
        return await _words(self.unit.read_holding_registers(address, count))

    async def read_input(self, address: int, count: int) -> list[int]:
        """Return words by function code 4."""
        return await _words(self.unit.read_input_registers(address, count))


def shared_reader(hass: HomeAssistant, entry: ConfigEntry, link: Link, unit: int) -> SharedReader:
    """Return a reader that lives as long as the config entry.

    Raises:
        LinkInUseError: the device is in use with other line settings.

    """
    try:
        return SharedReader(async_get_unit(hass, entry, params(link), unit))
    except HomeAssistantError as error:
        raise LinkInUseError(str(error)) from error


@asynccontextmanager
async def temporary_reader(hass: HomeAssistant, link: Link, unit: int) -> AsyncIterator[SharedReader]:
    """Hold a reader for a config flow.

    Raises:
        LinkInUseError: the device is in use with other line settings.

    """
    try:
        context = async_get_temporary_unit(hass, params(link), unit)
        shared = await context.__aenter__()
    except HomeAssistantError as error:
        raise LinkInUseError(str(error)) from error
    try:
        yield SharedReader(shared)
    finally:
        await context.__aexit__(None, None, None)


def params(link: Link) -> ModbusTcpParams | ModbusSerialParams:
    """Return the link as the core's Modbus integration describes it."""
    if not isinstance(link, TcpLink):
        return ModbusSerialParams(
            device=link.device, baudrate=link.baudrate, parity=link.parity, stopbits=link.stop_bits
        )
    if link.framing == "rtu":
        host = f"[{link.host}]" if ":" in link.host else link.host
        return ModbusSerialParams(device=f"socket://{host}:{link.port}", framer="rtu", baudrate=115200)
    return ModbusTcpParams(host=link.host, port=link.port)


async def _words(request: Awaitable[list[int]]) -> list[int]:
    try:
        return await request
    except (ModbusConnectionError, ModbusTimeoutError) as error:
        raise MeterUnreachableError(f"the meter does not answer: {error}") from error
    except ModbusError as error:
        raise MeterNonsenseError(f"the meter refuses the request: {error}") from error
