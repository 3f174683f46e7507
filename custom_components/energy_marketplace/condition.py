"""Conditions made for this market; each looks at one kind of this integration's entities."""

from typing import override

from homeassistant.const import CONF_OPTIONS, STATE_ON, Platform
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.condition import (
    ENTITY_STATE_CONDITION_SCHEMA_ANY_ALL,
    Condition,
    ConditionConfig,
    EntityConditionBase,
)

from .entity_filter import entities_of
from .schema import vol

CONF_POWER = "power"
CONF_PRICE = "price"


class _OwnCondition(EntityConditionBase):
    """Looks at the entities of one platform and key."""

    _platform: Platform
    _key: str

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Look at the platform."""
        super().__init__(hass, config)
        self._options = config.options or {}
        self._domain_specs = {self._platform: DomainSpec()}

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Return those of the entities that this condition is about."""
        return entities_of(self._hass, super().entity_filter(entities), self._key)


class DeliveryUnderWayCondition(_OwnCondition):
    """Whether an asset gives or takes now what was agreed."""

    _platform = Platform.BINARY_SENSOR
    _key = "delivery"

    @override
    def is_valid_state(self, entity_state: State) -> bool:
        """Return whether a delivery is under way."""
        return entity_state.state == STATE_ON


class PriceBelowCondition(_OwnCondition):
    """Whether the price of the slot that runs is below a limit."""

    _platform = Platform.SENSOR
    _key = "price_now"
    _schema = ENTITY_STATE_CONDITION_SCHEMA_ANY_ALL.extend(
        {vol.Required(CONF_OPTIONS): {vol.Required(CONF_PRICE): vol.Coerce(float)}}
    )

    @override
    def is_valid_state(self, entity_state: State) -> bool:
        """Return whether the price is below the limit."""
        return _number(entity_state) < float(self._options[CONF_PRICE])


class LocalSurplusCondition(_OwnCondition):
    """Whether a meter shows that so much power (W) flows out: sunshine that nobody at home uses."""

    _platform = Platform.SENSOR
    _key = "power"
    _schema = ENTITY_STATE_CONDITION_SCHEMA_ANY_ALL.extend(
        {vol.Required(CONF_OPTIONS): {vol.Optional(CONF_POWER, default=1): vol.Coerce(float)}}
    )

    @override
    def is_valid_state(self, entity_state: State) -> bool:
        """Return whether at least so much flows out."""
        return -_watts(entity_state) >= float(self._options[CONF_POWER])


CONDITIONS: dict[str, type[Condition]] = {
    "delivery_under_way": DeliveryUnderWayCondition,
    "local_surplus": LocalSurplusCondition,
    "price_below": PriceBelowCondition,
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions."""
    return CONDITIONS


def _number(state: State) -> float:
    """Return a state's number; one that is none is neither above nor below anything."""
    try:
        return float(state.state)
    except ValueError:
        return float("nan")


def _watts(state: State) -> float:
    """Return a power in W, in whatever unit its entity shows it."""
    factor = {"kW": 1_000.0, "MW": 1_000_000.0}.get(str(state.attributes.get("unit_of_measurement")), 1.0)
    return _number(state) * factor
