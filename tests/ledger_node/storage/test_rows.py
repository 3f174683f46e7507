"""Writing and reading: all of a step or nothing, and every question answered from what was written."""

import sqlite3
from contextlib import closing

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.dag.blocks import Draft, Payload, sign_block
from energy_ledger.ledger.events import Event
from energy_ledger.ledger.tables import Change
from energy_ledger.ledger.trading_rows import Trade
from energy_ledger.storage import database
from energy_ledger.storage.reader import Reader
from energy_ledger.storage.writer import CommitEntry, Entry, Ordered, Writer

NETWORK = b"n" * 32


def block(round_, *envelopes):
    draft = Draft(NETWORK, 0, round_, 0, 1_000 + round_, (), Payload(envelopes))
    return sign_block(draft, b"s" * 32)


def commit(index, events=(), **more):
    return CommitEntry(
        index=index, time=index * 10, epoch=0, leader=b"", root=bytes([index % 256]), events=events,
        lines=tuple(event.encode() for event in events), **more,
    )  # fmt: skip


def event(cursor, *assets, kind="order.placed"):
    return Event(
        cursor=cursor, commit=1, time=10, type=kind, accounts=("a",), assets=assets, transaction=None, data={}
    )


def change(table, key, final=False, **row):
    return Change(table, key, row, final)


def trade(key, final=False, **fields):
    """Return the change that a trade makes; its id names its round, whatever is not given is nobody's."""
    places = [f"{side}_{part}" for side in ("sell", "buy") for part in ("order", "asset", "point")]
    nobody = dict.fromkeys(("seller", "buyer", *places), "")
    known = {"slot": 1, "wh": 1, "seller_price": 1, "buyer_price": 1, "fee": 0, "source": None}
    state = {"state": "settled" if final else "matched"}
    value = Trade(id=key, round=int(key.partition(".")[0]), **nobody | known | state | fields)
    return Change("trades", key, value, final)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "ledger.db"
    database.open_or_set_aside(path)
    return path


@pytest.fixture
def writer(path):
    with closing(Writer(path)) as writer:
        yield writer


@pytest.fixture
def reader(path):
    with closing(Reader(path)) as reader:
        yield reader


def test_a_step_that_fails_leaves_nothing_behind(writer, reader):
    writer.write(Entry(commits=[commit(1)]))
    good, twice = commit(2, changes=(change("assets", "a"),)), commit(1)
    with pytest.raises(sqlite3.IntegrityError):
        writer.write(Entry(blocks=[block(1)], commits=[good, twice]))
    assert [one.n for one in reader.latest_commits(5)] == [1]
    assert reader.one("assets", "a") is None
    assert reader.count("blocks") == 0
    writer.write(Entry(commits=[good]))
    assert reader.one("assets", "a") == "{}"


def test_a_disk_that_is_full_fails_the_step_whole(writer, reader):
    writer.write(Entry(commits=[commit(1)]))
    (pages,) = writer._connection.execute("PRAGMA page_count").fetchone()
    writer._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        writer.write(Entry(blocks=[block(1, b"x" * 100_000)], commits=[commit(2)]))
    assert [one.n for one in reader.latest_commits(5)] == [1]


def test_blocks_are_marked_by_the_commits_that_put_them_out(writer, reader):
    first, second, third = block(1), block(2), block(3)
    writer.write(Entry(blocks=[first, second, third], commits=[commit(1, blocks=(first.ref.digest,))]))
    assert [(one.fate, one.commit) for one in reader.blocks_from(0, 1)] == [
        ("ordered", 1),
        ("open", None),
        ("open", None),
    ]
    writer.write(
        Entry(commits=[commit(2, blocks=(second.ref.digest,)), commit(3, losers=(third.ref.digest,))])
    )
    assert [(one.fate, one.commit) for one in reader.blocks_from(0, 2)] == [("ordered", 2), ("lost", 3)]
    assert reader.block(first.ref.digest).raw == first.raw


