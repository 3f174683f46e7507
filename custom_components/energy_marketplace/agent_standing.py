"""How the assets behind a connection point stand: what their meters and entities say to the agent."""

from collections.abc import Sequence
from dataclasses import dataclass

from homeassistant.core import HomeAssistant

from .agent_learned import Learned
from .agent_model import Standing
from .agent_sources import temperature_c
from .assets import HomeAsset
from .const import CONTROL_LEVEL, CONTROL_PLUGGED, HEAT_SENSOR
from .placing import next_occurrence
from .trading.heat import Tank
from .trading.sentences import Sentence


@dataclass(frozen=True)
class Standings:
    """What the assets of a home are asked at a time (ms), for a plan of some slots."""

    hass: HomeAssistant
    learned: Learned
    time_ms: int
    slots: Sequence[int]

    def of(self, asset: HomeAsset, imported_wh: int) -> Standing:
        """Return how an asset stands whose meter counted so much up to now; needs that are over end here."""
        if not asset.is_load:
            return Standing(level=self._level(asset))
        learned = self.learned
        if learned.runs.get(asset.id, self.time_ms) < self.time_ms:
            del learned.runs[asset.id]
        ready_ms = int(next_occurrence(asset.settings.ready_at).timestamp() * 1000)
        due, since_wh = learned.needs.get(asset.id, (0, 0))
        if due != ready_ms or imported_wh < since_wh:
            since_wh = imported_wh
            learned.needs[asset.id] = (ready_ms, since_wh)
        return Standing(
            plugged=self._plugged(asset),
            taken_wh=imported_wh - since_wh,
            ready_ms=ready_ms,
            tank=self._tank(asset),
            blind=self._is_blind(asset),
        )

    def warmth(self, asset: HomeAsset, standing: Standing) -> Sentence | None:
        """Return what there is to say of an asset's temperature; None where the agent keeps nothing warm."""
        if (band := asset.band) is None or not asset.settings.automatic:
            return None
        if standing.blind:
            return Sentence("blind")
        if standing.tank is not None:
            return Sentence("kept_warm", {"low_c": round(band.low_c), "high_c": round(band.high_c)})
        silent = self.learned.heat_of(asset.id).temperature_c(self.time_ms) is None
        values = {"energy_wh": asset.settings.energy_wh, "end_ms": standing.ready_ms}
        return Sentence("no_temperature" if silent else "learns_heat", values)

    def _tank(self, asset: HomeAsset) -> Tank | None:
        if (band := asset.band) is None:
            return None
        history = self.learned.heat_of(asset.id)
        shown = temperature_c(self.hass, asset.heat[HEAT_SENSOR])
        if shown is None:
            history.miss(self.time_ms)
        else:
            history.read(self.time_ms, shown)
        return history.tank(band, self.time_ms, self.slots, asset.settings.energy_wh)

    def _is_blind(self, asset: HomeAsset) -> bool:
        kept = asset.band is not None and asset.settings.automatic
        return kept and self.learned.heat_of(asset.id).is_blind(self.time_ms)

    def _level(self, asset: HomeAsset) -> float | None:
        state = self.hass.states.get(str(asset.control.get(CONTROL_LEVEL)))
        try:
            return min(1.0, max(0.0, float(state.state) / 100)) if state else None
        except ValueError:
            return None

    def _plugged(self, asset: HomeAsset) -> bool:
        entity_id = asset.control.get(CONTROL_PLUGGED)
        return entity_id is None or self.hass.states.is_state(entity_id, "on")
