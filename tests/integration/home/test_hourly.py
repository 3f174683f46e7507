"""What a home traded by the hour: sums that add up, and the statistics that the Energy dashboard reads."""

import json
from dataclasses import asdict

import pytest
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.helpers.recorder import get_instance
from homeassistant.util import dt as dt_util
from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_marketplace import hourly
from custom_components.energy_marketplace.book import Book, Totals
from custom_components.energy_marketplace.hourly import Hours
from custom_components.energy_marketplace.ledger import answers
from custom_components.energy_marketplace.ledger.answers import Event, Trade
from tests.integration.conftest import HOME, WASHER, show
from tests.integration.home.stand_in import trade
from tests.integration.home.waiting import until

ME = "tkwh1me"
FIRST = 2_000_000 // 4 * 4


def settled(slot, wh=300, identity="1.0", **more):
    figures = {"settled_wh": wh, "paid": wh * 155_000, "received": wh * 150_000}
    row = trade(identity, slot, wh, state="settled", **figures | {"buyer": ME} | more)
    return answers.read(Trade, row)


def test_what_is_settled_counts_in_the_hour_of_its_slot():
    hours = Hours(ME)
    assert hours.note(settled(FIRST + 1), 1, 900) == FIRST * 900
    assert hours.note(settled(FIRST + 3), 1, 900) == FIRST * 900
    hours.note(settled(FIRST + 4, 200), 1, 900)
    assert [(hour // 900 - FIRST, total.bought_wh) for hour, _, total in hours.sums()] == [(0, 600), (4, 800)]


REVIEWED = ("delivered_wh", "taken_wh", "settled_wh", "paid", "received", "seller_penalty", "buyer_penalty")


def told(cursor, step, row, before=None):
    """Return an event of a trade; a review says what the trade came to before."""
    more = {} if before is None else {"before": {"passed_wh": 0} | {name: before[name] for name in REVIEWED}}
    return Event(cursor, 1, 0, f"trade.{step}", (), (), None, row | more)


def row_of(slot, wh, identity="1.0", state="settled"):
    return trade(identity, slot, 900, state=state, settled_wh=wh, paid=wh * 155_000, buyer=ME)


def taken_in(book, hours, event):
    book.apply(event)
    for counted, sign in book.take_counted():
        hours.note(counted, sign, 900)


def test_a_disputed_trade_counts_as_it_was_until_the_claim_is_decided():
    book, hours = Book(ME), Hours(ME)
    before = row_of(FIRST, 300)
    taken_in(book, hours, told(1, "metered", trade("1.0", FIRST, 300, state="metered", buyer=ME)))
    assert hours.hours == {}
    taken_in(book, hours, told(2, "settled", before))
    taken_in(book, hours, told(3, "disputed", row_of(FIRST, 300, state="disputed")))
    assert hours.hours[FIRST * 900].bought_wh == 300
    taken_in(book, hours, told(4, "reviewed", row_of(FIRST, 100), before))
    assert hours.hours[FIRST * 900] == Totals(bought_wh=100, spent=15_500_000)


def test_a_reviewed_trade_that_is_not_at_hand_any_more_does_not_count_twice():
    book, hours, before = Book(ME), Hours(ME), row_of(FIRST, 300)
    taken_in(book, hours, told(1, "settled", before))
    book.trades.clear()
    taken_in(book, hours, told(2, "disputed", row_of(FIRST, 300, state="disputed")))
    taken_in(book, hours, told(3, "reviewed", row_of(FIRST, 100), before))
    assert hours.hours[FIRST * 900] == Totals(bought_wh=100, spent=15_500_000)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 900)), max_size=30), st.booleans())
def test_the_hours_add_up_to_what_the_book_counts(steps, forgets):
    book, hours, last = Book(ME), Hours(ME), {}
    for cursor, (number, wh) in enumerate(steps, 1):
        row = row_of(FIRST + 3 * number, wh, f"{number}.0")
        taken_in(
            book, hours, told(cursor, "reviewed" if number in last else "settled", row, last.get(number))
        )
        last[number] = row
        if forgets:
            book.trades.clear()
    sums = [total for _, _, total in hours.sums()][-1:] or [Totals()]
    assert sums[0] == book.totals_of("b1")
    assert sums[0].bought_wh == sum(row["settled_wh"] for row in last.values())


@given(st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 500), st.booleans()), max_size=40))
def test_the_last_sum_is_all_that_was_traded_however_old(trades):
    hours = Hours(ME)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hourly, "_KEPT_HOURS", 5)
        for place, (slot, wh, sells) in enumerate(trades):
            side = {"seller": ME, "buyer": "tkwh1you"} if sells else {}
            hours.note(settled(FIRST + slot, wh, str(place), **side), 1, 900)
            hours = Hours.from_dict(ME, json.loads(json.dumps(hours.as_dict())))
    assert len(hours.hours) <= 5
    last = [total for _, _, total in hours.sums()][-1:] or [Totals()]
    assert last[0].bought_wh == sum(wh for _, wh, sells in trades if not sells)
    assert last[0].sold_wh == sum(wh for _, wh, sells in trades if sells)
    assert asdict(last[0]).keys() == asdict(Totals()).keys()


async def test_statistics_reach_the_recorder_by_the_hour(recorder_mock, home, node, entry, monkeypatch):
    monkeypatch.setattr(hourly, "_WRITE_WITHIN_S", 0)
    show(home)
    await home.config_entries.async_setup(entry.entry_id)
    me = {"buyer": entry.data["address"], "buy_asset": WASHER, "buy_point": HOME}
    for place, wh in enumerate((300, 200)):
        figures = {"settled_wh": wh, "paid": wh * 155_000}
        row = trade(f"{place}.0", FIRST + 4 * place, wh, state="settled", **me, **figures)
        await node.push_trade(row)
    market = entry.runtime_data.market
    await until(lambda: len(market.hours.hours) == 2)
    await home.async_block_till_done()
    owner = f"energy_marketplace:{entry.entry_id.lower()}"

    async def read():
        await get_instance(home).async_block_till_done()
        return await get_instance(home).async_add_executor_job(
            statistics_during_period,
            home,
            dt_util.utc_from_timestamp(0),
            None,
            {f"{owner}_bought", f"{owner}_cost"},
            "hour",
            None,
            {"sum", "state"},
        )

    await until(lambda: market._statistics._cancel is None)
    rows = await read()
    assert [row["sum"] for row in rows[f"{owner}_bought"]] == [0.3, 0.5]
    assert rows[f"{owner}_bought"][0]["start"] == FIRST * 900
    assert [round(row["sum"], 6) for row in rows[f"{owner}_cost"]] == [0.0465, 0.0775]
    await home.config_entries.async_unload(entry.entry_id)
