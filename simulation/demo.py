"""Sunny Street, all of it at once: ``scripts/demo`` starts this."""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from custom_components.energy_marketplace.ledger.answers import Event, Trade
from custom_components.energy_marketplace.ledger.client import NodeClient, NodeError
from custom_components.energy_marketplace.ledger.events import EventFollower
from simulation import opening
from simulation.home_assistant import household
from simulation.home_assistant.automations import ask_to_wash
from simulation.home_assistant.client import HomeAssistant, HomeAssistantError
from simulation.home_assistant.household import MACHINE, Furnished
from simulation.narration import Narrator
from simulation.neighbours import OPTIONS, VOUCHER
from simulation.opening import USER, Community, Say, Street
from simulation.processes import ProcessFailedError, tail
from simulation.registers import Recorder
from simulation.report import Balances, Json, Witness, states_of, take_balances
from simulation.stage import FOLDER, Stage, StageError
from simulation.street import NEIGHBOURS

ASK_AGAIN_AFTER_S = 130
LAUNDRY_EVERY_S = 200
SETTLE_WITHIN_S = 180
MORE_PER_TRADE_S = 45
EXPECTED = (StageError, ProcessFailedError, HomeAssistantError, NodeError, TimeoutError)


@dataclass(frozen=True)
class Options:
    """What the command line asks for; ``until_settled`` None runs until Ctrl-C."""

    port: int
    until_settled: int | None
    as_json: bool


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


async def prove(scene: Scene, wanted: int, say: Say) -> Json:
    """Run until so many trades of the Home Assistant home are settled; return the report."""
    before = await take_balances(scene.client, scene.people)
    await scene.furnish()
    trades = await _until_settled(scene, wanted, say)
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
        await ask_to_wash(scene.home)
        await asyncio.sleep(LAUNDRY_EVERY_S)


async def _until_settled(scene: Scene, wanted: int, say: Say) -> list[Trade]:
    """Wait for the home's trades, one of them by the automation at least; ask again when all is used up."""
    limit_s = SETTLE_WITHIN_S + MORE_PER_TRADE_S * wanted
    asked = 0.0
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
                say(narrator.line(item))


async def _guard(street: Street) -> None:
    """Notice when one of the processes ends by itself."""
    while True:
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


async def run(options: Options) -> Json | None:
    """Play the demo as the options say."""
    _stop_on_signals()

    def say(line: str) -> None:
        print(line, file=sys.stderr if options.as_json else sys.stdout, flush=True)

    async with open_scene(Stage.fresh(options.port), say) as scene:
        if options.until_settled is None:
            await show(scene, say)
            return None
        return await prove(scene, options.until_settled, say)


def main() -> int:
    """Run the demo; return the exit status."""
    options = _options()
    try:
        report = asyncio.run(run(options))
    except asyncio.CancelledError, KeyboardInterrupt:
        return 0 if options.until_settled is None else 130
    except Exception as error:
        causes = list(_leaves(error))
        if not all(isinstance(cause, EXPECTED) for cause in causes):
            raise
        _complain(causes)
        return 1
    if options.as_json:
        print(json.dumps(report, indent=2, ensure_ascii=False))
    return 0


def _options() -> Options:
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="A street that trades its sunshine, with a real Home Assistant in it.",
    )
    parser.add_argument("--port", type=int, default=8123, help="Home Assistant's port (default: %(default)s)")
    parser.add_argument(
        "--until-settled",
        type=int,
        metavar="N",
        help="end when N trades of the Home Assistant home are settled",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="with --until-settled: print one JSON object, and nothing else, on stdout",
    )
    given = parser.parse_args()
    if given.until_settled is not None and given.until_settled < 1:
        parser.error("--until-settled takes a number of at least 1")
    if given.json and given.until_settled is None:
        parser.error("--json goes with --until-settled")
    return Options(given.port, given.until_settled, given.json)


def _stop_on_signals() -> None:
    """Let a signal end the demo the way Ctrl-C does: everything that was opened is closed."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Return the errors in nested groups, one by one."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _complain(causes: list[BaseException]) -> None:
    """Say what went wrong, with the end of each log."""
    for log in sorted((FOLDER / "logs").glob("*.log")):
        print(tail(log), file=sys.stderr)
    for cause in causes:
        print(f"The demo stopped: {cause or type(cause).__name__}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
