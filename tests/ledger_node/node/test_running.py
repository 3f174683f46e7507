"""A node at work: what it says of itself, and what it does when it can go on no more."""

import asyncio
import json
import threading
import time

import pytest

from energy_ledger.api import types
from energy_ledger.api.problems import ProblemError
from energy_ledger.node import running, service
from energy_ledger.storage import database
from energy_ledger.storage.directory import DataDirectory
from energy_ledger.transactions import read_envelope, read_transaction
from tests.support.people import Person, genesis


@pytest.fixture
async def node(tmp_path):
    """A node inside the tests' process, with Ada's network."""
    directory = DataDirectory(tmp_path)
    key = directory.node_key()
    database.open_or_set_aside(directory.database)
    node = service.Node(directory, key, with_matcher=False)
    node.ada = Person("Ada")
    signed = genesis(node.ada, key.public.hex())
    await node.found(types.Envelope(signed["payload"], signed["signatures"]))
    yield node
    await node.close()


def issue(node, amount=1):
    return json.dumps(
        node.ada.sign("voucher.issue", to=node.ada.address, amount=amount, reference="x")
    ).encode()


async def fill(node):
    """Write until the disk is full."""
    for _ in range(50):
        await node.submit([issue(node) for _ in range(30)])


async def test_a_full_disk_stops_the_node_and_everybody_is_told(node):
    await node.submit([issue(node)])
    writer = node._writer._connection
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    node._threads.disk.submit(writer.execute, f"PRAGMA max_page_count = {pages}").result()
    with pytest.raises(ProblemError) as caught:
        await fill(node)
    assert caught.value.code == "stopped"
    assert "full" in str(caught.value)
    assert node.health().status == "stopped"
    network = await node.network()
    assert (network.in_sync, "full" in network.problem, network.problem_code) == (False, True, "stopped")
    with pytest.raises(ProblemError) as again:
        await node.submit([issue(node)])
    assert again.value.body().status == 503
    assert node.metrics()["up"] == 0


async def test_what_was_written_before_the_node_stopped_can_still_be_read(node):
    await node.submit([issue(node, 5)])
    node._running._end("a test wants it")
    assert (await node.one("account", node.ada.address)).balance == 5


async def test_who_waits_too_long_hears_that_the_transaction_is_on_its_way_when_it_is_on_disk(
    node, monkeypatch
):
    monkeypatch.setattr(service, "WAIT_S", 0.05)
    await node.submit([issue(node)])
    chain = node._running._chain
    advance = chain.advance

    def slowly(*args):
        time.sleep(0.5)
        return advance(*args)

    monkeypatch.setattr(chain, "advance", slowly)
    (answer,) = await node.submit([issue(node)])
    assert (answer.accepted, answer.state, answer.commit) == (True, "pending", None)
    assert (await node.one("transaction", answer.id)).state == "pending"
    assert list(node._reader.outbox()) == [bytes.fromhex(answer.id)]
    await asyncio.sleep(1.5)
    assert (await node.one("transaction", answer.id)).state == "applied"
    assert node._reader.outbox() == {}


async def test_what_was_accepted_before_a_stop_is_taken_up_after_it(node):
    envelope = read_envelope(issue(node))
    transaction = read_transaction(envelope)
    node._writer.keep([(bytes.fromhex(transaction.id), envelope.encode())])
    await node._running.take_up()
    await asyncio.sleep(0.5)
    assert (await node.one("transaction", transaction.id)).state == "applied"
    assert node._reader.outbox() == {}


async def test_a_clock_that_is_behind_the_ledger_is_a_problem(node, monkeypatch):
    assert (await node.network()).problem is None
    monkeypatch.setattr(node._running, "now", lambda: node._running.standing.time - 90_000)
    network = await node.network()
    assert (network.in_sync, "90 s behind" in network.problem) == (False, True)
    assert network.problem_code == "clock"


async def test_a_disk_that_is_almost_full_is_a_problem(node, monkeypatch):
    monkeypatch.setattr(running, "LEAST_FREE_BYTES", 2**60)
    network = await node.network()
    assert ("almost full" in network.problem, network.problem_code) == (True, "disk")


async def test_a_quiet_node_writes_nothing(node):
    await node.submit([issue(node)])
    await asyncio.sleep(0.05)
    before = node.metrics()["blocks_total"]
    node._running._wake.set()
    await asyncio.sleep(0.3)
    assert node.metrics()["blocks_total"] == before


async def until(happened):
    """Wait until something has happened in a thread."""
    async with asyncio.timeout(20):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.fixture
def slow_disk(node, monkeypatch):
    """Hold up what the node writes until the event is set."""
    goes_on, write = threading.Event(), node._writer.write

    def held_up(entry):
        goes_on.wait(30)
        write(entry)

    monkeypatch.setattr(node._writer, "write", held_up)
    yield goes_on
    goes_on.set()


async def test_the_next_step_is_made_while_one_is_written_and_nobody_hears_of_either_before(node, slow_disk):
    work = node._running
    made, told = work._made, work.standing.commit
    first = asyncio.create_task(node.submit([issue(node, 1)]))
    await until(lambda: work._made > made)
    second = asyncio.create_task(node.submit([issue(node, 2)]))
    await until(lambda: work._chain.ledger.money.issued == 3)
    assert not first.done()
    assert not second.done()
    assert work.standing.commit == told
    slow_disk.set()
    commits = [answer.commit for (answer,) in await asyncio.gather(first, second)]
    assert commits == sorted(commits)
    assert (await node.one("account", node.ada.address)).balance == 3


async def test_what_the_chain_is_asked_is_answered_when_it_is_on_the_disk(node, slow_disk):
    made = node._running._made
    submitting = asyncio.create_task(node.submit([issue(node)]))
    await until(lambda: node._running._made > made)
    asking = asyncio.create_task(node._running.in_ledger(lambda chain: chain.ledger.commit))
    await asyncio.sleep(0.2)
    assert not asking.done()
    slow_disk.set()
    assert await asking <= node._running.standing.commit
    await submitting


async def test_who_asks_the_chain_of_a_node_that_cannot_write_hears_that_it_stopped(node, monkeypatch):
    def fail(_):
        time.sleep(0.3)
        raise OSError("no disk")

    made = node._running._made
    monkeypatch.setattr(node._writer, "write", fail)
    submitting = asyncio.create_task(node.submit([issue(node)]))
    await until(lambda: node._running._made > made)
    with pytest.raises(running.StoppedError, match="no disk"):
        await node._running.in_ledger(lambda chain: chain.ledger.commit)
    with pytest.raises(ProblemError):
        await submitting
