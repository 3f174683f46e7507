"""Taking a snapshot over a link: from somebody who is honest, who lies, who has none, or who goes away."""

import asyncio
import shutil
import time
from contextlib import closing
from random import Random

import pytest
from msgspec import msgpack
from msgspec.structs import replace

from energy_ledger.network.frames import (
    AskHistory,
    AskSnapshot,
    Bye,
    Hello,
    History,
    SnapshotPart,
    Standing,
)
from energy_ledger.network.link import LinkClosedError
from energy_ledger.network.links import Links
from energy_ledger.network.peers import Peer
from energy_ledger.node import asking, founding, service, snapshots, taking
from energy_ledger.node.running import wall_clock
from energy_ledger.node.snapshots import SnapshotKeeper
from energy_ledger.node.threads import Threads
from energy_ledger.node.verify import WrongError, verify
from energy_ledger.storage import database, snapshot
from energy_ledger.storage.directory import DataDirectory, NodeKey
from energy_ledger.storage.snapshot import Manifest, SnapshotFile, read_manifest, write
from energy_ledger.storage.writer import Writer
from tests.ledger_node.node.homes import KEY, StoredChain, read

ANN = NodeKey(b"a" * 32)


@pytest.fixture
def expected_lingering_timers():
    """aiohttp leaves the timer of a closed connection's heartbeat to run out by itself."""
    return True


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """A network whose only validator has a snapshot in many chunks."""
    folder = tmp_path_factory.mktemp("chain")
    chain = StoredChain(folder / "node")
    chain.lives(Random(7), 20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot, "CHUNK_BYTES", 2_000)
        chain.path = chain.snapshot(folder / "snapshot")
    yield chain
    chain.close()


@pytest.fixture
async def newcomer(chain, tmp_path, monkeypatch):
    """An observer at the beginning, inside the tests' process."""
    monkeypatch.setattr(taking, "PAUSE_S", 0.01)
    directory = DataDirectory(tmp_path / "newcomer")
    directory.prepare()
    key = directory.node_key()
    database.open_or_set_aside(directory.database)
    with closing(Writer(directory.database)) as writer:
        founding.begin(writer, chain.ledger.genesis)
    node = service.Node(directory, key, with_matcher=False, peering=service.Peering(snapshot_after=10))
    node.wake()
    await node.meet()
    node.directory = directory
    yield node
    await node.close()


class Giver:
    """A validator's link to the newcomer: it says that it is far ahead, and gives a snapshot."""

    def __init__(self, newcomer, chain, path=None):
        self.newcomer, self.chain = newcomer, chain
        self.file = SnapshotFile.open(path or chain.path)
        self.links = Links(KEY, None, list)
        self.asked = []

    async def __aenter__(self):
        self.link = await self.links.connect(Peer.read(self.newcomer.directory.peer()))
        standing = Standing(0, 10_000, (10_000,), wall_clock())
        self.link.send(Hello(bytes.fromhex(self.chain.ledger.genesis.network), standing, "", b"", None))
        return self

    async def __aexit__(self, *_):
        self.file.close()
        await self.link.close("the test is over")
        await self.links.close()

    async def give(self, until=None):
        """Answer until the link ends, or so many chunks are given; return the reason of the end."""
        async with asyncio.timeout(20):
            while until is None or len(self.asked) <= until:
                try:
                    frame = await self.link.receive()
                except LinkClosedError as error:
                    return str(error)
                if isinstance(frame, Bye):
                    return frame.reason
                if isinstance(frame, AskSnapshot):
                    self.asked.append(frame.part)
                    self.link.send(self.answer(frame))
                if isinstance(frame, AskHistory):
                    self.link.send(History(frame.epoch, ()))
        return None

    def answer(self, asked):
        data = self.file.chunk(asked.part - 1) if asked.part else self.file.manifest_bytes
        return SnapshotPart(self.file.id, asked.part, data)


async def known_from(node, commit):
    """Wait until the node knows the ledger from a commit on."""
    async with asyncio.timeout(20):
        while (await node.network()).known_from.commit != commit:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return await node.network()


async def test_a_node_far_behind_takes_the_snapshot_and_goes_on_from_there(chain, newcomer):
    async with Giver(newcomer, chain) as giver:
        giving = asyncio.create_task(giver.give())
        network = await known_from(newcomer, giver.file.commit)
        assert network.commit >= giver.file.commit
        assert giver.asked == list(range(len(giver.file.manifest.chunks) + 1))
        assert len(giver.asked) > 4
        await giving
    assert not newcomer.directory.snapshot_part.exists()
    account = await newcomer.one("account", chain.ada.address)
    assert account.balance == chain.ledger._state.accounts[chain.ada.address].balance


async def test_a_transfer_that_was_cut_goes_on_where_it_was(chain, newcomer):
    async with Giver(newcomer, chain) as giver:
        await giver.give(until=3)
        assert giver.asked == [0, 1, 2, 3]
    async with Giver(newcomer, chain) as giver:
        giving = asyncio.create_task(giver.give())
        await known_from(newcomer, giver.file.commit)
        await giving
        assert giver.asked[0] == 0
        assert min(giver.asked[1:]) >= 3
        assert max(giver.asked) == len(giver.file.manifest.chunks)


