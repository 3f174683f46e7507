"""The only validator of a network loses its memory: it works again, behind what others have seen of it."""

import asyncio
import json

import pytest

from energy_ledger.api import types
from energy_ledger.node import service, voice
from energy_ledger.storage import database
from energy_ledger.storage.directory import DataDirectory
from tests.support.people import Person, genesis, invite_to


@pytest.fixture
def expected_lingering_timers():
    """aiohttp leaves the timer of a closed connection's heartbeat to run out by itself."""
    return True


@pytest.fixture(autouse=True)
def short_grace(monkeypatch):
    monkeypatch.setattr(voice, "SOLE_GRACE_S", 2.0)


def node_at(folder):
    folder.mkdir(exist_ok=True)
    directory = DataDirectory(folder)
    key = directory.node_key()
    database.open_or_set_aside(directory.database)
    return service.Node(directory, key, with_matcher=False, peering=service.Peering())


async def founded(folder):
    node = node_at(folder)
    ada = Person("Ada")
    signed = genesis(ada, node.key.public.hex())
    envelope = types.Envelope(signed["payload"], signed["signatures"])
    await node.found(envelope)
    return node, ada, envelope


async def pays(node, ada):
    signed = ada.sign("voucher.issue", to=ada.address, amount=1, reference="x")
    (answer,) = await node.submit([json.dumps(signed).encode()])
    return answer.state


async def until(condition):
    async with asyncio.timeout(15):
        while not await condition():  # noqa: ASYNC110 - it looks into things that tell nobody
            await asyncio.sleep(0.05)


def lose_database(folder):
    for part in folder.glob("ledger.db*"):
        part.unlink()


async def test_without_observers_it_says_what_it_waits_for_and_then_works(tmp_path):
    node, ada, envelope = await founded(tmp_path / "sole")
    assert await pays(node, ada) == "applied"
    await node.close()
    lose_database(tmp_path / "sole")
    node = node_at(tmp_path / "sole")
    try:
        await node.found(envelope)
        network = await node.network()
        assert ("another database" in network.problem, network.problem_code) == (True, "sole_waits")
        assert await pays(node, ada) == "applied"
        assert (await node.network()).in_sync
    finally:
        await node.close()


async def test_it_takes_an_observers_newer_history_first_and_contradicts_nothing(tmp_path):
    node, ada, _ = await founded(tmp_path / "sole")
    observer = node_at(tmp_path / "observer")
    invite = invite_to(ada, "observer", peers=[DataDirectory(tmp_path / "sole").peer()])
    try:
        await observer.join(invite["text"])
        for _ in range(3):
            assert await pays(node, ada) == "applied"

        async def has_followed():
            return (await observer.network()).state_root == (await node.network()).state_root

        await until(has_followed)
        await node.close()
        lose_database(tmp_path / "sole")
        node = node_at(tmp_path / "sole")
        back = invite_to(ada, "sole", peers=[DataDirectory(tmp_path / "observer").peer()])
        await node.join(back["text"])
        assert await pays(node, ada) == "applied"
        await until(has_followed)
        assert (await node.network()).money.issued == 4
        assert observer._reader.evidence(0) == []
    finally:
        await node.close()
        await observer.close()
