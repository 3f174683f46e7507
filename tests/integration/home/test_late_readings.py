"""Readings that came too late for the ledger are not lost: one issue offers to claim them, with one click."""

import pytest
from homeassistant.helpers import issue_registry as ir

from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.repairs import async_create_fix_flow
from tests.integration.home.waiting import until
from tests.integration.home.world import SLOT_S, TRADED_WH, assets, begins, clock, home, node, world

__all__ = ["assets", "begins", "clock", "home", "node", "world"]

HOUR, WEEK = 3_600, 7 * 86_400


@pytest.fixture
async def late(world):
    """Two deliveries that the meter saw while the node was away for longer than a reading may take."""
    world.ledger.claim_window_s = WEEK
    await world.market.async_refresh()
    slots = (world.slot(1), world.slot(2))
    await world.agree(*slots)
    await world.ledger.go_away()
    await world.run(2 * HOUR)
    world.ledger.come_back()
    await until(lambda: world.market.connected)
    await world.run(2 * SLOT_S)
    return slots


async def flow_of(world):
    issue = f"readings_late_{world.entry.entry_id}"
    flow = await async_create_fix_flow(world.home, issue, None)
    flow.hass, flow.handler, flow.flow_id = world.home, DOMAIN, "1"
    form = await flow.async_step_init()
    assert (form["type"], form["step_id"], form["errors"]) == ("form", "confirm", {})
    assert form["description_placeholders"]["name"] == "Home"
    return flow


async def test_what_came_too_late_is_claimed_with_one_click_and_counted_then(world, late):
    assert (world.bought_wh(), world.issues()) == (0, ["readings_late"])
    issue = ir.async_get(world.home).async_get_issue(DOMAIN, f"readings_late_{world.entry.entry_id}")
    assert issue.translation_placeholders == {"name": "Home", "count": "2"}
    flow = await flow_of(world)
    assert (await flow.async_step_confirm({}))["type"] == "create_entry"
    claimed = [(one["slot"], one["imported_wh"], one["exported_wh"]) for one in world.ledger.claims]
    assert claimed == [(slot, TRADED_WH, 0) for slot in late]
    assert {one["commitment"] for one in world.ledger.claims} == {
        world.journal.commitment(slot) for slot in late
    }
    assert world.issues() == []
    await world.ledger.uphold()
    await until(lambda: world.bought_wh() == 2 * TRADED_WH)
    assert world.hours_wh() == 2 * TRADED_WH


async def test_what_was_claimed_is_not_offered_again_after_a_restart(world, late):
    await (await flow_of(world)).async_step_confirm({})
    await world.crash(world.on_disk())
    await world.start()
    await world.run(2 * SLOT_S)
    assert world.issues() == []
    assert len(world.ledger.claims) == 2


async def test_while_the_node_is_away_nothing_is_claimed_and_the_issue_stays(world, late):
    flow = await flow_of(world)
    await world.ledger.go_away()
    assert (await flow.async_step_confirm({}))["errors"] == {"base": "cannot_connect"}
    assert world.issues() == ["readings_late"]
    assert world.ledger.claims == []


async def test_a_claim_that_the_ledger_refuses_is_not_offered_again(world, late, caplog):
    world.ledger.refuse["claim.open"] = ("claim_exists", "there is one")
    await (await flow_of(world)).async_step_confirm({})
    assert "did not take the claim" in caplog.text
    assert world.issues() == []


async def test_the_offer_ends_with_the_time_for_claims(world, late):
    world.ledger.claim_window_s = HOUR
    await world.run(2 * HOUR)
    assert world.issues() == []
