"""Sets up what the integration ships as blueprints: ask for energy, and use it when it flows."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulation.home_assistant.client import HomeAssistant, HomeAssistantError
from simulation.home_assistant.config import DOMAIN, WASH_BUTTON
from simulation.home_assistant.entities import Entities

REQUEST, RUN = "wash_request", "wash_run"
WASH_KWH = 0.033
WASH_W = 2_000
FINISH_WITHIN = {"seconds": 92}
"""Room for three slots, wherever in a slot it is asked."""
PRICE_CAP = 0.28
APPEARS_WITHIN_S = 15


@dataclass(frozen=True)
class Wash:
    """What the automations are about: the asset's device, its delivery sensor, the machine's switch."""

    device: str
    delivery: str
    switch: str


async def automate(home: HomeAssistant, wash: Wash) -> list[str]:
    """Create both automations and return their entity ids once they run."""
    await _create(home, REQUEST, "Wash when the sun shines", "request_energy", _request(wash))
    await _create(home, RUN, "Run the washing machine in its window", "run_appliance", _run(wash))
    async with asyncio.timeout(APPEARS_WITHIN_S):
        while True:
            entities = await Entities.of(home)
            try:
                return [entities.get(*unique_id.split("_")) for unique_id in (REQUEST, RUN)]
            except HomeAssistantError:
                await asyncio.sleep(0.1)


async def ask_to_wash(home: HomeAssistant) -> None:
    """Press the button that the first automation waits for."""
    await home.call("input_button.press", {"entity_id": WASH_BUTTON})


async def _create(
    home: HomeAssistant, identity: str, alias: str, blueprint: str, inputs: Mapping[str, Any]
) -> None:
    use = {"path": f"{DOMAIN}/{blueprint}.yaml", "input": inputs}
    await home.post(
        f"/api/config/automation/config/{identity}",
        {"alias": alias, "description": "", "use_blueprint": use},
    )


def _request(wash: Wash) -> Mapping[str, Any]:
    return {
        "when": [{"trigger": "state", "entity_id": WASH_BUTTON}],
        "asset": wash.device,
        "energy": WASH_KWH,
        "finish_within": FINISH_WITHIN,
        "max_power": WASH_W,
        "price_cap": PRICE_CAP,
    }


def _run(wash: Wash) -> Mapping[str, Any]:
    return {"delivery": wash.delivery, "appliance": [wash.switch], "switch_off": True}
