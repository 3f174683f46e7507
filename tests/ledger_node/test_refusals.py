"""Every way to be refused is raised somewhere, tried by some test, and told on the protocol's page."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

from energy_ledger.refusals import CODES

ROOT = Path(__file__).parents[2]


def texts(folder):
    """Return all texts that stand in the code of a folder."""
    return {
        node.value
        for file in (ROOT / folder).rglob("*.py")
        if file.name not in ("refusals.py", Path(__file__).name)
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


RAISED, TRIED = texts("ledger_node/src/energy_ledger"), texts("tests/ledger_node")
PAGE = (ROOT / "docs" / "protocol.md").read_text("utf-8").partition("## Refusals")[2].partition("\n## ")[0]


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_raised_tried_and_told(code):
    assert code in RAISED
    assert code in TRIED
    assert code in re.findall(r"`(\w+)`", PAGE)


def raised_at(folder):
    """Return code and place of every refusal whose both stand in the code."""
    return {
        (code.value, place.value)
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "Refused"
        for code, place in [node.args[:2]]
        if isinstance(code, ast.Constant) and isinstance(place, ast.Constant)
    }


def stated(folder):
    """Return all constants that stand side by side in the tests: `== ("slot_closed", "from_slot")`."""
    return {
        (one.value, other.value)
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Tuple)
        for one, other in pairwise(node.elts)
        if isinstance(one, ast.Constant) and isinstance(other, ast.Constant)
    }


def test_every_refusal_of_the_ledger_is_tried_with_the_place_it_names():
    raised = raised_at("ledger_node/src/energy_ledger/ledger")
    assert len(raised) > 60
    assert raised - stated("tests/ledger_node/ledger") == set()
