"""Flows are walked as a person would, and where one stops, the reason is told."""

from typing import Any

import pytest

from simulation.home_assistant.client import HomeAssistantError
from simulation.home_assistant.flows import Flow, entry_flow, subentry_flow

Json = dict[str, Any]


class Script:
    """Answers like Home Assistant with prepared steps, and keeps what was sent."""

    def __init__(self, *steps: Json) -> None:
        self.steps = list(steps)
        self.sent: list[tuple[str, Any]] = []

    async def post(self, path: str, body: Any) -> Json:
        self.sent.append((path, body))
        return self.steps.pop(0)


def form(name: str, **more: Any) -> Json:
    return {"type": "form", "flow_id": "f1", "step_id": name, "errors": {}, **more}


DONE = {"type": "create_entry", "flow_id": "f1", "title": "Ada"}


async def test_every_step_is_answered_by_its_name():
    script = Script(form("name"), form("port"), DONE)
    done = await Flow(script, "/flow", "domain").run({"port": {"port": 1}, "name": {"name": "Ada"}})
    assert done["title"] == "Ada"
    assert script.sent == [
        ("/flow", {"handler": "domain"}),
        ("/flow/f1", {"name": "Ada"}),
        ("/flow/f1", {"port": 1}),
    ]


async def test_an_answer_can_be_read_from_the_step():
    script = Script(form("word", description_placeholders={"position": "3"}), DONE)
    answers = {"word": lambda step: {"word": step["description_placeholders"]["position"]}}
    await Flow(script, "/flow", "domain").run(answers)
    assert script.sent[-1] == ("/flow/f1", {"word": "3"})


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (form("name", errors={"base": "cannot_connect"}), "cannot_connect"),
        (form("surprise", data_schema=[{"name": "colour"}]), r"surprise.*colour"),
        ({"type": "abort", "flow_id": "f1", "reason": "already_configured"}, "already_configured"),
    ],
)
async def test_a_flow_that_does_not_go_on_tells_why(step: Json, told: str):
    with pytest.raises(HomeAssistantError, match=told):
        await Flow(Script(step), "/flow", "domain").run({"name": {"name": "Ada"}})


async def test_entries_and_subentries_have_their_own_addresses():
    script = Script(DONE, DONE)
    await entry_flow(script, "domain").run({})
    await subentry_flow(script, "entry", "asset").run({})
    assert script.sent == [
        ("/api/config/config_entries/flow", {"handler": "domain"}),
        ("/api/config/config_entries/subentries/flow", {"handler": ["entry", "asset"]}),
    ]
