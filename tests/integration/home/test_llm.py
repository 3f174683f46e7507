"""What a language model may ask, and that it can do nothing."""

import pytest
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.helpers.llm import LLM_API_ASSIST, LLMContext, ToolInput
from homeassistant.setup import async_setup_component

from custom_components.energy_marketplace.llm import async_get_tools
from tests.integration.conftest import WASHER
from tests.integration.home.waiting import until

CONTEXT = LLMContext(platform="test", context=None, language="en", assistant="conversation", device_id=None)
SHOWN = {
    "get_prices": "sensor.sunny_street_price_now",
    "get_balance": "sensor.wallet_of_bo_balance",
    "get_open_orders": "sensor.washer_open_order_energy",
}


@pytest.fixture
async def tools(home, member):
    assert await async_setup_component(home, "homeassistant", {})

    def given(*exposed):
        for name, entity_id in SHOWN.items():
            async_expose_entity(home, "conversation", entity_id, name in exposed)
        found = async_get_tools(home, CONTEXT, LLM_API_ASSIST)
        return {tool.name.partition("__")[2]: tool for tool in found.tools} if found else {}

    return given


async def ask(home, tool):
    answer = await tool.async_call(home, ToolInput(tool.name, {}), CONTEXT)
    return answer.data["members"]


async def test_a_tool_is_there_only_while_its_entity_is_exposed(home, tools):
    assert tools() == {}
    assert list(tools("get_balance")) == ["get_balance"]
    assert set(tools(*SHOWN)) == set(SHOWN)
    assert async_get_tools(home, CONTEXT, "another api") is None


async def test_every_tool_only_reads(tools):
    for tool in tools(*SHOWN).values():
        assert tool.annotations.read_only
        assert not tool.annotations.destructive
        assert tool.parameters.schema == {}


async def test_prices_of_a_day_are_told(home, tools):
    [told] = await ask(home, tools("get_prices")["get_prices"])
    assert (told["unit"], len(told["prices"])) == ("EUR/kWh", 96)
    assert told["prices"][0]["buy"] == 0.305


async def test_the_balance_is_told_but_not_what_a_node_lied_about(home, member, tools):
    tool = tools("get_balance")["get_balance"]
    [told] = await ask(home, tool)
    assert (told["balance"], told["available"], told["proven"]) == (20.0, 15.0, True)
    member.runtime_data.market.data = None
    [told] = await ask(home, tool)
    assert "balance" not in told


async def test_open_orders_are_told_by_the_names_of_their_assets(home, node, member, tools):
    await home.services.async_call("button", "press", {"entity_id": "button.washer_run_now"}, blocking=True)
    await until(lambda: member.runtime_data.market.book.open_orders(WASHER))
    [told] = await ask(home, tools("get_open_orders")["get_open_orders"])
    [order] = told["open_orders"]
    assert (order["asset"], order["energy"]) == ("Washer", 1.0)
