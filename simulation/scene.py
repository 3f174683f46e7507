"""The street with everybody in it: what goes on in the background, and the two ways to play it."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientError

from custom_components.energy_marketplace.ledger.answers import Event, Trade
from custom_components.energy_marketplace.ledger.client import NodeClient
from custom_components.energy_marketplace.ledger.events import EventFollower
from simulation import opening
from simulation.home_assistant import household
from simulation.home_assistant.automations import ask_to_wash
from simulation.home_assistant.client import HomeAssistant, HomeAssistantError
from simulation.home_assistant.household import MACHINE, Furnished
from simulation.narration import Narrator
from simulation.neighbours import OPTIONS, VOUCHER
from simulation.opening import USER, Community, Say, Street
from simulation.registers import Recorder
from simulation.report import Balances, Json, Witness, states_of, take_balances
from simulation.stage import Stage
from simulation.street import NEIGHBOURS

ASK_AGAIN_AFTER_S = 100
LAUNDRY_EVERY_S = 200
SETTLE_WITHIN_S = 180
MORE_PER_TRADE_S = 45
RESTART_EXIT_CODE = 100
"""With this Home Assistant says that it wants to be started again."""


@dataclass(frozen=True)
class Scene:
    """The street with everybody in it."""

    street: Street
    community: Community
    home: HomeAssistant
    furnished: Furnished
    recorder: Recorder
    address: str

    @property
    def client(self) -> NodeClient:
        """The founder's access to the ledger."""
        return self.community.founder.member.client

    @property
    def people(self) -> dict[str, str]:
        """All members: name by address."""
        neighbours = {resident.member.address: resident.name for resident in self.community.residents}
        return neighbours | {self.address: USER.name}

    @property
    def witness(self) -> Witness:
        """Who can tell about the Home Assistant home's trades."""
        return Witness(self.home, self.client, self.address, self.furnished.assets, self.recorder)

    async def is_endowed(self) -> bool:
        """Tell whether everybody has got the voucher to begin with."""
        return (await self.client.network()).money.issued == VOUCHER * len(self.people)

    async def furnish(self) -> None:
        """Set up automations and dashboard."""
        await household.furnish(self.home, self.furnished, [neighbour.icon for neighbour in NEIGHBOURS])


@asynccontextmanager
async def open_scene(stage: Stage, say: Say) -> AsyncIterator[Scene]:
    """Open the street, let everybody in, and keep it going until the caller is done."""
    async with opening.open_street(stage) as street:
        async with asyncio.TaskGroup() as tasks:
            gathering = tasks.create_task(opening.gather_community(street, say))
            starting = tasks.create_task(opening.open_home_assistant(street))
        community, home, recorder = gathering.result(), starting.result(), opening.recorder(street)
        founder = community.founder
        lives = [resident.live() for resident in community.residents]
        narrator = Narrator(street.world.day, OPTIONS.slot_s)
        narrator.people[founder.member.address] = OPTIONS.founder_name
        telling = _narrate(founder.member.client, narrator, say)
        async with _meanwhile(founder.welcome(), recorder.record(), telling, _guard(street), *lives):
            furnished = await opening.move_in(street, home, await founder.invite())
            asset = await founder.member.client.asset(furnished.assets[household.MAIN])
            scene = Scene(street, community, home, furnished, recorder, asset.account)
            await street.until("handing out the vouchers", scene.is_endowed)
            yield scene
        await home.close()


async def prove(scene: Scene, wanted: int) -> Json:
    """Run until so many trades of the Home Assistant home are settled; return the report."""
    before = await take_balances(scene.client, scene.people)
    await scene.furnish()
    trades = await _until_settled(scene, wanted)
    after = await take_balances(scene.client, scene.people)
    return await _report(scene, trades, before, after)


async def show(scene: Scene, say: Say) -> None:
    """Furnish the home, say where to look, and run until cancelled."""
    await scene.furnish()
    stage = scene.street.stage
    say("")
    say(f"  Sunny Street is open after {stage.seconds:.0f} s:  {stage.home_assistant_url}")
    say(f"  user {USER.username}, password {USER.password}")
    say(f"  logs in {stage.folder / 'logs'}; Ctrl-C stops everything")
    say("")
    while True:
        try:
            await ask_to_wash(scene.home)
        except (ClientError, HomeAssistantError) as error:
            say(f"nobody asked for laundry this time: {error}")
        await asyncio.sleep(LAUNDRY_EVERY_S)


async def _until_settled(scene: Scene, wanted: int) -> list[Trade]:
    """Wait for the home's trades, one of them by the automation at least; ask again when all is used up."""
    limit_s = SETTLE_WITHIN_S + MORE_PER_TRADE_S * wanted
    asked = float("-inf")
    try:
        async with asyncio.timeout(limit_s):
            while True:
                if time.monotonic() - asked > ASK_AGAIN_AFTER_S:
                    await ask_to_wash(scene.home)
                    asked = time.monotonic()
                trades = await scene.witness.settled()
                if len(trades) >= wanted and await _automated(scene, trades):
                    return trades
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise TimeoutError(f"{wanted} trades were not settled within {limit_s} seconds") from None


async def _automated(scene: Scene, trades: list[Trade]) -> bool:
    origins = await scene.witness.origins()
    return any(str(origins.get(trade.buy_order)).startswith("automation.") for trade in trades)


async def _report(scene: Scene, trades: list[Trade], before: Balances, after: Balances) -> Json:
    entities = [entity for entity in scene.furnished.entities.ids.values() if "house" not in entity]
    return {
        "trades": await scene.witness.trade_rows(trades),
        "washing_machine": scene.witness.asset_slots(
            MACHINE, await scene.client.trades(account=scene.address)
        ),
        "balances_before": before.as_dict(),
        "balances_after": after.as_dict(),
        "total": {"before": before.total, "after": after.total},
        "states": await states_of(scene.home, sorted(entities)),
        "seconds": round(scene.street.stage.seconds, 1),
    }


async def _narrate(client: NodeClient, narrator: Narrator, say: Say) -> None:
    """Say one line per event, from the first one on."""
    async with aclosing(EventFollower(client, cursor=0).follow()) as items:
        async for item in items:
            if isinstance(item, Event):
                for line in narrator.lines(item):
                    say(line)


async def _guard(street: Street) -> None:
    """Notice when one of the processes ends by itself; Home Assistant may have been asked to restart."""
    while True:
        if street.home_assistant.process.returncode == RESTART_EXIT_CODE:
            await street.home_assistant.start()
        street.check()
        await asyncio.sleep(1)


@asynccontextmanager
async def _meanwhile(*lives: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run coroutines in the background; an error in one of them ends the block."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(life) for life in lives]
        yield
        for task in running:
            task.cancel()
