"""The book: a fold over events that gives the same whenever it is interrupted."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_marketplace.book import Book, Totals
from custom_components.energy_marketplace.ledger import answers
from custom_components.energy_marketplace.ledger.answers import AnswerError, Event, PlacedOrder, Trade
from tests.integration.home.stand_in import order_matches, trade

ME, OTHER = "tkwh1me", "tkwh1other"


def event(cursor, type_, data):
    return Event(cursor, 1, 0, type_, (), (), None, data)


def order(identity, state="open", account=ME, **more):
    return {
        "id": identity,
        "account": account,
        "asset": "washer",
        "order": {"type": "fixed", "price": 200_000, "slots": {"10": 300}},
        "state": state,
        "filled_wh": 0,
        "held": 60_000_000,
        "placed": 5,
        "commit": 1,
        **more,
    }


def settled(identity="1.0", **more):
    figures = {
        "delivered_wh": 250,
        "taken_wh": 300,
        "settled_wh": 250,
        "paid": 38_750_000,
        "received": 37_500_000,
        "seller_penalty": 7_500_000,
        "buyer_penalty": 0,
    }
    return trade(identity, 10, state="settled", **figures | more)


def bought(**more):
    return settled(buyer=ME, buy_asset="washer", seller=OTHER, sell_asset="roof") | more


def test_open_orders_stay_until_they_are_closed():
    book = Book(ME)
    book.apply(event(1, "order.placed", order("a")))
    book.apply(event(2, "order.placed", order("b", placed=7)))
    book.apply(event(3, "order.placed", order("c", account=OTHER)))
    assert [open_.id for open_ in book.open_orders("washer")] == ["a", "b"]
    book.apply(event(4, "order.filled", order("a", state="filled")))
    assert [open_.id for open_ in book.open_orders("washer")] == ["b"]


def test_a_buyer_pays_and_is_compensated_for_what_was_not_delivered():
    book = Book(ME)
    book.apply(event(1, "trade.settled", bought()))
    assert book.totals_of("washer") == Totals(bought_wh=250, spent=38_750_000, earned=7_500_000)


def test_a_seller_earns_and_pays_for_what_it_did_not_deliver():
    book = Book(ME)
    sold = settled(seller=ME, sell_asset="roof", buyer=OTHER, buy_asset="washer")
    book.apply(event(1, "trade.settled", sold))
    assert book.totals_of("roof") == Totals(sold_wh=250, earned=37_500_000, spent=7_500_000)


def test_both_sides_count_when_a_home_trades_with_itself():
    book = Book(ME)
    book.apply(event(1, "trade.settled", settled(seller=ME, sell_asset="roof", buyer=ME, buy_asset="washer")))
    assert (book.totals_of("roof").sold_wh, book.totals_of("washer").bought_wh) == (250, 250)


def test_energy_that_went_through_others_counts_where_a_meter_saw_it():
    book = Book(ME)
    passed = {"delivered_wh": 0, "taken_wh": 300, "settled_wh": 0, "passed_wh": 300}
    book.apply(event(1, "trade.settled", bought(**passed)))
    assert book.totals_of("washer").bought_wh == 300
    sold_on = settled(seller=ME, sell_asset="battery", buyer=OTHER, buy_asset="heater", **passed)
    book.apply(event(2, "trade.settled", sold_on))
    assert book.totals_of("battery").sold_wh == 0


def reviewed(**more):
    before = {name: bought()[name] for name in ("delivered_wh", "taken_wh", "settled_wh", "paid", "received")}
    penalties = {"seller_penalty": 7_500_000, "buyer_penalty": 0, "passed_wh": 0}
    return {**bought(**more), "before": before | penalties}


def test_a_decided_claim_replaces_what_a_trade_came_to():
    book = Book(ME)
    book.apply(event(1, "trade.settled", bought()))
    right = {"delivered_wh": 300, "settled_wh": 300, "paid": 46_500_000, "seller_penalty": 0}
    book.apply(event(2, "trade.disputed", bought(state="disputed")))
    assert not list(book.unsettled())
    book.apply(event(3, "trade.reviewed", reviewed(**right)))
    assert book.totals_of("washer") == Totals(bought_wh=300, spent=46_500_000)
    assert book.trades["1.0"].settled_wh == 300


def test_a_review_of_a_trade_that_is_not_at_hand_any_more_still_counts():
    book = Book(ME)
    book.totals["washer"] = Totals(bought_wh=1_000, spent=100_000_000, earned=7_500_000)
    book.apply(event(3, "trade.reviewed", reviewed(settled_wh=300, delivered_wh=300)))
    assert book.totals_of("washer").bought_wh == 1_050
    assert not book.trades


def test_a_review_that_does_not_say_what_was_before_cannot_be_read():
    with pytest.raises(AnswerError):
        Book(ME).apply(event(1, "trade.reviewed", bought()))


def test_an_event_counts_once():
    book = Book(ME)
    assert book.apply(event(7, "trade.settled", bought()))
    assert not book.apply(event(7, "trade.settled", bought()))
    assert not book.apply(event(3, "trade.settled", bought()))
    assert book.totals_of("washer").bought_wh == 250


def test_trades_that_come_together_are_taken_in_each():
    book = Book(ME)
    own = {"buyer": ME, "buy_asset": "washer", "passed_wh": None}
    rows = [trade(f"1.{number}", 10 + number, **own) for number in (1, 2)]
    assert book.apply(event(1, "trades.matched", order_matches(rows, sells=False)))
    assert [vars(one) for one in book.trades.values()] == rows
    assert (book.changes, book.totals) == (1, {})


def test_what_went_on_already_is_not_taken_back_to_the_beginning():
    book = Book(ME)
    book.begin_anew([], listed(bought(id="1.1")))
    book.apply(event(1, "trades.matched", order_matches([bought(id="1.1")], sells=False)))
    assert book.trades["1.1"].state == "settled"


def test_an_event_that_cannot_be_read_is_refused_and_passed():
    book = Book(ME)
    with pytest.raises(AnswerError):
        book.apply(event(1, "trades.matched", {"id": "1.0"}))
    assert book.cursor == 1


def test_it_is_remembered_who_placed_the_latest_thousand_orders():
    book = Book(ME)
    for number in range(1_200):
        book.note_origin(str(number), "automation.wash")
    assert len(book.placed_by) == 1_000
    assert "199" not in book.placed_by
    assert book.placed_by["1199"] == "automation.wash"


def test_only_the_latest_settled_trades_stay_at_hand():
    book = Book(ME)
    for number in range(600):
        book.apply(event(number + 1, "trade.settled", bought(id=f"{number}.0", slot=number)))
    assert len(book.trades) == 500
    assert book.totals_of("washer").bought_wh == 600 * 250
    assert list(book.unsettled()) == []


STEPS = ("matched", "delivering", "metered", "settled")


@st.composite
def histories(draw):
    """Return events of some orders and trades, each in its own order, interleaved at will."""
    threads = [
        [("trade." + step, bought(id=f"{number}.0", state=step)) for step in STEPS]
        for number in range(draw(st.integers(0, 4)))
    ]
    threads += [
        [("order.placed", order(str(number))), ("order.lapsed", order(str(number), state="lapsed"))]
        for number in range(draw(st.integers(0, 3)))
    ]
    left = [list(thread) for thread in threads if thread]
    events = []
    while left:
        thread = left[draw(st.integers(0, len(left) - 1))]
        events.append(event(len(events) + 1, *thread.pop(0)))
        left = [thread for thread in left if thread]
    return events


@given(histories(), st.data())
def test_a_restart_anywhere_with_events_given_again_changes_nothing(events, data):
    whole = Book(ME)
    for item in events:
        whole.apply(item)
    cut = data.draw(st.integers(0, len(events)))
    before = Book(ME)
    for item in events[:cut]:
        before.apply(item)
    after = Book.from_dict(json.loads(json.dumps(before.as_dict())))
    again = data.draw(st.integers(0, cut))
    for item in events[again:]:
        after.apply(item)
    assert after.as_dict() == whole.as_dict()


def listed(*rows, kind=Trade):
    return [answers.read(kind, row) for row in rows]


def test_a_book_that_begins_anew_takes_the_lists_and_keeps_its_sums():
    book = Book(ME)
    book.apply(event(1, "order.placed", order("gone")))
    book.apply(event(2, "trade.settled", bought(id="1.0")))
    book.apply(event(3, "trade.matched", bought(id="1.1") | {"state": "matched", "settled_wh": None}))
    before = book.totals_of("washer")
    orders = listed(order("new"), order("filled", state="filled"), kind=PlacedOrder)
    trades = listed(
        bought(id="1.0"), bought(id="1.1"), bought(id="1.2") | {"state": "matched", "settled_wh": None}
    )
    book.begin_anew(orders, trades)
    assert list(book.orders) == ["new"]
    assert {trade.id: trade.state for trade in book.trades.values()} == {
        "1.0": "settled",
        "1.1": "settled",
        "1.2": "matched",
    }
    assert book.totals_of("washer").bought_wh == before.bought_wh + 250
    book.begin_anew(orders, trades)
    book.apply(event(9, "trade.settled", bought(id="1.1")))
    assert book.totals_of("washer").bought_wh == before.bought_wh + 250


def test_what_may_have_been_forgotten_does_not_count_twice_when_a_book_begins_anew():
    book = Book(ME)
    for number in range(501):
        book.apply(event(number + 1, "trade.settled", bought(id=f"1.{number}", slot=100 + number)))
    before = book.totals_of("washer")
    assert "1.0" not in book.trades
    book.begin_anew([], listed(bought(id="1.0", slot=100), bought(id="2.0", slot=900)))
    assert book.totals_of("washer").bought_wh == before.bought_wh + 250


@st.composite
def reviewed_histories(draw):
    """Return the events of some trades that settle, are disputed and put right, each in its own order."""
    threads = []
    for number in range(draw(st.integers(1, 3))):
        first, then = (draw(st.integers(0, 300)) for _ in range(2))
        row = bought(id=f"{number}.0", settled_wh=first, paid=first)
        open_row = row | dict.fromkeys(answers_none, None)
        thread = [(f"trade.{step}", open_row | {"state": step}) for step in ("delivering", "overdue")]
        thread += [("trade.settled", row), ("trade.disputed", row | {"state": "disputed"})]
        now = row | {"settled_wh": then, "paid": then}
        threads.append([*thread, ("trade.reviewed", now | {"before": row})])
    return [event(cursor + 1, *step) for cursor, step in enumerate(step for one in threads for step in one)]


answers_none = (
    "delivered_wh",
    "taken_wh",
    "settled_wh",
    "paid",
    "received",
    "seller_penalty",
    "buyer_penalty",
)


@given(reviewed_histories(), st.data())
def test_a_node_that_fell_behind_and_tells_all_again_changes_no_sum(events, data):
    whole = Book(ME)
    for item in events:
        whole.apply(item)
    again = Book.from_dict(json.loads(json.dumps(whole.as_dict())))
    again.cursor = data.draw(st.integers(0, len(events)))
    for item in events:
        again.apply(item)
    assert again.totals == whole.totals
    assert again.trades == whole.trades


def test_a_forgotten_trade_that_is_put_right_counts_by_the_difference():
    book = Book(ME)
    was = bought(id="1.0")
    book.apply(event(1, "trade.reviewed", was | {"settled_wh": 100, "before": was}))
    assert book.totals_of("washer").bought_wh == -150
    assert book.trades == {}


def test_what_was_under_way_here_counts_when_a_list_shows_it_settled_however_old():
    book = Book(ME)
    book.apply(
        event(1, "trade.delivering", bought(id="old", slot=1) | {"state": "delivering", "settled_wh": None})
    )
    for number in range(500):
        book.apply(event(number + 2, "trade.settled", bought(id=f"1.{number}", slot=100 + number)))
    before = book.totals_of("washer").bought_wh
    book.begin_anew([], listed(bought(id="old", slot=1)))
    assert book.totals_of("washer").bought_wh == before + 250
