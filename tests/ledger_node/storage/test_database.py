"""Opening the ledger's file: whole files are kept, damaged ones set aside, foreign ones left alone."""

import sqlite3
from contextlib import closing

import pytest

from energy_ledger.ledger.state import State
from energy_ledger.storage import database, schema
from energy_ledger.storage.database import DamagedError, StorageError
from tests.ledger_node.ledger.street import make_genesis


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.db"


@pytest.fixture
def made(path):
    database.open_or_set_aside(path)
    with closing(database.connect(path)) as connection:
        connection.execute("BEGIN")
        rows = [(f"fact {number}", b"x" * 100) for number in range(2_000)]
        connection.executemany("INSERT INTO facts VALUES (?, ?)", rows)
        connection.execute("COMMIT")
    return path


def overwrite(path, offset, data):
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def test_a_missing_file_is_made(path):
    opened = database.open_or_set_aside(path)
    assert (opened.path, opened.set_aside) == (path, None)
    assert database.check(path)


def test_a_whole_file_is_kept(made):
    before = made.read_bytes()
    assert database.open_or_set_aside(made).set_aside is None
    assert made.read_bytes() == before


def test_a_file_that_was_never_filled_is_filled_now(path):
    with closing(database.connect(path)):
        pass
    path.touch()
    assert not database.check(path)
    assert database.open_or_set_aside(path).set_aside is None
    assert database.check(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: overwrite(path, 0, b"no database at all"),
        lambda path: overwrite(path, 3 * 4096, b"\xff" * 4096),
        lambda path: path.write_bytes(path.read_bytes()[:9_000]),
    ],
    ids=["header", "page", "cut off"],
)
def test_a_damaged_file_is_set_aside_with_every_byte(made, damage):
    damage(made)
    damaged = made.read_bytes()
    with pytest.raises(DamagedError):
        database.check(made)
    opened = database.open_or_set_aside(made)
    assert opened.set_aside.read_bytes() == damaged
    assert opened.set_aside.name == "ledger.db.damaged-1"
    assert database.check(made)


def test_a_second_damaged_file_does_not_replace_the_first(made):
    for number in (1, 2):
        overwrite(made, 0, b"damage %d" % number)
        assert database.open_or_set_aside(made).set_aside.name == f"ledger.db.damaged-{number}"


def test_what_belongs_to_a_damaged_file_goes_with_it(made):
    made.with_name("ledger.db-wal").write_bytes(b"log")
    aside = database.set_aside(made)
    assert aside.with_name(aside.name + "-wal").read_bytes() == b"log"
    assert not made.with_name("ledger.db-wal").exists()


def test_the_file_of_another_program_is_left_alone(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    before = path.read_bytes()
    with pytest.raises(StorageError, match="another program"):
        database.open_or_set_aside(path)
    assert path.read_bytes() == before


def test_a_file_of_another_version_is_left_alone(made):
    with closing(sqlite3.connect(made)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    with pytest.raises(StorageError, match="use the release of this program that wrote it"):
        database.open_or_set_aside(made)
    assert made.exists()


def test_a_file_that_cannot_be_read_is_not_called_damaged(tmp_path):
    folder = tmp_path / "ledger.db"
    folder.mkdir()
    with pytest.raises(StorageError, match="cannot be read") as caught:
        database.check(folder)
    assert not isinstance(caught.value, DamagedError)


def test_a_writing_connection_has_every_commit_on_the_disk(path):
    with closing(database.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_every_table_of_the_ledger_has_its_place():
    state = State(make_genesis())
    of_trades = {"sides", "matches", "trades"}
    assert {table.name for table in state._tables} | {"totals"} == {*schema.COLUMNS, *of_trades}
