"""The golden vectors are what the node's code says today."""

import json

import pytest

from scripts.lib.vectors import FILES
from scripts.lib.vectors.people import FOLDER


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_what_the_script_would_write(name):
    assert json.loads((FOLDER / name).read_text("utf-8")) == FILES[name]()


def test_every_vector_file_is_written_by_the_script():
    assert {path.name for path in FOLDER.glob("*.json")} == FILES.keys()
