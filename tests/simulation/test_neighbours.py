"""The headless neighbours live on a real node, with real meters: they trade, deliver and get paid."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiohttp import ClientSession

from custom_components.energy_marketplace.ledger.client import NodeClient, NodeError
from simulation import neighbours
from simulation.day import QuickDay
from simulation.neighbours import CREDIT, OPTIONS, VOUCHER, Founder
from simulation.report import take_balances
from simulation.resident import Resident
from simulation.stage import Stage, free_ports
from simulation.street import NEIGHBOURS, SEED, World, build_house
from simulation.weather import Weather

pytestmark = pytest.mark.usefixtures("socket_enabled")
QUICK = replace(OPTIONS, slot_s=10, round_s=2, proposal_window_s=1, gate_s=2)
PLACES = (0, 5)
"""Rosa with her roof, and the bakery at lunchtime."""
SETTLED_WITHIN_S = 75


@dataclass
class Pair:
    """Two neighbours on a node of their own."""

    founder: Founder
    residents: list[Resident]
    people: dict[str, str]
    complaints: list[str]


async def until(seconds: int, is_so: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(seconds * 5):
        if await is_so():
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"it did not come to be within {seconds} seconds")


async def is_up(client: NodeClient) -> bool:
    try:
        return (await client.health()).status == "not_set_up"
    except NodeError:
        return False


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    stage = Stage.fresh(free_ports(1)[0], tmp_path)
    world = World(QuickDay(time.time(), start_hour=12.2), Weather(SEED), QUICK.slot_s)
    houses = [build_house(NEIGHBOURS[place], place + 1, world, stage.modbus[place]) for place in PLACES]
    async with AsyncExitStack() as stack:
        for house in houses:
            await stack.enter_async_context(house.server)
        await stack.enter_async_context(stage.node())
        client = NodeClient(await stack.enter_async_context(ClientSession()), stage.node_url)
        await until(30, lambda: is_up(client))
        founder = await neighbours.found(client.with_token(stage.setup_token()), QUICK)
        baker = await neighbours.join(client, await founder.invite(), "Padaria Trigo")
        complaints: list[str] = []
        residents = [
            await neighbours.move_in(house, member, tmp_path / "journals", complaints.append)
            for house, member in zip(houses, (founder.member, baker), strict=True)
        ]
        people = {resident.member.address: resident.name for resident in residents}
        yield Pair(founder, residents, people, complaints)


async def test_neighbours_trade_deliver_and_get_paid_to_the_unit(pair: Pair):
    client = pair.founder.member.client

    async def two_are_settled() -> bool:
        return len(await client.trades(state="settled")) >= 2

    living = (pair.founder.welcome(), *(resident.live() for resident in pair.residents))
    lives = [asyncio.create_task(life) for life in living]
    try:
        await until(SETTLED_WITHIN_S, two_are_settled)
    finally:
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
    settled = await client.trades(state="settled")
    assert [(pair.people[trade.seller], pair.people[trade.buyer]) for trade in settled[:2]] == [
        ("Rosa", "Padaria Trigo")
    ] * 2
    assert all(trade.settled_wh == trade.wh > 0 for trade in settled)
    balances = await take_balances(client, pair.people)
    assert balances.total == balances.issued == 2 * VOUCHER
    assert balances.accounts["Rosa"]["balance"] > VOUCHER > balances.accounts["Padaria Trigo"]["balance"]
    assert (await client.account(pair.founder.member.address)).credit == CREDIT
    assert pair.complaints == []
