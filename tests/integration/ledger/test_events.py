"""Following events over real WebSockets: no gap, no duplicate, whatever the connection does."""

import json

import pytest
from aiohttp import ClientSession, ClientWSTimeout, web

from custom_components.energy_marketplace.ledger import client
from custom_components.energy_marketplace.ledger.answers import Event
from custom_components.energy_marketplace.ledger.client import NodeProblemError, NotAuthorizedError
from custom_components.energy_marketplace.ledger.events import (
    LONGEST_RETRY_S,
    Connected,
    Disconnected,
    EventFollower,
    Lost,
)
from tests.integration.ledger.loopback import serving

pytestmark = pytest.mark.usefixtures("socket_enabled")


def event(cursor: int) -> dict:
    return {
        "cursor": cursor,
        "commit": cursor,
        "time": cursor * 1000,
        "type": "transfer",
        "accounts": [],
        "assets": [],
        "transaction": None,
        "data": {},
    }


def hello(head: int) -> dict:
    return {"type": "hello", "cursor": head, "time": 5}


class Stream:
    """Serves one script of messages per connection; notes what each connection asked for."""

    def __init__(self, *scripts):
        self.scripts = list(scripts)
        self.asked = []

    async def __call__(self, request):
        self.asked.append(dict(request.query))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for message in self.scripts.pop(0):
            await socket.send_str(message if isinstance(message, str) else json.dumps(message))
        await socket.close()
        return socket


async def no_wait(_seconds):
    return None


async def follow(stream, until: int, **options):
    """Return items until the event with a cursor arrives, and the follower."""
    items = []
    async with serving(stream) as node:
        follower = EventFollower(node, sleep=no_wait, jitter=lambda: 0.0, **options)
        async for item in follower.follow():
            items.append(item)
            if isinstance(item, Event) and item.cursor == until:
                break
    return items, follower


def cursors(items):
    return [item.cursor for item in items if isinstance(item, Event)]


async def test_it_resumes_where_the_connection_broke():
    stream = Stream([hello(9), event(10), event(11)], [hello(12), event(12), event(13)])
    items, follower = await follow(stream, 13)
    assert cursors(items) == [10, 11, 12, 13]
    assert stream.asked == [{}, {"cursor": "11"}]
    assert [type(item) for item in items if not isinstance(item, Event)] == [
        Connected,
        Disconnected,
        Connected,
    ]
    assert follower.cursor == 13


async def test_a_break_before_the_first_event_loses_nothing():
    stream = Stream([hello(9)], [hello(10), event(10)])
    items, _ = await follow(stream, 10)
    assert stream.asked == [{}, {"cursor": "9"}]
    assert cursors(items) == [10]


async def test_a_cursor_from_before_a_restart_is_taken_up():
    stream = Stream([hello(50), event(8), event(9)])
    items, _ = await follow(stream, 9, cursor=7)
    assert stream.asked == [{"cursor": "7"}]
    assert cursors(items) == [8, 9]


async def test_what_comes_twice_is_told_once():
    stream = Stream([hello(9), event(10), event(10), event(9), event(11)])
    items, _ = await follow(stream, 11)
    assert cursors(items) == [10, 11]


async def test_a_hole_in_the_stream_is_filled_before_going_on():
    stream = Stream([hello(9), event(10), event(12)], [hello(12), event(11), event(12)])
    items, _ = await follow(stream, 12)
    assert cursors(items) == [10, 11, 12]
    [broken] = [item for item in items if isinstance(item, Disconnected)]
    assert isinstance(broken.error, NodeProblemError)


async def test_with_a_filter_the_numbers_in_between_belong_to_others():
    stream = Stream([hello(9), event(14), event(20)])
    items, _ = await follow(stream, 20, account="kwh1x", types=("transfer", "trade.matched"))
    assert cursors(items) == [14, 20]
    assert stream.asked == [{"account": "kwh1x", "types": "transfer,trade.matched"}]


@pytest.mark.parametrize(
    "nonsense",
    [["{"], ["[" * 100_000], [{"type": "hi"}], [[1]], [hello(9), {"cursor": 10}], [hello(9), "no"]],
)
async def test_nonsense_breaks_the_connection_and_not_the_member(nonsense):
    stream = Stream(nonsense, [hello(9), event(10)])
    items, _ = await follow(stream, 10, cursor=9)
    [broken] = [item for item in items if isinstance(item, Disconnected)]
    assert isinstance(broken.error, NodeProblemError)
    assert cursors(items) == [10]


async def test_a_stream_that_falls_silent_is_opened_again(monkeypatch):
    monkeypatch.setattr(client, "_WEBSOCKET_TIMEOUT", ClientWSTimeout(ws_receive=0.1, ws_close=0.1))
    connections = []

    async def node(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connections.append(socket)
        await socket.send_json(hello(9))
        if len(connections) > 1:
            await socket.send_json(event(10))
        await socket.receive()
        return socket

    items, _ = await follow(node, 10)
    [broken] = [item for item in items if isinstance(item, Disconnected)]
    assert "silent" in str(broken.error)
    assert cursors(items) == [10]


async def test_a_node_that_is_off_is_waited_for():
    async with ClientSession() as session:
        follower = EventFollower(client.NodeClient(session, "http://127.0.0.1:9"))
        item = await anext(follower.follow())
    assert isinstance(item.error, client.NodeUnreachableError)


async def test_it_waits_longer_each_time_but_not_for_ever():
    async def closed(_):
        return web.Response(status=503)

    waits = []
    async with serving(closed) as node:
        follower = EventFollower(node, sleep=no_wait, jitter=lambda: 0.999)
        async for item in follower.follow():
            waits.append(item.retry_in_s)
            if len(waits) == 12:
                break
    assert waits == sorted(waits)
    assert waits[0] < 1
    assert waits[-1] <= LONGEST_RETRY_S


async def test_a_refused_token_ends_it():
    async def closed(_):
        return web.Response(status=401)

    async with serving(closed) as node:
        with pytest.raises(NotAuthorizedError):
            await anext(EventFollower(node).follow())


class Restored(Stream):
    """A node that was restored: it does not know the cursor, but gives what happens from now on."""

    async def __call__(self, request):
        if "cursor" in request.query and int(request.query["cursor"]) > 5:
            self.asked.append(dict(request.query))
            return web.json_response({"code": "cursor_unknown"}, status=410)
        return await super().__call__(request)


async def test_a_cursor_that_the_node_does_not_know_is_said_to_be_lost_and_following_begins_anew():
    stream = Restored([hello(5), event(6)])
    items, follower = await follow(stream, 6, cursor=9)
    assert [type(item) for item in items] == [Lost, Connected, Event]
    assert follower.cursor == 6
    assert stream.asked == [{"cursor": "9"}, {}]
