"""The event stream: every event once, in order, from anywhere, for as long as the client keeps up."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError, web
from aiohttp.test_utils import TestServer

from energy_ledger.api import events
from energy_ledger.api.events import EventStreams
from energy_ledger.api.problems import answer_problems
from energy_ledger.ledger.events import Event
from energy_ledger.node import event_log
from energy_ledger.node.event_log import EventLog
from tests.support.people import EUR


def make(cursor, kind="transfer", account="a", asset="x", size=0):
    return Event(
        cursor=cursor,
        commit=cursor,
        time=cursor * 10,
        type=kind,
        accounts=(account,),
        assets=(asset,),
        transaction=None,
        data={"padding": "x" * size},
    )


class Disk:
    """The events that were written, and how often somebody asked for some."""

    def __init__(self):
        self.events = []
        self.asked = 0

    async def fetch(self, after, limit):
        self.asked += 1
        found = [event for event in self.events if event.cursor > after][:limit]
        return [(event.cursor, event.encode()) for event in found]


class Log:
    """An event log with its disk."""

    def __init__(self, before=0):
        self.disk = Disk()
        self.disk.events = [make(cursor) for cursor in range(1, before + 1)]
        self.log = EventLog(before, before * 10, self.disk.fetch)

    def happen(self, *new):
        self.disk.events += new
        self.log.append(new, [event.encode() for event in new], new[-1].time)


@asynccontextmanager
async def listening(log, **query):
    """Give a client's stream of a log."""
    streams = EventStreams()

    async def handle(request):
        return await streams.serve(request, log)

    app = web.Application(middlewares=[answer_problems])
    app.router.add_get("/", handle)
    async with (
        TestServer(app) as server,
        ClientSession() as session,
        session.ws_connect(server.make_url("/"), params=query) as stream,
    ):
        yield stream, streams


async def cursors(stream, number):
    return [json.loads((await stream.receive(5)).data)["cursor"] for _ in range(number)]


async def test_it_begins_with_where_it_stands():
    async with listening(Log(before=3).log) as (stream, _):
        assert await stream.receive_json() == {"type": "hello", "cursor": 3, "time": 30}


async def test_without_a_cursor_events_come_from_now_on():
    log = Log(before=3)
    async with listening(log.log) as (stream, _):
        await stream.receive_json()
        log.happen(make(4), make(5))
        assert await cursors(stream, 2) == [4, 5]


@pytest.mark.parametrize("remembered", [3, 1_000])
@pytest.mark.parametrize("cursor", [0, 1, 5, 9, 10])
async def test_it_resumes_after_any_cursor_without_gap_or_duplicate(monkeypatch, remembered, cursor):
    monkeypatch.setattr(event_log, "REMEMBERED", remembered)
    monkeypatch.setattr(event_log, "_PAGE", 2)
    log = Log(before=4)
    log.happen(*map(make, range(5, 11)))
    async with listening(log.log, cursor=cursor) as (stream, _):
        assert (await stream.receive_json())["cursor"] == 10
        log.happen(make(11))
        assert await cursors(stream, 11 - cursor) == list(range(cursor + 1, 12))
        log.happen(make(12))
        assert await cursors(stream, 1) == [12]


async def test_what_is_new_comes_from_memory():
    log = Log(before=2)
    async with listening(log.log) as (stream, _):
        await stream.receive_json()
        log.happen(make(3))
        assert await cursors(stream, 1) == [3]
    assert log.disk.asked == 0


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"account": "b"}, [2, 3]),
        ({"asset": "y"}, [3, 4]),
        ({"types": "voucher.issued"}, [4]),
        ({"types": "voucher.issued,credit.set"}, [4, 5]),
        ({"account": "b", "asset": "y"}, [3]),
    ],
)
async def test_only_what_matches_everything_that_was_asked_for_comes(query, wanted):
    log = Log()
    log.happen(
        make(1),
        make(2, account="b"),
        make(3, account="b", asset="y"),
        make(4, "voucher.issued", asset="y"),
        make(5, "credit.set"),
    )
    log.happen(make(6, "credit.set", "b", "y"), make(7, "voucher.issued", "b", "y"))
    async with listening(log.log, cursor=0, **query) as (stream, _):
        await stream.receive_json()
        found = await cursors(stream, len(wanted))
    assert found == wanted


