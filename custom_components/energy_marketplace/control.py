"""Switching an asset by its deliveries: on when one starts, off when it ends, and hands off when people act.

What automatic trading plans for the asset counts like a delivery, such as sunshine of the own roof. A tank
that it keeps warm is heated when it is too cold and rests when it is too warm, whatever was agreed, but never
switched more often than it bears; while nobody knows how warm it is, it is left to its own control. What is
controlled is a switch, a number or a select that the asset names. Whoever changes it by hand, or by
another automation, while a delivery is under way takes it over until that delivery ends. Where things stand
is kept on disk before anything is switched, so that after a restart a delivery that began or ended meanwhile
is made up for; an entity that cannot be reached is switched as soon as it can.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, replace
from datetime import datetime
from typing import Any

from homeassistant.const import ATTR_ENTITY_ID, STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import (
    CALLBACK_TYPE,
    Context,
    Event,
    EventStateChangedData,
    HassJob,
    HomeAssistant,
    State,
    callback,
    split_entity_id,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later, async_track_state_change_event
from homeassistant.util import dt as dt_util

from .agent_runner import AgentRunner
from .agent_sources import temperature_c
from .assets import HomeAsset
from .const import CONTROL_ENTITY, CONTROL_KEEP_ON, CONTROL_OFF, CONTROL_ON, HEAT_SENSOR
from .coordinator import MarketCoordinator
from .trading.deliveries import delivery_at
from .trading.heat import Edge, Turn

_LOGGER = logging.getLogger(__name__)
CONTROL_DOMAINS = ("switch", "input_boolean", "number", "input_number", "select", "input_select")
_SILENT = (STATE_UNAVAILABLE, STATE_UNKNOWN)
_WATTS = {"W": 1.0, "kW": 1_000.0, "MW": 1_000_000.0}
_SAME = 1e-6


@dataclass(frozen=True)
class Drive:
    """A delivery that switches: the value while it runs, and the one after it (None: leave it as it is)."""

    value: str
    after: str | None
    overridden: bool = False


class DeliveryControl:
    """Controls the entity that one asset names."""

    def __init__(
        self, hass: HomeAssistant, market: MarketCoordinator, agent: AgentRunner, asset: HomeAsset
    ) -> None:
        """Take up what an earlier run left."""
        self._hass = hass
        self._market = market
        self._agent = agent
        self._asset = asset
        self._entity_id: str = asset.control[CONTROL_ENTITY]
        self._domain = split_entity_id(self._entity_id)[0]
        self._part = f"control {asset.subentry_id}"
        kept = market.store.loaded.get(self._part) or {}
        self._drive = Drive(**kept["drive"]) if kept.get("drive") else None
        self._wanted: str | None = kept.get("wanted")
        self._edge: Edge | None = None
        self._turn = Turn(*kept["turn"]) if kept.get("turn") else None
        self._cancel_look: CALLBACK_TYPE | None = None
        self._contexts: list[str] = []
        self._busy = asyncio.Lock()
        market.store.parts[self._part] = self._as_dict

    @callback
    def async_start(self) -> None:
        """Follow the deliveries and the entity until the entry is unloaded."""
        entry = self._market.config_entry
        entry.async_on_unload(self._market.async_add_listener(self._async_look))
        entry.async_on_unload(
            async_track_state_change_event(self._hass, self._entity_id, self._async_changed)
        )
        if self._asset.band is not None:
            thermometer = self._asset.heat[HEAT_SENSOR]
            entry.async_on_unload(async_track_state_change_event(self._hass, thermometer, self._async_warmed))
        entry.async_on_unload(self._async_stop_looking)
        self._note_turn(self._hass.states.get(self._entity_id))
        if self._drive is not None and not self._drive.overridden and self._power_w() is not None:
            self._wanted = self._drive.value  # a device may have forgotten it meanwhile
        self._async_look()
        self._async_apply()

    @callback
    def _async_look(self) -> None:
        """Compare what is agreed for now with what was switched."""
        power_w, drive = self._power_w(), self._drive
        if self._must_wait(power_w is not None):
            return
        if power_w is None:
            if drive is not None:
                self._end(drive)
        elif drive is None:
            value = self._value(power_w)
            self._switch(Drive(value, self._after()), value)
        elif not drive.overridden and (value := self._value(power_w)) != drive.value and self._follows_power:
            self._switch(replace(drive, value=value), value)

    @callback
    def _async_warmed(self, _event: Event[EventStateChangedData]) -> None:
        """Look whether the tank came to an end of its band."""
        self._async_look()

    @callback
    def _async_changed(self, event: Event[EventStateChangedData]) -> None:
        """Notice an entity that answers again, and people who take it over."""
        new, old = event.data["new_state"], event.data["old_state"]
        if new is None or new.state in _SILENT:
            return
        self._note_turn(new)
        if self._wanted is not None:
            self._async_apply()
        elif self._drive is None or self._drive.overridden or self._is(new.state, self._drive.value):
            return
        elif event.context.id in self._contexts:
            self._drive = replace(self._drive, value=new.state)  # as the device rounds it
        elif old is None or old.state in _SILENT:
            self._switch(self._drive, self._drive.value)
        else:
            _LOGGER.info("%s was taken over until its delivery ends", self._entity_id)
            self._switch(replace(self._drive, overridden=True), None)

    def _must_wait(self, runs: bool) -> bool:
        """Return whether it was switched too short a while ago to be switched now; look again when it may."""
        self._async_stop_looking()
        drive = self._drive
        if runs == (drive is not None) or (drive is not None and drive.overridden):
            return False
        wait_ms = self._present_asset().rhythm.wait_ms(runs, self._turn, self._now_ms(), self._edge)
        if wait_ms > 0:
            job = HassJob(self._async_look_again, f"{self._entity_id} rhythm", cancel_on_shutdown=True)
            self._cancel_look = async_call_later(self._hass, wait_ms / 1000, job)
        return wait_ms > 0

    @callback
    def _async_look_again(self, _now: datetime) -> None:
        self._cancel_look = None
        self._async_look()

    @callback
    def _async_stop_looking(self) -> None:
        if self._cancel_look is not None:
            self._cancel_look()
            self._cancel_look = None

    def _note_turn(self, state: State | None) -> None:
        """Note since when it runs or rests, whoever switched it."""
        if state is None or state.state in _SILENT:
            return
        runs = state.state == STATE_ON if self._drive is None else self._is(state.state, self._drive.value)
        at_ms = int(state.last_changed.timestamp() * 1000)
        self._turn = Turn(runs, at_ms) if self._turn is None else self._turn.turned(runs, at_ms)

    def _power_w(self) -> int | None:
        """Return the power that is agreed or planned for now (W, negative: gives), None for none.

        A tank at an end of its band needs full power or none, whatever else was said; one of which nobody
        knows how warm it is gets none from here.
        """
        if self._agent.is_blind(self._present_asset()):
            return None
        self._edge = self._edge_now(self._edge)
        if self._edge is not None:
            return self._asset.rated_import_w if self._edge == "cold" else None
        now = self._now_ms()
        delivery = delivery_at(self._market.deliveries_of(self._asset.id), now)
        planned_w = self._agent.planned_w(self._present_asset())
        if delivery is None:
            return planned_w or None
        agreed_w = delivery.power_w(now) * (-1 if delivery.role == "give" else 1)
        return max(agreed_w, planned_w, key=abs)

    def _edge_now(self, before: Edge | None) -> Edge | None:
        """Return which end of its band the tank is at that automatic trading keeps warm."""
        asset = self._present_asset()
        if (band := asset.band) is None or not asset.settings.automatic:
            return None
        shown = temperature_c(self._hass, asset.heat[HEAT_SENSOR])
        return None if shown is None else band.edge(shown, before)

    def _present_asset(self) -> HomeAsset:
        subentry = self._market.config_entry.subentries.get(self._asset.subentry_id)
        return HomeAsset.of(subentry) if subentry else self._asset

    @staticmethod
    def _now_ms() -> int:
        return int(dt_util.utcnow().timestamp() * 1000)

    def _end(self, drive: Drive) -> None:
        self._switch(None, None if drive.overridden else drive.after)

    def _switch(self, drive: Drive | None, wanted: str | None) -> None:
        """Keep where things stand now, then do it."""
        self._drive, self._wanted = drive, wanted
        self._market.store.async_save_within(0)
        self._async_apply()

    @callback
    def _async_apply(self) -> None:
        if self._wanted is not None:
            self._market.config_entry.async_create_task(
                self._hass, self._apply(), f"{self._entity_id} by delivery"
            )

    async def _apply(self) -> None:
        async with self._busy:
            if self._to_do() is None:
                return
            # Who is killed right after switching must know at the next start that it is to be given back.
            await self._market.store.async_write_through()
            if (wanted := self._to_do()) is None:
                return
            self._wanted = None
            try:
                await self._call(wanted)
            except (HomeAssistantError, ValueError) as error:
                _LOGGER.warning("%s could not be set to %s: %s", self._entity_id, wanted, error)
                self._wanted = wanted

    def _to_do(self) -> str | None:
        """Return what is still to be set; None if nothing is, or while the entity cannot be reached."""
        wanted, state = self._wanted, self._hass.states.get(self._entity_id)
        if wanted is None or state is None or state.state in _SILENT:
            return None
        if self._is(state.state, wanted):
            self._wanted = None
        return self._wanted

    async def _call(self, value: str) -> None:
        action, data = _action(self._domain, value)
        context = Context()
        self._contexts = [*self._contexts[-9:], context.id]
        await self._hass.services.async_call(
            self._domain, action, {ATTR_ENTITY_ID: self._entity_id, **data}, blocking=True, context=context
        )

    @property
    def _follows_power(self) -> bool:
        """Whether the value follows the agreed power from slot to slot."""
        return self._domain.endswith("number") and not self._asset.control.get(CONTROL_ON)

    def _value(self, power_w: int) -> str:
        """Return the value at an agreed or planned power."""
        if given := self._asset.control.get(CONTROL_ON):
            return str(given)
        if not self._domain.endswith("number"):
            return STATE_ON
        return _power(self._hass.states.get(self._entity_id), power_w)

    def _after(self) -> str | None:
        """Return the value after a delivery that starts now."""
        control = self._asset.control
        if control.get(CONTROL_KEEP_ON):
            return None
        if given := control.get(CONTROL_OFF):
            return str(given)
        if self._domain in ("switch", "input_boolean"):
            return STATE_OFF
        state = self._hass.states.get(self._entity_id)
        return None if state is None or state.state in _SILENT else state.state

    @staticmethod
    def _is(state: str, value: str) -> bool:
        if state == value:
            return True
        try:
            return abs(float(state) - float(value)) < _SAME
        except ValueError:
            return False

    def _as_dict(self) -> dict[str, Any]:
        turn = self._turn and astuple(self._turn)
        return {"drive": self._drive and asdict(self._drive), "wanted": self._wanted, "turn": turn}


def _action(domain: str, value: str) -> tuple[str, Mapping[str, Any]]:
    """Return the action of a domain that sets a value, and its data; ValueError for a number that is none."""
    if domain.endswith("number"):
        return "set_value", {"value": float(value)}
    if domain.endswith("select"):
        return "select_option", {"option": value}
    return ("turn_on" if value == STATE_ON else "turn_off"), {}


def _power(state: State | None, power_w: int) -> str:
    """Return a power as a number entity takes it; the greatest value where it counts no watts.

    One that takes no negative numbers is told how much, not which way.
    """
    attributes = state.attributes if state else {}
    least, most = float(attributes.get("min", 0)), float(attributes.get("max", 100))
    watts = _WATTS.get(str(attributes.get("unit_of_measurement")))
    signed_w = power_w if least < 0 else abs(power_w)
    return str(most if watts is None else min(most, max(least, signed_w / watts)))