def test_a_block_that_is_stored_again_stays_as_it_was(writer, reader):
    one = block(1)
    writer.write(Entry(blocks=[one], commits=[commit(1, blocks=(one.ref.digest,))]))
    writer.write(Entry(blocks=[one]))
    assert [(record.raw, record.fate) for record in reader.blocks_from(0, 0)] == [(one.raw, "ordered")]


@pytest.mark.parametrize(
    ("codes", "kept"),
    [
        ([None, "replayed"], (1, None)),
        (["expired", None], (2, None)),
        (["expired", "expired"], (1, "expired")),
    ],
    ids=["applied, then replayed", "refused, then applied", "refused twice"],
)
def test_a_transaction_that_comes_twice_has_one_place(writer, reader, codes, kept):
    for index, code in enumerate(codes, 1):
        ordered = Ordered(b"id", bytes([index]), index, code, None, code and "why")
        writer.write(Entry(commits=[commit(index, ordered=(ordered,))]))
    record = reader.transaction(b"id")
    assert (record.commit, record.code) == kept
    assert (record.block, record.place, record.time) == (bytes([kept[0]]), kept[0], kept[0] * 10)


def test_a_row_keeps_its_place_when_it_changes(writer, reader):
    for name in ("one", "two"):
        writer.write(
            Entry(commits=[commit(len(name) + ord(name[0]), changes=(change("assets", name, v=1),))])
        )
    writer.write(Entry(commits=[commit(200, changes=(change("assets", "one", v=2),))]))
    assert [msgspec.json.decode(found.row) for found in reader.page("assets", {}, None, 9)] == [
        {"v": 2},
        {"v": 1},
    ]


def test_finished_rows_are_kept_for_those_who_ask_but_not_for_the_ledger(writer, reader):
    changes = (
        trade("1.1", final=True),
        trade("1.2"),
        change("closed_orders", "old", final=True),
        Change("accounts", "gone", None, False),
    )
    writer.write(Entry(commits=[commit(1, changes=(change("accounts", "gone"),))]))
    writer.write(Entry(commits=[commit(2, changes=changes)]))
    assert msgspec.json.decode(reader.one("trades", "1.1"))["state"] == "settled"
    ((key, row),) = reader.live("trades")
    assert (key, row) == ("1.2", reader.one("trades", "1.2"))
    assert reader.one("closed_orders", "old") is None
    assert reader.one("accounts", "gone") is None


TRADES = [
    {"seller": "s1", "buyer": "b1", "sell_asset": "x", "buy_asset": "y", "slot": 1, "state": "matched"},
    {"seller": "s2", "buyer": "s1", "sell_asset": "x", "sell_point": "p", "slot": 2, "state": "settled"},
    {"seller": "s2", "buyer": "b2", "buy_order": "o", "sell_order": "q", "slot": 2, "state": "matched"},
]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [0, 1, 2]),
        ({"account": "s1"}, [0, 1]),
        ({"account": "s2", "state": "matched"}, [2]),
        ({"asset": "x"}, [0, 1]),
        ({"asset": "p"}, [1]),
        ({"order": "o"}, [2]),
        ({"slot": 2}, [1, 2]),
        ({"account": "nobody"}, []),
    ],
)
def test_filters_find_what_matches_all_of_them(writer, reader, filters, found):
    changes = tuple(trade(f"7.{number}", **fields) for number, fields in enumerate(TRADES, 1))
    writer.write(Entry(commits=[commit(1, changes=changes)]))
    rows = [msgspec.json.decode(one.row)["id"] for one in reader.page("trades", filters, None, 9)]
    assert rows == [f"7.{number + 1}" for number in found]


@settings(deadline=None, max_examples=30)
@given(total=st.integers(0, 12), limit=st.integers(1, 5), newest_first=st.booleans())
def test_pages_give_every_row_once_and_in_order(tmp_path_factory, total, limit, newest_first):
    path = tmp_path_factory.mktemp("pages") / "ledger.db"
    database.open_or_set_aside(path)
    with closing(Writer(path, durable=False)) as writer, closing(Reader(path)) as reader:
        changes = tuple(change("rounds", str(number), first_slot=number) for number in range(total))
        writer.write(Entry(commits=[commit(1, changes=changes)]))
        seen, after = [], None
        while page := reader.page("rounds", {}, after, limit, newest_first=newest_first):
            seen += [msgspec.json.decode(one.row)["first_slot"] for one in page]
            after = page[-1].n
    assert seen == sorted(range(total), reverse=newest_first)


