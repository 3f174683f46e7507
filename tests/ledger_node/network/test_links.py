"""Links between nodes: who is let in, who cannot stand between them, and who is dropped."""

import asyncio
import ssl
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from energy_ledger.network import link as link_module
from energy_ledger.network.frames import (
    MAX_FRAME_BYTES,
    Blocks,
    Bye,
    FrameError,
    Standing,
    Want,
    decode,
    encode,
    in_pages,
)
from energy_ledger.network.handshake import Meeting, caller_context, make_credentials
from energy_ledger.network.link import LinkClosedError, LinkFaultError
from energy_ledger.network.links import PATH, Links
from energy_ledger.network.peers import AddressBook, Bans, Peer, PeerError
from energy_ledger.storage.directory import NodeKey

ADA, BO, EVE = (NodeKey(bytes([number]) * 32) for number in (1, 2, 3))
STANDING = Standing(0, 7, (3, 4), 1_700_000_000_000)


@pytest.fixture
def expected_lingering_timers():
    """aiohttp leaves the timer of a closed connection's heartbeat to run out by itself."""
    return True


class End:
    """One node's links, with what came over them."""

    def __init__(self, key):
        self.key = key
        self.wanted = []
        self.heard = []
        self.news = asyncio.Event()
        self.links = Links(key, self.serve, lambda: self.wanted)

    async def serve(self, link):
        while True:
            frame = await link.receive()
            if isinstance(frame, Bye):
                raise LinkClosedError(frame.reason)
            self.heard.append((link.key, frame))
            self.news.set()

    async def until(self, condition):
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - it looks into things that tell nobody
                await asyncio.sleep(0.01)

    @property
    def peer(self):
        return Peer(self.key.public, "127.0.0.1", self.port)


@asynccontextmanager
async def ends(*keys):
    made = [End(key) for key in keys]
    for end in made:
        end.port = await end.links.listen("127.0.0.1", 0)
    try:
        yield made
    finally:
        for end in made:
            await end.links.close()


async def linked(ada, bo):
    ada.wanted.append(bo.peer)
    ada.links.dial()
    await ada.until(lambda: ada.links.get(bo.key.public) and bo.links.get(ada.key.public))
    return ada.links.get(bo.key.public), bo.links.get(ada.key.public)


async def test_one_connection_carries_frames_in_both_directions():
    async with ends(ADA, BO) as (ada, bo):
        there, back = await linked(ada, bo)
        there.send(STANDING)
        back.send(Want((b"d" * 32,)))
        await ada.until(lambda: ada.heard and bo.heard)
        assert bo.heard == [(ADA.public, STANDING)]
        assert ada.heard == [(BO.public, Want((b"d" * 32,)))]


async def test_a_node_with_another_key_than_the_one_dialled_is_not_linked():
    async with ends(ADA, BO) as (ada, bo):
        with pytest.raises(LinkFaultError, match="another node answers"):
            await ada.links.connect(Peer(EVE.public, "127.0.0.1", bo.port))
        assert bo.links.all() == []


async def test_nobody_in_between_can_pass_the_proofs_on():
    async with ends(ADA, BO) as (ada, bo), middleman(bo) as port:
        with pytest.raises((LinkFaultError, LinkClosedError), match=r"does not prove|closed"):
            await ada.links.connect(Peer(BO.public, "127.0.0.1", port))
        assert bo.links.all() == []


@asynccontextmanager
async def middleman(target):
    """Stand between: accept connections with an own certificate and pass every message on unchanged."""

    async def relay(request):
        near = web.WebSocketResponse()
        await near.prepare(request)
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"https://127.0.0.1:{target.port}{PATH}", ssl=caller_context()) as far,
        ):
            await asyncio.gather(pass_on(near, far), pass_on(far, near))
        return near

    async def pass_on(source, sink):
        async for message in source:
            await sink.send_bytes(message.data)
        await sink.close()

    app = web.Application()
    app.router.add_get(PATH, relay)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=make_credentials().context).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def test_a_proof_holds_for_one_role_and_one_connection_only():
    meeting = Meeting(ADA.public, BO.public, b"a" * 32, b"b" * 32, b"certificate")
    proof = meeting.sign("caller", BO.seed)
    assert meeting.proves("caller", proof)
    assert not meeting.proves("acceptor", proof)
    fields = {name: getattr(meeting, name) for name in Meeting.__slots__}
    for name in fields:
        assert not Meeting(**fields | {name: b"x" * 32}).proves("caller", proof)


