"""Statements say what moved a member's money, and add up to the ledger's balances."""

import csv
import io
import random

import pytest

from energy_ledger.api.statements import as_csv, as_html, money
from energy_ledger.units import INT64_MAX
from tests.ledger_node.node.desk import desk
from tests.support.client import Street
from tests.support.people import EUR


@pytest.fixture
async def street(tmp_path):
    """Two neighbours who traded twice, the second time one fell short, and paid each other."""
    made = desk(tmp_path)
    seller, buyer = made.settle_in("Bo"), made.settle_in("Cy")
    made.trades(seller, buyer)
    made.trades(seller, buyer, wh=6, read=6)
    made.do(seller[0], "transfer", to=buyer[0].address, amount=EUR // 7, memo="=1+1 <b>thanks</b>")
    made.passes(made.now + 30_000)
    yield made, seller, buyer
    made.close()


def add_up(statement):
    totals = statement.totals
    gained = ("received", "penalties_received", "issued", "transferred_in", "community_in")
    spent = ("paid", "fees", "penalties_paid", "redeemed", "transferred_out", "community_out")
    return sum(getattr(totals, one) for one in gained) - sum(getattr(totals, one) for one in spent)


async def test_a_statement_adds_up_from_the_opening_to_the_closing_balance(street):
    made, (bo, _), (cy, _) = street
    whole = {}
    for account in (bo.address, cy.address, made.ada.address, "community"):
        statement = await made.queries.statement(account, 0, INT64_MAX)
        assert statement.opening == 0
        assert statement.opening + sum(line.amount for line in statement.lines) == statement.closing
        assert statement.opening + add_up(statement) == statement.closing
        for line in statement.lines:
            if line.kind in ("bought", "sold"):
                parts = line.energy - line.fee + line.penalty_received - line.penalty_paid
                assert line.amount == parts
        whole[account] = statement
    money_now = made.ledger.money
    assert sum(one.closing for one in whole.values()) == money_now.issued
    assert whole["community"].closing == money_now.community
    assert whole[cy.address].totals.bought_wh == whole[bo.address].totals.sold_wh == 10
    assert whole[bo.address].totals.transferred_out == EUR // 7


async def test_any_two_times_split_a_statement_without_losing_anything(street):
    made, _, (cy, _) = street
    whole = await made.queries.statement(cy.address, 0, INT64_MAX)
    times = [line.time for line in whole.lines]
    chance = random.Random(3)
    for _ in range(50):
        a, b = sorted(chance.choice(times) + chance.choice([-1, 0, 1]) for _ in range(2))
        parts = [await made.queries.statement(cy.address, *span) for span in ((0, a), (a, b), (b, INT64_MAX))]
        assert [line.cursor for part in parts for line in part.lines] == [one.cursor for one in whole.lines]
        assert parts[0].closing == parts[1].opening
        assert parts[1].closing == parts[2].opening
        assert parts[2].closing == whole.closing


async def test_a_statement_is_a_table_for_spreadsheets(street):
    made, _, (cy, _) = street
    statement = await made.queries.statement(cy.address, 0, INT64_MAX)
    document = as_csv(statement)
    assert document.content_type == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(document.body.decode("utf-8-sig"))))
    assert len(rows) == len(statement.lines) + 1
    assert rows[0]["what"] == "Opening balance"
    assert rows[-1]["balance (EUR)"] == money(statement.closing)
    (transfer,) = [row for row in rows if row["what"] == "Transfer received"]
    assert transfer["text"] == "'=1+1 <b>thanks</b>"
    assert transfer["amount (EUR)"] == "0.142857142"
    bought = next(row for row in rows if row["what"] == "Energy bought")
    assert (bought["energy (Wh)"], bought["trade"] != "") == ("4", True)


async def test_a_statement_is_a_page_that_needs_nothing_else(street):
    made, _, (cy, _) = street
    page = as_html(await made.queries.statement(cy.address, 0, INT64_MAX)).body.decode()
    assert "&lt;b&gt;thanks" in page
    assert "<b>thanks" not in page
    for forbidden in ("<script", "src=", "href=", "url(", "@import"):
        assert forbidden not in page
    assert "Closing balance" in page
    empty = as_html(await made.queries.statement(cy.address, 5, 9)).body.decode()
    assert "0 lines" in empty


@pytest.mark.parametrize(
    ("nano", "text"),
    [(0, "0.00"), (1, "0.000000001"), (-1_500_000_000, "-1.50"), (12 * EUR, "12.00"), (10**7, "0.01")],
)
def test_money_is_written_exactly(nano, text):
    assert money(nano) == text


async def test_the_api_gives_a_statement_in_three_forms_and_refuses_what_is_none(node, client):
    street = await Street.found(node, client)
    bo = await street.joins("Bo", money=5)
    client = street.client
    path = f"/v1/accounts/{bo.address}/statement"
    answer = await client.get(path)
    assert (answer["opening"], answer["closing"], answer["totals"]["issued"]) == (0, 5, 5)
    assert (answer["from"], answer["account"]) == (0, bo.address)
    assert (await client.get("/v1/accounts/community/statement"))["closing"] == 0
    for form, kind in (("csv", "text/csv"), ("html", "text/html")):
        async with client.session.get(
            client.url + path, params={"format": form}, headers=client.headers
        ) as response:
            assert (response.status, response.content_type) == (200, kind)
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    for query in ({"from": 5, "until": 4}, {"format": "pdf"}, {"from": "x"}):
        assert (await client.call("GET", path, **query))[0] == 400
    assert (await client.call("GET", "/v1/accounts/nobody/statement"))[0] == 404


async def test_a_statement_that_would_be_too_long_is_refused(street, monkeypatch):
    made, _, (cy, _) = street
    monkeypatch.setattr("energy_ledger.node.statements.MOST_LINES", 2)
    with pytest.raises(Exception, match="shorter time"):
        await made.queries.statement(cy.address, 0, INT64_MAX)
