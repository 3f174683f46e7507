"""Days of ten homes: what they used and gave in each quarter of an hour, and when their cars came.

The recordings are those of SimBench (https://simbench.net, Open Database License 1.0): profiles of homes, a
bakery, roofs, heat pumps and charging at home over 2016, fetched at run time and never shipped. Without
them there are composed days, which the tests use.
"""

import csv
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulation.habits import Household
from simulation.noise import smooth
from simulation.weather import Weather

type Floats = NDArray[np.float64]

SLOT_S: Final = 900
PER_DAY: Final = 96
_FOLDER: Final = "networks/1-complete_data-mixed-all-0-sw"
_READY_PLACE: Final = 28
"""Cars are to be ready at seven."""


class RecordingsError(RuntimeError):
    """The recordings are not there; the message says how to get them."""


@dataclass(frozen=True)
class HomePlan:
    """A home of the study: its people by profile and use a year, and what it has; 0: it has not."""

    name: str
    people: str
    year_kwh: int
    later_weeks: int = 0
    roof: str = ""
    roof_w: int = 0
    battery_wh: int = 0
    car: str = ""
    car_w: int = 0
    heat: str = ""
    heat_year_kwh: int = 0


HOMES: Final = (
    HomePlan("Flat", "H0-A", 2_600),
    HomePlan("Roof", "H0-B", 2_900, roof="PV1", roof_w=5_000),
    HomePlan("Roof and battery", "H0-C", 4_100, roof="PV3", roof_w=8_000, battery_wh=8_000),
    HomePlan("Car", "H0-G", 3_000, car="HLS_A_3.7", car_w=3_700),
    HomePlan("Everything", "H0-A", 4_600, later_weeks=1, roof="PV5", roof_w=10_000, battery_wh=10_000,
             car="HLS_B_11.0", car_w=11_000),
    HomePlan("Single", "H0-L", 1_700),
    HomePlan("Heat pump and roof", "H0-A", 3_600, later_weeks=2, roof="PV4", roof_w=7_000,
             heat="Air_Parallel_1", heat_year_kwh=4_000),
    HomePlan("Heat pump", "H0-B", 3_100, later_weeks=3, heat="Soil_Alternative_1", heat_year_kwh=3_500),
    HomePlan("Bakery", "G5-A", 9_000),
    HomePlan("Large roof", "H0-C", 3_300, later_weeks=1, roof="PV7", roof_w=12_000),
)  # fmt: skip
"""Where a profile serves two homes, the second lives some weeks later in the recording."""


@dataclass(frozen=True)
class Visit:
    """A car that comes home: slots since the recording's start, Wh it needs until it is ready."""

    arrives: int
    ready: int
    needs_wh: int


@dataclass(frozen=True)
class Recording:
    """A home's days: Wh per slot, `heat_wh` what its heat pump drew."""

    plan: HomePlan
    base_wh: Floats
    roof_wh: Floats
    heat_wh: Floats
    visits: tuple[Visit, ...]


def simbench_folder(where: Path | None) -> Path:
    """Return the folder with the profiles: the given one, or that of the installed package.

    Raises:
        RecordingsError: there is none.

    """
    if where is None:
        package = importlib.util.find_spec("simbench")
        if package is None or package.origin is None:
            raise RecordingsError(
                "SimBench is not installed; `scripts/study` fetches it, or name its profiles with --profiles"
            )
        where = Path(package.origin).parent / _FOLDER
    if not (where / "LoadProfile.csv").exists():
        raise RecordingsError(f"{where} has no LoadProfile.csv")
    return where


def recorded(folder: Path, homes: Sequence[HomePlan], first_day: int, days: int) -> list[Recording]:
    """Return some days of homes, counted from the first of January 2016."""
    loads = {f"{name}_pload" for plan in homes for name in (plan.people, plan.car, plan.heat) if name}
    roofs = {plan.roof for plan in homes if plan.roof}
    profiles = _columns(folder / "LoadProfile.csv", loads) | _columns(folder / "RESProfile.csv", roofs)
    return [_home(plan, profiles, first_day, days) for plan in homes]


def _columns(path: Path, names: set[str]) -> dict[str, Floats]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file, delimiter=";")
        header = next(rows)
        places = {name: header.index(name) for name in sorted(names)}
        values = [[float(row[place]) for place in places.values()] for row in rows]
    table = np.array(values, dtype=np.float64)
    return {name: table[:, column] for column, name in enumerate(places)}


def _home(plan: HomePlan, profiles: Mapping[str, Floats], first_day: int, days: int) -> Recording:
    shift = plan.later_weeks * 7 * PER_DAY
    here = slice(first_day * PER_DAY, (first_day + days) * PER_DAY)
    people = np.roll(profiles[f"{plan.people}_pload"].clip(0.0), -shift)
    none = np.zeros(days * PER_DAY)
    roof = profiles[plan.roof][here] * plan.roof_w / 4 if plan.roof else none
    heat = none
    if plan.heat:
        draws = profiles[f"{plan.heat}_pload"].clip(0.0)
        heat = draws[here] * plan.heat_year_kwh * 1000 / draws.sum()
    visits = _visits(profiles[f"{plan.car}_pload"][here], plan.car_w) if plan.car else ()
    base = people[here] * plan.year_kwh * 1000 / people.sum()
    return Recording(plan, np.rint(base), np.rint(roof), np.rint(heat), visits)


def _visits(charging: Floats, power_w: int) -> tuple[Visit, ...]:
    """Return the visits that a recorded charger tells of: each row of slots in which it charged is one."""
    busy = np.flatnonzero(charging > 0.01)
    rows = np.split(busy, np.flatnonzero(np.diff(busy) > 4) + 1) if len(busy) else []
    arrivals = [int(row[0]) for row in rows] + [len(charging)]
    visits = []
    for row, after in zip(rows, arrivals[1:], strict=True):
        needs = int(charging[row].sum() * power_w / 4)
        least = int(row[0]) + -(-needs * 4 // power_w) + 4
        ready = (least - _READY_PLACE + PER_DAY - 1) // PER_DAY * PER_DAY + _READY_PLACE
        if needs >= 100 and least <= after:
            visits.append(Visit(int(row[0]), min(ready, after), needs))
    return tuple(visits)


def composed(homes: Sequence[HomePlan], days: int, seed: int = 7) -> list[Recording]:
    """Return days that were never measured, from the street's own habits and weather."""
    return [_composed(plan, number, days, seed) for number, plan in enumerate(homes)]


def _composed(plan: HomePlan, number: int, days: int, seed: int) -> Recording:
    hours = (np.arange(days * PER_DAY) + 0.5) / 4
    people, sky = Household(seed * 100 + number, plan.year_kwh / 3_500), Weather(seed)
    restless = [0.6 + 0.8 * smooth(hour / 3, seed, number, "day") for hour in hours]
    base = np.array([people.watts(hour) / 4 * mood for hour, mood in zip(hours, restless, strict=True)])
    roof = np.array([sky.sunshine(hour) * plan.roof_w / 4 for hour in hours])
    cold = np.array([0.5 + smooth(hour / 8, seed, "cold") for hour in hours])
    heat = cold * plan.heat_year_kwh * 1000 / (365 * PER_DAY) if plan.heat else np.zeros(len(hours))
    visits = tuple(
        Visit(day * PER_DAY + 72, (day + 1) * PER_DAY + _READY_PLACE, 9_000)
        for day in range(days - 1)
        if plan.car_w
    )
    return Recording(plan, np.rint(base), np.rint(roof), np.rint(heat), visits)
