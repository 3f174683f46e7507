"""What is kept of a round suffices to write its book again, whatever happened to its orders since."""

from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.market.verify_book import read_terms
from energy_ledger.market.verify_fills import fill
from tests.ledger_node.ledger.archive import Archive
from tests.ledger_node.ledger.bourse import CY, ROUND, Market
from tests.ledger_node.ledger.life import Life


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(20, 80))
def test_every_book_and_what_was_filled_of_it_can_be_told_later(seed, steps):
    life = Life(seed)
    books = {}
    for _ in range(steps):
        life.step()
        books |= dict([opened] if (opened := life.street.ledger.open_book()) else [])
    archive = Archive(life.street)
    for number, book in books.items():
        row, past = archive.recall(number)
        assert past.book == book
        assert row.orders == len(book.orders)
        filled = fill(read_terms(book), past.fills)
        if row.state == "cleared":
            assert (filled.welfare, filled.volume) == (row.welfare, row.volume_wh)
        else:
            assert past.fills.rank == ()


def test_a_round_keeps_spans_of_numbers_and_the_feeders_of_its_orders():
    street = Market(feeders=[{"id": "north"}])
    street.sells(90_000, {3: 10})
    gone = street.buys(100, {3: 1})
    street.buys(200_000, {3: 10})
    street.buys(100_000, {3: 10})
    street.must(CY, "order.cancel", order=gone)
    street.at(50)
    row = street.round()
    assert row["numbers"] == ((1, 1), (3, 4))
    assert row["feeders"] == (1, 0, 0)
    assert not {"prices", "numbers", "feeders"} & street.events("round.closed")[0].keys()


def test_where_all_orders_are_at_the_busbar_no_feeders_are_kept():
    street = Market()
    street.sells(90_000, {3: 10})
    street.buys(200_000, {3: 10})
    street.at(50)
    assert street.round(ROUND)["feeders"] == ()
