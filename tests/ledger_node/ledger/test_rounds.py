"""Rounds: when a book is frozen, what is in it, and what happens to orders meanwhile."""

import pytest

from energy_ledger.market.book import FixedBid, FlexibleBid
from tests.ledger_node.ledger.bourse import BO, CY, ROUND, Market, empty
from tests.ledger_node.ledger.street import FIRST_SLOT, NODE, START, fixed, offer


@pytest.fixture
def street():
    return Market()


def test_the_first_commit_at_or_after_the_close_freezes_the_book(street):
    street.sells(90_000, {3: 10})
    street.buys(200_000, {4: 20})
    assert street.ledger.next_due() == START + 50_000
    assert street.at(49.999).events == ()
    outcome = street.at(50.3)
    assert [event.type for event in outcome.events] == ["round.closed"]
    number, book = street.ledger.open_book()
    assert number == ROUND
    row = street.round()
    assert row["closed"] == START + 50_000
    assert (row["first_slot"], row["slots"], row["orders"], row["state"]) == (FIRST_SLOT + 1, 4, 2, "open")
    assert book.offers[0].slots == {2: 10}
    assert book.bids[0].slots == {3: 20}
    assert street.ledger.next_due() == START + 60_000
    assert "prices" not in outcome.events[0].data


@pytest.mark.parametrize("side", ["sells", "buys"])
def test_a_book_of_one_side_is_not_a_round(street, side):
    getattr(street, side)(100_000, {3: 10})
    assert street.at(50).events == ()
    assert street.ledger.open_book() is None
    assert street.ledger.last_round == ROUND


def test_a_round_whose_time_is_over_when_the_first_commit_comes_is_none(street):
    street.sells(90_000, {3: 10})
    street.buys(200_000, {3: 20})
    assert street.at(60).events == ()
    assert street.ledger.next_due() == START + 100_000
    assert street.refuses(NODE, "clearing.propose", **empty(ROUND)) == ("round_over", "round")


def test_after_a_pause_only_the_latest_round_is_frozen(street):
    street.sells(90_000, {8: 10})
    street.buys(200_000, {8: 20})
    street.at(255)
    assert street.ledger.open_book()[0] == ROUND + 4
    assert len(street.events("round.closed")) == 1


def test_a_round_that_nobody_clears_in_time_is_void_and_its_orders_stay(street):
    sale = street.sells(90_000, {3: 10})
    street.buys(200_000, {3: 20})
    street.at(50)
    fields = street.proposal()
    assert street.at(59.999).events == ()
    outcome = street.at(60)
    assert [event.type for event in outcome.events] == ["round.void"]
    assert street.round()["state"] == "void"
    assert street.refuses(NODE, "clearing.propose", **fields) == ("round_over", "round")
    assert street.order(sale)["state"] == "open"
    street.at(100)
    street.clears()
    assert street.order(sale)["state"] == "filled"


def test_an_order_being_decided_is_cancelled_when_its_round_is_over(street):
    sale, purchase = street.sells(90_000, {3: 10}), street.buys(200_000, {3: 20})
    street.at(50)
    request = street.must(CY, "order.cancel", order=purchase)
    assert street.order(purchase)["state"] == "open"
    assert street.refuses(CY, "order.cancel", order=purchase) == ("order_closed", "order")
    street.must(BO, "order.cancel", order=sale)
    outcome = street.clears()
    assert street.order(sale)["state"] == "filled"
    row = street.order(purchase)
    assert (row["state"], row["filled_wh"], row["held"]) == ("cancelled", 10, 0)
    (cancelled,) = [event for event in outcome.events if event.type == "order.cancelled"]
    assert cancelled.transaction == request
    assert street.account(CY).held == 10 * 200_000


def test_an_order_placed_after_the_close_is_not_in_the_book_and_can_be_cancelled_at_once(street):
    street.sells(90_000, {3: 10})
    street.buys(200_000, {3: 20})
    street.at(50)
    late = street.buys(300_000, {3: 20})
    assert len(street.ledger.open_book()[1].bids) == 1
    street.must(CY, "order.cancel", order=late)
    assert street.order(late)["state"] == "cancelled"


def test_an_order_whose_last_round_is_being_decided_lapses_when_it_is_over(street):
    street.sells(90_000, {3: 10})
    purchase = street.buys(200_000, {1: 5})
    street.at(50)
    street.at(55)
    assert street.order(purchase)["state"] == "open"
    street.at(60)
    assert street.order(purchase)["state"] == "lapsed"


def test_an_order_that_expired_before_the_close_is_not_in_the_book(street):
    street.sells(90_000, {3: 10})
    street.sells(90_000, {3: 10}, expires=START + 49_999)
    street.sells(90_000, {3: 10}, expires=START + 50_000)
    street.buys(200_000, {3: 5})
    street.at(51)
    assert len(street.ledger.open_book()[1].offers) == 2
    assert len(street.events("order.lapsed")) == 1


def test_what_a_round_left_of_an_order_is_in_the_next_book(street):
    purchase = street.buys(200_000, {3: 30, 4: 20, 5: 20})
    asked = street.wants(190_000, 60, 3, 6, 25)
    street.sells(90_000, {3: 40, 4: 20})
    street.at(50)
    street.clears()
    assert street.order(purchase)["fills"] == {str(FIRST_SLOT + 3): 30, str(FIRST_SLOT + 4): 20}
    assert street.order(asked)["fills"] == {str(FIRST_SLOT + 3): 10}
    street.sells(90_000, {5: 1})
    street.at(100)
    rest, bid = street.ledger.open_book()[1].bids
    assert rest == FixedBid(purchase, "", 200_000, {3: 20})
    assert bid == FlexibleBid(asked, "", 190_000, 50, 1, 4, 25, taken_wh={1: 10})
    assert street.order(asked)["held"] == 50 * 190_000


def test_a_flexible_bid_asks_for_no_more_than_its_remaining_slots_can_take(street):
    street.wants(190_000, 60, 3, 6, 25)
    street.sells(90_000, {9: 1})
    street.at(350)
    (bid,) = street.ledger.open_book()[1].bids
    assert (bid.earliest, bid.deadline, bid.energy_wh) == (0, 2, 50)


def test_orders_of_every_kind_reach_the_book(street):
    street.must(
        CY,
        "order.place",
        asset=street.house,
        order={
            "type": "block",
            "price": 100_000,
            "profile_wh": [5, 6],
            "earliest": FIRST_SLOT + 1,
            "deadline": FIRST_SLOT + 9,
        },
    )
    street.must(CY, "order.place", asset=street.house, order=fixed(1, {2: 1}))
    street.must(BO, "order.place", asset=street.roof, order=offer(90_000, {2: 9, 3: 9}))
    street.at(100)
    book = street.ledger.open_book()[1]
    assert book.bids[0].profile_wh == (5, 6)
    assert (book.bids[0].earliest, book.bids[0].deadline) == (0, 7)
    assert book.slots == 7
