"""The prices around a network's market: fixed ones, or such as follow the hours of the week.

Prices are nano per Wh. A week begins on Monday at 00:00 UTC, in summer as in winter.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

_MINUTE_MS = 60_000
_WEEK_MINUTES = 7 * 24 * 60
_EPOCH_MINUTE = 3 * 24 * 60  # the Unix epoch began on a Thursday


class TariffError(ValueError):
    """A tariff that does not cover the week; the message names the field."""


@dataclass(frozen=True)
class TariffStep:
    """A price that holds from a minute of the week on; Monday 00:00 UTC is minute 0."""

    minute: int
    value: int


@dataclass(frozen=True)
class SlotTariff:
    """The prices around the market in one slot (nano per Wh)."""

    price_floor: int
    price_cap: int
    grid_fee: int


@dataclass(frozen=True)
class NetworkTariff:
    """Prices around the market (nano per Wh), over the whole week: the lowest floor, the highest cap and fee.

    An offer at `price_floor` and a bid at `price_cap + grid_fee` therefore reach as far as any may in every
    slot. `at` tells what holds at a time.
    """

    price_floor: int
    price_cap: int
    grid_fee: int
    week: Mapping[str, tuple[TariffStep, ...]] = field(default_factory=dict)
    later: tuple[tuple[int, NetworkTariff], ...] = ()
    """All tariffs of the network in their order, each with the time (ms) from which it holds; or nothing."""

    def at(self, time_ms: int) -> SlotTariff:
        """Return the tariff of a slot that starts at this time (ms since the Unix epoch)."""
        return self.held_at(time_ms).of_week(time_ms)

    def held_at(self, time_ms: int) -> NetworkTariff:
        """Return the tariff that holds at a time (ms since the Unix epoch), with all of its week."""
        return next((tariff for start, tariff in reversed(self.later) if start <= time_ms), self)

    def as_dict(self) -> dict[str, Any]:
        """Return the tariff as it stands in a genesis: each value a price or the steps of its week."""
        flat = {"price_floor": self.price_floor, "price_cap": self.price_cap, "grid_fee": self.grid_fee}
        return flat | {name: [asdict(step) for step in steps] for name, steps in self.week.items()}

    def of_week(self, time_ms: int) -> SlotTariff:
        """Return what this tariff says of a time, whether or not it holds then."""
        minute = (time_ms // _MINUTE_MS + _EPOCH_MINUTE) % _WEEK_MINUTES
        held = {
            name: next(step.value for step in reversed(steps) if step.minute <= minute)
            for name, steps in self.week.items()
        }
        flat = {"price_floor": self.price_floor, "price_cap": self.price_cap, "grid_fee": self.grid_fee}
        return SlotTariff(**flat | held)


@dataclass(frozen=True)
class TariffAnswer:
    """A tariff as a node tells it: each value a price or a week of them."""

    price_floor: int | tuple[TariffStep, ...]
    price_cap: int | tuple[TariffStep, ...]
    grid_fee: int | tuple[TariffStep, ...]

    def whole(self) -> NetworkTariff:
        """Return the tariff over the whole week. Raises TariffError."""
        weeks = {
            name: (TariffStep(0, schedule),) if isinstance(schedule, int) else schedule
            for name, schedule in vars(self).items()
        }
        for name, week in weeks.items():
            if not week or week[0].minute != 0:
                raise TariffError(f"{name} does not begin with the week")
        return NetworkTariff(
            price_floor=min(step.value for step in weeks["price_floor"]),
            price_cap=max(step.value for step in weeks["price_cap"]),
            grid_fee=max(step.value for step in weeks["grid_fee"]),
            week={name: week for name, week in weeks.items() if len(week) > 1},
        )
