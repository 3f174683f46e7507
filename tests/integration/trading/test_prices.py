"""Prices of slots."""

from custom_components.energy_marketplace.trading.prices import PriceBook
from tests.integration.trading.market import SLOT_MS, cleared


def test_the_latest_round_that_traded_a_slot_sets_its_price():
    book = PriceBook(slot_s=900)
    book.learn([cleared(2, 5, [200, None, 210]), cleared(1, 5, [100, 110, 120])])
    assert [book.price(slot) for slot in (4, 5, 6, 7)] == [None, 200, 110, 210]
    book.learn([cleared(3, 6, [None, 310])])
    assert [book.price(slot) for slot in (6, 7)] == [110, 310]


def test_now_is_the_slot_that_runs_and_next_the_one_after():
    book = PriceBook(slot_s=900)
    book.learn([cleared(1, 5, [100, None, 120])])
    assert (book.now(5 * SLOT_MS), book.next(5 * SLOT_MS)) == (100, None)
    assert (book.now(6 * SLOT_MS), book.next(7 * SLOT_MS - 1)) == (None, 120)
    assert book.coming(6 * SLOT_MS) == {7: 120}


def test_each_feeder_has_its_own_price():
    book = PriceBook(slot_s=900, feeder="f1")
    book.learn([cleared(1, 5, [100]), cleared(2, 5, [90], feeder="f1")])
    assert book.price(5) == 90


def test_a_free_price_is_a_price():
    book = PriceBook(slot_s=900)
    book.learn([cleared(0, 5, [0])])
    assert book.price(5) == 0


def test_the_past_can_be_forgotten():
    book = PriceBook(slot_s=900)
    book.learn([cleared(1, 5, [100, 110])])
    book.forget_before(6)
    assert (book.price(5), book.price(6)) == (None, 110)


def test_the_book_tells_all_it_has_not_forgotten():
    book = PriceBook(slot_s=900)
    book.learn([cleared(7, 100, [5, None, 7])])
    assert book.known() == {100: 5, 102: 7}
    book.forget_before(101)
    assert book.known() == {102: 7}
