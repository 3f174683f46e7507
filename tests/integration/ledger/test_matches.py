"""Trades that a round made of an order: told together, taken in one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_marketplace.ledger.answers import AnswerError, Event
from custom_components.energy_marketplace.ledger.matches import singly, trades_in
from tests.integration.home.stand_in import order_matches, trade


def event(data, type_="trades.matched"):
    return Event(7, 3, 1_000, type_, ("tkwh1seller",), ("a1",), None, data)


def rows(**more):
    return [trade(f"1.{number}", 100 + number, 10 * number, passed_wh=None, **more) for number in (1, 2, 3)]


@pytest.mark.parametrize("sells", [True, False])
@pytest.mark.parametrize("point", ["a1", "roof"])
def test_each_trade_is_what_its_row_says(sells, point):
    made = rows(sell_point=point)
    assert [vars(one) for one in trades_in(order_matches(made, sells=sells))] == made


def test_trades_are_told_one_by_one():
    told = singly(event(order_matches(rows(), sells=False)))
    assert [one.type for one in told] == ["trade.matched"] * 3
    assert [one.data for one in told] == rows()
    assert {(one.cursor, one.time, one.accounts) for one in told} == {(7, 1_000, ("tkwh1seller",))}


def test_a_trade_with_oneself_is_told_with_the_offer_only():
    own = rows(buyer="tkwh1seller")
    sold, bought = (singly(event(order_matches(own, sells=sells))) for sells in (True, False))
    assert (len(sold), bought) == (3, [])


def test_what_is_something_else_stays_as_it_is():
    other = event({"id": "1.1"}, "trade.settled")
    assert singly(other) == [other]


def spoilt(change):
    data = order_matches(rows(), sells=True)
    change(data)
    return data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.pop("own"), "own is not an object"),
        (lambda data: data["own"].pop("order"), "own.order is missing"),
        (lambda data: data.pop("sells"), "`sells` or `round`"),
        (lambda data: data.update(round="7"), "`sells` or `round`"),
        (lambda data: data.update(partners={}), "`partners` is not a list"),
        (lambda data: data.update(partners=[1]), "a partner is not an object"),
        (lambda data: data["partners"][0].pop("trades"), "`trades` is not a list"),
        (lambda data: data["partners"][0]["trades"][0].pop(), "six integers"),
        (lambda data: data["partners"][0].update(trades=[[1, 2, 3, 4, 5, 6.0]]), "six integers"),
        (lambda data: data["partners"][0].update(trades=["123456"]), "six integers"),
    ],
)
def test_what_does_not_fit_is_refused_and_named(change, message):
    with pytest.raises(AnswerError, match=message):
        trades_in(spoilt(change))


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda more: st.lists(more) | st.dictionaries(st.text(), more),
)


@given(st.dictionaries(st.sampled_from(["own", "partners", "round", "sells", "more"]), junk))
def test_whatever_a_node_says_is_read_or_refused(data):
    with pytest.raises(AnswerError):
        trades_in(data)
