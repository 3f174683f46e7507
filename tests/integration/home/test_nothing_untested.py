"""Nothing that a person can use is without a test that runs it in a real core, and no text without a use."""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml

from custom_components.energy_marketplace import event, flow_errors, services
from custom_components.energy_marketplace.complaints import COMPLAINTS, PROBLEMS, SHARED
from custom_components.energy_marketplace.condition import CONDITIONS
from custom_components.energy_marketplace.service_input import _TRANSLATED_REFUSALS
from custom_components.energy_marketplace.trading.sentences import ENGLISH
from custom_components.energy_marketplace.trigger import TRIGGERS

ROOT = Path(__file__).parents[3]
HERE = ROOT / "custom_components" / "energy_marketplace"
TESTS = ROOT / "tests" / "integration"
RUNS = {
    "actions": {"act", "ask", "call", "async_call"},
    "triggers": {"trigger"},
    "conditions": {"condition"},
    "blueprints": {"use", "format"},
}
"""The helpers of the tests that run something of a kind in a core; its name is an argument."""


def called(function: ast.expr) -> str:
    """Return the name by which something is called."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def names_run(kind: str) -> set[str]:
    """Return what the tests run of a kind: what its helpers are called with, or the path of a blueprint."""
    found: set[str] = set()
    for path in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and called(node.func) in RUNS[kind]:
                found |= texts_of(node.args)
            if isinstance(node, ast.AsyncFunctionDef) and runs_what_it_is_given(node, RUNS[kind]):
                found |= texts_of([node])
            if kind == "blueprints" and isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(re.findall(r"^energy_marketplace/(\w+)\.yaml$", node.value))
    return found


def texts_of(nodes: Sequence[ast.AST]) -> set[str]:
    inner = [one for node in nodes for one in ast.walk(node)]
    return {one.value for one in inner if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def runs_what_it_is_given(test: ast.AsyncFunctionDef, helpers: set[str]) -> bool:
    """Return whether a test runs what a row of its table names, and expects no refusal."""
    inner = [one for one in ast.walk(test) if isinstance(one, ast.Call)]
    given_one = any(
        called(one.func) in helpers and isinstance(first, ast.Name) for one in inner for first in one.args[:1]
    )
    return given_one and "raises" not in {called(one.func) for one in inner}


def offered(kind: str) -> set[str]:
    """Return what people are offered of a kind, as the files say that they see."""
    if kind == "blueprints":
        return {path.stem for path in (ROOT / "blueprints").rglob("*.yaml")}
    name = "services" if kind == "actions" else kind
    described = yaml.safe_load((HERE / f"{name}.yaml").read_text("utf-8"))
    return {one for one in described if not one.startswith(".")}


@pytest.mark.parametrize("kind", RUNS)
def test_everything_that_is_offered_is_run_in_a_real_core(kind):
    assert offered(kind) - names_run(kind) == set()


def test_what_is_offered_is_what_there_is():
    assert offered("actions") == services.ACTIONS.keys()
    assert offered("triggers") == TRIGGERS.keys()
    assert offered("conditions") == CONDITIONS.keys()


@pytest.fixture(scope="module")
def english() -> dict:
    return json.loads((HERE / "translations" / "en.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def calls() -> list[ast.Call]:
    """Return all calls in the integration's own modules."""
    return list(_calls())


def _calls() -> Iterator[ast.Call]:
    for path in HERE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield node


def given(calls: list[ast.Call], functions: set[str], keyword: str | None = None) -> set[str]:
    """Return the texts that functions are called with: their first argument, or a keyword."""
    found: set[str] = set()
    for call in calls:
        if functions and called(call.func) not in functions:
            continue
        values = [one.value for one in call.keywords if one.arg == keyword] if keyword else call.args[:1]
        found |= {
            str(one.value) for value in values for one in ast.walk(value) if isinstance(one, ast.Constant)
        }
    return found


def test_every_error_has_its_sentence_and_every_sentence_its_error(english, calls):
    errors = {"UpdateFailed", "ConfigEntryAuthFailed", "HomeAssistantError", "ServiceValidationError"}
    raised = given(calls, {"invalid", "_failed"}) | given(calls, errors, "translation_key")
    raised |= {f"refused_{code}" for code in _TRANSLATED_REFUSALS} | {"refused"}
    assert raised - english["exceptions"].keys() == set()
    # Not every sentence of the agent is shown here: some are said by neighbours without Home Assistant.
    raised |= {f"because_{key}" for key in ENGLISH}
    assert english["exceptions"].keys() - raised == set()


def test_every_issue_has_its_sentence_and_every_sentence_its_issue(english, calls):
    created = given(calls, {"async_create_issue"}, "translation_key") | {one.key for one in COMPLAINTS}
    created |= {f"node_problem_{code}" for code in PROBLEMS} | {*SHARED}
    assert created == english["issues"].keys()


def test_every_problem_of_a_flow_has_its_sentence_and_every_sentence_its_problem(english, calls):
    shown = given(calls, {"FlowProblem"}) - {"phrase_"}
    shown |= {f"phrase_{code}" for code in ("word_count", "unknown_word", "checksum")}
    shown |= {*flow_errors._BY_KIND.values(), *flow_errors._BY_CODE.values()}
    texts = english["config"]["error"].keys() | english["config_subentries"]["asset"]["error"].keys()
    assert shown - texts == set()
    code = "\n".join(path.read_text("utf-8") for path in HERE.glob("*flow*.py"))
    unused = {key for key in texts - shown if f'"{key}"' not in code}
    assert unused == set()


def test_every_entity_has_its_name_and_every_name_its_entity(english):
    pattern = r'translation_key="(\w+)"'
    everywhere = "\n".join(path.read_text("utf-8") for path in HERE.glob("*.py"))
    for platform, texts in english["entity"].items():
        keys = set(re.findall(pattern, (HERE / f"{platform}.py").read_text("utf-8")))
        assert keys - texts.keys() == set(), platform
        assert {key for key in texts if f'"{key}"' not in everywhere} == set(), platform
    for description in event.ASSET_EVENTS:
        told = english["entity"]["event"][description.translation_key]["state_attributes"]
        assert told["event_type"]["state"].keys() == set(description.event_types)