async def test_a_kill_before_the_taken_snapshot_is_in_its_place_leaves_a_ledger_that_can_be_checked(
    chain, newcomer, tmp_path
):
    directory = DataDirectory(tmp_path / "killed")
    directory.prepare()
    async with Giver(newcomer, chain) as giver:
        giving = asyncio.create_task(giver.give())
        await known_from(newcomer, giver.file.commit)
        await giving
    database.copy(newcomer.directory.database, directory.database)
    shutil.copyfile(newcomer.directory.path / "node.key", directory.path / "node.key")
    shutil.copyfile(newcomer.directory.ledger_start, directory.snapshot_part)
    with pytest.raises(WrongError):
        verify(directory.database, lambda done, total: None)
    again = service.Node(directory, directory.node_key(), with_matcher=False)
    again.wake()
    await again.close()
    assert not directory.snapshot_part.exists()
    verify(directory.database, lambda done, total: None)


async def test_who_answers_too_late_is_no_liar_and_is_asked_again(chain, newcomer, monkeypatch):
    monkeypatch.setattr(asking, "ANSWER_S", 0.3)
    async with Giver(newcomer, chain) as giver:
        await giver.give(until=1)
        unanswered = await ask_of(giver)
        again = await ask_of(giver)
        assert (unanswered.part, again.part) == (2, 0)
        giver.link.send(giver.answer(unanswered))
        giver.link.send(giver.answer(again))
        giving = asyncio.create_task(giver.give())
        await known_from(newcomer, giver.file.commit)
        await giving
    assert newcomer._neighbours.links.bans.reason(KEY.public) is None


async def ask_of(giver):
    """Return the next question for a part of the snapshot."""
    async with asyncio.timeout(20):
        while not isinstance(frame := await giver.link.receive(), AskSnapshot):
            pass
    return frame


async def test_two_states_that_are_taken_at_once_are_not_written_into_one_file(chain, tmp_path, monkeypatch):
    at_work = []

    def write_slowly(*given):
        at_work.append(len(at_work))
        time.sleep(0.05)
        shutil.copyfile(chain.path, given[-1])

    monkeypatch.setattr(snapshots, "make", write_slowly)
    directory, threads = DataDirectory(tmp_path / "keeper"), Threads()
    directory.prepare()
    keeper = SnapshotKeeper(chain.reader, chain.ledger.genesis, directory, threads)
    chain.shutter.wanted = True
    taken = None
    while taken is None:
        taken = chain.at(chain.now + 1_000).taken
    keeper.see(taken.certificate.state.commit, taken)
    keeper.see(taken.certificate.state.commit, taken)
    await keeper.close(None)
    threads.close()
    assert at_work == [0]
    assert keeper.commit == SnapshotFile.open(chain.path).commit


async def test_progress_is_shown(chain, newcomer):
    async with Giver(newcomer, chain) as giver:
        await giver.give(until=3)
        network = await newcomer.network()
        problem = network.problem
        assert network.problem_code == "snapshot"
        assert "Taking a snapshot of the ledger" in problem
        assert "% of it is here" in problem


async def test_who_gives_rows_that_were_never_certified_is_kept_out(chain, newcomer, tmp_path):
    good = read(chain.path)
    rows = [
        replace(row, row={**row.row, "balance": row.row["balance"] + 1}) if row.table == "accounts" else row
        for row in good.rows
    ]
    records = snapshot.records_of(rows, good.committees, good.blocks)
    write(tmp_path / "false", good.genesis, good.certificate, records)
    async with Giver(newcomer, chain, tmp_path / "false") as giver:
        assert "the snapshot is not true" in await giver.give()
    assert newcomer._neighbours.links.bans.reason(KEY.public)
    assert (await newcomer.network()).known_from.commit == 0
    assert not newcomer.directory.snapshot_part.exists()


async def test_a_chunk_that_is_not_the_one_named_is_noticed_at_once(chain, newcomer):
    async with Giver(newcomer, chain) as giver:
        answer = giver.answer
        giver.answer = lambda asked: replace(answer(asked), data=answer(asked).data + b"x")
        assert "the snapshot is not true" in await giver.give()


async def test_another_part_than_the_one_asked_for_is_noticed(chain, newcomer):
    async with Giver(newcomer, chain) as giver:
        answer = giver.answer
        giver.answer = lambda asked: replace(answer(asked), part=asked.part + (asked.part > 0))
        assert "another part" in await giver.give()


async def test_a_snapshot_of_another_network_is_noticed(chain, newcomer):
    async with Giver(newcomer, chain) as giver:
        manifest = read_manifest(giver.file.manifest_bytes)
        other = msgpack.encode(replace(manifest, genesis=b"{}"))
        giver.answer = lambda asked: SnapshotPart(snapshot.snapshot_id(other), 0, other)
        assert "another network" in await giver.give()
    assert isinstance(manifest, Manifest)


async def test_who_has_no_snapshot_is_asked_for_the_history(chain, newcomer):
    async with Giver(newcomer, chain) as giver:
        giver.answer = lambda asked: SnapshotPart(b"", 0, b"")
        asked = []
        async with asyncio.timeout(20):
            while AskHistory not in asked:
                frame = await giver.link.receive()
                asked.append(type(frame))
                if isinstance(frame, AskSnapshot):
                    giver.link.send(giver.answer(frame))
    told = [kind for kind in asked if kind in (AskSnapshot, AskHistory)]
    assert told == [*[AskSnapshot] * taking.TRIES, AskHistory]


async def test_what_nobody_asked_for_is_a_fault(chain, newcomer):
    async with Giver(newcomer, chain) as giver:
        await giver.give(until=1)
        giver.link.send(SnapshotPart(b"", 0, b"x"))
        giver.link.send(SnapshotPart(b"", 0, b"x"))
        giver.link.send(SnapshotPart(b"", 0, b"x"))
        reason = await giver.give()
        assert "nobody asked" in reason or "another part" in reason or "not true" in reason
