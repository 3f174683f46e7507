"""The logbook: what was agreed, paid and settled, in a sentence with its figures.

The event entities appear there by themselves, but only with the type of the event. The core does not
translate what an integration tells its logbook.
"""

from collections.abc import Callable, Mapping
from typing import Any

from homeassistant.components.logbook.const import (
    LOGBOOK_ENTRY_ENTITY_ID,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
)
from homeassistant.components.logbook.models import LazyEventPartialState
from homeassistant.const import ATTR_ENTITY_ID, ATTR_NAME
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN, EVENT_NEWS
from .news import sentence

type Describe = Callable[[LazyEventPartialState], dict[str, Any]]


@callback
def async_describe_events(
    hass: HomeAssistant, async_describe_event: Callable[[str, str, Describe], None]
) -> None:
    """Describe the news of members."""

    @callback
    def describe(event: LazyEventPartialState) -> dict[str, Any]:
        news: Mapping[str, Any] = event.data
        return {
            LOGBOOK_ENTRY_NAME: news[ATTR_NAME],
            LOGBOOK_ENTRY_MESSAGE: sentence(news),
            LOGBOOK_ENTRY_ENTITY_ID: news[ATTR_ENTITY_ID],
        }

    async_describe_event(DOMAIN, EVENT_NEWS, describe)
