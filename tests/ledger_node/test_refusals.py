"""Every way to be refused is raised somewhere, tried by some test, and told on the protocol's page."""

import ast
import re
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
