"""A certified snapshot: who starts from it goes on as who never stopped, and nobody can make a false one."""

import json
import shutil
import sqlite3
from contextlib import closing
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from energy_ledger.ledger.events import canonical
from energy_ledger.node import handovers
from energy_ledger.node.rebuilding import read_checked, rebuild, try_rebuild
from energy_ledger.node.snapshots import take_over
from energy_ledger.node.verify import WrongError, verify
from energy_ledger.proofs import Certificate, LedgerState
from energy_ledger.storage import database
from energy_ledger.storage.directory import DataDirectory, NodeKey
from energy_ledger.storage.reader import Reader
from energy_ledger.storage.snapshot import (
    BlockRecord,
    CommitteeRecord,
    PartialFile,
    RowRecord,
    Snapshot,
    SnapshotError,
    SnapshotFile,
    write,
)
from energy_ledger.storage.writer import Writer
from tests.ledger_node.node.homes import KEY, StoredChain, check, read, replay

BO = NodeKey(b"b" * 32)


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    """A network in its second epoch, with open orders, and its snapshot."""
    folder = tmp_path_factory.mktemp("street")
    chain = StoredChain(folder / "node")
    chain.lives(Random(1), 4)
    chain.votes_for(KEY)
    chain.lives(Random(2), 30)
    chain.snapshot(folder / "good")
    yield chain, folder / "good"
    chain.close()


@pytest.fixture
def good(street):
    return read(street[1])


def rows_of(ledger):
    return sorted((row.table, row.key, canonical(row.row)) for row in ledger.rows())


def blocks_of(reader):
    return [record.raw for record in reader.all_blocks()]


# --- it leads where the ledger went -------------------------------------------------------------------------


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), before=st.integers(0, 25), after=st.integers(0, 15), votes=st.booleans())
def test_who_starts_from_a_snapshot_comes_to_the_same_ledger(tmp_path_factory, seed, before, after, votes):
    folder, random = tmp_path_factory.mktemp("home"), Random(seed)
    chain = StoredChain(folder / "node")
    chain.lives(random, before)
    if votes:
        chain.votes_for(KEY)
    snapshot = chain.snapshot(folder / "snapshot")
    chain.lives(random, after)
    newcomer = DataDirectory(folder / "newcomer")
    newcomer.prepare()
    checked = read_checked(snapshot)
    rebuild(newcomer, snapshot, new_key=True)
    again = replay(newcomer, blocks_of(chain.reader))
    assert again.ledger.commit == chain.ledger.commit
    assert again.ledger.root == chain.ledger.root
    assert rows_of(again.ledger) == rows_of(chain.ledger)
    with closing(Reader(newcomer.database)) as reader:
        start = reader.start()
        assert start.commit == checked.certificate.state.commit > 0
        assert reader.events(start.cursor, 10_000) == chain.reader.events(start.cursor, 10_000)
    report = verify(newcomer.database, lambda done, total: None)
    assert report.state_root == chain.ledger.root.hex()
    chain.close()


def test_a_database_that_began_with_a_snapshot_is_checked_against_it(street, tmp_path):
    newcomer = DataDirectory(tmp_path / "newcomer")
    newcomer.prepare()
    rebuild(newcomer, street[1], new_key=True)
    replay(newcomer, blocks_of(street[0].reader))
    good = newcomer.ledger_start.read_bytes()
    verify(newcomer.database, lambda done, total: None)
    newcomer.ledger_start.write_bytes(good[:-1])
    with pytest.raises(WrongError, match="the snapshot with which this database began is not good"):
        verify(newcomer.database, lambda done, total: None)
    newcomer.ledger_start.write_bytes(good)
    with closing(sqlite3.connect(newcomer.database)) as connection:
        connection.execute("UPDATE accounts SET row = replace(row, 'active', 'pending') WHERE live")
        connection.commit()
    with pytest.raises(WrongError, match="accounts"):
        verify(newcomer.database, lambda done, total: None)


def test_a_node_long_away_keeps_its_old_history_and_goes_on_from_the_snapshot(tmp_path):
    """Its clients can ask for the past that it knows, and are told from where on it knows everything."""
    chain = StoredChain(tmp_path / "node")
    chain.lives(Random(3), 5)
    away = DataDirectory(tmp_path / "away")
    away.prepare()
    database.copy(chain.directory.database, away.database)
    known = chain.ledger.cursor
    chain.lives(Random(4), 12)
    checked = read_checked(chain.snapshot(away.ledger_start))
    with closing(Writer(away.database)) as writer:
        take_over(writer, checked)
    chain.lives(Random(5), 5)
    again = replay(away, blocks_of(chain.reader))
    assert again.ledger.root == chain.ledger.root
    with closing(Reader(away.database)) as reader:
        cursors = [cursor for cursor, _ in reader.events(0, 10_000)]
        assert cursors == [*range(1, known + 1), *range(checked.cursor + 1, chain.ledger.cursor + 1)]
    verify(away.database, lambda done, total: None)
    chain.close()


