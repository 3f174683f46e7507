"""Triggers made for this market; each looks at one kind of this integration's entities."""

from typing import override

from homeassistant.const import CONF_OPTIONS, STATE_OFF, STATE_ON, STATE_UNAVAILABLE, Platform
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.trigger import (
    ENTITY_STATE_TRIGGER_SCHEMA,
    EntityTriggerBase,
    NotTriggeredReasonReporter,
    Trigger,
    TriggerConfig,
)

from .entity_filter import entities_of
from .schema import vol

CONF_PRICE = "price"


class _OwnTrigger(EntityTriggerBase):
    """Looks at the entities of one platform and key; every one of them counts for itself."""

    _platform: Platform
    _key: str
    _schema = ENTITY_STATE_TRIGGER_SCHEMA

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Look at the platform."""
        super().__init__(hass, config)
        self._domain_specs = {self._platform: DomainSpec()}

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Return those of the entities that this trigger is about."""
        return entities_of(self._hass, super().entity_filter(entities), self._key)


class _EventTrigger(_OwnTrigger):
    """Fires when an event entity tells of one type of event; the first one after a start counts too."""

    _platform = Platform.EVENT
    _excluded_from_states = frozenset({STATE_UNAVAILABLE})
    _type: str

    @override
    def is_valid_state(self, state: State, report_not_triggered: NotTriggeredReasonReporter) -> bool:
        """Return whether the event is of the type."""
        return state.attributes.get("event_type") == self._type


class TradeMatchedTrigger(_EventTrigger):
    """Fires when the market agreed a trade for an asset."""

    _key = "trade"
    _type = "matched"


class ReadingMissingTrigger(_EventTrigger):
    """Fires when the reading of a delivery is overdue."""

    _key = "trade"
    _type = "overdue"


class OrderExpiredTrigger(_EventTrigger):
    """Fires when what was left of an order lapsed."""

    _key = "order"
    _type = "lapsed"


class PaymentReceivedTrigger(_EventTrigger):
    """Fires when the wallet got money."""

    _key = "payment"
    _type = "received"


class _DeliveryTrigger(_OwnTrigger):
    """Fires when a delivery begins or ends."""

    _platform = Platform.BINARY_SENSOR
    _key = "delivery"
    _to: str

    @override
    def is_valid_state(self, state: State, report_not_triggered: NotTriggeredReasonReporter) -> bool:
        """Return whether a delivery is under way, or not."""
        return state.state == self._to


class DeliveryStartedTrigger(_DeliveryTrigger):
    """Fires when a delivery begins."""

    _to = STATE_ON


class DeliveryEndedTrigger(_DeliveryTrigger):
    """Fires when a delivery ends."""

    _to = STATE_OFF


class PriceFellBelowTrigger(_OwnTrigger):
    """Fires when the price of the slot that runs falls below a limit, or there is one again below it."""

    _platform = Platform.SENSOR
    _key = "price_now"
    _excluded_from_states = frozenset({STATE_UNAVAILABLE})
    _schema = ENTITY_STATE_TRIGGER_SCHEMA.extend(
        {vol.Required(CONF_OPTIONS): {vol.Required(CONF_PRICE): vol.Coerce(float)}}
    )

    @override
    def is_valid_state(self, state: State, report_not_triggered: NotTriggeredReasonReporter) -> bool:
        """Return whether the price is below the limit."""
        return self._is_below(state)

    @override
    def is_valid_transition(self, from_state: State, to_state: State) -> bool:
        """Return whether it was not below before."""
        return not self._is_below(from_state)

    def _is_below(self, state: State) -> bool:
        try:
            return float(state.state) < float(self._options[CONF_PRICE])
        except ValueError:
            return False


TRIGGERS: dict[str, type[Trigger]] = {
    "delivery_ended": DeliveryEndedTrigger,
    "delivery_started": DeliveryStartedTrigger,
    "order_expired": OrderExpiredTrigger,
    "payment_received": PaymentReceivedTrigger,
    "price_fell_below": PriceFellBelowTrigger,
    "reading_missing": ReadingMissingTrigger,
    "trade_matched": TradeMatchedTrigger,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers."""
    return TRIGGERS
