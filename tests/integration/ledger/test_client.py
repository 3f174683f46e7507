"""The client over real sockets: what it asks, what it reads, and how it fails."""

import asyncio

import pytest
from aiohttp import ClientSession, web

from custom_components.energy_marketplace.ledger import answers, client
from custom_components.energy_marketplace.ledger.client import (
    NodeClient,
    NodeProblemError,
    NodeUnreachableError,
    NotAuthorizedError,
    RefusedError,
)
from custom_components.energy_marketplace.ledger.transactions import Envelope
from tests.integration.ledger.loopback import problem, serving

ENVELOPE = Envelope('{"a":"ü"}', ("00",))
ORDER = {
    "id": "o",
    "account": "a",
    "asset": "s",
    "order": {"type": "offer"},
    "state": "open",
    "filled_wh": 0,
    "held": 0,
    "placed": 1,
    "commit": 2,
}

pytestmark = pytest.mark.usefixtures("socket_enabled")


async def test_it_asks_with_the_token_and_reads_a_typed_answer():
    asked = []

    async def node(request):
        asked.append((request.method, request.path_qs, request.headers.get("Authorization")))
        return web.json_response(ORDER | {"news": "of a later version"})

    async with serving(node) as member:
        order = await member.order("o")
    assert asked == [("GET", "/v1/orders/o", "Bearer secret")]
    assert order == answers.PlacedOrder(**ORDER)


async def test_a_list_is_read_to_its_end_page_by_page():
    pages = {None: (["o1", "o2"], "c1"), "c1": (["o3"], "c2"), "c2": ([], None)}

    async def node(request):
        assert request.query["account"] == "kwh1x"
        assert "state" not in request.query
        ids, cursor = pages[request.query.get("cursor")]
        return web.json_response({"items": [ORDER | {"id": order} for order in ids], "next": cursor})

    async with serving(node) as member:
        orders = await member.orders(account="kwh1x")
    assert [order.id for order in orders] == ["o1", "o2", "o3"]


async def test_the_envelope_arrives_byte_for_byte():
    async def node(request):
        assert await request.json() == {"payload": '{"a":"ü"}', "signatures": ["00"]}
        return web.json_response({"accepted": True, "id": "x", "state": "applied", "commit": 4})

    async with serving(node) as member:
        assert await member.submit(ENVELOPE) == answers.Submission(True, "x", "applied", 4)


async def test_many_transactions_get_one_answer_each():
    async def node(request):
        return web.json_response([{"accepted": False, "code": "expired"} for _ in await request.json()])

    async with serving(node) as member:
        results = await member.submit_all([ENVELOPE, ENVELOPE])
    assert [result.code for result in results] == ["expired", "expired"]


async def test_an_answer_for_another_number_of_transactions_is_a_problem():
    async def node(_):
        return web.json_response([])

    async with serving(node) as member:
        with pytest.raises(NodeProblemError, match="one result per transaction"):
            await member.submit_all([ENVELOPE])


async def test_a_refusal_keeps_code_field_and_words():
    async def node(_):
        return problem(422, code="slot_closed", field="order.slots.3", detail="slot 3 is over")

    async with serving(node) as member:
        with pytest.raises(RefusedError, match="slot 3 is over") as caught:
            await member.network()
    assert (caught.value.code, caught.value.field, caught.value.status) == (
        "slot_closed",
        "order.slots.3",
        422,
    )


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda: problem(401, detail="who are you"), NotAuthorizedError),
        (lambda: web.Response(status=401), NotAuthorizedError),
        (lambda: problem(500, detail="disk full", code="disk"), NodeProblemError),
        (lambda: problem(404), NodeProblemError),
        (lambda: web.Response(text="<html>router</html>"), NodeProblemError),
        (lambda: web.Response(text="[" * 100_000), NodeProblemError),
        (lambda: web.json_response([]), NodeProblemError),
        (lambda: web.json_response(ORDER | {"held": "much"}), NodeProblemError),
        (lambda: web.json_response(ORDER | {"held": True}), NodeProblemError),
        (lambda: web.json_response({"id": "o"}), NodeProblemError),
    ],
)
async def test_each_bad_answer_is_its_own_kind_of_error(answer, error):
    async def node(_):
        return answer()

    async with serving(node) as member:
        with pytest.raises(error):
            await member.order("o")


async def test_a_node_that_is_off_is_unreachable():
    async with ClientSession() as session:
        with pytest.raises(NodeUnreachableError, match=r"no answer from http://127\.0\.0\.1:9"):
            await NodeClient(session, "http://127.0.0.1:9").network()


async def test_a_node_that_never_answers_is_unreachable(monkeypatch):
    monkeypatch.setattr(client, "REQUEST_TIMEOUT_S", 0.05)
    done = asyncio.Event()

    async def node(_):
        await done.wait()
        return web.Response()

    async with serving(node) as member:
        with pytest.raises(NodeUnreachableError):
            await member._call("GET", "network", timeout_s=0.05)
        done.set()


async def test_a_busy_node_is_asked_again_when_it_says(monkeypatch):
    waited = []

    async def wait(seconds):
        waited.append(seconds)

    async def node(_):
        if len(waited) < 2:
            busy = problem(429, code="too_many_requests", detail="wait a second")
            busy.headers["Retry-After"] = "1"
            return busy
        return web.json_response(ORDER)

    async with serving(node) as member:
        monkeypatch.setattr(client.asyncio, "sleep", wait)
        assert (await member.order("o")).id == "o"
    assert waited[:2] == [1.0, 1.0]


async def test_a_node_that_stays_busy_says_so_in_the_end(monkeypatch):
    async def no_wait(_seconds):
        return None

    async def node(_):
        return problem(429, code="too_many_requests", detail="wait a second")

    async with serving(node) as member:
        monkeypatch.setattr(client.asyncio, "sleep", no_wait)
        with pytest.raises(RefusedError, match="wait a second"):
            await member.order("o")


async def test_health_is_asked_without_version_and_a_stopped_node_still_tells():
    async def node(request):
        assert request.path == "/health"
        return web.json_response({"status": "stopped", "version": "1"}, status=503)

    async with serving(node, token=None) as member:
        assert await member.health() == answers.Health("stopped", "1")


@pytest.mark.parametrize(
    "address", ["http://node:8600", "http://node:8600/", "http://node:8600/v1", " http://node:8600/v1/ "]
)
async def test_an_address_may_be_written_in_several_ways(address):
    async with ClientSession() as session:
        assert NodeClient(session, address).url.rstrip("/") == "http://node:8600"


@pytest.mark.parametrize("address", ["", "node:8600", "ftp://node", "http://"])
async def test_what_is_no_address_is_refused(address):
    async with ClientSession() as session:
        with pytest.raises(ValueError, match="not an address"):
            NodeClient(session, address)
