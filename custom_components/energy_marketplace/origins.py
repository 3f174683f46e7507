"""Who is behind an action: an automation, or a person."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import Context, Event, HomeAssistant, callback

USER = "user"
_REMEMBERED = 200
_STARTED = ("automation_triggered", "script_started")
"""What the core fires when an automation or script starts; a member runs without either."""


class Origins:
    """Remembers which automation or script runs under which context, for as long as an entry is loaded."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Listen to automations and scripts that start."""
        self._runs: OrderedDict[str, str] = OrderedDict()
        for event_type in _STARTED:
            entry.async_on_unload(hass.bus.async_listen(event_type, self._async_note))

    async def async_of(self, context: Context) -> str:
        """Return the entity id of the automation or script behind a context, or `user`.

        Since 2026.11 the core queues what is fired while it tells of another event: a run's first action may
        come before the word that the run has started, though in the same turn of the loop.
        """
        await asyncio.sleep(0)
        for context_id in (context.id, context.parent_id):
            if context_id is not None and context_id in self._runs:
                return self._runs[context_id]
        return USER

    @callback
    def _async_note(self, event: Event[Mapping[str, Any]]) -> None:
        """Note a run; an automation that calls a script stays the one behind it."""
        self._runs.setdefault(event.context.id, event.data[ATTR_ENTITY_ID])
        while len(self._runs) > _REMEMBERED:
            self._runs.popitem(last=False)
