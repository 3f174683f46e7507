"""A home of the study as physics: a battery, a car, a warm tank, and the one meter in front of them."""

from dataclasses import dataclass, field
from math import sqrt

from custom_components.energy_marketplace.trading.heat import WATER_WH, Band
from simulation.study.recordings import SLOT_S, Recording, Visit

EFFICIENCY_PCT = 90
WEAR = 20_000
TANK_SLOTS = 24
"""A heat pump's tank holds between the ends of its band what it draws in so many slots of an average day."""
LOW_C, HIGH_C, COP = 40.0, 55.0, 3.0
_WAY = sqrt(EFFICIENCY_PCT / 100)


@dataclass
class House:
    """How a home stands at the start of a slot; heat is counted as the electricity that made it.

    `heated_wh` is what the heat pump took in the last slot, None while the recording alone tells it.
    """

    recording: Recording
    stored_wh: float = 0.0
    heat_wh: float = 0.0
    car_wh: float = 0.0
    missed_wh: float = 0.0
    cold_slots: int = 0
    heated_wh: float | None = None
    visit: Visit | None = None
    _visits: list[Visit] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start with an empty battery and a half-warm tank."""
        self.stored_wh = self.reserve_wh
        self.heat_wh = self.tank_wh / 2
        self._visits = list(self.recording.visits)

    @property
    def capacity_wh(self) -> int:
        """What the battery holds."""
        return self.recording.plan.battery_wh

    @property
    def reserve_wh(self) -> int:
        """What the battery always keeps."""
        return self.capacity_wh // 20

    @property
    def battery_w(self) -> int:
        """How fast the battery is, both ways."""
        return self.capacity_wh // 2

    @property
    def tank_wh(self) -> int:
        """What the tank holds between the ends of its band."""
        return self.recording.plan.heat_year_kwh * 1000 * TANK_SLOTS // (365 * 96)

    @property
    def band(self) -> Band:
        """Between which temperatures the tank is kept, and how large it is."""
        litres = self.tank_wh * COP / (WATER_WH * (HIGH_C - LOW_C))
        return Band(low_c=LOW_C, high_c=HIGH_C, litres=litres, cop=COP)

    @property
    def temperature_c(self) -> float:
        """What the thermometer in the tank shows."""
        return LOW_C + (HIGH_C - LOW_C) * self.heat_wh / self.tank_wh

    @property
    def heat_w(self) -> int:
        """What the heat pump draws at most."""
        return self.recording.plan.heat_year_kwh

    def begin(self, slot: int) -> None:
        """Start at a slot; visits that began before are left out."""
        self._visits = [visit for visit in self._visits if visit.arrives >= slot]

    def arrive(self, slot: int) -> None:
        """Let a car come, or leave with what it has."""
        if self.visit is not None and slot >= self.visit.ready:
            self.missed_wh += max(0.0, self.visit.needs_wh - self.car_wh)
            self.visit = None
        if self._visits and slot >= self._visits[0].arrives and self.visit is None:
            self.visit, self.car_wh = self._visits.pop(0), 0.0

    @property
    def car_needs_wh(self) -> float:
        """What the car that is here still needs."""
        return 0.0 if self.visit is None else max(0.0, self.visit.needs_wh - self.car_wh)

    def net_wh(self, slot: int, car_wh: float, heat_wh: float) -> float:
        """Return what the meter shows for a slot without the battery; negative is given."""
        return float(self.recording.base_wh[slot] - self.recording.roof_wh[slot]) + car_wh + heat_wh

    def charge_car(self, wh: float) -> float:
        """Charge the car, as far as it needs and its charger can; return what it took."""
        taken = min(wh, self.car_needs_wh, self.recording.plan.car_w * SLOT_S / 3600)
        self.car_wh += taken
        return taken

    def heat(self, slot: int, wh: float) -> float:
        """Heat, and take what people draw; a tank that is empty heats what is drawn, whatever was planned."""
        drawn = float(self.recording.heat_wh[slot])
        most = self.heat_w * SLOT_S / 3600
        taken = max(
            0.0, min(max(wh, drawn - self.heat_wh), max(most, drawn), self.tank_wh - self.heat_wh + drawn)
        )
        self.heat_wh += taken - drawn
        self.cold_slots += wh < taken
        self.heated_wh = taken
        return taken

    def move_battery(self, power_w: float) -> float:
        """Charge (positive) or discharge the battery for a slot; return what flowed at its meter."""
        wh = power_w * SLOT_S / 3600
        if wh >= 0:
            wh = min(wh, (self.capacity_wh - self.stored_wh) / _WAY)
            self.stored_wh += wh * _WAY
        else:
            wh = max(wh, -(self.stored_wh - self.reserve_wh) * _WAY)
            self.stored_wh += wh / _WAY
        return wh

    def kept_wh(self) -> float:
        """Return what is stored in battery, tank and car, as electricity that need not be bought later."""
        return (self.stored_wh - self.reserve_wh) * _WAY + self.heat_wh + (self.car_wh if self.visit else 0.0)
