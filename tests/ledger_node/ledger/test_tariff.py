"""A tariff that follows the hours of the week: every slot has its own floor, cap and fee, from book to money.

The street is founded on a Tuesday at 22:13:20 UTC; its slots are 100 s long. The tariff changes at 22:19, so
slot 3 (from 22:18:20) still has the old one and slot 4 (from 22:20:00) the new one.
"""

import pytest

from tests.ledger_node.ledger.bourse import BO, CY, Market
from tests.ledger_node.ledger.street import FIRST_SLOT

CHANGE = 24 * 60 + 22 * 60 + 19


def week(evening, night):
    """A value for the evening of the first four slots and one from 22:19 on."""
    return [
        {"minute": 0, "value": night},
        {"minute": 3, "value": evening},
        {"minute": CHANGE, "value": night},
    ]


TARIFF = {
    "price_floor": week(80_000, 50_000),
    "price_cap": week(300_000, 200_000),
    "grid_fee": week(5_000, 1_000),
}


@pytest.fixture
def street():
    return Market(tariff=TARIFF)


def test_the_book_has_every_slots_own_tariff(street):
    street.sells(10_000, {3: 10, 4: 10})
    street.buys(400_000, {3: 10, 4: 10})
    street.at(50)
    tariff = street.ledger.open_book()[1].tariff
    assert tariff.price_floor == (80_000, 80_000, 80_000, 50_000)
    assert tariff.price_cap == (300_000, 300_000, 300_000, 200_000)
    assert tariff.grid_fee == (5_000, 5_000, 5_000, 1_000)


def test_prices_and_fees_are_those_of_the_slot_and_what_they_save_is_free_again(street):
    street.sells(10_000, {3: 10, 4: 10})
    street.buys(400_000, {3: 10, 4: 10})
    assert street.account(CY).held == 20 * 400_000
    street.at(50)
    street.clears()
    trades = {trade["slot"] - FIRST_SLOT: trade for trade in street.matched()}
    assert [(trades[slot]["buyer_price"], trades[slot]["fee"]) for slot in (3, 4)] == [
        (190_000, 5_000),
        (125_000, 1_000),
    ]
    assert street.account(CY).held == 10 * 195_000 + 10 * 126_000


@pytest.mark.parametrize(
    ("slot", "bought", "sold"), [(3, 300_000 - 190_000, 190_000 - 80_000), (4, 75_000, 75_000)]
)
def test_penalties_are_measured_at_the_slots_own_cap_and_floor(street, slot, bought, sold):
    street.sells(10_000, {slot: 10})
    street.buys(400_000, {slot: 10})
    street.at(50)
    street.clears()
    street.at((slot + 1) * 100)
    street.reads(BO, street.roof, FIRST_SLOT + slot, exported_wh=4)
    street.reads(CY, street.house, FIRST_SLOT + slot, imported_wh=10)
    (trade,) = street.events("trade.settled")
    assert (trade["settled_wh"], trade["seller_penalty"], trade["buyer_penalty"]) == (4, 6 * bought, 0)
    assert trade["paid"] == 4 * (trade["buyer_price"] + trade["fee"])
    other = Market(tariff=TARIFF)
    other.sells(10_000, {slot: 10})
    other.buys(400_000, {slot: 10})
    other.at(50)
    other.clears()
    other.at((slot + 1) * 100)
    other.reads(BO, other.roof, FIRST_SLOT + slot, exported_wh=10)
    other.reads(CY, other.house, FIRST_SLOT + slot, imported_wh=4)
    (trade,) = other.events("trade.settled")
    assert (trade["settled_wh"], trade["seller_penalty"], trade["buyer_penalty"]) == (4, 0, 6 * sold)


def test_a_bid_below_one_slots_floor_takes_part_where_the_floor_is_lower(street):
    street.sells(10_000, {3: 10, 4: 10})
    purchase = street.buys(60_000, {3: 10, 4: 10})
    street.at(50)
    street.clears()
    assert street.order(purchase)["fills"] == {str(FIRST_SLOT + 4): 10}


def test_a_restored_ledger_has_the_same_tariff(street):
    street.sells(10_000, {3: 10, 4: 10})
    street.buys(400_000, {3: 10, 4: 10})
    street.at(50)
    restored = type(street.ledger).restore(street.genesis, street.ledger.rows())
    assert restored.open_book() == street.ledger.open_book()
