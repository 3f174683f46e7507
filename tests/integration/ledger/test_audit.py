"""A home checks by itself that what a node tells of an asset is all that happened to it."""

import copy
import json
from pathlib import Path

import msgspec
import pytest

from custom_components.energy_marketplace.ledger import answers, genesis
from custom_components.energy_marketplace.ledger.audit import AuditLog, chain, fetch, verify
from custom_components.energy_marketplace.ledger.proof import Committee, Verdict
from custom_components.energy_marketplace.ledger.transactions import Envelope
from energy_ledger.api.paging import Window
from tests.ledger_node.node.desk import desk


VECTOR = json.loads((Path(__file__).parents[2] / "vectors" / "audit.json").read_text("utf-8"))


def test_the_digest_of_the_vectors():
    items = [event | {"block": "0" * 64} for event in VECTOR["events"]]
    assert chain(VECTOR["asset"], items) == VECTOR["row"]["digest"]


class Node:
    """Answers as a node would, a few events a page; `twist` changes what it is about to say."""

    def __init__(self, made, asset, page=3):
        self.made, self.asset, self.page = made, asset, page
        self.twist = lambda body: body

    async def proven_audit(self, asset, *, cursor=None):
        window = Window(None if cursor is None else int(cursor), self.page)
        shown = self.made.shown("audit", self.asset)
        page = await self.made.queries.audit_as_of(shown, window)
        body = self.twist(copy.deepcopy(json.loads(msgspec.json.encode(page))))
        return answers.read(answers.AuditPage, body)


@pytest.fixture
async def node(tmp_path):
    """A node that tells of a home that traded; its name has letters beyond ASCII."""
    made = desk(tmp_path)
    seller, (cy, home) = made.settle_in("Bo"), made.settle_in("Cy")
    made.do(cy, "asset.update", asset=home, name='Häuschen ☀ "1"')
    made.trades(seller, (cy, home))
    made.at(made.now + 1)
    yield Node(made, home)
    made.close()


@pytest.fixture
def committee(node):
    signed = node.made.ledger.genesis.envelope
    known = genesis.verify(Envelope(signed.payload, signed.signatures), node.made.ledger.genesis.network)
    return Committee.of(known)


async def verdict(node, committee):
    return verify(await fetch(node, node.asset), committee).verdict


async def test_a_log_is_proven_page_by_page(node, committee):
    log = await fetch(node, node.asset)
    finding = verify(log, committee)
    assert (finding.verdict, len(log.items)) == (Verdict.PROVEN, log.row["count"])
    assert finding.time == node.made.ledger.time
    assert {"asset.updated", "trade.settled"} <= {item["type"] for item in log.items}
    assert chain(node.asset, log.items) == log.row["digest"]


def drop(body):
    del body["items"][1]
    return body


def swap(body):
    body["items"][0], body["items"][1] = body["items"][1], body["items"][0]
    return body


def rename(body):
    body["items"][0]["data"]["name"] = "another"
    return body


def double(body):
    body["items"].insert(1, body["items"][1])
    return body


def nonsense(body):
    del body["items"][0]["commit"]
    return body


def shorten(body):
    body["row"]["count"] -= 1
    return body


@pytest.mark.parametrize("twist", [drop, swap, rename, double, nonsense, shorten])
async def test_a_node_that_tells_anything_else_contradicts_its_own_proof(node, committee, twist):
    node.page = 500
    node.twist = twist
    assert await verdict(node, committee) is Verdict.CONTRADICTED


async def test_the_log_of_another_asset_is_no_answer(node, committee):
    log = await fetch(node, node.asset)
    other = AuditLog("0" * 64, log.items, log.row, log.proof)
    assert verify(other, committee).verdict is Verdict.CONTRADICTED


async def test_without_a_proof_nothing_is_said(node, committee):
    node.twist = lambda body: body | {"proof": None}
    assert await verdict(node, committee) is Verdict.UNPROVEN


async def test_a_committee_that_did_not_sign_proves_nothing(node, committee):
    other = Committee(committee.network, 0, ("0" * 64,))
    assert await verdict(node, other) is Verdict.CONTRADICTED
