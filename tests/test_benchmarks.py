"""Every benchmark still measures something: a small run of each, whatever its figures are here."""

import re
import subprocess
import sys

from benchmarks.in_node import measure
from benchmarks.market import compare, street


def run(benchmark, *options):
    """Return what a benchmark prints."""
    words = (sys.executable, "-m", f"benchmarks.{benchmark}", *options)
    return subprocess.run(words, capture_output=True, text=True, timeout=240, check=True).stdout


def figures(pattern, text):
    """Return the numbers that stand in a text as the pattern says."""
    found = re.search(pattern, text)
    assert found, text
    return [float(one.replace(",", "")) for one in found.groups()]


def test_the_ledgers_rates_are_measured_against_what_both_cores_verify():
    said = run("ledger", "--quick")
    rates = [
        *figures(r"one node commits ([\d,]+) transfers a second, (\d+)%", said),
        *figures(r"a new node syncs ([\d,]+) transfers a second, (\d+)%", said),
        *figures(r"four nodes order ([\d,]+) transfers a second, (\d+)%", said),
    ]
    assert all(rates)


def test_memory_and_disk_are_measured_day_by_day():
    resident, on_disk = figures(
        r"day +1: +(\d+) MB resident, +([\d.]+) MB", run("memory", "--homes", "3", "--days", "1")
    )
    assert resident > 10
    assert on_disk > 0


def test_a_snapshot_is_compared_with_a_replay():
    (times,) = figures(r"(\d+) times as fast as replaying", run("snapshot", "--homes", "3", "--days", "1"))
    assert times >= 1


def test_a_clearing_is_compared_with_the_bare_solver():
    arcs, *_, gap = compare(street(5), 1)
    assert figures(r"([\d,]+)", arcs)[0] > 0
    assert figures(r"(\d+)", gap) == [0]


def test_a_round_is_measured_in_a_real_node(socket_enabled):
    cost = measure(street(5))
    assert cost.trades > 0
    assert cost.events > 0
    assert cost.cpu_s["ledger"] > 0
