"""The golden vectors are what the node's code says today."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("vectors", ROOT / "scripts" / "lib" / "vectors.py")
vectors = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(vectors)


@pytest.mark.parametrize("name", vectors.FILES)
def test_the_file_is_what_the_script_would_write(name):
    assert json.loads((ROOT / "tests" / "vectors" / name).read_text("utf-8")) == vectors.FILES[name]()


def test_every_vector_file_is_written_by_the_script():
    assert {path.name for path in (ROOT / "tests" / "vectors").glob("*.json")} == vectors.FILES.keys()
