"""From the slot's start to the payment: deliveries, penalties, missing readings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_ledger.ledger.shares import share
from tests.ledger_node.ledger.delivery import BO, CY, DI, FEE, PRICE, SLOT, Delivery
from tests.ledger_node.ledger.street import COMMITMENT, EUR, FIRST_SLOT, START, TARIFF, Street, person


@pytest.fixture
def street():
    return Delivery()


def test_a_trade_is_delivered_while_its_slot_runs(street):
    assert street.ledger.next_due() == START + 300_000
    assert street.at(299.999).events == ()
    street.at(300)
    assert street.types() == ["trade.delivering"]
    assert street.ledger.next_due() == START + 400_000
    street.at(400)
    assert street.ledger.next_due() == START + 500_000


def test_what_both_meters_confirm_is_paid(street):
    street.ends()
    street.exports(10)
    assert street.types() == ["trade.delivering", "reading.attested"]
    assert street.row("trades", street.matched()[0]["id"])["delivered_wh"] == 10
    street.imports(10)
    assert street.types() == ["reading.attested", "trade.metered", "trade.settled"]
    trade = street.trade()
    assert (trade["delivered_wh"], trade["taken_wh"], trade["settled_wh"]) == (10, 10, 10)
    assert (trade["paid"], trade["received"]) == (10 * (PRICE + FEE), 10 * PRICE)
    assert (trade["seller_penalty"], trade["buyer_penalty"]) == (0, 0)
    assert street.gains() == (10 * PRICE, -10 * (PRICE + FEE), 10 * FEE)
    assert street.account(CY).held == 0
    assert street.ledger.next_due() is None


def test_more_than_was_traded_counts_as_what_was_traded(street):
    street.ends()
    street.exports(70)
    street.imports(90)
    assert street.trade()["settled_wh"] == 10


def test_a_seller_who_delivers_less_pays_the_buyer_what_the_supplier_asks_more(street):
    street.ends()
    street.exports(4)
    street.imports(10)
    trade = street.trade()
    penalty = 6 * (TARIFF["price_cap"] - PRICE)
    assert (trade["settled_wh"], trade["seller_penalty"], trade["buyer_penalty"]) == (4, penalty, 0)
    assert street.gains() == (4 * PRICE - penalty, penalty - 4 * (PRICE + FEE), 4 * FEE)


def test_a_buyer_who_takes_less_pays_the_seller_what_the_grid_pays_less(street):
    street.ends()
    street.imports(4)
    street.exports(10)
    trade = street.trade()
    penalty = 6 * (PRICE - TARIFF["price_floor"])
    assert (trade["settled_wh"], trade["seller_penalty"], trade["buyer_penalty"]) == (4, 0, penalty)
    assert street.gains() == (4 * PRICE + penalty, -penalty - 4 * (PRICE + FEE), 4 * FEE)


def test_where_both_fall_short_alike_nobody_pays_a_penalty(street):
    street.ends()
    street.exports(4)
    street.imports(4)
    trade = street.trade()
    assert (trade["settled_wh"], trade["seller_penalty"], trade["buyer_penalty"]) == (4, 0, 0)


@pytest.mark.parametrize(
    ("exported", "imported", "expected"), [(None, 10, (0, 10)), (10, None, (10, 0)), (None, None, (0, 0))]
)
def test_a_reading_that_misses_the_grace_counts_as_zero(street, exported, imported, expected):
    street.ends()
    if exported is not None:
        street.exports(exported)
    if imported is not None:
        street.imports(imported)
    street.at(450)
    assert street.events("trade.settled") == []
    assert street.at(499.999).events == ()
    street.at(500)
    assert [one for one in street.types() if one.startswith("trade.")][-2:] == [
        "trade.overdue",
        "trade.settled",
    ]
    trade = street.trade()
    assert (trade["delivered_wh"], trade["taken_wh"]) == expected
    assert trade["settled_wh"] == 0
    assert street.account(CY).held == 0


def test_a_seller_without_money_owes_the_penalty_and_can_place_no_bid_until_it_is_back(street):
    street.ends()
    street.imports(10)
    street.at(500)
    penalty = 10 * (TARIFF["price_cap"] - PRICE)
    assert street.account(BO).balance == -penalty
    fields = {"asset": street.roof, "order": {"type": "fixed", "price": 1, "slots": {str(FIRST_SLOT + 9): 1}}}
    assert street.refuses(BO, "order.place", **fields) == ("not_enough_money", "order.price")
    street.gets(BO, penalty + 1)
    street.must(BO, "order.place", **fields)


def test_trades_of_a_slot_that_is_long_over_are_settled_in_one_commit(street):
    street.at(9_999)
    assert street.types() == ["trade.delivering", "trade.overdue", "trade.settled"]


def test_a_meter_is_shared_over_its_trades_in_proportion():
    street = Street()
    for name in ("Bo", "Cy", "Di"):
        street.joins(name)
        street.gets(person(name), EUR)
    roof, house, flat = street.asset(BO), street.asset(CY), street.asset(DI)
    street.offers(BO, roof, 90_000, {3: 100})
    street.bids(CY, house, 200_000, {3: 75})
    street.bids(DI, flat, 200_000, {3: 25})
    street.at(50)
    street.clears()
    street.time = START + 400_000
    street.reads(BO, roof, SLOT, exported_wh=50)
    delivered = {trade["buyer"]: street.row("trades", trade["id"])["delivered_wh"]
                 for trade in street.matched()}  # fmt: skip
    assert delivered == {CY.address: 38, DI.address: 12}


def test_two_assets_behind_one_point_share_its_meter(street):
    street.time = START + 60_000
    car = street.asset(CY, behind=street.house)
    street.offers(BO, street.roof, 90_000, {3: 20})
    street.bids(CY, car, 200_000, {3: 20})
    street.at(100)
    street.clears()
    street.ends()
    street.exports(30)
    street.imports(15)
    assert [(trade["wh"], trade["settled_wh"]) for trade in street.events("trade.settled")] == [
        (10, 5),
        (20, 10),
    ]


def test_a_trade_behind_one_connection_point_comes_to_nothing_when_its_slot_ends():
    street = Street()
    street.joins("Bo")
    street.gets(BO, EUR)
    home = street.asset(BO)
    street.offers(BO, home, 90_000, {3: 10})
    street.bids(BO, home, 200_000, {3: 10})
    street.at(50)
    street.clears()
    assert street.account(BO).held == 10 * (PRICE + FEE)
    street.at(399.999)
    assert street.events("trade.settled") == []
    street.at(400)
    trade = street.events("trade.settled")[0]
    assert {trade[field] for field in ("settled_wh", "passed_wh", "paid", "received", "seller_penalty")} == {
        0
    }
    assert (street.account(BO).balance, street.account(BO).held) == (EUR, 0)
    assert street.reads(BO, home, SLOT, exported_wh=1).code == "bad_value"


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=20), st.data())
def test_shares_are_whole_add_up_and_are_within_one_of_the_proportion(amounts, data):
    total = data.draw(st.integers(0, sum(amounts)))
    shares = share(total, amounts)
    assert sum(shares) == total
    for part, amount in zip(shares, amounts, strict=True):
        assert 0 <= part <= amount
        assert abs(part * sum(amounts) - total * amount) < sum(amounts)


def test_what_is_left_of_a_share_goes_to_the_largest_remainder_then_to_the_earlier():
    assert share(2, [1, 1, 1]) == [1, 1, 0]
    assert share(5, [3, 3, 4]) == [2, 1, 2]
    assert share(0, [3, 3]) == [0, 0]
    assert share(1, [1, 5]) == [0, 1]


def attest(street, who, **changes):
    fields = {
        "asset": street.roof, "slot": SLOT, "imported_wh": 0, "exported_wh": 1, "commitment": COMMITMENT,
    }  # fmt: skip
    return street.refuses(who, "reading.attest", **fields | changes)


def test_a_reading_counts_from_the_slots_end_until_the_grace_is_over(street):
    street.time = START + 399_999
    assert attest(street, BO) == ("slot_not_over", "slot")
    street.time = START + 400_000
    street.exports(1)
    assert attest(street, BO) == ("reading_exists", "slot")
    street.time = START + 500_000
    assert attest(street, CY, asset=street.house) == ("too_late", "slot")
    assert attest(street, BO) == ("too_late", "slot")


def test_a_reading_is_of_ones_own_connection_point(street):
    street.ends()
    car = street.asset(BO, behind=street.roof)
    assert attest(street, BO, asset=car) == ("not_a_connection_point", "asset")
    assert attest(street, CY) == ("not_your_asset", "asset")
    assert attest(street, BO, asset="00" * 32) == ("unknown_asset", "asset")


def test_a_reading_is_kept_as_it_was_attested(street):
    street.ends()
    result = street.exports(10)
    key = f"{street.roof}/{SLOT}"
    assert street.row("readings", key) == {
        "asset": street.roof, "slot": SLOT, "imported_wh": 0, "exported_wh": 10, "commitment": COMMITMENT,
        "account": BO.address, "commit": street.ledger.commit, "transaction": result.id,
        "quality": "measured", "claim": None,
    }  # fmt: skip
    assert street.events("reading.attested") == [street.row("readings", key)]
    assert finals(street.at(500)) == []
    assert finals(street.at(500 + 86_399.999)) == []
    assert finals(street.at(500 + 86_400)) == [True]


def finals(outcome):
    return [change.final for change in outcome.changes if change.table == "readings"]


def test_a_slot_without_trades_is_nobodys_business_where_only_traded_slots_are_attested(street):
    street.ends()
    assert attest(street, BO, asset=street.asset(BO)) == ("bad_value", "slot")


def test_every_slot_is_attested_in_a_network_of_net_readings():
    street = Delivery(readings="net")
    street.ends()
    slot = SLOT
    quiet = street.asset(CY)
    assert street.reads(CY, quiet, slot, imported_wh=5).state == "applied"
    assert attest(street, CY, asset=quiet) == ("reading_exists", "slot")
    street.at(500)
    assert attest(street, CY, asset=quiet) == ("too_late", "slot")
