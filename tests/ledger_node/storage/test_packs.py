"""Packs: many events or trades in one row, found as if each had its own."""

from contextlib import closing

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.ledger.matches import Matches, RoundSides
from energy_ledger.ledger.tables import Change
from energy_ledger.storage import database, event_packs
from energy_ledger.storage.reader import Reader
from energy_ledger.storage.writer import CommitEntry, Entry, Writer
from tests.ledger_node.ledger.street import Street, matched_in
from tests.ledger_node.storage.test_rows import commit, event, trade

NAMES = st.sampled_from("abc")
FIELDS = ("seller", "buyer", "sell_order", "buy_order", "sell_asset", "buy_asset", "sell_point", "buy_point")
FILTERS = {
    "account": ("seller", "buyer"),
    "asset": ("sell_asset", "buy_asset", "sell_point", "buy_point"),
    "order": ("sell_order", "buy_order"),
    "slot": ("slot",),
    "state": ("state",),
}
STATES = ("matched", "delivering", "metered", "settled")


def read(reader, kind):
    return [msgspec.json.decode(row, type=kind) for _, row in reader.live(kind.table)]


@st.composite
def histories(draw):
    """Draw the trades of some rounds, numbered along their slots, and what became of some of them."""
    commits = []
    for round_ in range(1, draw(st.integers(1, 3)) + 1):
        slots = sorted(draw(st.lists(st.integers(1, 3), max_size=5)))
        made = [
            trade(f"{round_}.{number}", slot=slot, wh=number, **{field: draw(NAMES) for field in FIELDS})
            for number, slot in enumerate(slots, 1)
        ]
        commits.append(made)
        moved = draw(st.lists(st.sampled_from(made), unique_by=lambda one: one.key)) if made else []
        commits.append(
            [
                Change("trades", one.key, msgspec.structs.replace(one.value, state=state), state == "settled")
                for one in moved
                for state in [draw(st.sampled_from(STATES[1:]))]
            ]
        )
    return commits


@settings(deadline=None, max_examples=60)
@given(histories(), st.dictionaries(st.sampled_from(sorted(FILTERS)), st.integers(0, 3)), st.integers(1, 4))
def test_trades_in_packs_are_found_as_single_ones_would_be(tmp_path_factory, commits, wanted, limit):
    path = tmp_path_factory.mktemp("trades") / "ledger.db"
    database.open_or_set_aside(path)
    known = {change.key: change for changes in commits for change in changes}
    values = [change.value for change in known.values()]
    choice = {"slot": range(4), "state": STATES}
    filters = {name: choice.get(name, "abcd")[place] for name, place in wanted.items()}
    with closing(Writer(path, durable=False)) as writer, closing(Reader(path)) as reader:
        for number, changes in enumerate(commits, 1):
            writer.write(Entry(commits=[commit(number, changes=tuple(changes))]))
        found, after = [], None
        while page := reader.page("trades", filters, after, limit):
            found += [msgspec.json.decode(one.row)["id"] for one in page]
            after = page[-1].n
        live = [key for key, _ in reader.live("trades")]
        sides = {row.round: row.sides for row in read(reader, RoundSides)}
        live += [one.id for row in read(reader, Matches) for one in row.trades(sides[row.round])]
        rows = {key: reader.one("trades", key) for key in (*known, "1.99", "99.1", "no id", "1.x")}
        slots = {slot: reader.traded(slot) for slot in range(4)}
        by_order = [trade.id for trade in reader.trades_of("ab")]
    assert found == [
        one.id
        for one in values
        if all(value in [getattr(one, field) for field in FILTERS[name]] for name, value in filters.items())
    ]
    assert sorted(live) == sorted(key for key, change in known.items() if not change.final)
    assert [key for key, row in rows.items() if row is None] == ["1.99", "99.1", "no id", "1.x"]
    assert all(msgspec.json.decode(rows[key]) == change.row for key, change in known.items())
    assert slots == {
        slot: (sum(one.wh for one in values if one.slot == slot), sum(one.slot == slot for one in values))
        for slot in range(4)
    }
    assert by_order == [one.id for one in values if {one.sell_order, one.buy_order} & set("ab")]


def test_a_pack_that_begins_with_some_of_a_rounds_trades_finds_each_by_its_id(tmp_path):
    path = tmp_path / "ledger.db"
    database.open_or_set_aside(path)
    with closing(Writer(path)) as writer, closing(Reader(path)) as reader:
        rows = [trade("5.3", slot=7), trade("5.8", slot=7)]
        writer.begin({}, b"", 0, [Change(one.table, one.key, one.row, False) for one in rows])
        moved = msgspec.structs.replace(rows[1].value, state="delivering")
        writer.write(Entry(commits=[commit(1, changes=(Change("trades", "5.8", moved, False),))]))
        states = [msgspec.json.decode(reader.one("trades", key))["state"] for key in ("5.3", "5.8")]
        assert (states, reader.one("trades", "5.4")) == (["matched", "delivering"], None)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_pages_of_events_do_not_depend_on_how_they_are_packed(tmp_path, monkeypatch, size):
    monkeypatch.setattr(event_packs, "SIZE", size)
    path = tmp_path / "ledger.db"
    database.open_or_set_aside(path)
    events = [event(cursor, *("x" if cursor % 3 == 0 else "yz")) for cursor in range(1, 12)]
    with closing(Writer(path)) as writer, closing(Reader(path)) as reader:
        for number, group in enumerate((events[:1], events[1:8], (), events[8:]), 1):
            writer.write(Entry(commits=[commit(number, events=tuple(group))]))
        assert reader.last_cursor() == 11
        for after in range(12):
            for limit in (1, 4, 50):
                rest = [(one.cursor, one.encode()) for one in events if one.cursor > after]
                assert reader.events(after, limit) == rest[:limit]
                about_x = [(cursor, line) for cursor, line in rest if cursor % 3 == 0]
                assert reader.events_of("x", after, limit) == about_x[:limit]
    with closing(Reader(path)) as reader:
        assert reader.events_of('x"', 0, 9) == []


def rows_in(path):
    with closing(database.connect(path, read_only=True)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return sum(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for (name,) in tables)


def write_all(writer, outcomes, first):
    """Write what commits brought about as a node does; they are numbered from `first`."""
    for number, one in enumerate(outcomes, first):
        known = {"root": one.root, "events": one.events, "lines": one.lines, "changes": one.changes}
        writer.write(Entry(commits=[CommitEntry(index=number, time=0, epoch=0, leader=b"", **known)]))


def test_a_round_writes_rows_by_the_slot_and_the_order_not_by_the_trade(tmp_path):
    path = tmp_path / "ledger.db"
    database.open_or_set_aside(path)
    street, slots = Street(), range(1, 13)
    people = [street.joins(name) for name in ("Bo", "Cy", "Di", "Eve", "Flo", "Gus")]
    for number, one in enumerate(people):
        street.gets(one, 10**12)
        place, price = (street.offers, 100_000) if number % 2 else (street.bids, 200_000)
        place(one, street.asset(one), price, dict.fromkeys(slots, 60 + number))
    street.at(50)
    past = list(street.outcomes)
    outcome = street.clears()
    with closing(Writer(path)) as writer:
        write_all(writer, past, 1)
        before = rows_in(path)
        write_all(writer, [outcome], len(past) + 1)
    trades = len(matched_in(outcome))
    assert trades >= 4 * len(slots)
    assert [event.type for event in outcome.events].count("trades.matched") == len(people)
    packs_and_states, subjects, others = 2 * len(slots), 3 * len(people), 20
    assert rows_in(path) - before < packs_and_states + subjects + others
