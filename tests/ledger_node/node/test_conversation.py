"""What a node says to strangers and to those who break the rules, over a real link."""

import asyncio
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from energy_ledger.api import types
from energy_ledger.api.problems import ProblemError
from energy_ledger.dag.blocks import Draft, Payload, genesis_refs, sign_block
from energy_ledger.invites import read_invite, read_invite_text
from energy_ledger.network.frames import (
    AskGenesis,
    AskHistory,
    Blocks,
    Bye,
    Envelopes,
    Genesis,
    Hello,
    History,
    Standing,
    Want,
)
from energy_ledger.network.link import LinkClosedError, LinkFaultError
from energy_ledger.network.links import Links
from energy_ledger.network.peers import Peer
from energy_ledger.node import service
from energy_ledger.node.admission import admission_fault, make_admission
from energy_ledger.storage import database
from energy_ledger.storage.directory import DataDirectory, NodeKey
from tests.ledger_node.node.test_running import issue
from tests.support.people import HOUR_MS, Person, genesis, invite_to

VECTORS = Path(__file__).parents[2] / "vectors"
EVE = NodeKey(b"e" * 32)


@pytest.fixture
def expected_lingering_timers():
    """aiohttp leaves the timer of a closed connection's heartbeat to run out by itself."""
    return True


@pytest.fixture
async def node(tmp_path):
    """A node inside the tests' process, with Ada's network and a port for links."""
    directory = DataDirectory(tmp_path)
    key = directory.node_key()
    database.open_or_set_aside(directory.database)
    node = service.Node(directory, key, with_matcher=False, peering=service.Peering())
    node.ada = Person("Ada")
    signed = genesis(node.ada, key.public.hex())
    await node.found(types.Envelope(signed["payload"], signed["signatures"]))
    node.peer = Peer.read(directory.peer())
    yield node
    await node.close()


class Caller:
    """Somebody who links to the node and says what it likes."""

    def __init__(self, node, key=EVE, invited=True):
        self.node = node
        self.links = Links(key, None, list)
        self.network = bytes.fromhex(node.ada.network)
        given = read_invite_text(invite_to(node.ada, "Eve")["text"])
        self.admission = make_admission(given, key.public) if invited else None

    @property
    def hello(self):
        return Hello(self.network, Standing(0, 0, (0,), 0), "", b"", self.admission)

    async def __aenter__(self):
        self.link = await self.links.connect(self.node.peer)
        return self

    async def __aexit__(self, *_):
        await self.link.close("the test is over")
        await self.links.close()

    async def say(self, *frames):
        for frame in frames:
            self.link.send(frame)

    async def hear(self, kind):
        """Return the next frame of a kind; what else comes is passed over."""
        async with asyncio.timeout(5):
            while True:
                frame = await self.link.receive()
                if isinstance(frame, kind):
                    return frame

    async def reason(self):
        return (await self.hear(Bye)).reason


async def test_a_stranger_without_an_invite_is_told_so_and_hears_nothing_else(node):
    async with Caller(node, invited=False) as eve:
        await eve.say(eve.hello)
        frame = await eve.link.receive()
        assert isinstance(frame, Bye)
        assert "invite" in frame.reason
    assert node._neighbours.links.bans.reason(EVE.public) is None


async def test_a_node_that_had_to_stop_tells_callers_why_and_complains_of_nothing_else(
    node, caplog, monkeypatch
):
    def cannot_write(_):
        raise OSError("the disk is full")

    monkeypatch.setattr(node._running._writer, "write", cannot_write)
    with pytest.raises(ProblemError):
        await node.submit([issue(node)])
    async with Caller(node) as eve:
        await eve.say(eve.hello)
        assert "the disk is full" in await eve.reason()
    assert "Error handling request" not in caplog.text


async def test_who_is_invited_takes_the_history(node):
    async with Caller(node) as eve:
        await eve.say(eve.hello)
        hello = await eve.hear(Hello)
        assert hello.network == eve.network
        await eve.say(AskHistory(0, 0, b""))
        page = await eve.hear(History)
        assert page.blocks
        await eve.say(Want((b"x" * 32,)), AskHistory(0, 2**62, b""))
        assert (await eve.hear(History)).blocks == ()


async def test_an_empty_node_with_an_invite_hears_how_the_network_began(node):
    async with Caller(node) as eve:
        await eve.say(AskGenesis(eve.network, eve.admission))
        answer = await eve.hear(Genesis)
        assert node.ada.network in (await node.network()).network
        assert b"Sunny Street" in answer.envelope