def test_the_rounds_that_traded_a_slot_come_latest_first(writer, reader):
    rounds = [
        change("rounds", "1", first_slot=10, slots=5, state="cleared", volume_wh=1),
        change("rounds", "2", first_slot=11, slots=3, state="cleared", volume_wh=1),
        change("rounds", "3", first_slot=12, slots=5, state="void", volume_wh=None),
        change("rounds", "4", first_slot=12, slots=5, state="cleared", volume_wh=0),
    ]
    writer.write(Entry(commits=[commit(1, changes=tuple(rounds))]))

    def starts(slot):
        return [msgspec.json.decode(row)["first_slot"] for row in reader.rounds_covering(slot, horizon=6)]

    assert [starts(slot) for slot in range(9, 17)] == [[], [10], [11, 10], [11, 10], [11, 10], [10], [], []]


def test_the_round_of_a_slot_is_the_last_that_traded_it_else_the_last_that_could_have(writer, reader):
    rounds = [
        change("rounds", "1", round=1, first_slot=10, slots=5, state="cleared"),
        change("rounds", "2", round=2, first_slot=11, slots=3, state="cleared"),
        change("rounds", "3", round=3, first_slot=12, slots=5, state="void"),
        change("rounds", "4", round=4, first_slot=12, slots=9, state="open"),
    ]
    trades = [trade(f"{round_}.1", slot=13) for round_ in (1, 2)]
    writer.write(Entry(commits=[commit(1, changes=(*rounds, *trades))]))

    def numbers(slots):
        found = [reader.latest_round(slot, horizon=9) for slot in slots]
        return [row and msgspec.json.decode(row)["round"] for row in found]

    assert numbers(range(9, 18)) == [None, 1, 2, 3, 2, 3, 3, 3, None]


def test_orders_come_by_their_numbers_and_bring_their_trades(writer, reader):
    orders = [change("orders", name, number=number) for number, name in ((2, "b"), (1, "a"), (3, "c"))]
    trades = [trade("1.1", sell_order="a", buy_order="c"), trade("1.2", sell_order="b")]
    writer.write(Entry(commits=[commit(1, changes=(*orders, *trades))]))
    found = [msgspec.json.decode(row)["number"] for row in reader.orders_numbered(1, 2)]
    assert found == [1, 2]
    counts = {orders: len(list(reader.trades_of(orders))) for orders in ("a", "b", "c", "d", "ab", "ac")}
    assert counts == {"a": 1, "b": 1, "c": 1, "d": 0, "ab": 2, "ac": 1}


def test_events_come_by_cursor_and_by_asset(writer, reader):
    events = tuple(event(cursor, *("xy"[: cursor % 3])) for cursor in range(1, 7))
    writer.write(Entry(commits=[commit(1, events=events)]))
    assert [cursor for cursor, _ in reader.events(2, 3)] == [3, 4, 5]
    assert [cursor for cursor, _ in reader.events_of("x", 0, 9)] == [1, 2, 4, 5]
    assert [cursor for cursor, _ in reader.events_of("x", 2, 1)] == [4]
    assert reader.events(0, 1)[0][1] == events[0].encode()


def test_a_new_token_takes_the_place_of_the_holders_old_one(writer, reader):
    writer.set_token("founder", b"1")
    writer.set_token("invite", b"2")
    writer.set_token("founder", b"3")
    assert reader.tokens() == {"founder": b"3", "invite": b"2"}


def test_evidence_is_kept(writer, reader):
    pair = (block(1), block(1, b"other"))
    writer.write(Entry(evidence=[pair]))
    assert reader.evidence(0) == [(pair[0].raw, pair[1].raw)]
    assert reader.evidence(1) == []
