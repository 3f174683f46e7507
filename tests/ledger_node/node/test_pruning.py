"""Pruned history: the ledger goes on as if nothing had happened, and what is left proves itself."""

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from energy_ledger.api.problems import ProblemError
from energy_ledger.ledger.events import canonical
from energy_ledger.node import audit_check
from energy_ledger.node.comparing import WrongError
from energy_ledger.node.milestones import Milestones
from energy_ledger.node.pruned import missing
from energy_ledger.node.queries import Queries
from energy_ledger.node.rebuilding import read_checked
from energy_ledger.node.snapshots import make, start_of
from energy_ledger.node.verify import verify
from energy_ledger.storage import database, pruning
from energy_ledger.storage.directory import DataDirectory
from energy_ledger.storage.packs import teach
from energy_ledger.storage.pruning import Cut, CutError, Sweep, move_start
from energy_ledger.storage.reader import Begin, Reader
from energy_ledger.storage.schema import PRUNING
from energy_ledger.storage.writer import Writer
from energy_ledger.units import DAY_MS
from tests.ledger_node.node.chains import TestChain
from tests.ledger_node.node.desk import SLOT_MS, WHOLE, desk
from tests.ledger_node.node.homes import KEY, StoredChain, replay

QUIET = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
HORIZON_MS = 600_000
STRANGE = "first + 99, size, round, slot + 50, number + 99, wh, live, body, progress, commit_n"


def rows_of(ledger):
    return sorted((row.table, row.key, canonical(row.row)) for row in ledger.rows())


def copied(chain, folder):
    """Return a data directory with the ledger of a chain as it stands."""
    directory = DataDirectory(folder)
    directory.prepare()
    database.copy(chain.directory.database, directory.database)
    return directory


def prune(directory, snapshot, *, pieces=None, assets=frozenset(), horizon=HORIZON_MS):
    """Prune a ledger to a snapshot as a node does, at most so many pieces; tell whether that was all."""
    start = start_of(read_checked(snapshot))
    shutil.copyfile(snapshot, directory.ledger_start)
    with closing(Writer(directory.database)) as writer, closing(Reader(directory.database)) as reader:
        writer.prune(lambda run: move_start(run, start), durable=True)
        return sweep(writer, reader, pieces=pieces, assets=assets, horizon=horizon)


def sweep(writer, reader, *, pieces=None, assets=frozenset(), horizon=HORIZON_MS):
    work = Sweep(Cut(reader.start(), horizon, assets))
    count = 0
    while count != pieces:
        count += 1
        if writer.prune(work.work):
            return True
    return False


def check(directory):
    return verify(directory.database, lambda done, total: None)


@settings(max_examples=12, **QUIET)
@given(
    seed=st.integers(0, 2**32),
    before=st.integers(5, 30),
    between=st.integers(0, 20),
    after=st.integers(0, 15),
    votes=st.booleans(),
    horizon=st.sampled_from([0, 5_000, HORIZON_MS]),
)
def test_a_pruned_ledger_goes_on_as_one_that_kept_everything(
    tmp_path_factory, seed, before, between, after, votes, horizon
):
    folder, random = tmp_path_factory.mktemp("home"), Random(seed)
    chain = StoredChain(folder / "node")
    chain.lives(random, before)
    if votes:
        chain.votes_for(KEY)
        chain.at(chain.now + 10)
    chain.lives(random, 0)
    snapshot = chain.snapshot(folder / "snapshot")
    chain.lives(random, between)
    directory = copied(chain, folder / "pruned")
    assert prune(directory, snapshot, horizon=horizon)
    chain.lives(random, after)
    again = replay(directory, [record.raw for record in chain.reader.all_blocks()])
    assert again.ledger.root == chain.ledger.root
    assert rows_of(again.ledger) == rows_of(chain.ledger)
    with closing(Reader(directory.database)) as reader:
        start = reader.start()
        assert reader.events(start.cursor, 10_000) == chain.reader.events(start.cursor, 10_000)
        assert [one.n for one in reader.commits()] == [0, *range(start.commit, again.ledger.commit + 1)]
    report = check(directory)
    assert (report.state_root, report.start) == (chain.ledger.root.hex(), start.commit)
    chain.close()