async def test_only_tls_1_3_is_spoken():
    async with ends(ADA) as (ada,):
        old = caller_context()
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.ws_connect(f"https://127.0.0.1:{ada.port}{PATH}", ssl=old)


@pytest.mark.parametrize(
    "data", [b"x" * (MAX_FRAME_BYTES + 1), b"\x00", encode(STANDING) + b"\x00"], ids=["long", "none", "more"]
)
async def test_who_sends_what_is_no_frame_is_dropped_and_kept_out(data):
    async with ends(ADA, BO) as (ada, bo):
        there, _ = await linked(ada, bo)
        await there._socket.send_bytes(data)
        await bo.until(lambda: bo.links.bans.reason(ADA.public) and not bo.links.all())
        with pytest.raises((LinkFaultError, LinkClosedError), match="kept out"):
            await ada.links.connect(bo.peer)


async def test_who_reads_too_slowly_is_dropped_and_memory_stays_bounded(monkeypatch):
    monkeypatch.setattr(link_module, "SEND_TIMEOUT_S", 0.5)
    over = asyncio.Event()
    async with ends(ADA, BO) as (ada, bo):

        async def deaf(_):
            await over.wait()

        bo.links._serve = deaf
        there, _ = await linked(ada, bo)
        while there.is_open:
            there.send(Blocks((b"b" * 1_000_000,)))
            assert there._queued <= link_module.MAX_QUEUED_BYTES
        await ada.until(lambda: not there._queue and not ada.links.all())
        over.set()


async def test_two_nodes_that_dial_each_other_keep_one_link():
    async with ends(ADA, BO) as (ada, bo):
        ada.wanted.append(bo.peer)
        bo.wanted.append(ada.peer)
        ada.links.dial()
        bo.links.dial()
        await ada.until(lambda: ada.links.all() and bo.links.all())
        await asyncio.sleep(0.5)
        (there,), (back,) = ada.links.all(), bo.links.all()
        assert there.dialled != back.dialled
        there.send(STANDING)
        await bo.until(lambda: bo.heard)


@given(st.binary(max_size=200))
def test_bytes_are_a_frame_or_refused(data):
    try:
        frame = decode(data)
    except FrameError:
        return
    assert decode(encode(frame)) == frame


@given(st.lists(st.binary(max_size=100), max_size=50))
def test_pages_hold_everything_once_and_in_order(items):
    pages = in_pages(items)
    assert [item for page in pages for item in page] == items
    assert all(pages)


@pytest.mark.parametrize("host", ["192.0.2.7", "fe80::1", "node.example"])
def test_a_peer_reads_as_it_is_written(host):
    peer = Peer(ADA.public, host, 8711)
    assert Peer.read(str(peer)) == peer


@pytest.mark.parametrize("text", ["", "host:1", "ab@host:1", f"{'0' * 64}@host", f"{'0' * 64}@ho st:1"])
def test_what_names_no_peer_is_refused(text):
    with pytest.raises(PeerError):
        Peer.read(text)


def test_a_ban_ends():
    now = [0.0]
    bans = Bans(lambda: now[0])
    bans.add(EVE.public, "it lied")
    assert bans.reason(EVE.public) == "it lied"
    now[0] = 601.0
    assert bans.reason(EVE.public) is None
    assert bans.all() == []


def test_hearsay_does_not_replace_an_address_that_is_known():
    book = AddressBook(ADA.public)
    assert book.add(Peer(BO.public, "192.0.2.1", 1))
    assert not book.suggest(Peer(BO.public, "192.0.2.2", 2))
    assert not book.add(Peer(ADA.public, "192.0.2.3", 3))
    assert [peer.host for peer in book.all()] == ["192.0.2.1"]