def foreign_block(network, epoch=0, author=0):
    parents = (genesis_refs(network, epoch, author + 1)[author],)
    return sign_block(Draft(network, epoch, 1, author, 0, parents, Payload()), EVE.seed).raw


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (lambda eve: [replace(eve.hello, network=b"n" * 32)], "another network"),
        (lambda eve: [Standing(0, 0, (0,), 0)], "say hello first"),
        (lambda eve: [eve.hello, History(0, ())], "nobody asked"),
        (lambda eve: [eve.hello, Blocks((b"no block",))], "not a block"),
        (lambda eve: [eve.hello, Blocks((foreign_block(b"n" * 32),))], "another network"),
        (lambda eve: [eve.hello, Blocks((foreign_block(eve.network, author=3),))], "not in the committee"),
        (lambda eve: [eve.hello, Blocks((foreign_block(eve.network),))], "signature is not the author's"),
        (lambda eve: [eve.hello, replace(eve.hello, address="nowhere")], "a peer is written"),
        (lambda eve: [eve.hello, AskGenesis(eve.network, eve.admission)], "does not belong here"),
    ],
    ids=["network", "no-hello", "history", "bytes", "foreign", "author", "signature", "address", "frame"],
)
async def test_who_breaks_a_rule_is_told_which_and_kept_out(node, frames, reason):
    async with Caller(node) as eve:
        await eve.say(*frames(eve))
        assert reason in await eve.reason()
    assert reason in node._neighbours.links.bans.reason(EVE.public)
    with pytest.raises((LinkClosedError, LinkFaultError), match="kept out"):
        await Caller(node).__aenter__()
    assert (await node.network()).in_sync


async def test_blocks_of_another_epoch_do_no_harm(node):
    async with Caller(node) as eve:
        await eve.say(eve.hello, Blocks((foreign_block(eve.network, epoch=7),)), AskHistory(0, 0, b""))
        assert (await eve.hear(History)).blocks
    assert node._neighbours.links.bans.reason(EVE.public) is None


async def test_a_transaction_that_comes_over_a_link_is_ordered(node):
    signed = node.ada.sign("voucher.issue", to=node.ada.address, amount=7, reference="x")

    async with Caller(node) as eve:
        await eve.say(eve.hello, Envelopes((b"garbage", json.dumps(signed).encode())))
        async with asyncio.timeout(5):
            while not (await node.one("account", node.ada.address)).balance:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert (await node.one("account", node.ada.address)).balance == 7


def test_the_vectors_say_how_an_invite_lets_a_node_in():
    vector = json.loads((VECTORS / "invite.json").read_text())
    node = bytes.fromhex(vector["node"])
    admission = make_admission(read_invite_text(vector["text"]), node)
    assert admission.proof.hex() == vector["node_proof"]
    (peer,) = read_invite(admission.invite).peers
    assert Peer.read(peer) == Peer(node, "192.0.2.7", 8711)


async def test_an_invite_counts_until_it_expires_or_for_ever_once_used(node):
    ada, reader = node.ada, node._reader
    invite = invite_to(ada, "Bo", expires=1_000)
    admission = make_admission(read_invite_text(invite["text"]), EVE.public)
    network = node._running.genesis

    def fault(admission=admission, key=EVE.public, time=1_000):
        return admission_fault(admission, key, network, reader, time)

    assert fault() is None
    assert "expired" in fault(time=1_001)
    assert "not given to this node" in fault(key=b"x" * 32)
    assert "not signed by a founder" in fault(replace(admission, signature=b"s" * 64))
    assert "cannot be read" in fault(replace(admission, invite="{}"))
    stranger = invite_to(Person("Mallory", ada.network), "Bo")
    forged = make_admission(read_invite_text(stranger["text"]), EVE.public)
    assert "not signed by a founder" in fault(forged)


async def test_an_invite_with_which_somebody_joined_lets_the_node_in_for_ever(node):
    invite = invite_to(node.ada, "Bo")
    bo = Person("Bo")

    (answer,) = await node.submit([json.dumps(bo.joins(invite)).encode()])
    assert answer.state == "applied"
    admission = make_admission(read_invite_text(invite["text"]), EVE.public)
    late = (await node.network()).time + 2 * HOUR_MS
    assert admission_fault(admission, EVE.public, node._running.genesis, node._reader, late) is None