def test_a_newcomer_knows_how_every_committee_came_in_and_gives_snapshots_itself(street, tmp_path):
    chain, path = street
    newcomer = DataDirectory(tmp_path / "newcomer")
    newcomer.prepare()
    rebuild(newcomer, path, new_key=True)
    with closing(Reader(newcomer.database)) as reader:
        assert reader.start().commit > 0
        assert handovers.records(reader, 1) == handovers.records(chain.reader, 1)
        assert reader.one("handovers", "1") == chain.reader.one("handovers", "1")
    assert read_checked(path).certificate.epoch == 1


def test_while_every_commit_changes_something_a_state_is_kept_until_it_is_certified(tmp_path):
    chain = StoredChain(tmp_path / "node")
    bo = chain.joins("Bo")
    chain.shutter.wanted = True
    chain.shutter._frozen = chain.ledger.freeze()
    kept = chain.shutter._frozen
    step = chain.at(chain.now + 5, chain.sign(bo, "transfer", to=chain.ada.address, amount=1))
    while step.taken is None:
        step = chain.at(chain.now + 5, chain.sign(bo, "transfer", to=chain.ada.address, amount=1))
    assert step.taken.certificate.state.root == step.taken.frozen.root
    assert step.taken.frozen.totals.commit >= kept.totals.commit
    chain.close()


# --- and nobody can make a false one ------------------------------------------------------------------------


def test_the_snapshot_holds_rows_of_many_tables(good):
    tables = {row.table for row in good.rows}
    assert {"accounts", "assets", "orders", "invites", "used", "work", "totals"} <= tables


def bent(value):
    """Return a value that differs a little."""
    match value:
        case bool() | None:
            return "x"
        case int():
            return value + 1
        case str():
            return value + "0"
        case list():
            return [*value, 1]
        case _:
            return {**value, "x": 1}


def test_a_row_that_differs_in_any_field_is_noticed(good):
    first = {row.table: place for place, row in reversed(list(enumerate(good.rows)))}
    for table, place in first.items():
        row = good.rows[place]
        for name in row.row:
            false = msgspec.structs.replace(row, row={**row.row, name: bent(row.row[name])})
            with pytest.raises(SnapshotError):
                check(with_rows(good, [*good.rows[:place], false, *good.rows[place + 1 :]]))
        for false in (
            msgspec.structs.replace(row, row={**row.row, "more": 1}),
            msgspec.structs.replace(row, key=row.key + "0"),
        ):
            with pytest.raises(SnapshotError):
                check(with_rows(good, [*good.rows[:place], false, *good.rows[place + 1 :]]))
        assert table


def test_a_row_left_out_or_given_twice_is_noticed(good):
    for place in range(len(good.rows)):
        with pytest.raises(SnapshotError):
            check(with_rows(good, [*good.rows[:place], *good.rows[place + 1 :]]))
    with pytest.raises(SnapshotError):
        check(with_rows(good, [*good.rows, good.rows[0]]))
    with pytest.raises(SnapshotError):
        check(with_rows(good, []))


def test_a_table_that_nobody_knows_is_noticed(good):
    stranger = msgspec.structs.replace(good.rows[0], table="strangers")
    with pytest.raises(SnapshotError, match="not those of the ledger"):
        check(with_rows(good, [*good.rows, stranger]))


def with_rows(good, rows):
    return Snapshot(good.genesis, good.certificate, good.committees, tuple(rows), good.blocks)


def certified(good, **changes):
    certificate = msgspec.structs.replace(good.certificate, **changes)
    return Snapshot(good.genesis, certificate, good.committees, good.rows, good.blocks)


def test_a_certificate_that_the_committee_did_not_sign_is_noticed(good):
    state = good.certificate.state
    for false in (
        msgspec.structs.replace(state, commit=state.commit + 1),
        msgspec.structs.replace(state, time=state.time + 1),
        msgspec.structs.replace(state, root=bytes(32)),
        msgspec.structs.replace(state, leader=bytes(32)),
        msgspec.structs.replace(state, leader=b""),
        msgspec.structs.replace(state, commit=-1),
        msgspec.structs.replace(state, time=2**70),
    ):
        with pytest.raises(SnapshotError, match="certificate"):
            check(certified(good, state=false))
    with pytest.raises(SnapshotError, match="certificate"):
        check(certified(good, votes=()))
    with pytest.raises(SnapshotError, match="epoch"):
        check(certified(good, epoch=2))
    assert isinstance(good.certificate, Certificate)
    assert isinstance(state, LedgerState)


