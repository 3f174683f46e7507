"""The meter that an asset's subentry describes, ready to be read."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_DEVICE, CONF_HOST, CONF_PORT, CONF_TYPE
from homeassistant.core import HomeAssistant

from .const import (
    CONF_BAUDRATE,
    CONF_EXPORTED_ENTITY,
    CONF_FRAMING,
    CONF_IMPORTED_ENTITY,
    CONF_INVERTED,
    CONF_PARITY,
    CONF_POWER_ENTITY,
    CONF_PROFILE,
    CONF_REGISTERS,
    CONF_STOP_BITS,
    CONF_UNIT_ID,
    METER_ENTITIES,
    METER_TCP,
    PROFILE_REGISTERS,
)
from .meter.detect import Candidate, detect
from .meter.probe import probe, wall_clock
from .meter.profiles import PROFILES, FreeRegister, Profile, free_profile
from .meter.readings import Sample
from .meter.registers import Layout, read_layout
from .meter.sources.entities import EntityMeter
from .meter.sources.modbus_link import Link, SerialLink, TcpLink
from .meter.sources.shared_link import SharedReader, shared_reader, temporary_reader

type Settings = Mapping[str, Any]
type Look = Callable[[], Awaitable[Sample]]
"""Looks at a meter once; raises MeterError."""


async def async_probe(hass: HomeAssistant, settings: Settings) -> Sample:
    """Return what a meter shows, before it is set up.

    Raises:
        MeterError: it does not answer, or not as the profile says.
        ValueError: a register of the user's is none.

    """
    if settings[CONF_TYPE] == METER_ENTITIES:
        sample = _entities(settings).read(hass)
    else:
        async with temporary_reader(hass, _link(settings), settings[CONF_UNIT_ID]) as reader:
            sample = await probe(reader, profile_of(settings))
    return _as_wired(settings, sample)


async def async_detect(hass: HomeAssistant, settings: Settings) -> tuple[Candidate, ...]:
    """Return the kinds of meter that may be the one at a link.

    Raises:
        MeterError: nobody answers, or the link is in use with other settings.

    """
    async with temporary_reader(hass, _link(settings), settings[CONF_UNIT_ID]) as reader:
        return await detect(reader)


def async_open(hass: HomeAssistant, entry: ConfigEntry, settings: Settings) -> Look:
    """Return a way to look at a meter while the entry is loaded; raises MeterError when its link is taken."""
    if settings[CONF_TYPE] == METER_ENTITIES:
        return _EntityLook(hass, settings)
    return _ModbusLook(settings, shared_reader(hass, entry, _link(settings), settings[CONF_UNIT_ID]))


def profile_of(settings: Settings) -> Profile:
    """Return the register profile that settings name; raises ValueError for registers that are none."""
    if settings[CONF_PROFILE] != PROFILE_REGISTERS:
        return PROFILES[settings[CONF_PROFILE]]
    registers = settings[CONF_REGISTERS]
    return free_profile(
        **{name: _register(registers.get(name)) for name in ("power", "imported", "exported")}
    )


class _EntityLook:
    """Looks at entities."""

    def __init__(self, hass: HomeAssistant, settings: Settings) -> None:
        self._hass = hass
        self._settings = settings
        self._meter = _entities(settings)

    async def __call__(self) -> Sample:
        """Look once."""
        return _as_wired(self._settings, self._meter.read(self._hass))


class _ModbusLook:
    """Looks at registers; where they are is found out once."""

    def __init__(self, settings: Settings, reader: SharedReader) -> None:
        self._settings = settings
        self._reader = reader
        self._layout: Layout | None = None

    async def __call__(self) -> Sample:
        """Look once."""
        if self._layout is None:
            self._layout = await profile_of(self._settings).prepare(self._reader)
        return _as_wired(self._settings, await read_layout(self._reader, self._layout, wall_clock))


def _as_wired(settings: Settings, sample: Sample) -> Sample:
    return sample.turned() if settings.get(CONF_INVERTED) else sample


def _entities(settings: Settings) -> EntityMeter:
    return EntityMeter(
        imported=settings.get(CONF_IMPORTED_ENTITY),
        exported=settings.get(CONF_EXPORTED_ENTITY),
        power=settings.get(CONF_POWER_ENTITY),
    )


def _link(settings: Settings) -> Link:
    if settings[CONF_TYPE] == METER_TCP:
        framing = settings.get(CONF_FRAMING, "socket")
        return TcpLink(host=settings[CONF_HOST], port=settings[CONF_PORT], framing=framing)
    return SerialLink(
        device=settings[CONF_DEVICE],
        baudrate=settings[CONF_BAUDRATE],
        parity=settings[CONF_PARITY],
        stop_bits=settings[CONF_STOP_BITS],
    )


def _register(data: Mapping[str, Any] | None) -> FreeRegister | None:
    return FreeRegister.from_dict(data) if data else None
