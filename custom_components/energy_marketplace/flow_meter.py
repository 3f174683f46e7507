"""Finding an asset's meter and looking at it before anything is kept."""

import asyncio
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import CONF_ADDRESS, CONF_DEVICE, CONF_HOST, CONF_PORT, CONF_TYPE
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    SerialPortSelector,
    TextSelector,
)

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
    CONF_SCAN_INTERVAL_S,
    CONF_STOP_BITS,
    CONF_UNIT_ID,
    DEFAULT_SCAN_INTERVAL_S,
    METER_ENTITIES,
    METER_SERIAL,
    METER_TCP,
    PROFILE_AUTO,
    PROFILE_REGISTERS,
)
from .flow_errors import FlowProblem
from .flow_network import choice, whole_number
from .meter.detect import Candidate
from .meter.profiles import PROFILES
from .meter.readings import MeterError, MeterNonsenseError, Sample
from .meter.sources.shared_link import LinkInUseError
from .meter_source import async_detect, async_probe
from .schema import vol

_PROFILES = (PROFILE_AUTO, *PROFILES, PROFILE_REGISTERS)
_QUANTITIES = ("power", "imported", "exported")
_TYPES = ("int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
_UNIT = {
    vol.Required(CONF_UNIT_ID, default=1): whole_number(0, 255),
    vol.Required(CONF_PROFILE, default=PROFILE_AUTO): choice(_PROFILES, CONF_PROFILE),
}

TCP_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_HOST): TextSelector(),
        vol.Required(CONF_PORT, default=502): whole_number(1, 65_535),
        vol.Required(CONF_FRAMING, default="socket"): choice(("socket", "rtu"), CONF_FRAMING),
        **_UNIT,
    }
)
SERIAL_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_DEVICE): SerialPortSelector(),
        vol.Required(CONF_BAUDRATE, default=9600): whole_number(300, 921_600),
        vol.Required(CONF_PARITY, default="N"): choice(("N", "E", "O"), CONF_PARITY),
        vol.Required(CONF_STOP_BITS, default=1): whole_number(1, 2),
        **_UNIT,
    }
)
REGISTER_SCHEMA = vol.Schema(
    {
        vol.Optional(CONF_ADDRESS): whole_number(0, 65_535),
        vol.Required("type", default="float32"): choice(_TYPES, "register_type"),
        vol.Required("function", default="input"): choice(("input", "holding"), "function"),
        vol.Required("word_order", default="big"): choice(("big", "little"), "word_order"),
        vol.Required("scale", default="1"): TextSelector(),
    }
)
REGISTERS_SCHEMA = vol.Schema(
    {vol.Required(name): section(REGISTER_SCHEMA, {"collapsed": False}) for name in _QUANTITIES}
)


def _sensor(device_class: str) -> EntitySelector:
    return EntitySelector(EntitySelectorConfig(domain="sensor", device_class=device_class))


ENTITIES_SCHEMA = vol.Schema(
    {
        vol.Optional(CONF_IMPORTED_ENTITY): _sensor("energy"),
        vol.Optional(CONF_EXPORTED_ENTITY): _sensor("energy"),
        vol.Optional(CONF_POWER_ENTITY): _sensor("power"),
    }
)
CHECK_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_INVERTED, default=False): BooleanSelector(),
        vol.Required(CONF_SCAN_INTERVAL_S, default=DEFAULT_SCAN_INTERVAL_S): whole_number(1, 300, "s"),
    }
)


