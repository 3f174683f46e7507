"""Every round of a random life can be told, and what is told of it agrees with what happened."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.node.history import Told
from tests.ledger_node.ledger.archive import Archive
from tests.ledger_node.ledger.life import Life

REASONS = {
    "filled", "price", "priority", "feeder", "no_counterpart", "indivisible", "paradoxical", "not_cleared",
}  # fmt: skip


def reports(life):
    """Return the reports of all rounds of a life."""
    archive = Archive(life.street)
    for number in archive.rows["rounds"]:
        row, past = archive.recall(number)
        owners = tuple(archive.rows["orders"][order.id]["account"] for order in past.book.orders)
        yield Told(row, past, owners).report()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(20, 80))
def test_reports_agree_with_trades_prices_and_orders(seed, steps):
    life = Life(seed)
    for _ in range(steps):
        life.step()
    traded = Counter()
    for trade in life.street.matched():
        traded[trade["round"], trade["sell_order"]] += trade["wh"]
        traded[trade["round"], trade["buy_order"]] += trade["wh"]
    for report in reports(life):
        if report.state == "open":
            assert (report.outcomes, report.least) == (None, None)
            continue
        assert len(report.outcomes) == report.orders
        for one in report.outcomes:
            assert one.filled_wh == traded[report.round, one.order]
            assert (one.reason == "filled") == (one.filled_wh == one.asked_wh)
            assert (one.reason == "not_cleared") == (report.state == "void")
            assert (one.feeder is not None) == (one.reason == "feeder")
        if report.state == "cleared":
            for node, prices in report.prices.items():
                ends = zip(prices, report.least[node], report.greatest[node], strict=True)
                assert all(low <= (low if price is None else price) <= high for price, low, high in ends)


def test_lives_know_every_reason():
    seen = set()
    for seed in range(16):
        life = Life(seed)
        for _ in range(100):
            life.step()
        seen |= {one.reason for report in reports(life) for one in report.outcomes or ()}
    assert seen == REASONS
