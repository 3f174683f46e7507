"""What the agent keeps of one connection point, from one start to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from homeassistant.util import dt as dt_util

from .trading.heat import HeatHistory
from .trading.memory import Memory


@dataclass
class Learned:
    """What was learned of a connection point and of what hangs behind it.

    `needs` are the loads' registers when a need began, `runs` by when (ms) an appliance was asked to have
    run, `heat` what the thermometers of boilers and heat pumps taught.
    """

    slot_s: int
    memory: Memory
    noted: int = -1
    needs: dict[str, tuple[int, int]] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    heat: dict[str, HeatHistory] = field(default_factory=dict)

    @classmethod
    def nothing(cls, slot_s: int) -> Self:
        """Return what is known of a home at its first start."""
        return cls(slot_s, Memory(slot_s, dt_util.get_default_time_zone()))

    def heat_of(self, asset: str) -> HeatHistory:
        """Return what is known of a tank."""
        return self.heat.setdefault(asset, HeatHistory(self.slot_s, dt_util.get_default_time_zone()))

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {
            "memory": self.memory.as_dict(),
            "noted": self.noted,
            "needs": {asset: list(need) for asset, need in self.needs.items()},
            "runs": self.runs,
            "heat": {asset: history.as_dict() for asset, history in self.heat.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], slot_s: int) -> Self:
        """Return it as it was stored."""
        zone = dt_util.get_default_time_zone()
        return cls(
            slot_s,
            Memory.from_dict(data["memory"], slot_s, zone),
            data["noted"],
            {asset: (ready_ms, wh) for asset, (ready_ms, wh) in data["needs"].items()},
            dict(data["runs"]),
            {
                asset: HeatHistory.from_dict(history, slot_s, zone)
                for asset, history in data.get("heat", {}).items()
            },
        )