@settings(max_examples=12, **QUIET)
@given(seed=st.integers(0, 2**32), pieces=st.integers(0, 80))
def test_a_node_that_is_killed_while_it_prunes_is_whole_and_goes_on(tmp_path_factory, seed, pieces):
    folder, random = tmp_path_factory.mktemp("home"), Random(seed)
    chain = StoredChain(folder / "node")
    chain.lives(random, 12)
    snapshot = chain.snapshot(folder / "snapshot")
    chain.lives(random, 5)
    whole, cut = copied(chain, folder / "whole"), copied(chain, folder / "cut")
    assert prune(whole, snapshot, horizon=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pruning, "BUDGET_S", 0)
        patch.setattr(pruning, "_ROWS", 2)
        patch.setattr(pruning, "_PACKS", 1)
        was_done = prune(cut, snapshot, pieces=pieces, horizon=0)
    assert check(cut).state_root == chain.ledger.root.hex()
    with closing(Writer(cut.database)) as writer, closing(Reader(cut.database)) as reader:
        assert (reader.fact(PRUNING) is None) == was_done
        assert was_done or sweep(writer, reader, horizon=0)
    assert content(cut) == content(whole)
    chain.close()


def content(directory):
    """Return all rows of a database, but for what is random or tells how it was packed."""
    with closing(sqlite3.connect(directory.database)) as connection:
        teach(connection)
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            table: connection.execute(
                f"SELECT * FROM {table} ORDER BY 1, 2"
                if table != "kept_transactions"
                else "SELECT id, commit_n, time, block, place, unpacked(envelope) FROM kept_transactions"
            ).fetchall()
            for (table,) in tables
        }


# --- what stays, and what goes ------------------------------------------------------------------------------


def snapshot_of(made, path):
    made.shutter.wanted = True
    while (step := made.at(made.now + 1_000)).taken is None:
        pass
    make(made.reader, made.ledger.genesis, step.taken, path)
    return path


