"""The sky above the street: a clear-day curve with clouds drifting through it."""

import math
from dataclasses import dataclass

from simulation.noise import smooth

HOURS_PER_DAY = 24
CLOUDS_PER_HOUR = 1.5


@dataclass(frozen=True)
class Weather:
    """A summer's sky. ``overcast`` in [0, 1] is how much of the light the thickest cloud takes."""

    seed: int
    sunrise: float = 5.5
    sunset: float = 20.5
    overcast: float = 0.6

    def clear_sky(self, hour: float) -> float:
        """Return the share of a roof's peak power on a day without clouds, 0 at night and 1 at noon."""
        progress = (hour % HOURS_PER_DAY - self.sunrise) / (self.sunset - self.sunrise)
        return math.sin(math.pi * progress) ** 1.3 if 0 < progress < 1 else 0.0

    def sunshine(self, hour: float) -> float:
        """Return the share of a roof's peak power under the day's clouds."""
        cloud = smooth(hour * CLOUDS_PER_HOUR, self.seed, "cloud") ** 2
        return self.clear_sky(hour) * (1 - self.overcast * cloud)
