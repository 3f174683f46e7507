"""Furnishes the Home Assistant home: membership, meters, automations from the blueprints, dashboard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulation.home_assistant import dashboard, member
from simulation.home_assistant.automations import Wash, automate
from simulation.home_assistant.client import HomeAssistant
from simulation.home_assistant.config import DOMAIN, neighbour_key
from simulation.home_assistant.dashboard import Shown
from simulation.home_assistant.entities import Entities
from simulation.home_assistant.member import Asset, Member, Meter

MAIN = "Home, main meter"
MACHINE = "Washing machine"
MAINS_W = 17_250
MACHINE_W = 2_400


@dataclass(frozen=True)
class Furnished:
    """The home as it stands: its entry, the ids of its assets by name, and its entities."""

    member: Member
    assets: Mapping[str, str]
    subentries: Mapping[str, str]
    entities: Entities
    device: str


async def move_in(
    home: HomeAssistant, invite: str, name: str, main_port: int, laundry_port: int
) -> Furnished:
    """Become a member by invite and add the main meter and the washing machine behind it."""
    joined = await member.join(home, invite, name)
    main = await joined.add_asset(Asset(MAIN, "home", MAINS_W, Meter(main_port, "sdm630")))
    laundry = Meter(laundry_port, "sdm120")
    machine = await joined.add_asset(Asset(MACHINE, "appliance", MACHINE_W, laundry, behind=main))
    assets = {MAIN: main, MACHINE: machine}
    by_id = await joined.assets()
    subentries = {asset: by_id[identity] for asset, identity in assets.items()}
    device = await _device(home, subentries[MACHINE])
    return Furnished(joined, assets, subentries, await Entities.of(home), device)


async def furnish(home: HomeAssistant, furnished: Furnished, icons: Sequence[str]) -> None:
    """Set up the automations and show the dashboard; ``icons`` of the neighbours, in the street's order."""
    find, machine = furnished.entities.get, furnished.subentries[MACHINE]
    switch = find("washing_machine", "relay")
    automations = await automate(home, Wash(furnished.device, find(machine, "delivery"), switch))
    shown = Shown(
        entities=furnished.entities,
        entry=furnished.member.entry_id,
        main=furnished.subentries[MAIN],
        machine=machine,
        switch=switch,
        automations=automations,
        neighbours=[(find(neighbour_key(place), "power"), icon) for place, icon in enumerate(icons, 1)],
    )
    await dashboard.show(home, shown)


async def _device(home: HomeAssistant, subentry_id: str) -> str:
    """Return the id of an asset's device."""
    devices = await home.command("config/device_registry/list")
    return str(next(row["id"] for row in devices if [DOMAIN, subentry_id] in row["identifiers"]))
