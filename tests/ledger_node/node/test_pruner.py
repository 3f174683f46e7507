"""A node looks after its own history: what it keeps, for whom, and what it does when something is wrong."""

import asyncio
import logging
from random import Random

import pytest

from energy_ledger.api.auth import hashed
from energy_ledger.api.ports import EventFilter
from energy_ledger.api.problems import ProblemError
from energy_ledger.node import pruner, service
from energy_ledger.node.founding import FOUNDER
from energy_ledger.node.invites import HOLDER
from energy_ledger.node.milestones import Keeping
from energy_ledger.node.pruner import own_accounts, own_assets
from energy_ledger.node.verify import verify
from energy_ledger.storage import pruning
from energy_ledger.storage.schema import PRUNING
from tests.ledger_node.node.homes import HOUSE, KEY, StoredChain

TINY = Keeping(cap_bytes=1)


@pytest.fixture
def lived(tmp_path):
    """A node's directory with some history, and a snapshot from the middle of it."""
    chain = StoredChain(tmp_path / "node")
    chain.lives(Random(1), 20)
    chain.snapshot(chain.directory.snapshot)
    chain.lives(Random(2), 10)
    yield chain
    chain.close()


async def until(condition, seconds=20):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 -- what is awaited lies in a database
            await asyncio.sleep(0.02)


async def started(lived, keeping=TINY):
    node = service.Node(lived.directory, KEY, with_matcher=False, keeping=keeping)
    node.wake()
    await node.meet()
    return node


async def done(lived):
    await until(lambda: lived.reader.start().commit and lived.reader.fact(PRUNING) is None)


async def test_a_node_over_its_cap_prunes_tells_so_and_goes_on(lived):
    node = await started(lived)
    whole = await node.network()
    assert whole.known_from.commit == 0
    listening = node.events.after(0, EventFilter())
    await done(lived)
    await until(lambda: node.events.start > 0)
    start = lived.reader.start()
    shown = await node.network()
    assert (shown.known_from.commit, shown.known_from.cursor) == (start.commit, start.cursor)
    assert node.metrics()["history_start_seconds"] == start.time / 1000
    assert node.metrics()["database_bytes"] == shown.database_bytes > 0
    assert [line async for line in listening] == []
    with pytest.raises(ProblemError, match=f"there is no order 77 here; .* commit {start.commit}"):
        await node.one("order", "77")
    with pytest.raises(ProblemError) as refusal:
        await node.one("round", "1")
    assert refusal.value.code == "pruned"
    assert await node.one("account", "tkwh1nobody") is None
    await node.close()
    assert verify(lived.directory.database, lambda *_: None).start == start.commit


async def test_a_node_that_ends_while_it_prunes_goes_on_with_that_at_its_next_start(lived, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(pruning, "BUDGET_S", 0)
        patch.setattr(pruning, "_ROWS", 1)
        node = await started(lived)
        await until(lambda: lived.reader.fact(PRUNING) is not None)
        await node.close()
    assert lived.reader.fact(PRUNING) is not None
    start = verify(lived.directory.database, lambda *_: None).start
    assert start > 0
    node = await started(lived, Keeping())
    await done(lived)
    await node.close()
    assert lived.reader.start().commit == start == verify(lived.directory.database, lambda *_: None).start
    assert [one.n for one in lived.reader.commits()][:2] == [0, start]


async def test_a_milestone_that_is_damaged_is_taken_away_and_the_next_will_do(lived, caplog):
    folder = lived.directory.path / "milestones"
    folder.mkdir()
    (folder / "1-1").write_bytes(lived.directory.snapshot.read_bytes()[:-9])
    node = await started(lived)
    await done(lived)
    assert "history cannot begin with commit 1" in caplog.text
    assert lived.reader.start().commit > 1
    await node.close()
    assert list(folder.iterdir()) == []


async def test_a_disk_that_fails_is_told_of_and_tried_again(lived, monkeypatch, caplog):
    monkeypatch.setattr(pruner, "LOOK_S", 0.05)
    looks = []

    def choose(_):
        looks.append(1)
        raise OSError("no space left")

    monkeypatch.setattr(pruner.Pruner, "_choose", choose)
    node = await started(lived)
    await until(lambda: len(looks) > 1)
    await node.close()
    assert "older history is not pruned this time" in caplog.text
    assert next(one.levelno for one in caplog.records if "this time" in one.message) == logging.ERROR
    assert lived.reader.start().commit == 0


def test_own_are_the_assets_of_everybody_with_a_token(lived):
    assert own_assets(lived.reader, lived.ledger.genesis) == frozenset()
    lived.writer.set_token(FOUNDER, hashed("one"))
    (invite,) = [key for key, _ in lived.reader.live("invites")][:1]
    lived.writer.set_token(f"{HOLDER}{invite}", hashed("two"))
    lived.writer.set_token(f"{HOLDER}{'00' * 32}", hashed("three"))  # she never joined
    owners = list(own_accounts(lived.reader, lived.ledger.genesis))
    assert owners[0] == lived.ada.address
    assert len(owners) == 2
    asset = lived.at(lived.now, lived.sign(lived.ada, "asset.register", **HOUSE)).placed[0].result.id
    assert asset in own_assets(lived.reader, lived.ledger.genesis)
