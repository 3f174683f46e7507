"""Walks through config flows and subentry flows step by step, as the frontend does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulation.home_assistant.client import HomeAssistant, HomeAssistantError, Json

ENTRIES = "/api/config/config_entries/flow"
SUBENTRIES = "/api/config/config_entries/subentries/flow"
END = "create_entry"

# What a person fills in: the fields of a step, or a function that reads the step first (to repeat a word it
# shows). A step that is a menu is answered with {"next_step_id": …}.
type Answer = Mapping[str, Any] | Callable[[Json], Mapping[str, Any]]


@dataclass(frozen=True)
class Flow:
    """One kind of flow at one address."""

    home: HomeAssistant
    path: str
    handler: str | list[str]

    async def run(self, answers: Mapping[str, Answer]) -> Json:
        """Answer every step by its name until the entry is made; return the flow's last word.

        Raises HomeAssistantError when a step is not expected, shows errors, or the flow aborts.
        """
        step: Json = await self.home.post(self.path, {"handler": self.handler})
        while step["type"] != END:
            step = await self._answer(step, answers)
        return step

    async def _answer(self, step: Json, answers: Mapping[str, Answer]) -> Json:
        name = str(step.get("step_id"))
        if step["type"] == "abort" or step.get("errors") or name not in answers:
            raise HomeAssistantError(f"the flow {self.handler} stopped: {_in_short(step)}")
        answer = answers[name]
        body = answer(step) if callable(answer) else answer
        return dict(await self.home.post(f"{self.path}/{step['flow_id']}", body))


def entry_flow(home: HomeAssistant, domain: str) -> Flow:
    """Return the flow that sets up an integration."""
    return Flow(home, ENTRIES, domain)


def subentry_flow(home: HomeAssistant, entry_id: str, kind: str) -> Flow:
    """Return the flow that adds a subentry to an entry."""
    return Flow(home, SUBENTRIES, [entry_id, kind])


def _in_short(step: Json) -> str:
    fields = [field["name"] for field in step.get("data_schema") or []]
    told = ("type", "step_id", "reason", "errors", "menu_options", "description_placeholders")
    return ", ".join([f"{key}={step[key]}" for key in told if step.get(key)] + [f"fields={fields}"])
