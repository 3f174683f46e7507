"""The shipped blueprint that runs an appliance, over a restart of Home Assistant."""

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from homeassistant.const import STATE_UNAVAILABLE as UNAVAILABLE
from homeassistant.core import CoreState, State
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import mock_restore_cache

from custom_components.energy_marketplace.ledger.answers import Event
from tests.integration.conftest import HOME, WASHER
from tests.integration.home.stand_in import trade
from tests.integration.home.waiting import until

BLUEPRINTS = Path(__file__).parents[3] / "blueprints"
MACHINE = "input_boolean.machine"
DELIVERY = "binary_sensor.washer_delivery"


def slot_end(offset):
    """Return when a slot ends, counted from the present one."""
    return dt_util.utc_from_timestamp((int(dt_util.utcnow().timestamp()) // 900 + offset + 1) * 900)


@pytest.fixture
def before(home, request):
    """Remember, as after a restart, when the automation ran last: so long after the end of its delivery."""
    ran = slot_end(-2) + request.param
    mock_restore_cache(home, [State("automation.run", "on", {"last_triggered": ran.isoformat()})])


@pytest.fixture
def agree(home, node, member):
    """Let the washing machine have a delivery in a slot, counted from the present one."""

    async def agreed(offset):
        slot = int(slot_end(offset).timestamp()) // 900 - 1
        row = trade("1.0", slot, 100, buyer=member.data["address"], buy_asset=WASHER, buy_point=HOME)
        market = member.runtime_data.market
        market.book.apply(Event(market.book.cursor + 1, 1, 0, "trade.matched", (), (), None, row))
        market.async_update_listeners()
        await home.async_block_till_done()

    return agreed


@pytest.fixture
def restart(home):
    """Start Home Assistant's automations as after a restart, and return what the machine then does."""

    async def restarted(*, machine, switch_off=True):
        home.set_state(CoreState.not_running)
        await asyncio.to_thread(shutil.copytree, BLUEPRINTS, home.config.path("blueprints"))
        assert await async_setup_component(home, "homeassistant", {})
        assert await async_setup_component(home, "input_boolean", {"input_boolean": {"machine": {}}})
        home.states.async_set(MACHINE, machine)
        inputs = {"delivery": DELIVERY, "appliance": [MACHINE], "switch_off": switch_off}
        use = {"path": "energy_marketplace/run_appliance.yaml", "input": inputs}
        config = {"automation": [{"id": "run", "alias": "Run", "use_blueprint": use}]}
        assert await async_setup_component(home, "automation", config)
        await home.async_start()
        if machine == UNAVAILABLE:
            await until(lambda: home.states.get("automation.run").attributes["current"] == 1)
            home.states.async_set(MACHINE, "on")
        await home.async_block_till_done()
        return home.states.get(MACHINE).state

    return restarted


MISSED, SEEN = timedelta(minutes=-15), timedelta(seconds=1)


@pytest.mark.parametrize("before", [MISSED], indirect=True)
async def test_an_appliance_is_switched_off_when_its_delivery_ended_while_home_assistant_was_off(
    before, agree, restart
):
    await agree(-2)
    assert await restart(machine="on") == "off"


@pytest.mark.parametrize("before", [MISSED], indirect=True)
async def test_an_appliance_that_answers_late_is_still_switched_off(before, agree, restart):
    await agree(-2)
    assert await restart(machine=UNAVAILABLE) == "off"


@pytest.mark.parametrize("before", [SEEN], indirect=True)
async def test_an_appliance_switched_on_by_hand_after_its_delivery_stays_on_over_a_restart(
    before, agree, restart
):
    await agree(-2)
    assert await restart(machine="on") == "on"


@pytest.mark.parametrize("before", [MISSED], indirect=True)
async def test_an_appliance_that_must_finish_is_never_switched_off(before, agree, restart):
    await agree(-2)
    assert await restart(machine="on", switch_off=False) == "on"


@pytest.mark.parametrize("before", [MISSED], indirect=True)
async def test_an_appliance_is_switched_on_when_its_delivery_began_while_home_assistant_was_off(
    before, agree, restart
):
    await agree(0)
    assert await restart(machine="off") == "on"


async def test_the_delivery_sensor_says_when_the_last_delivery_ended(home, agree):
    assert home.states.get(DELIVERY).attributes["ended"] is None
    await agree(-2)
    assert dt_util.parse_datetime(home.states.get(DELIVERY).attributes["ended"]) == slot_end(-2)
