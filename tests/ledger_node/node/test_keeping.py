"""Real nodes that keep part of their history: nobody in the street is the worse for it."""

import asyncio
import json

import pytest

from energy_ledger.units import DAY_MS, DAY_S
from simulation import ledger_street
from simulation.ledger_street import Street

LATER = ("--no-matcher", "--clock-offset", str(2 * DAY_S))


@pytest.fixture
async def street(tmp_path):
    async with Street(tmp_path, 4) as street:
        yield street


async def traffic(street, house, amounts):
    for amount in amounts:
        answer = await street.submit(house, amount)
        assert answer["accepted"], answer


def agree(*numbers):
    """Tell whether these houses have come to the same state."""

    def check(seen):
        chosen = [seen[number - 1] for number in numbers]
        return (
            all(one and one["in_sync"] for one in chosen) and len({one["state_root"] for one in chosen}) == 1
        )

    return check


async def test_one_node_prunes_and_newcomers_and_all_others_go_on(street, monkeypatch):
    """Two days pass by setting the clocks: no test waits for history to grow old."""
    pruning, whole, newcomer, archivist = street.houses
    street.houses = [pruning]
    await street.open()
    street.houses = [pruning, whole]
    await whole.start("--no-matcher")
    with monkeypatch.context() as patch:
        patch.setattr(ledger_street, "HOUR_MS", 3 * DAY_MS)  # it still lets the node in afterwards
        await whole.ask("/v1/setup", {"join": street.founder.invite([pruning.peer])})
    await traffic(street, pruning, range(1, 60))
    await street.until(agree(1, 2))
    for house in (pruning, whole):
        await house.stop()

    now = ledger_street.now_ms
    monkeypatch.setattr(ledger_street, "now_ms", lambda: now() + 2 * DAY_MS)
    await pruning.start(*LATER, "--keep-days", "1")
    await whole.start(*LATER)
    before = await whole.ask("/v1/network")
    await street.until(agree(1, 2))
    await traffic(street, pruning, range(60, 70))
    seen = await street.until(lambda seen: seen[0] and seen[0]["known_from"]["commit"] > 0)
    start = seen[0]["known_from"]["commit"]
    assert seen[1]["known_from"]["commit"] == 0
    assert start <= before["commit"]
    assert seen[0]["database_bytes"] > 0
    await street.until(agree(1, 2))
    log = pruning.log.read_text
    await street.until(lambda _: "is deleted: the database has" in log())
    assert "Traceback" not in log()

    await whole.stop()
    street.houses = [pruning, whole, newcomer, archivist]
    await newcomer.start(*LATER)
    await archivist.start(*LATER, "--full-history")
    for house in (newcomer, archivist):
        await house.ask("/v1/setup", {"join": street.founder.invite([pruning.peer])})
    seen = await street.until(lambda seen: seen[2]["commit"] == seen[0]["commit"])
    assert seen[2]["known_from"]["commit"] >= start
    assert f"keeps history from commit {start} on only" in newcomer.log.read_text()
    await street.until(lambda seen: seen[3]["problem_code"] == "history_pruned")

    await whole.start(*LATER)
    await street.until(agree(1, 2))
    await traffic(street, newcomer, range(70, 75))
    seen = await street.until(agree(1, 2, 3, 4))
    assert seen[3]["known_from"]["commit"] == 0
    await pruning.kill()
    await pruning.start()
    await street.until(agree(1, 2, 3, 4))
    await asyncio.gather(*(house.stop() for house in street.houses))
    for house in street.houses:
        status, output = await house.command("verify", "--json")
        assert (status, json.loads(output)["valid"]) == (0, True), output
