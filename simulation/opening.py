"""Opens the street: meters, ledger node, neighbours, Home Assistant, each when what it needs is there."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from aiohttp import ClientSession

from custom_components.energy_marketplace.ledger.client import NodeClient, NodeError
from custom_components.energy_marketplace.ledger.hybrid import GOVERNING
from simulation import neighbours
from simulation.day import QuickDay
from simulation.home_assistant import household
from simulation.home_assistant.client import HomeAssistant, User
from simulation.home_assistant.config import Wiring
from simulation.home_assistant.household import MACHINE, MAIN, Furnished
from simulation.neighbours import OPTIONS, Founder
from simulation.processes import Child
from simulation.registers import Recorder
from simulation.resident import Resident
from simulation.stage import Stage
from simulation.street import NEIGHBOURS, SEED, House, MeteredHome, World, build_house, build_metered_home
from simulation.weather import Weather

USER = User("Ada", "ada", "sunshine")
UP_WITHIN_S = 200

type Say = Callable[[str], None]


@dataclass(frozen=True)
class Street:
    """The houses, their meters, and the two processes of one run."""

    stage: Stage
    world: World
    houses: tuple[House, ...]
    metered: MeteredHome
    node: Child
    home_assistant: Child
    session: ClientSession

    def check(self) -> None:
        """Raise ProcessFailedError if one of the processes is gone."""
        self.node.check()
        self.home_assistant.check()

    async def until(self, what: str, is_so: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something is so.

        Raises:
            ProcessFailedError: a process ended meanwhile.
            TimeoutError: it took too long.

        """
        try:
            async with asyncio.timeout(UP_WITHIN_S):
                while not await is_so():
                    self.check()
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise TimeoutError(f"{what} took longer than {UP_WITHIN_S} seconds") from None


@dataclass(frozen=True)
class Community:
    """The members of the network: the founder, and the residents of all six houses."""

    founder: Founder
    residents: tuple[Resident, ...]


@asynccontextmanager
async def open_street(stage: Stage) -> AsyncIterator[Street]:
    """Start every meter and both processes; stop them all in the end."""
    world = World(QuickDay(time.time()), Weather(SEED), OPTIONS.slot_s)
    houses = tuple(
        build_house(neighbour, place, world, stage.modbus[place - 1])
        for place, neighbour in enumerate(NEIGHBOURS, 1)
    )
    metered = build_metered_home(world, *stage.modbus[len(NEIGHBOURS) :])
    wiring = Wiring(metered.relay.port, {house.neighbour.name: house.server.port for house in houses})
    async with AsyncExitStack() as stack:
        for server in (metered.main, metered.laundry, metered.relay, *(house.server for house in houses)):
            await stack.enter_async_context(server)
        home_assistant = await stack.enter_async_context(stage.home_assistant(wiring))
        node = await stack.enter_async_context(stage.node())
        session = await stack.enter_async_context(ClientSession())
        yield Street(stage, world, houses, metered, node, home_assistant, session)


async def gather_community(street: Street, say: Say) -> Community:
    """Found the network as the first neighbour and let the others join and register what they have."""
    client = NodeClient(street.session, street.stage.node_url)
    await street.until("starting the ledger node", lambda: node_answers(client))
    options = replace(OPTIONS, hybrid=GOVERNING if street.stage.hybrid else None)
    founder = await neighbours.found(client.with_token(street.stage.setup_token()), options)
    joined = [
        await neighbours.join(client, await founder.invite(), house.neighbour.name)
        for house in street.houses[1:]
    ]
    members = [founder.member, *joined]
    folder = street.stage.folder / "neighbours"
    residents = [
        await neighbours.move_in(house, member, folder, say)
        for house, member in zip(street.houses, members, strict=True)
    ]
    return Community(founder, tuple(residents))


async def open_home_assistant(street: Street) -> HomeAssistant:
    """Wait for Home Assistant, onboard its first user, and wait until it runs."""
    home = HomeAssistant(street.stage.home_assistant_url, street.session)
    await street.until("starting Home Assistant", home.is_up)
    await home.onboard(USER)
    await street.until("setting Home Assistant up", home.is_running)
    return home


async def move_in(street: Street, home: HomeAssistant, invite: str) -> Furnished:
    """Make the Home Assistant home a member, with its assets on their meters."""
    metered = street.metered
    return await household.move_in(home, invite, USER.name, metered.main.port, metered.laundry.port)


def recorder(street: Street) -> Recorder:
    """Return who reads the home's meters a second time."""
    metered = street.metered
    meters = {MAIN: (metered.main.port, "sdm630"), MACHINE: (metered.laundry.port, "sdm120")}
    return Recorder(meters, street.world.slot_s)


async def node_answers(client: NodeClient) -> bool:
    """Tell whether a node is up and waits for a network."""
    try:
        return (await client.health()).status == "not_set_up"
    except NodeError:
        return False