@pytest.mark.parametrize(("cursor", "is_known"), [("4", False), ("3", True), ("2", True), ("1", False)])
async def test_a_cursor_ahead_of_what_the_node_knows_or_before_it_has_a_code_of_its_own(cursor, is_known):
    log = EventLog(3, 0, Log(before=3).disk.fetch, 2)
    if is_known:
        async with listening(log, cursor=cursor) as (stream, _):
            assert (await stream.receive_json())["cursor"] == 3
        return
    with pytest.raises(WSServerHandshakeError) as caught:
        async with listening(log, cursor=cursor):
            pass
    assert caught.value.status == 410


async def test_a_log_that_ends_lets_its_listeners_go():
    log = Log(before=3)
    async with listening(log.log) as (stream, streams):
        await stream.receive_json()
        log.log.end()
        assert (await stream.receive()).type is WSMsgType.CLOSE
        await asyncio.sleep(0.2)
        assert len(streams) == 0


@pytest.mark.parametrize("query", [{"cursor": "-1"}, {"cursor": "x"}, {"colour": "red"}])
async def test_a_cursor_that_is_none_is_refused(query):
    with pytest.raises(WSServerHandshakeError) as caught:
        async with listening(Log(before=3).log, **query):
            pass
    assert caught.value.status == 400


async def test_a_client_that_does_not_read_is_told_why_it_is_disconnected(monkeypatch):
    monkeypatch.setattr(events, "SLOW_S", 0.2)
    log = Log()
    async with listening(log.log) as (stream, streams):
        await stream.receive_json()
        stream._response.connection.transport.pause_reading()
        for start in range(1, 100, 10):
            log.happen(*(make(cursor, size=400_000) for cursor in range(start, start + 10)))
        await asyncio.sleep(2)
        assert len(streams) == 0
        stream._response.connection.transport.resume_reading()
        while (message := await stream.receive(10)).type is WSMsgType.TEXT:
            pass
    assert (stream.close_code, message.extra) == (
        1013,
        "too slow; connect again with the cursor of the last event you got",
    )


async def test_a_client_that_leaves_is_forgotten():
    async with listening(Log().log) as (stream, streams):
        await stream.receive_json()
        assert len(streams) == 1
        await stream.close()
        for _ in range(500):
            if not len(streams):
                return
            await asyncio.sleep(0.01)
    pytest.fail("the stream is still there")


async def test_a_node_that_stops_says_so_to_those_who_listen():
    async with listening(Log().log) as (stream, streams):
        await stream.receive_json()
        await asyncio.gather(streams.close(), stream.receive(5))
    assert stream.close_code == 1001


async def test_a_restarted_node_goes_on_where_the_client_left_off(node, street):
    headers = street.client.headers
    bo = await street.joins("Bo", EUR)
    seen = []

    async def read(until, cursor):
        async with street.client.session.ws_connect(
            f"{street.client.url}/v1/events?cursor={cursor}", headers=headers
        ) as stream:
            assert (await stream.receive_json())["type"] == "hello"
            while not seen or seen[-1]["cursor"] < until:
                seen.append(await stream.receive_json())

    await read(2, 0)
    node.restart()
    bo.sequence = 1
    await street.client.must(bo.sign("transfer", to=street.founder.address, amount=5))
    await read(3, 2)
    assert [event["cursor"] for event in seen] == [1, 2, 3]
    assert seen[-1]["type"] == "transfer"
    assert seen[-1]["data"]["amount"] == 5
