"""A day in quick motion: how the hours of the simulated street follow the real clock."""

from dataclasses import dataclass

HOURS_PER_DAY = 24
SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class QuickDay:
    """Maps seconds since the Unix epoch to hours since the first simulated midnight.

    Only habits and weather run faster: a watt stays a watt and a second of energy a second of energy, so the
    meters, the ratings and the slots agree with each other.
    """

    started_s: float
    start_hour: float = 10.0
    speed: float = 45.0

    def hour(self, at_s: float) -> float:
        """Return the street's time in hours since the first midnight; rises beyond 24."""
        return self.start_hour + (at_s - self.started_s) * self.speed / SECONDS_PER_HOUR

    def clock(self, at_s: float) -> str:
        """Return the street's time as people read it, such as ``13:05``."""
        minutes = int(self.hour(at_s) * 60)
        return f"{minutes // 60 % HOURS_PER_DAY:02d}:{minutes % 60:02d}"
