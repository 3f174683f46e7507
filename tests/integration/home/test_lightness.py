"""The integration is light: twenty assets hold nobody up, and a month more keeps no byte more.

`benchmarks/integration.py` runs in a process of its own. Its CPU times are held against a piece of plain
Python that was timed beside them, of about a millisecond, so that a slow or a busy machine decides nothing.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LOOP_HELD, SET_UP = 10, 1_000
"""Limits in yardsticks: on a machine where one takes a millisecond, 10 ms and one second."""


@pytest.fixture(scope="module")
def figures():
    command = [sys.executable, "-m", "benchmarks.integration", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_event_loop_is_never_held_for_long(figures):
    assert figures["steps"] > 1_000, "the home was not busy"
    assert figures["longest"] <= LOOP_HELD * figures["yardstick"], figures["what"]


def test_twenty_assets_are_set_up_at_once(figures):
    assert figures["set_up"] <= SET_UP * figures["yardstick"]


def test_after_another_month_nothing_has_grown(figures):
    assert {"book", "hours", "agent"} <= figures["whole"].keys()
    for name, after_two in figures["whole"].items():
        assert after_two <= figures["half"][name] * 1.01, name