class MeterSteps(ConfigSubentryFlow):
    """The steps that end in a meter whose values the user has seen."""

    _sample: Sample
    """What the meter showed when it was looked at, before its values are checked."""

    def __init__(self) -> None:
        """Know no meter yet."""
        self._meter: dict[str, Any] = {}
        self._detecting: asyncio.Task[tuple[Candidate, ...]] | None = None
        self._candidates: tuple[Candidate, ...] = ()
        self._problem: FlowProblem | None = None

    @abstractmethod
    async def async_finish_meter(self, meter: Mapping[str, Any]) -> SubentryFlowResult | FlowProblem:
        """Keep the asset with this meter, or say why not."""

    async def async_step_meter_tcp(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask where a Modbus TCP meter is."""
        return await self._modbus(METER_TCP, user_input)

    async def async_step_meter_serial(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask on which serial line a meter is."""
        return await self._modbus(METER_SERIAL, user_input)

    async def async_step_detect(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Find out which kind of meter answers; on a dead link that takes half a minute."""
        if self._detecting is None:
            self._detecting = self.hass.async_create_task(
                async_detect(self.hass, self._meter), "detect the kind of a meter"
            )
        if not self._detecting.done():
            return self.async_show_progress(
                step_id="detect", progress_action="detect", progress_task=self._detecting
            )
        detecting, self._detecting = self._detecting, None
        return self.async_show_progress_done(next_step_id=self._detected(detecting))

    async def async_step_profile(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask which of the kinds it is; a device may be several things at once. One alone is taken."""
        keys = [candidate.profile.key for candidate in self._candidates]
        if user_input is None and len(keys) == 1:
            user_input = {CONF_PROFILE: keys[0]}
        if user_input is not None:
            self._meter |= user_input
        said = next((candidate.said for candidate in self._candidates if candidate.said), "?")
        schema = vol.Schema({vol.Required(CONF_PROFILE, default=keys[0]): choice((*keys,), CONF_PROFILE)})
        return await self._look("profile", schema, user_input, {"said": said})

    async def async_step_registers(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask in which registers an unknown meter keeps its values."""
        if user_input is not None:
            given = {name: user_input[name] for name in _QUANTITIES if CONF_ADDRESS in user_input[name]}
            self._meter[CONF_REGISTERS] = given
            if not {"imported", "exported"} & given.keys():
                return self._ask("registers", REGISTERS_SCHEMA, user_input, FlowProblem("no_energy_register"))
        return await self._look("registers", REGISTERS_SCHEMA, user_input)

    async def async_step_meter_entities(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask which entities show what the asset measures."""
        if user_input is not None:
            self._meter = {CONF_TYPE: METER_ENTITIES, **user_input}
            if not {CONF_IMPORTED_ENTITY, CONF_EXPORTED_ENTITY} & user_input.keys():
                problem = FlowProblem("no_energy_entity", CONF_IMPORTED_ENTITY)
                return self._ask("meter_entities", ENTITIES_SCHEMA, user_input, problem)
        return await self._look("meter_entities", ENTITIES_SCHEMA, user_input)

    async def async_step_check(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Show what the meter says, and ask whether it is what the user sees on it."""
        problem = None
        if user_input is not None:
            result = await self.async_finish_meter({**self._meter, **user_input})
            if not isinstance(result, FlowProblem):
                return result
            problem = result
        return self._ask("check", CHECK_SCHEMA, user_input, problem, _values(self._sample))

    async def _modbus(self, kind: str, user_input: dict[str, Any] | None) -> SubentryFlowResult:
        step, schema = _LINK_FORMS[kind]
        if user_input is None:
            problem, self._problem = self._problem, None
            return self._ask(step, schema, self._meter or None, problem)
        self._meter = {CONF_TYPE: kind, **user_input}
        if user_input[CONF_PROFILE] == PROFILE_AUTO:
            return await self.async_step_detect()
        if user_input[CONF_PROFILE] == PROFILE_REGISTERS:
            return await self.async_step_registers()
        return await self._look(step, schema, user_input)

    def _detected(self, detecting: asyncio.Task[tuple[Candidate, ...]]) -> str:
        """Note what was found, or what went wrong; return the step that goes on from there."""
        try:
            self._candidates = detecting.result()
        except MeterError as error:
            self._problem = _problem(error)
        else:
            if self._candidates:
                return "profile"
            self._problem = FlowProblem("meter_unknown", CONF_PROFILE)
        return _LINK_FORMS[self._meter[CONF_TYPE]][0]

    async def _look(
        self,
        step: str,
        schema: vol.Schema,
        user_input: dict[str, Any] | None,
        placeholders: Mapping[str, str] | None = None,
    ) -> SubentryFlowResult:
        """Probe the meter that a form describes; show its values, or the form with what went wrong."""
        problem = None
        if user_input is not None:
            try:
                self._sample = await async_probe(self.hass, self._meter)
            except (MeterError, ValueError) as error:
                problem = _problem(error)
            else:
                return await self.async_step_check()
        return self._ask(step, schema, user_input, problem, placeholders)

    def _ask(
        self,
        step: str,
        schema: vol.Schema,
        values: Mapping[str, Any] | None,
        problem: FlowProblem | None,
        placeholders: Mapping[str, str] | None = None,
    ) -> SubentryFlowResult:
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, values),
            errors=problem.errors if problem else None,
            description_placeholders={**(placeholders or {}), **(problem.placeholders if problem else {})},
        )


_LINK_FORMS = {METER_TCP: ("meter_tcp", TCP_SCHEMA), METER_SERIAL: ("meter_serial", SERIAL_SCHEMA)}
"""The step and the form of each kind of Modbus link."""


def _problem(error: Exception) -> FlowProblem:
    return FlowProblem(_key(error), placeholders={"message": str(error)})


def _key(error: Exception) -> str:
    if isinstance(error, LinkInUseError):
        return "link_in_use"
    if isinstance(error, MeterNonsenseError):
        return "meter_nonsense"
    return "meter_unreachable" if isinstance(error, MeterError) else "bad_register"


def _values(sample: Sample) -> dict[str, str]:
    """Return what the meter shows as text."""
    return {
        "power": "?" if sample.power_w is None else f"{sample.power_w:.0f} W",
        "imported": f"{sample.imported_wh / 1000:.3f} kWh",
        "exported": f"{sample.exported_wh / 1000:.3f} kWh",
    }
