"""Repair issues: raised when something is wrong, gone when it is well, mended where that is possible."""

import time
from typing import get_args

import pytest
from homeassistant.components.repairs import DOMAIN as REPAIRS
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from custom_components.energy_marketplace.complaints import PROBLEMS
from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.repairs import async_create_fix_flow
from energy_ledger.api.types import ProblemCode
from tests.integration.home.stand_in import NODE_KEY


@pytest.fixture
def told(home, member):
    """Ask the node again; return the issue of a key, if there is one."""

    async def ask(key):
        await member.runtime_data.market.async_refresh()
        return ir.async_get(home).async_get_issue(DOMAIN, f"{key}_{member.entry_id}")

    return ask


@pytest.fixture(autouse=True)
def _present(node):
    node.time = int(time.time() * 1000)


async def test_what_keeps_a_node_out_of_step_is_told(node, told):
    assert await told("node_problem") is None
    node.network_more = {"problem": "the disk is full"}
    issue = await told("node_problem")
    assert issue.translation_placeholders["message"] == "the disk is full"
    node.network_more = {}
    assert await told("node_problem") is None


@pytest.mark.parametrize("code", sorted(PROBLEMS))
async def test_what_the_node_says_is_told_in_the_language_of_who_reads_it(node, told, code):
    node.network_more = {"problem": "something", "problem_code": code}
    assert (await told("node_problem")).translation_key == f"node_problem_{code}"


async def test_a_problem_that_is_not_known_here_is_told_in_the_nodes_own_words(node, told):
    node.network_more = {"problem": "the moon is full", "problem_code": "moon"}
    issue = await told("node_problem")
    assert issue.translation_key == "node_problem"
    assert issue.translation_placeholders["message"] == "the moon is full"


def test_every_problem_that_a_node_may_have_is_known_here():
    assert set(get_args(ProblemCode.__value__)) == PROBLEMS


async def test_a_clock_behind_the_ledger_is_told(node, told):
    assert await told("clock_wrong") is None
    node.time += 120_000
    issue = await told("clock_wrong")
    assert 115 <= int(issue.translation_placeholders["seconds"]) <= 120


@pytest.mark.parametrize(("may_fail", "size", "told_of"), [(0, 4, True), (1, 4, False), (0, 1, False)])
async def test_a_committee_that_can_lose_nobody_more_is_told(node, told, may_fail, size, told_of):
    node.network_more = {"may_fail": may_fail, "committee": [NODE_KEY] * size}
    assert (await told("committee_near_limit") is not None) == told_of


async def walk(home, member, url):
    flow = await async_create_fix_flow(home, f"node_unreachable_{member.entry_id}", None)
    flow.hass, flow.handler, flow.flow_id = home, DOMAIN, "1"
    form = await flow.async_step_init()
    assert form["step_id"] == "address"
    return await flow.async_step_address({"url": url})


@pytest.mark.parametrize(
    ("url", "error"), [("nonsense", "invalid_url"), ("http://127.0.0.1:9", "cannot_connect")]
)
async def test_an_address_at_which_no_node_answers_is_not_taken(home, member, url, error):
    assert await async_setup_component(home, REPAIRS, {})
    before = member.data["url"]
    step = await walk(home, member, url)
    assert step["errors"] == {"base": error}
    assert member.data["url"] == before


async def test_another_networks_node_is_not_taken(home, node, member):
    node.network_more = {"network": "00" * 32}
    assert (await walk(home, member, node.url))["errors"] == {"base": "wrong_network"}


async def test_a_node_that_moved_is_found_again_by_the_repair(home, node, member):
    moved = f"{node.url}/v1"
    step = await walk(home, member, moved)
    await home.async_block_till_done()
    assert step["type"] == "create_entry"
    assert member.data["url"] == moved
