"""Sunny Street: who lives there, what they have on the roof and in the cellar, and what meters it."""

from dataclasses import dataclass

from simulation.day import QuickDay
from simulation.devices import Device, FuseBox, Home, Meter, Roof, Store, Switched
from simulation.habits import Household
from simulation.modbus_house import Layout, ModbusMeter, sdm120, sdm630
from simulation.noise import dice
from simulation.weather import Weather

SEED = 7
MAINS_W = 17_250
"""What three phases of 25 A carry."""
MACHINE_W = 2_300
MACHINE_STANDBY_W = 1


@dataclass(frozen=True)
class Neighbour:
    """A house of the street as its people would describe it; 0 is what they do not have."""

    name: str
    size: float = 1.0
    roof_w: int = 0
    battery_wh: int = 0
    battery_w: int = 0
    car_wh: int = 0
    charger_w: int = 0
    icon: str = "mdi:home"


NEIGHBOURS = (
    Neighbour("Rosa", size=1.2, roof_w=9_000, icon="mdi:solar-power-variant"),
    Neighbour("Miguel", size=1.4, roof_w=6_500, icon="mdi:solar-power-variant"),
    Neighbour("Inês", size=0.8, roof_w=5_000, battery_wh=9_000, battery_w=3_000, icon="mdi:home-battery"),
    Neighbour("Otto", size=0.6),
    Neighbour("Hana", size=1.0, car_wh=50_000, charger_w=3_700, icon="mdi:car-electric"),
    Neighbour("Padaria Trigo", size=2.6, icon="mdi:baguette"),
)
"""The six headless members; the first founds the network."""


@dataclass(frozen=True)
class World:
    """What all houses share: the day, the sky over it, and how long a slot is."""

    day: QuickDay
    weather: Weather
    slot_s: int

    @property
    def started_s(self) -> float:
        """When the quick motion began, in seconds since the epoch."""
        return self.day.started_s


@dataclass(frozen=True)
class House:
    """A neighbour's house: what is in it, and the main meter that hangs between it and the street."""

    neighbour: Neighbour
    home: Home
    roof: Roof | None
    battery: Store | None
    car: Store | None
    server: ModbusMeter

    @property
    def rated_w(self) -> int:
        """The most that the main meter can see in either direction."""
        return max(MAINS_W, self.neighbour.roof_w + self.neighbour.battery_w)

    def uncontrolled_w(self, at_s: float) -> float:
        """Return what people and sun make of the house at that moment, without its stores."""
        return self.home.power_w(at_s) + (self.roof.power_w(at_s) if self.roof else 0.0)


@dataclass(frozen=True)
class MeteredHome:
    """The house that Home Assistant looks after: its main meter, and the washing machine with its own."""

    machine: Switched
    main: ModbusMeter
    laundry: ModbusMeter
    relay: ModbusMeter


def build_house(neighbour: Neighbour, number: int, world: World, port: int) -> House:
    """Build a neighbour's house; its meter serves at ``port`` once it is entered."""
    home = Home(Household(SEED * 100 + number, neighbour.size), world.day)
    roof = Roof(neighbour.roof_w, world.weather, world.day) if neighbour.roof_w else None
    battery = _store(neighbour.battery_wh, world, 0.5)
    car = _store(neighbour.car_wh, world, 0.3)
    devices: list[Device] = [home, *(device for device in (roof, battery, car) if device)]
    meter = _meter(devices, world, number)
    return House(neighbour, home, roof, battery, car, _serve(FuseBox([meter]), meter, port, sdm630))


def build_metered_home(
    world: World, main_port: int, laundry_port: int, relay_port: int, *, machine_w: int = MACHINE_W
) -> MeteredHome:
    """Build the house that Home Assistant looks after; the machine's relay is a device beside its meter."""
    machine = Switched(machine_w, MACHINE_STANDBY_W)
    home = Home(Household(SEED * 100), world.day)
    main, laundry = _meter([home, machine], world, 90), _meter([machine], world, 91)
    box = FuseBox([main, laundry])
    return MeteredHome(
        machine,
        _serve(box, main, main_port, sdm630),
        _serve(box, laundry, laundry_port, sdm120),
        _serve(box, laundry, relay_port, sdm120, machine),
    )


def _store(capacity_wh: int, world: World, share: float) -> Store | None:
    return Store(capacity_wh, capacity_wh * share, world.slot_s) if capacity_wh else None


def _meter(devices: list[Device], world: World, number: int) -> Meter:
    """Return a meter that has been counting for a while: nobody's registers start at zero."""
    seen = (dice(SEED, number, name) * 200_000 for name in ("imported", "exported"))
    return Meter(devices, world.started_s, *seen)


def _serve(
    box: FuseBox, meter: Meter, port: int, layout: Layout, machine: Switched | None = None
) -> ModbusMeter:
    return ModbusMeter(box, meter, port, layout, machine)
