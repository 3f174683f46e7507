"""Where history may begin: enough milestones for the age that is kept, never more than a few."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_ledger.node.milestones import (
    EVERYTHING,
    STEPS,
    Keeping,
    Milestone,
    Milestones,
    chosen,
    due,
    superfluous,
)
from energy_ledger.storage.snapshot import SnapshotError
from energy_ledger.units import DAY_MS, HOUR_MS
from tests.ledger_node.node.homes import KEY, StoredChain


def lives(keeping, hours, begun=0):
    """Let a node live so long with a new snapshot every hour; yield time, start and milestones of each."""
    milestones, start = [], begun
    for hour in hours:
        now = begun + hour * HOUR_MS
        if due(keeping, milestones, now, start):
            milestones.append(Milestone(hour + 1, now))
            gone = superfluous(keeping, milestones, start)
            milestones = [one for one in milestones if one not in gone]
        found = chosen(keeping, milestones, now, 0, 0)
        if found is not None:
            start = found.time
            milestones = [one for one in milestones if one.time > start]
        yield now, start, milestones


@given(days=st.integers(1, 60), lived=st.integers(1, 150))
def test_by_age_at_least_what_was_asked_for_is_kept_and_at_most_a_fifth_more(days, lived):
    keeping = Keeping(days * DAY_MS)
    step = max(HOUR_MS, days * DAY_MS // STEPS)
    for now, start, milestones in lives(keeping, range(1, lived * 24)):
        assert start == 0 or now - start >= days * DAY_MS
        assert now - start <= days * DAY_MS + 2 * step
        assert len(milestones) <= 2 * STEPS + 2


@given(lived=st.integers(1, 24 * 400))
def test_by_size_there_are_always_some_milestones_spread_over_the_time_and_never_many(lived):
    keeping = Keeping(cap_bytes=1)
    milestones = []
    for hour in range(1, lived, max(1, lived // 500)):
        now = hour * HOUR_MS
        if due(keeping, milestones, now, 0):
            milestones.append(Milestone(hour, now))
            gone = superfluous(keeping, milestones, 0)
            milestones = [one for one in milestones if one not in gone]
        assert 1 <= len(milestones) <= 3 * STEPS


def test_over_the_cap_the_oldest_goes_first_and_then_the_next():
    milestones = [Milestone(commit, commit * DAY_MS) for commit in (10, 20, 30)]
    keeping = Keeping(cap_bytes=100)
    assert chosen(keeping, milestones, 40 * DAY_MS, 100, 0) is None
    assert chosen(keeping, milestones, 40 * DAY_MS, 101, 0) == milestones[0]
    assert chosen(keeping, milestones, 40 * DAY_MS, 101, 10) == milestones[1]
    assert chosen(keeping, milestones, 40 * DAY_MS, 101, 30) is None
    both = Keeping(age_ms=15 * DAY_MS, cap_bytes=100)
    assert chosen(both, milestones, 40 * DAY_MS, 101, 0) == milestones[1]


def test_who_keeps_everything_prunes_nothing():
    assert not EVERYTHING.prunes
    assert chosen(EVERYTHING, [Milestone(1, 0)], 10**15, 10**15, 0) is None


def test_milestones_lie_in_files_that_say_what_they_are(tmp_path):
    chain = StoredChain(tmp_path / "node")
    chain.lives(Random(1), 3)
    milestones = Milestones(tmp_path / "node")
    assert milestones.all() == []
    made = []
    for number in range(2):
        chain.lives(Random(number), 3)
        made.append(milestones.add(chain.snapshot(tmp_path / f"snapshot-{number}")))
    (tmp_path / "node" / "milestones" / "part").write_text("half of one")
    assert milestones.all() == made
    assert milestones.start_file(made[1].commit) == milestones.path(made[1])
    milestones.begin_at(made[1].commit)
    assert milestones.all() == []
    start = milestones.start_file(made[1].commit)
    assert (start.name, start.read_bytes()) == ("ledger.start", Path(tmp_path / "snapshot-1").read_bytes())
    chain.close()


def test_history_cannot_begin_where_an_epoch_has_no_leader_yet(tmp_path):
    chain = StoredChain(tmp_path / "node")
    chain.lives(Random(1), 3)
    chain.votes_for(KEY)
    milestones = Milestones(tmp_path / "node")
    assert milestones.add(chain.snapshot(tmp_path / "snapshot")) is None
    assert milestones.all() == []
    with pytest.raises(SnapshotError):
        milestones.add(tmp_path / "node" / "ledger.db")
    chain.close()
