"""A meter made of entities that already exist in Home Assistant.

Energy entities are cumulative (state class `total_increasing` or `total`) in any energy unit; a power
entity is optional. Where only power is measured, Home Assistant's integral helper makes an energy entity of
it.

A look at the entities is as old as the newest report of any of them, not as the moment of looking: an
entity that is polled every five minutes would otherwise put its energy into the wrong slot. So look
whenever one of them reports (state changed or reported events).
"""

from dataclasses import dataclass

from homeassistant.const import (
    ATTR_UNIT_OF_MEASUREMENT,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    UnitOfEnergy,
    UnitOfPower,
)
from homeassistant.core import HomeAssistant, State
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.unit_conversion import EnergyConverter, PowerConverter

from ..readings import MeterNonsenseError, MeterUnreachableError, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityMeter:
    """The entities of one meter; power is positive for import unless `power_inverted`."""

    imported: str | None
    exported: str | None
    power: str | None = None
    power_inverted: bool = False

    @property
    def entity_ids(self) -> tuple[str, ...]:
        """All entities that matter."""
        return tuple(entity for entity in (self.imported, self.exported, self.power) if entity)

    def read(self, hass: HomeAssistant) -> Sample:
        """Return one look at the entities.

        Raises:
            MeterUnreachableError: an energy entity is missing or unavailable.
            MeterNonsenseError: its state is no energy.

        """
        states = [hass.states.get(entity) for entity in self.entity_ids]
        reported = max((state.last_reported_timestamp for state in states if state), default=0.0)
        return Sample(
            at=int(reported * 1000),
            imported_wh=_energy_wh(hass, self.imported),
            exported_wh=_energy_wh(hass, self.exported),
            power_w=self._power_w(hass),
        )

    def _power_w(self, hass: HomeAssistant) -> float | None:
        if self.power is None:
            return None
        try:
            state = _available(hass, self.power)
            power = PowerConverter.convert(float(state.state), _unit(state), UnitOfPower.WATT)
        except MeterUnreachableError, ValueError, HomeAssistantError:
            return None
        return -power if self.power_inverted else power


def _energy_wh(hass: HomeAssistant, entity_id: str | None) -> int:
    if entity_id is None:
        return 0
    state = _available(hass, entity_id)
    try:
        energy_wh = EnergyConverter.convert(float(state.state), _unit(state), UnitOfEnergy.WATT_HOUR)
        if energy_wh < 0:
            raise MeterNonsenseError(f"{entity_id} shows a negative energy: {state.state}")
        return round(energy_wh)
    except (ValueError, OverflowError, HomeAssistantError) as error:
        raise MeterNonsenseError(f"{entity_id} shows no energy: {state.state}") from error


def _available(hass: HomeAssistant, entity_id: str) -> State:
    state = hass.states.get(entity_id)
    if state is None or state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
        raise MeterUnreachableError(f"{entity_id} is {state.state if state else 'missing'}")
    return state


def _unit(state: State) -> str | None:
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    return unit if isinstance(unit, str) else None
