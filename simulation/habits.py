"""What people do at home in the course of a day, as watts."""

import math
from dataclasses import dataclass

from simulation.noise import dice, smooth

HOURS_PER_DAY = 24
FRIDGE_W = 90
FRIDGE_CYCLE_H = 0.75


@dataclass(frozen=True)
class Custom:
    """Something done daily around an hour, for about ``length_h`` hours, at up to ``power_w`` watts."""

    name: str
    hour: float
    length_h: float
    power_w: float

    def watts(self, hour: float) -> float:
        """Return a bell around the custom's hour, also across midnight."""
        apart = (hour - self.hour + HOURS_PER_DAY / 2) % HOURS_PER_DAY - HOURS_PER_DAY / 2
        return self.power_w * math.exp(-((apart / self.length_h) ** 2))


CUSTOMS = (
    Custom("breakfast", 7.2, 0.6, 700),
    Custom("desk", 10.5, 2.5, 140),
    Custom("lunch", 12.6, 0.5, 900),
    Custom("laundry and dishes", 15.5, 1.2, 350),
    Custom("dinner", 19.0, 0.8, 1300),
    Custom("lights and screens", 21.5, 2.0, 260),
)


@dataclass(frozen=True)
class Household:
    """The people of one home; ``size`` 1.0 is a couple. The same seed always lives the same day."""

    seed: int
    size: float = 1.0
    standby_w: float = 70

    def watts(self, hour: float) -> float:
        """Return the home's load in watts at that hour of the street's time."""
        customs = sum(custom.watts(hour + self._late(custom)) * self._eager(custom) for custom in CUSTOMS)
        restless = 0.75 + 0.5 * smooth(hour * 4, self.seed, "restless")
        return self.standby_w + self._fridge(hour) + self.size * restless * customs

    def _late(self, custom: Custom) -> float:
        return dice(self.seed, custom.name, "late") - 0.5

    def _eager(self, custom: Custom) -> float:
        return 0.6 + 0.8 * dice(self.seed, custom.name, "eager")

    def _fridge(self, hour: float) -> float:
        phase = hour / FRIDGE_CYCLE_H + dice(self.seed, "fridge")
        return FRIDGE_W if phase % 1 < 0.4 else 0.0
