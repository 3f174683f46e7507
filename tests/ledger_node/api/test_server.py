"""The server around the paths: tokens, limits, errors, metrics, the page for people."""

import asyncio
import json
import re

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from energy_ledger.api import routes
from energy_ledger.api.metrics import METRICS
from energy_ledger.api.server import MAX_BODY_BYTES, make_app
from energy_ledger.node.run import Node
from energy_ledger.storage import database
from energy_ledger.storage.directory import DataDirectory
from tests.support.client import Street

PATHS = sorted(
    {re.sub(r"\{\w+\}", "1", route.path) for route in routes.ROUTES}
    | {routes.EVENTS_PATH, routes.METRICS_PATH, routes.OPENAPI_PATH}
)


@pytest.mark.parametrize("path", [path for path in PATHS if path not in ("/health", "/v1/transactions")])
@pytest.mark.parametrize("token", [None, "wrong", ""])
async def test_nothing_but_health_is_told_without_a_token(shared, path, token):
    client = shared.with_token(token)
    status, answer = await client.call("GET", path)
    assert (status, answer["code"]) == (401, "unauthorized")


async def test_nothing_can_be_submitted_or_founded_without_a_token(shared):
    client = shared.with_token("wrong")
    status, answer = await client.call("POST", "/v1/transactions", {})
    assert (status, answer["code"]) == (401, "unauthorized")
    status, answer = await client.call(
        "POST", "/v1/setup", {"found": {"payload": "{}", "signatures": ["00"]}}
    )
    assert (status, answer["code"]) == (403, "forbidden")


async def test_health_needs_no_token(shared):
    assert (await shared.with_token("").get("/health"))["status"] in ("ok", "not_set_up")


async def test_health_can_be_asked_as_often_as_one_likes(shared):
    asked = [shared.with_token("").call("GET", "/health") for _ in range(200)]
    assert {status for status, _ in await asyncio.gather(*asked)} == {200}


async def test_whoever_guesses_tokens_is_slowed_down(client):
    guesses = [client.with_token(f"guess {number}").call("GET", "/v1/network") for number in range(150)]
    statuses = {status for status, _ in await asyncio.gather(*guesses)}
    assert statuses == {401, 429}
    assert (await client.get("/v1/setup"))["state"] == "empty"


async def test_a_body_that_is_too_long_is_refused_unread(shared):
    status, answer = await shared.call("POST", "/v1/transactions", b"[" + b" " * MAX_BODY_BYTES + b"]")
    assert (status, answer["code"]) == (413, "too_large")


async def test_a_body_that_is_not_encoded_as_it_says_is_a_bad_request(shared):
    headers = {**shared.headers, "Content-Encoding": "gzip"}
    url = shared.url + "/v1/transactions"
    async with shared.session.post(url, data=b"[]", headers=headers, compress=None) as response:
        assert (response.status, response.content_type) == (400, "application/problem+json")
        assert (await response.json(content_type=None))["code"] == "bad_request"


@pytest.mark.parametrize("number", [0, 1_001])
async def test_a_list_has_one_to_a_thousand_transactions(shared, number):
    status, answer = await shared.call("POST", "/v1/transactions", [{}] * number)
    assert (status, answer["code"]) == (400, "bad_request")
    assert str(number) in answer["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b'{"found": null}',
        b'{"join": 1}',
        b'{"join": "a", "found": 1}',
        b"\xff",
        b"[" * 9_000,
    ],
)
async def test_a_setup_that_is_neither_of_the_two_is_refused(shared, body):
    status, answer = await shared.call("POST", "/v1/setup", body)
    assert (status, answer["code"]) == (400, "bad_request")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)
ENVELOPES = st.fixed_dictionaries(
    {
        "payload": st.text() | JSON.map(json.dumps) | JSON,
        "signatures": st.lists(st.text("0aF", max_size=9)) | JSON,
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=200)
    | JSON.map(lambda value: json.dumps(value).encode())
    | ENVELOPES.map(lambda value: json.dumps(value).encode())
)
async def test_whatever_is_sent_is_answered_and_never_with_an_error_of_the_node(founded, body):
    status, answer = await founded.call("POST", "/v1/transactions", body)
    assert status in (200, 400)
    for one in answer if isinstance(answer, list) else [answer]:
        assert one["code"] != "internal"
        assert status == 400 or one["accepted"] is False


@pytest.fixture
async def founded(shared, shared_node):
    """The shared node with a network."""
    if (await shared.get("/v1/setup"))["network"] is None:
        return (await Street.found(shared_node, shared)).client
    return shared


async def test_metrics_are_what_prometheus_reads(founded):
    async with founded.session.get(founded.url + "/metrics", headers=founded.headers) as response:
        assert response.content_type == "text/plain"
        lines = (await response.text()).splitlines()
    values = [line for line in lines if not line.startswith("#")]
    assert {re.fullmatch(r"energy_ledger_(\w+) [0-9.e+-]+", line)[1] for line in values} == set(METRICS)


async def test_the_page_for_people_needs_nothing_from_elsewhere(shared):
    async with shared.session.get(shared.url + "/") as response:
        assert response.status == 200
        policy, page = response.headers["Content-Security-Policy"], await response.text()
    assert "default-src 'none'" in policy
    assert not re.findall(r"""(?:src|href|url)\s*[=(]|https?://|@import""", page)
    assert 'name="viewport"' in page
    assert re.findall(r'get\("([^"]+)"\)', page) == ["health", "v1/network", "v1/rounds?limit=8"]


class BrokenNode(Node):
    """A node with a mistake in it."""

    def setup_state(self):
        raise RuntimeError("a secret of the inside")


async def test_a_mistake_of_the_node_is_a_number_for_the_client_and_a_line_in_the_log(tmp_path, caplog):
    directory = DataDirectory(tmp_path)
    key = directory.node_key()
    database.open_or_set_aside(directory.database)
    node = BrokenNode(directory, key, with_matcher=False)
    async with TestClient(TestServer(make_app(node, node.tokens))) as client:
        headers = {"Authorization": f"Bearer {directory.setup_token()}"}
        async with client.get("/v1/setup", headers=headers) as response:
            answer = await response.json()
    await node.close()
    assert (response.status, answer["code"]) == (500, "internal")
    assert "secret" not in json.dumps(answer)
    number = re.search(r"under (\w+)$", answer["detail"])[1]
    assert number in caplog.text
    assert "a secret of the inside" in caplog.text
