"""Streets of whole nodes survive what can go wrong, and the simulation notices where they would not."""

from dataclasses import replace

import pytest

from energy_ledger.storage.writer import Entry
from simulation.faults.disk import Disk
from simulation.faults.homes import Home
from simulation.faults.run import Run, play
from simulation.faults.street import BrokenPromiseError, Street

SEEDS = 50


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_street_in_trouble_agrees_heals_and_falls_silent(seed):
    assert play(seed) is None


def test_a_run_is_the_same_each_time():
    first, second = Run(4), Run(4)
    first.play()
    second.play()
    assert first.street.agreed == second.street.agreed
    assert first.street.said_at == second.street.said_at
    assert len(first.street.agreed) > 20


def breaks_a_promise(what, seeds=12):
    """Play runs until one breaks a promise, which must be this one."""

    def play_on():
        for seed in range(2, seeds):
            Run(seed).play()

    with pytest.raises(BrokenPromiseError, match=what):
        play_on()


def test_a_home_that_says_its_block_before_that_is_stored_is_noticed(monkeypatch):
    def step(self, waiting=(), incoming=None):
        before, self.crash_at = self.crash_at, None
        made = self.chain.advance(waiting, self.now, *([] if incoming is None else [incoming]))
        self._send(made)
        if before is not None and self.up:
            self.crash()
            return
        self.disk.write(made.entry)
        self.street.watch(self, made)
        if made.wake_at is not None:
            self._wake_at(made.wake_at)

    monkeypatch.setattr(Home, "step", step)
    monkeypatch.setattr(Street, "inquire", lambda self, asker, other: asker.hear(other.author, None))
    breaks_a_promise("shows two blocks for round")


def test_a_home_that_keeps_no_commits_is_noticed(monkeypatch):
    write = Disk.write

    def forgetful(self, entry):
        write(self, Entry(blocks=entry.blocks, evidence=entry.evidence))

    monkeypatch.setattr(Disk, "write", forgetful)
    breaks_a_promise("never ordered", seeds=4)


def test_a_home_with_another_ledger_is_noticed(monkeypatch):
    watch = Street.watch

    def otherwise(self, home, step):
        for number, commit in enumerate(step.entry.commits):
            if home.author == 1 and commit.ordered:
                step.entry.commits[number] = replace(commit, root=bytes(32))
        watch(self, home, step)

    monkeypatch.setattr(Street, "watch", otherwise)
    breaks_a_promise("has another commit")
