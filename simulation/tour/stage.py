"""The tour's stage: an empty ledger node, a fresh Home Assistant, meters, and a neighbour who waits.

It speaks in lines of JSON on standard output: first where everything is, then, for each line that it is
given on standard input, what came of it. A line is the text of an invite: the neighbour joins with it, and
sells what the school's roof gives. The end of the input ends it all.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

from aiohttp import ClientSession

from custom_components.energy_marketplace.ledger.client import NodeClient
from simulation import neighbours
from simulation.day import QuickDay
from simulation.home_assistant.client import HomeAssistant
from simulation.home_assistant.config import Wiring
from simulation.neighbours import OPTIONS
from simulation.opening import USER, Street, node_answers
from simulation.resident import Resident
from simulation.stage import ROOT, Stage
from simulation.street import SEED, House, Neighbour, World, build_house, build_metered_home
from simulation.weather import Weather

FOLDER = ROOT / ".cache" / "tour"
SCHOOL = Neighbour("School", size=0.5, roof_w=60_000, icon="mdi:school")
CHARGER_W = 22_000


def tell(**facts: object) -> None:
    """Say something to whoever leads the tour."""
    print(json.dumps(facts), flush=True)


async def play(port: int) -> None:
    """Set the stage and let the neighbour in when invited."""
    stage = Stage.fresh(port, FOLDER)
    world = World(QuickDay(time.time(), start_hour=11.5, speed=20.0), Weather(SEED), OPTIONS.slot_s)
    school = build_house(SCHOOL, 1, world, stage.modbus[0])
    home = build_metered_home(world, *stage.modbus[6:], machine_w=CHARGER_W)
    wiring = Wiring(home.relay.port, {}, "Wallbox")
    async with AsyncExitStack() as stack:
        for server in (home.main, home.laundry, home.relay, school.server):
            await stack.enter_async_context(server)
        home_assistant = await stack.enter_async_context(stage.home_assistant(wiring))
        node = await stack.enter_async_context(stage.node())
        session = await stack.enter_async_context(ClientSession())
        street = Street(stage, world, (school,), home, node, home_assistant, session)
        core = HomeAssistant(stage.home_assistant_url, session)
        client = NodeClient(session, stage.node_url)
        await street.until("starting the ledger node", lambda: node_answers(client))
        await street.until("starting Home Assistant", core.is_up)
        await core.onboard(USER)
        await street.until("setting Home Assistant up", core.is_running)
        await core.close()
        tell(
            url=stage.home_assistant_url,
            node=stage.node_url,
            token=stage.setup_token(),
            main=home.main.port,
            charger=home.laundry.port,
            slot_s=OPTIONS.slot_s,
            username=USER.username,
            password=USER.password,
        )
        await _live(client, school, stage.folder)


async def _live(client: NodeClient, school: House, folder: Path) -> None:
    """Let the neighbour live from its invite on until the input ends."""
    async with asyncio.TaskGroup() as tasks:
        lives = []
        async for invite in _lines():
            resident = await _let_in(client, invite, school, folder)
            lives.append(tasks.create_task(resident.live()))
            tell(joined=SCHOOL.name)
        for life in lives:
            life.cancel()


async def _let_in(client: NodeClient, invite: str, school: House, folder: Path) -> Resident:
    member = await neighbours.join(client, invite, SCHOOL.name)
    return await neighbours.move_in(school, member, folder / "neighbours", lambda line: tell(said=line))


async def _lines() -> AsyncIterator[str]:
    """Yield the lines of standard input until it ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        yield line.decode().strip()


if __name__ == "__main__":
    asyncio.run(play(int(sys.argv[1])))
