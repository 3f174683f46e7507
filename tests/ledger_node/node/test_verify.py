"""`verify`: finds nothing wrong with what a node wrote, and finds every change made to it afterwards."""

import sqlite3
from contextlib import closing

import pytest

from energy_ledger.node import founding
from energy_ledger.node.verify import WrongError, verify
from energy_ledger.storage import database
from energy_ledger.storage.database import DamagedError
from energy_ledger.storage.writer import Writer
from tests.ledger_node.node.chains import START, TestChain

HOUSE = {
    "asset_type": "home",
    "source": "solar",
    "name": "home",
    "behind": None,
    "feeder": "",
    "rated_import_w": 9_000,
    "rated_export_w": 9_000,
}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A database in which people joined, paid, ordered and failed."""
    path = tmp_path_factory.mktemp("original") / "ledger.db"
    database.open_or_set_aside(path)
    with closing(Writer(path, durable=False)) as writer:
        chain = TestChain()
        founding.begin(writer, chain.ledger.genesis)
        steps = []
        advance = chain.advance
        chain.advance = lambda *given: steps.append(advance(*given)) or steps[-1]
        bo = chain.joins("Bo")
        step = chain.at(START + 10, chain.sign(bo, "asset.register", **HOUSE))
        asset = step.placed[0].result.id
        slot = START // 10_000 + 3
        for kind, price in (("offer", 90_000), ("fixed", 200_000)):
            order = {"type": kind, "price": price, "slots": {str(slot): 5}}
            chain.at(chain.now + 10, chain.sign(bo, "order.place", asset=asset, order=order))
        chain.at(chain.now + 10, chain.sign(bo, "transfer", to=chain.ada.address, amount=10**15))
        for late in (5_000, 8_000, 60_000):
            chain.at(START + late)
        for one in steps:
            writer.write(one.entry)
    return path


@pytest.fixture
def path(original, tmp_path):
    copy = tmp_path / "ledger.db"
    with closing(sqlite3.connect(original)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


def test_what_a_node_wrote_is_good(path):
    told = []
    report = verify(path, lambda *numbers: told.append(numbers))
    assert report.transactions == 6
    assert report.events >= 6
    assert report.blocks == len(told) == told[-1][0] == told[-1][1]
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute("SELECT root FROM commits ORDER BY n DESC").fetchone()
    assert report.state_root == root.hex()


def flip(value):
    """Change one bit of a value: of a text the last digit, so that JSON stays JSON."""
    if isinstance(value, int):
        return value ^ 1
    if isinstance(value, str):
        place = max((place for place, one in enumerate(value) if one.isdigit()), default=0)
        return value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :]
    changed = bytearray(value)
    changed[len(changed) // 2] ^= 1
    return bytes(changed)


PLACES = [
    ("blocks", "raw"),
    ("blocks", "fate"),
    ("blocks", "round"),
    ("blocks", "author"),
    ("commits", "time"),
    ("commits", "root"),
    ("commits", "leader"),
    ("transactions", "id"),
    ("transactions", "commit_n"),
    ("transactions", "place"),
    ("events", "body"),
    ("event_assets", "asset"),
    ("facts", "value"),
    ("accounts", "live"),
    *((table, "row") for table in ("accounts", "assets", "orders", "rounds", "used", "invites", "totals")),
]


@pytest.mark.parametrize(("table", "column"), PLACES)
def test_a_single_changed_bit_is_found(path, table, column):
    with closing(sqlite3.connect(path)) as connection:
        connection.create_function("flip", 1, flip)
        place = f"(SELECT max(_rowid_) FROM {table})" if table not in ("event_assets", "facts") else None
        where = f"WHERE _rowid_ = {place}" if place else ""
        connection.execute(f"UPDATE {table} SET {column} = flip({column}) {where}")
        connection.commit()
    with pytest.raises((WrongError, DamagedError)):
        verify(path, lambda *_: None)


@pytest.mark.parametrize("table", ["blocks", "commits", "transactions", "events", "orders", "accounts"])
def test_a_row_that_is_missing_is_found(path, table):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"DELETE FROM {table} WHERE _rowid_ = (SELECT max(_rowid_) FROM {table})")
        connection.commit()
    with pytest.raises(WrongError):
        verify(path, lambda *_: None)


def test_a_row_that_nobody_signed_is_found(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO accounts (key, live, row) SELECT 'kwh1mine', 1, row FROM accounts LIMIT 1"
        )
        connection.commit()
    with pytest.raises(WrongError, match=r"table accounts: too much or different: kwh1mine"):
        verify(path, lambda *_: None)


def test_an_empty_database_has_nothing_to_verify(tmp_path):
    path = tmp_path / "ledger.db"
    database.open_or_set_aside(path)
    with pytest.raises(WrongError, match="no network"):
        verify(path, lambda *_: None)