@pytest.fixture
async def traded(tmp_path):
    """A day on which Bo sold to Cy twice; the claim window of the first is over, the second is on its way."""
    made = desk(tmp_path, claim_window_s=60)
    seller, buyer = made.settle_in("Bo"), made.settle_in("Cy")
    made.trades(seller, buyer)
    made.passes(made.now + 200_000)
    slot = made.now // SLOT_MS + 2
    for (who, asset), kind, price in ((seller, "offer", 90_000), (buyer, "fixed", 200_000)):
        for number in range(2):
            order = {"type": kind, "price": price, "slots": {str(slot + number): 4}}
            made.do(who, "order.place", asset=asset, order=order)
    made.passes(slot * SLOT_MS + 1_000)
    snapshot = snapshot_of(made, tmp_path / "snapshot")
    made.passes(made.now + 40_000)
    far = str(made.now // SLOT_MS + 30)
    for (who, asset), kind, price, wh in ((seller, "offer", 90_000, 4), (buyer, "fixed", 200_000, 3)):
        made.do(who, "order.place", asset=asset, order={"type": kind, "price": price, "slots": {far: wh}})
    made.passes(made.now + 20_000)
    yield made, seller, buyer, snapshot
    made.close()


def pruned(made, folder, snapshot, **options):
    """Prune the very database of a desk."""
    directory = DataDirectory(folder)
    assert prune(directory, snapshot, **{"horizon": 0} | options)
    return directory


async def test_the_audit_trail_of_own_assets_stays_and_still_proves_itself(traded, tmp_path):
    made, (bo, roof), (_, home), snapshot = traded
    whole = {asset: json.loads(await made.export(asset)) for asset in (roof, home)}
    directory = pruned(made, tmp_path, snapshot, assets=frozenset({roof}))
    export = await made.export(roof)
    assert audit_check.check(export, made.ledger.genesis.network).asset == roof
    assert json.loads(export) == whole[roof]
    with pytest.raises(ProblemError, match="no longer keeps") as refusal:
        await made.export(home)
    assert refusal.value.code == "pruned"
    told = whole[roof]["events"][0]["transaction"]
    shown = await made.queries.one("transaction", told)
    assert shown.envelope.payload == whole[roof]["transactions"][told]["envelope"]["payload"]
    assert await made.queries.one("block", shown.block) is None
    page = await made.queries.audit(roof, WHOLE)
    assert [one.cursor for one in page.items] == [one["cursor"] for one in whole[roof]["events"]]
    assert check(directory).state_root == made.ledger.root.hex()
    made.do(bo, "transfer", to=made.ada.address, amount=1)
    assert check(directory).state_root == made.ledger.root.hex()


async def test_what_is_finished_before_goes_and_what_is_on_its_way_stays(traded, tmp_path):
    made, (bo, roof), _, snapshot = traded
    before = {table: made.reader.count(table) for table in ("orders", "readings", "rounds", "trade_packs")}
    open_trades = [key for key, _ in made.reader.live("trades")]
    pruned(made, tmp_path, snapshot)
    after = {table: made.reader.count(table) for table in before}
    assert after["readings"] == 0 < before["readings"]
    assert 0 < after["orders"] < before["orders"]
    assert 0 < after["rounds"] < before["rounds"]
    assert 0 < after["trade_packs"] < before["trade_packs"]
    assert [key for key, _ in made.reader.live("trades")] == open_trades
    start = made.reader.start()
    assert [cursor for cursor, _ in made.reader.events(start.cursor, 10_000)] == [
        *range(start.cursor + 1, made.ledger.cursor + 1)
    ]
    left = made.reader.events(0, 10_000)
    old = {json.loads(line)["type"] for cursor, line in left if cursor <= start.cursor}
    assert old == {"member.joined"}
    assert made.reader.bare_events_of_account(bo.address)
    assert made.reader.events_of(roof, 0, 100) == made.reader.events_of(roof, start.cursor, 100)


async def test_a_round_of_after_the_start_is_told_as_before_where_the_horizon_stays(traded, tmp_path):
    made, _, _, snapshot = traded
    numbers = [one.round for one in (await made.queries.page("round", {}, WHOLE)).items]
    whole = {number: await made.queries.one("round", str(number)) for number in numbers}
    pruned(made, tmp_path, snapshot, horizon=60 * SLOT_MS)
    start = made.reader.start()
    fresh = Queries(made.reader, made.threads, made.ledger.genesis)
    late = [number for number in numbers if whole[number].closed > start.time]
    assert late
    for number in late:
        assert await fresh.one("round", str(number)) == whole[number]


async def test_a_statement_begins_where_history_does_and_still_adds_up(traded, tmp_path):
    made, (bo, _), _, snapshot = traded
    whole = await made.queries.statement(bo.address, 0, made.now + 1)
    pruned(made, tmp_path, snapshot)
    start = made.reader.start()
    left = await made.queries.statement(bo.address, 0, made.now + 1)
    assert left.start == start.time
    assert left.closing == whole.closing
    assert left.lines == [line for line in whole.lines if line.cursor > start.cursor]
    assert left.opening == whole.closing - sum(line.amount for line in left.lines)
    with pytest.raises(ProblemError) as refusal:
        await made.queries.statement(bo.address, 0, start.time)
    assert refusal.value.code == "pruned"


async def test_spans_of_which_nothing_is_kept_are_refused_and_those_of_which_something_is_are_not(
    traded, tmp_path
):
    made, (bo, _), _, snapshot = traded
    pruned(made, tmp_path, snapshot)
    start = made.reader.start()
    slot = start.time // SLOT_MS
    queries, party = made.queries, ("account", bo.address)
    for question in (
        queries.green(party, 0, slot),
        queries.allotments_csv(0, slot),
        queries.feeders(0, start.time // DAY_MS),
        queries.one("slot", str(slot - 1)),
    ):
        with pytest.raises(ProblemError, match=f"keeps history from commit {start.commit}") as refusal:
            await question
        assert refusal.value.code == "pruned"
    await queries.green(party, 0, slot + 1)
    await queries.district(start.time // DAY_MS, start.time // DAY_MS + 1)
    assert (await queries.one("slot", str(slot))).slot == slot


def test_what_is_missing_is_called_pruned_only_where_it_surely_was_there():
    rules = TestChain().ledger.genesis.rules
    start = Begin(commit=50, time=10_000 * rules.round_s, cursor=99)
    assert missing(Begin(0, 0, 0), rules, "round", "5") is None
    assert missing(start, rules, "account", "kwh1nobody") is None
    for kind, key, code in (
        ("round", "9", "pruned"),
        ("trade", "9.1", "pruned"),
        ("round", "11", "unknown_round"),
        ("round", "eleven", "unknown_round"),
        ("order", "00" * 32, "unknown_order"),
        ("transaction", "00" * 32, "not_found"),
    ):
        problem = missing(start, rules, kind, key)
        assert problem.code == code
        assert "history from commit 50 (1970-01-01T00:00:50+00:00) on" in str(problem)


# --- verify -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("table events: missing", "DELETE FROM events WHERE first = (SELECT max(first) FROM events)"),
        ("table orders: missing", "DELETE FROM orders WHERE live"),
        (
            "table orders: too much",
            "INSERT INTO orders (key, live, row) SELECT 'mine', 1, row FROM orders LIMIT 1",
        ),
        ("table transactions: missing", "DELETE FROM transactions"),
        ("table blocks: missing", "UPDATE blocks SET author = 1 WHERE n = (SELECT max(n) FROM blocks)"),
        ("other states are noted", "DELETE FROM trade_states"),
        ("trade .*: missing", "DELETE FROM trade_packs WHERE first = (SELECT max(first) FROM trade_packs)"),
        ("trade .*: missing or different", "UPDATE trade_packs SET live = replace(live, '1', '0')"),
        (
            "too much",
            f"INSERT INTO trade_packs SELECT {STRANGE} FROM trade_packs ORDER BY first DESC LIMIT 1",
        ),
    ],
)
async def test_what_was_changed_after_pruning_is_found(traded, tmp_path, what, change):
    made, (_, roof), _, snapshot = traded
    directory = pruned(made, tmp_path, snapshot, assets=frozenset({roof}))
    check(directory)
    with closing(sqlite3.connect(directory.database)) as connection:
        connection.execute(change)
        connection.commit()
    with pytest.raises(WrongError, match=what):
        check(directory)


def test_a_transaction_that_came_again_after_the_start_does_not_disturb(tmp_path):
    """Who has all of history knows its first place, who began between the two knows of the refusal alone."""
    chain = StoredChain(tmp_path / "node")
    chain.lives(Random(1), 3)
    bo = chain.joins("Bo")
    twice = chain.sign(bo, "transfer", to=chain.ada.address, amount=1)
    chain.at(chain.now + 10, twice)
    snapshot = chain.snapshot(tmp_path / "snapshot")
    chain.at(chain.now + 10, twice)
    chain.lives(Random(2), 3)
    cut = copied(chain, tmp_path / "cut")
    for pieces in (0, None):
        prune(cut, snapshot, pieces=pieces)
        assert check(cut).state_root == chain.ledger.root.hex()
    chain.close()


def test_history_does_not_begin_with_a_commit_of_another_ledger(tmp_path):
    chain, other = StoredChain(tmp_path / "node"), StoredChain(tmp_path / "other")
    chain.lives(Random(1), 3)
    other.lives(Random(2), 3)
    strange = start_of(read_checked(other.snapshot(tmp_path / "snapshot")))
    for start in (strange, replace(strange, commit=10**6)):
        with pytest.raises(CutError, match="is not that of the database"):
            chain.writer.prune(lambda run, start=start: move_start(run, start))
    assert chain.reader.start().commit == 0
    chain.close()
    other.close()


def test_a_snapshot_among_the_milestones_is_found_until_it_is_in_its_place(tmp_path):
    """A node killed between moving its start in the database and moving the file still verifies."""
    chain = StoredChain(tmp_path / "node")
    chain.lives(Random(1), 5)
    milestones = Milestones(chain.directory.path)
    milestone = milestones.add(chain.snapshot(tmp_path / "snapshot"))
    chain.lives(Random(2), 3)
    start = start_of(read_checked(milestones.path(milestone)))
    chain.writer.prune(lambda run: move_start(run, start))
    assert not chain.directory.ledger_start.exists()
    check(chain.directory)
    milestones.begin_at(milestone.commit)
    assert chain.directory.ledger_start.exists()
    assert milestones.all() == []
    check(chain.directory)
    chain.close()