def test_a_committee_that_was_not_voted_in_is_noticed(good):
    record = good.committees[0]
    for false in (
        (),
        (CommitteeRecord(1, (BO.public.hex(),), record.votes),),
        (CommitteeRecord(1, record.committee, ()),),
        (CommitteeRecord(1, record.committee, (b"{}", b"nothing")),),
        (CommitteeRecord(2, record.committee, record.votes),),
        (record, record),
    ):
        with pytest.raises(SnapshotError, match="epoch"):
            check(Snapshot(good.genesis, good.certificate, false, good.rows, good.blocks))


def test_blocks_that_do_not_lead_to_the_leader_are_noticed(good):
    for blocks in ((), good.blocks[1:], good.blocks[:1], (*good.blocks, b"no block")):
        with pytest.raises(SnapshotError):
            check(Snapshot(good.genesis, good.certificate, good.committees, good.rows, blocks))


def test_another_genesis_is_noticed(good):
    envelope = json.loads(good.genesis)
    envelope["payload"] = envelope["payload"].replace('"slot_s":', '"slot_s": ')
    with pytest.raises(SnapshotError):
        check(
            Snapshot(json.dumps(envelope).encode(), good.certificate, good.committees, good.rows, good.blocks)
        )


# --- the file -----------------------------------------------------------------------------------------------


@pytest.fixture
def large(good, tmp_path):
    """A snapshot in several chunks."""
    records = [*good.committees]
    records += [RowRecord(row.table, row.key, canonical(row.row)) for row in good.rows]
    records += [BlockRecord(raw) for raw in good.blocks]
    records += [RowRecord("noise", str(number), Random(number).randbytes(60_000)) for number in range(40)]
    write(tmp_path / "large", good.genesis, good.certificate, records)
    return tmp_path / "large"


def test_a_file_whose_bytes_changed_is_never_taken_for_a_snapshot(street, tmp_path):
    data = street[1].read_bytes()
    path = tmp_path / "changed"
    for place in range(0, len(data), 97):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(SnapshotError):
            read_checked(path)
        path.write_bytes(data[:place])
        with pytest.raises(SnapshotError):
            read_checked(path)
    with pytest.raises(SnapshotError, match="cannot be read"):
        read_checked(tmp_path / "none")


def test_what_came_of_a_snapshot_survives_a_stop_and_what_was_torn_comes_again(large, tmp_path):
    with SnapshotFile.open(large) as file:
        count = len(file.manifest.chunks)
        assert count > 3
        part = PartialFile(tmp_path / "part")
        assert part.resume() is None
        assert (part.wanted, part.percent) == (None, 0)
        part.begin(file.manifest_bytes)
        assert part.commit == file.commit
        part.add(file.chunk(0))
        part.add(file.chunk(1))
        with part.path.open("ab") as torn:
            torn.write(file.chunk(2)[:-1])
        again = PartialFile(part.path)
        assert again.resume() == file.id
        assert again.wanted == 2
        assert 0 < again.percent < 100
        with pytest.raises(SnapshotError, match="not the one"):
            again.add(file.chunk(1))
        while (number := again.wanted) is not None:
            again.add(file.chunk(number))
        assert again.percent == 100
    assert part.path.read_bytes() == large.read_bytes()
    again.discard()
    assert PartialFile(part.path).resume() is None


# --- a ledger's file made anew ------------------------------------------------------------------------------


def test_a_missing_database_is_made_anew_and_the_key_stays_silent(street, tmp_path):
    place = DataDirectory(tmp_path / "home")
    place.prepare()
    key = place.node_key()
    assert try_rebuild(place) is None
    shutil.copyfile(street[1], place.snapshot)
    assert try_rebuild(place).network == street[0].ledger.genesis.network
    assert place.node_key() == key
    assert place.voice_mark() == "unknown"  # no database has this mark: the validator must ask first
    assert place.ledger_start.read_bytes() == place.snapshot.read_bytes()
    assert try_rebuild(place) is None  # it is there now


def test_a_bad_snapshot_beside_a_missing_database_makes_none(tmp_path):
    place = DataDirectory(tmp_path)
    place.node_key()
    place.snapshot.write_bytes(b"nothing")
    assert try_rebuild(place) is None
    assert not place.database.exists()


def test_a_mark_of_the_voice_is_kept(street, tmp_path):
    place = DataDirectory(tmp_path)
    place.mark_voice("before")
    rebuild(place, street[1], new_key=False)
    assert place.voice_mark() == "before"
    fresh = DataDirectory(tmp_path / "fresh")
    fresh.prepare()
    rebuild(fresh, street[1], new_key=True)
    assert fresh.voice_mark() is None
