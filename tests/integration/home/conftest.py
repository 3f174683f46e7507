"""What tests of the running integration share: a plan that says what a test wants, and things to switch."""

import pytest
from homeassistant.setup import async_setup_component

from custom_components.energy_marketplace import agent_runner
from custom_components.energy_marketplace.trading.agent import Plan
from tests.integration.conftest import compared, show


@pytest.fixture
def planned(monkeypatch):
    """Let the plan be what a test says; remember what the planner was told."""

    class Planner:
        told = None
        answer = Plan(0)

        def __call__(self, home, **told):
            self.told = {"home": home, **told}
            return self.answer

    planner = Planner()
    monkeypatch.setattr(agent_runner, "plan", planner)
    return planner


@pytest.fixture
async def machine(home):
    """What can be controlled: a switch, a power and a mode."""
    assert await async_setup_component(home, "homeassistant", {})
    assert await async_setup_component(home, "input_boolean", {"input_boolean": {"machine": {}}})
    power = {"min": 0, "max": 3_000, "initial": 100, "unit_of_measurement": "W"}
    assert await async_setup_component(home, "input_number", {"input_number": {"power": power}})
    mode = {"options": ["eco", "boost", "off"], "initial": "eco"}
    assert await async_setup_component(home, "input_select", {"input_select": {"mode": mode}})
    return home


@pytest.fixture
async def running(machine, entry):
    show(machine)
    await machine.config_entries.async_setup(entry.entry_id)
    await machine.async_block_till_done()
    await compared(entry)
    yield entry
    await machine.config_entries.async_unload(entry.entry_id)
