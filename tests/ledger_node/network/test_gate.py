"""The gate: strangers stand there in bounded number and for a bounded time, and stop nobody who means it."""

import asyncio
import errno
from contextlib import asynccontextmanager

import aiohttp
import pytest

from energy_ledger.network import gate as gate_module
from energy_ledger.network import links as links_module
from energy_ledger.network.gate import MAX_STRANGERS
from energy_ledger.network.handshake import caller_context
from energy_ledger.network.links import Links
from energy_ledger.network.peers import Peer
from energy_ledger.storage.directory import NodeKey
from tests.ledger_node.network.test_links import ADA, BO, ends, linked

MANY = 5 * MAX_STRANGERS


@pytest.fixture
def expected_lingering_timers():
    """aiohttp leaves the timer of a closed connection's heartbeat to run out by itself."""
    return True


@asynccontextmanager
async def half_open(port, count, *, tls=False, said=b""):
    """Open connections that get stuck on the way; give how many of them the node has ended so far."""
    made = []
    for _ in range(count):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=caller_context() if tls else None
        )
        writer.write(said)
        made.append((reader, writer, asyncio.create_task(_until_the_end(reader))))
    try:
        yield lambda: sum(ended.done() for _, _, ended in made)
    finally:
        for _, writer, ended in made:
            writer.transport.abort()
            await ended


async def _until_the_end(reader):
    try:
        while await reader.read(1_000):
            pass
    except OSError:
        return


@pytest.mark.parametrize(
    ("tls", "said"),
    [(False, b""), (False, b"\x16\x03\x01"), (True, b""), (True, b"GET /link HTTP/1.1\r\nHost")],
    ids=["silent", "a piece of TLS", "TLS and silent", "a piece of a request"],
)
async def test_half_open_connections_are_bounded_in_number_and_an_honest_node_gets_in(tls, said):
    async with ends(ADA, BO) as (ada, bo), half_open(bo.port, MANY, tls=tls, said=said) as ended:
        await ada.until(lambda: ended() >= MANY - MAX_STRANGERS)
        await linked(ada, bo)
        assert len(bo.links.all()) == 1


async def test_a_stranger_that_gets_nowhere_is_sent_away_and_a_link_stays(monkeypatch):
    monkeypatch.setattr(gate_module, "STRANGER_S", 0.5)
    async with ends(ADA, BO) as (ada, bo):
        there, _ = await linked(ada, bo)
        async with half_open(bo.port, 2, tls=True, said=b"GET /link HTTP/1.1\r\n") as ended:
            await ada.until(lambda: ended() == 2)
        await asyncio.sleep(0.6)
        assert there.is_open


async def test_plain_http_and_other_requests_get_no_link():
    async with ends(ADA) as (ada,):
        async with half_open(ada.port, 1, said=b"GET /link HTTP/1.1\r\nHost: x\r\n\r\n") as ended:
            await ada.until(lambda: ended() == 1)
        assert ada.links.all() == []


@asynccontextmanager
async def caller(number, end):
    """Link to somebody, prove a key, and say nothing; give that key."""
    key = NodeKey(bytes([number]) * 32)
    links = Links(key, None, list)
    try:
        link = await links.connect(end.peer)
        await end.until(lambda: end.links.get(key.public))
        yield key.public
        await link.close("the test is over")
    finally:
        await links.close()


async def test_links_that_nobody_vouches_for_make_room_and_those_that_belong_here_do_not(monkeypatch):
    monkeypatch.setattr(links_module, "MAX_LINKS", 2)
    async with ends(ADA) as (ada,), caller(11, ada) as one, caller(12, ada) as other:
        ada.links.get(one).vouched_for = True
        async with caller(13, ada) as third:
            assert ada.links.get(other) is None
            ada.links.get(third).vouched_for = True
            with pytest.raises(aiohttp.WSServerHandshakeError):
                async with caller(14, ada):
                    pass
            assert {link.key for link in ada.links.all()} == {one, third}


async def test_a_machine_that_ran_out_of_descriptors_accepts_again_later(monkeypatch):
    loop = asyncio.get_running_loop()
    accept, troubles = loop.sock_accept, [OSError(errno.EMFILE, "Too many open files")]

    async def accept_later(listening):
        if troubles:
            raise troubles.pop()
        return await accept(listening)

    monkeypatch.setattr(gate_module, "_PAUSE_S", 0.01)
    monkeypatch.setattr(loop, "sock_accept", accept_later)
    async with ends(ADA, BO) as (ada, bo):
        await linked(ada, bo)
    assert not troubles


async def reply_nonsense(reader, writer):
    writer.write(b"220 mail.example ESMTP\r\n")
    await writer.drain()
    writer.close()


async def test_why_a_node_cannot_be_linked_is_said_in_words():
    async with ends(ADA) as (ada,):
        mail = await asyncio.start_server(reply_nonsense, "127.0.0.1", 0)
        nobody = await asyncio.start_server(reply_nonsense, "127.0.0.1", 0)
        ports = [server.sockets[0].getsockname()[1] for server in (mail, nobody)]
        nobody.close()
        places = [("127.0.0.1", port) for port in ports] + [("no-such-home.invalid", 1)]
        ada.wanted += [Peer(bytes([n]) * 32, host, port) for n, (host, port) in enumerate(places, 1)]
        ada.links.dial()
        await ada.until(lambda: all(ada.links.trouble(peer.key) for peer in ada.wanted))
        assert [ada.links.trouble(peer.key) for peer in ada.wanted] == [
            "what answers there is no node",
            f"127.0.0.1:{ports[1]} cannot be reached: Connection refused",
            "no machine is known by the name no-such-home.invalid",
        ]
        mail.close()
