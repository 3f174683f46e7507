"""Pruned history: the ledger goes on as if nothing had happened, and what is left proves itself."""

import json
import shutil
import sqlite3
from contextlib import closing
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from energy_ledger.api import types
from energy_ledger.ledger.events import canonical
from energy_ledger.node import audit_check, pruner
from energy_ledger.node.comparing import WrongError
from energy_ledger.node.milestones import Milestones
from energy_ledger.node.rebuilding import read_checked
from energy_ledger.node.snapshots import start_of
from energy_ledger.node.verify import verify
from energy_ledger.storage import database, pruning
from energy_ledger.storage.directory import DataDirectory
from energy_ledger.storage.pruning import Cut, CutError, Sweep, move_start
from energy_ledger.storage.reader import Reader
from energy_ledger.storage.schema import PRUNING
from energy_ledger.storage.writer import Writer
from tests.ledger_node.node.homes import KEY, StoredChain, replay

QUIET = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
HORIZON_MS = 600_000


def rows_of(ledger):
    return sorted((row.table, row.key, canonical(row.row)) for row in ledger.rows())


def copied(chain, folder):
    """Return a data directory with the ledger of a chain as it stands."""
    directory = DataDirectory(folder)
    directory.prepare()
    database.copy(chain.directory.database, directory.database)
    return directory


def prune(directory, snapshot, *, pieces=None, assets=frozenset(), horizon=HORIZON_MS):
    """Prune a ledger to a snapshot as a node does; with `pieces` it is killed after so many. Return whether."""
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
