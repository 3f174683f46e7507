"""What was ordered and what became of it: no fate stays open, and nobody orders the same twice meanwhile."""

import pytest

from custom_components.energy_marketplace.assets import assets_of
from custom_components.energy_marketplace.ledger.client import NotAuthorizedError, RefusedError
from custom_components.energy_marketplace.ledger.member import LostAnswerError
from custom_components.energy_marketplace.ledger.orders import FixedBid
from custom_components.energy_marketplace.origins import USER
from custom_components.energy_marketplace.placing import async_place
from tests.integration.conftest import WASHER
from tests.integration.home.world import ROOF, assets, begins, clock, home, node, world

__all__ = ["assets", "begins", "clock", "home", "node", "world"]

HOUR = 3_600


async def bid(world):
    """Let a person buy for the washer; return the order's id and state."""
    [washer] = [one for one in assets_of(world.entry) if one.id == WASHER]
    slot = world.slot(20)
    placed = async_place(world.market, washer, lambda _now: FixedBid(price=200_000, slots={slot: 300}), USER)
    receipt, _ = await placed
    return receipt.id, receipt.state


async def test_what_the_ledger_took_is_in_the_book_at_once(world):
    order, state = await bid(world)
    assert state == "applied"
    assert order in world.market.book.orders
    assert len(world.market.outbox) == 0
    assert world.market.book.placed_by[order] == USER


async def test_automatic_trading_waits_until_it_is_known_what_a_person_ordered(world):
    await world.ledger.lose_quorum()
    order, state = await bid(world)
    assert (state, len(world.market.outbox)) == ("pending", 1)
    world.planner.think_again()
    await world.run(HOUR / 2)
    assert [one["asset"] for _, one in world.ledger.waiting if one["kind"] == "order.place"] == [WASHER]
    await world.ledger.regain_quorum()
    await world.run(HOUR / 4)
    assert order in world.market.book.orders
    [roof] = world.ledger.open_orders(ROOF)
    assert roof["order"]["slots"] == {str(world.planner.slot): 500}


async def test_what_a_person_ordered_and_never_arrived_is_not_sent_behind_his_back(world):
    world.ledger.on_order = lambda: False
    with pytest.raises(LostAnswerError):
        await bid(world)
    world.ledger.on_order = None
    await world.run(HOUR / 4)
    assert world.ledger.open_orders(WASHER) == []
    assert len(world.market.outbox) == 0


async def test_what_a_person_ordered_and_arrived_without_an_answer_is_found(world):
    arrived = []
    world.ledger.on_order = lambda: not arrived and not arrived.append(1)
    with pytest.raises(LostAnswerError):
        await bid(world)
    world.ledger.on_order = None
    await world.run(HOUR / 4)
    [order] = world.ledger.open_orders(WASHER)
    assert world.market.book.placed_by[order["id"]] == USER
    assert len(world.market.outbox) == 0


async def test_what_is_refused_is_forgotten_at_once(world):
    world.ledger.refuse["order.place"] = ("not_enough_money", "no")
    with pytest.raises(RefusedError):
        await bid(world)
    assert len(world.market.outbox) == 0


async def test_what_is_refused_after_it_waited_is_forgotten(world):
    await world.ledger.lose_quorum()
    await bid(world)
    world.ledger.refuse["order.place"] = ("not_enough_money", "no")
    await world.ledger.regain_quorum()
    assert len(world.market.outbox) == 1
    await world.entry.runtime_data.agent.async_run()
    assert len(world.market.outbox) == 0


async def test_what_never_arrived_and_is_too_late_now_is_ordered_anew_if_it_is_still_wanted(world):
    world.ledger.on_order = lambda: False
    world.planner.think_again()
    await world.entry.runtime_data.agent.async_run()
    assert len(world.market.outbox) == 1
    await world.ledger.go_away()
    world.ledger.on_order = None
    await world.run(2 * HOUR)
    world.ledger.come_back()
    await world.run(HOUR / 2)
    [order] = world.ledger.open_orders(ROOF)
    assert order["order"]["slots"] == {str(world.planner.slot): 500}
    assert {one["code"] for one in world.ledger.known.values()} == {None}, "nothing out of date was taken"
    assert len(world.market.outbox) == 0


async def test_nothing_is_ordered_while_the_node_does_not_say_what_became_of_an_order(world):
    await world.ledger.lose_quorum()
    order, _ = await bid(world)
    world.ledger.answers[f"transactions/{order}"] = "nonsense"
    assert await world.entry.runtime_data.agent._may_order() is False
    del world.ledger.answers[f"transactions/{order}"]
    await world.ledger.regain_quorum()
    assert await world.entry.runtime_data.agent._may_order() is True


async def test_a_node_that_takes_nothing_from_this_member_leaves_nothing_open(world):
    world.ledger.tokens = set()
    with pytest.raises(NotAuthorizedError):
        await bid(world)
    assert len(world.market.outbox) == 0
    assert await world.entry.runtime_data.agent._may_order() is True
