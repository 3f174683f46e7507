"""Which of some entities are of one kind of this integration."""

from collections.abc import Iterable

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .const import DOMAIN


def entities_of(hass: HomeAssistant, entity_ids: Iterable[str], key: str) -> set[str]:
    """Return those entities that this integration made of the description `key`."""
    registry = er.async_get(hass)
    return {
        entity_id
        for entity_id in entity_ids
        if (entry := registry.async_get(entity_id)) is not None
        and entry.platform == DOMAIN
        and entry.unique_id.partition("_")[2] == key
    }
