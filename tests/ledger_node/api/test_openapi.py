"""The API's description fits what the API answers: checked on a street where everything happened."""

import re
from pathlib import Path

import jsonschema
import pytest

from energy_ledger.api import routes
from energy_ledger.api.openapi import describe
from tests.support.client import Street
from tests.support.people import EUR, Person, now_ms

ROOT = Path(__file__).parents[3]
DESCRIPTION = describe("1.2.3")
SCHEMAS = DESCRIPTION["components"]["schemas"]


def fits(value, schema):
    """Check a value against a schema of the description."""
    jsonschema.Draft202012Validator({**schema, "components": {"schemas": SCHEMAS}}).validate(value)


def answer_schema(path, method="get"):
    return DESCRIPTION["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]


def references(part):
    match part:
        case {"$ref": str(name)}:
            yield name
        case dict():
            for inner in part.values():
                yield from references(inner)
        case list():
            for inner in part:
                yield from references(inner)


def test_it_is_an_openapi_document_whose_references_all_lead_somewhere():
    assert DESCRIPTION["openapi"] == "3.1.0"
    assert DESCRIPTION["info"]["version"] == "1.2.3"
    names = {name.removeprefix("#/components/schemas/") for name in references(DESCRIPTION)}
    assert names == set(SCHEMAS)
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_it_names_every_path_of_the_server_and_the_keys_in_them():
    described = {
        (path, method.upper()) for path, methods in DESCRIPTION["paths"].items() for method in methods
    }
    served = {(route.path, route.method) for route in routes.ROUTES}
    assert described == served | {("/v1/events", "GET"), ("/metrics", "GET")}
    for path, methods in DESCRIPTION["paths"].items():
        for operation in methods.values():
            keys = [one["name"] for one in operation.get("parameters", []) if one["in"] == "path"]
            assert keys == re.findall(r"{(\w+)}", path)


def test_the_protocol_and_the_description_name_the_same_paths():
    text = (ROOT / "docs" / "protocol.md").read_text("utf-8")
    section = text.partition("## HTTP API")[2].partition("\n## ")[0]
    named = set()
    for cell in re.findall(r"^\| (`(?:GET|POST) .*?) \| ", section, re.MULTILINE):
        for path in re.findall(r"(/[\w/{}.]+)", cell):
            named.add(path if path.startswith(("/v1", "/health", "/metrics")) else f"/v1{path}")
    assert named == set(DESCRIPTION["paths"])


@pytest.fixture
async def lived_in(node, client):
    """A street on which a trade was matched, and what is known of it."""
    street = await Street.found(node, client, slot_s=2, round_s=2, proposal_window_s=1, gate_s=1)
    bo, cy = await street.joins("Bo", EUR), await street.joins("Cy", EUR)
    place = {"name": "house", "behind": None, "feeder": "", "rated_import_w": 9_000, "rated_export_w": 9_000}
    roof, home = [
        await street.client.must(who.sign("asset.register", asset_type=kind, source=source, **place))
        for who, kind, source in ((bo, "solar", "solar"), (cy, "home", None))
    ]
    slots = {str(now_ms() // 2_000 + ahead): 5 for ahead in (14, 15)}
    offer = {"type": "offer", "price": 90_000, "slots": slots}
    bid = {"type": "fixed", "price": 200_000, "slots": slots}
    await street.client.must(bo.sign("order.place", asset=roof, order=offer))
    await street.client.must(cy.sign("order.place", asset=home, order=bid))
    await street.client.submit(bo.sign("order.place", asset="0" * 64, order=offer))
    async with street.client.session.ws_connect(
        street.client.url + "/v1/events?cursor=0", headers=street.client.headers
    ) as events:
        while (await events.receive_json(timeout=60))["type"] != "trades.matched":
            pass  # a busy machine may miss a round; some eight can trade these slots
    return street.client, bo, cy, roof


LISTS = ("assets", "orders", "trades", "rounds", "readings", "claims", "certificates")


async def test_every_answer_fits_the_description(lived_in):
    client, bo, cy, roof = lived_in
    fits(await client.get("/health"), answer_schema("/health"))
    for path in ("/v1/setup", "/v1/network", "/v1/dag", "/v1/peers"):
        fits(await client.get(path), answer_schema(path))
    found = {name: (await client.get(f"/v1/{name}")) for name in LISTS}
    for name, page in found.items():
        fits(page, answer_schema(f"/v1/{name}"))
    assert [len(found[name]["items"]) for name in LISTS[:3]] == [2, 2, 2]
    assert "cleared" in [one["state"] for one in found["rounds"]["items"]]
    for name in ("assets", "orders", "trades"):
        one = found[name]["items"][0]
        shown = await client.get(f"/v1/{name}/{one['id']}")
        assert shown.items() >= one.items()
        fits(shown, answer_schema(f"/v1/{name}/{{id}}"))
    green = "/v1/green?account={}&from=0&until=9000000000"
    fits(await client.get(green.format(cy.address)), answer_schema("/v1/green"))
    for wrong in (
        "/v1/green?from=0&until=1",
        "/v1/green?account=a&asset=b&from=0&until=1",
        "/v1/green?asset=b",
    ):
        status, body = await client.call("GET", wrong)
        assert (status, body["code"]) == (400, "bad_request")
    table = await client.session.get(client.url + "/v1/certificates?format=csv", headers=client.headers)
    assert table.content_type == "text/csv"
    assert (await table.text()).startswith("certificate_issuance_id,")
    written = await client.session.get(
        client.url + "/v1/certificates?format=energytag", headers=client.headers
    )
    assert (written.content_type, await written.json()) == ("application/json", {"items": [], "next": None})
    assert (await client.call("GET", "/v1/certificates", format="xml"))[0] == 400
    audit = await client.get(f"/v1/assets/{roof}/audit")
    fits(audit, answer_schema("/v1/assets/{id}/audit"))
    assert [one["type"] for one in audit["items"]][:2] == ["asset.registered", "order.placed"]
    number = found["rounds"]["items"][0]["round"]
    fits(await client.get(f"/v1/rounds/{number}"), answer_schema("/v1/rounds/{n}"))
    slot = found["trades"]["items"][0]["slot"]
    fits(await client.get(f"/v1/slots/{slot}"), answer_schema("/v1/slots/{n}"))
    fits(await client.get(f"/v1/accounts/{bo.address}"), answer_schema("/v1/accounts/{address}"))
    transaction = await client.get(f"/v1/transactions/{roof}")
    fits(transaction, answer_schema("/v1/transactions/{id}"))
    block = await client.get(f"/v1/blocks/{transaction['block']}")
    fits(block, answer_schema("/v1/blocks/{id}"))
    assert roof in block["transactions"]
    good = cy.sign("transfer", to=bo.address, amount=1)
    answers = await client.submit([good, good | {"signatures": ["00" * 64]}, {}])
    fits(answers, answer_schema("/v1/transactions", "post"))
    fits(
        await client.submit(cy.sign("transfer", to=bo.address, amount=1)),
        answer_schema("/v1/transactions", "post"),
    )


async def test_every_refusal_fits_the_description(client):
    problem = SCHEMAS["ProblemBody"]
    for method, path, status in (
        ("GET", "/v1/nothing", 404),
        ("DELETE", "/v1/network", 405),
        ("GET", "/v1/network", 409),
        ("POST", "/v1/setup", 400),
    ):
        answer = await client.call(method, path)
        assert answer[0] == status
        fits(answer[1], problem)


async def test_filters_choose(lived_in):
    client, bo, cy, roof = lived_in
    assert len((await client.get("/v1/orders", account=bo.address))["items"]) == 1
    assert len((await client.get("/v1/orders", state="filled"))["items"]) == 2
    assert (await client.get("/v1/orders", state="cancelled"))["items"] == []
    assert [one["id"] for one in (await client.get("/v1/assets", account=bo.address))["items"]] == [roof]
    trades = await client.get("/v1/trades", account=cy.address, limit=1)
    assert len(trades["items"]) == 1
    rest = await client.get("/v1/trades", account=cy.address, limit=1, cursor=trades["next"])
    assert rest["items"][0]["id"] != trades["items"][0]["id"]
    slot = rest["items"][0]["slot"]
    assert [one["slot"] for one in (await client.get("/v1/trades", slot=slot))["items"]] == [slot]


async def test_what_is_not_there_is_said_so(lived_in):
    client, *_ = lived_in
    for path, code in (
        (f"accounts/{Person('Nobody').address}", "unknown_account"),
        (f"assets/{'0' * 64}", "unknown_asset"),
        (f"orders/{'0' * 64}", "unknown_order"),
        ("rounds/1", "unknown_round"),
        ("rounds/x", "unknown_round"),
        ("trades/1.1", "not_found"),
        (f"transactions/{'0' * 64}", "not_found"),
        ("transactions/zz", "not_found"),
        (f"blocks/{'0' * 64}", "not_found"),
    ):
        status, answer = await client.call("GET", f"/v1/{path}")
        assert (status, answer["code"]) == (404, code), path
    for number in ("x", "-1", str(2**63 - 1), "9" * 40):
        status, answer = await client.call("GET", f"/v1/slots/{number}")
        assert (status, answer["code"], answer["field"]) == (400, "bad_request", "n")
    assert (await client.get(f"/v1/slots/{10**15}"))["trades"] == 0
