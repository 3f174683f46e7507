"""Whole streets of cores on a virtual clock: they agree, they go on, they fall silent."""

import pytest

from energy_ledger.dag.blocks import Payload
from energy_ledger.dag.committee import Committee
from energy_ledger.dag.core import Core
from energy_ledger.dag.effects import Commit, Effect, Send, Store
from tests.ledger_node.dag.street import Street


def feed(street: Street, count: int, every: int, homes: list[int] | None = None) -> set[bytes]:
    """Submit envelopes at homes that are up, one at a time."""
    names = set()
    for number in range(count):
        up = [home for home in street.honest if home.up and (homes is None or home.author in homes)]
        home = street.random.choice(up)
        envelope = f"envelope {number}".encode()
        home.submit(envelope)
        names.add(envelope)
        street.run(every)
    return names


def assert_all_ordered_once(street: Street, envelopes: set[bytes]) -> None:
    for home in street.honest:
        found = [one for one in street.ordered(home) if one != b"twin"]
        assert sorted(found) == sorted(envelopes)


def rounds_in_the_next_minute(street: Street) -> int:
    now = street.now
    street.run(60_000)
    return street.rounds_sent_since(now)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 10])
def test_a_street_without_faults_orders_everything_once_and_falls_silent(n: int) -> None:
    street = Street(n, seed=n)
    envelopes = feed(street, 30, 100)
    street.run(10_000)
    assert [sorted(street.ordered(home)) for home in street.honest] == n * [sorted(envelopes)]
    street.assert_agreement()
    assert rounds_in_the_next_minute(street) == 0


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("n", "liars"), [(4, 1), (5, 1), (7, 2)])
def test_a_street_with_f_liars_and_losses_agrees(n: int, liars: int, seed: int) -> None:
    street = Street(n, seed, liars=liars, loss=0.1, delay=(5, 300))
    envelopes = feed(street, 30, 200)
    street.loss = 0.0
    street.run(40_000)
    street.assert_agreement()
    street.assert_no_honest_equivocation()
    assert_all_ordered_once(street, envelopes)
    assert {pair.first.author for home in street.honest for pair in home.disk.evidence} <= set(
        range(n - liars, n)
    )
    assert all(home.disk.evidence and not home.halted for home in street.honest)


def crash_and_return(street: Street) -> None:
    """Crash homes at random effects, one at a time, each with something to say, and let them come back."""
    for turn in range(12):
        victim = street.random.choice(street.homes)
        victim.crash_at = street.random.choice([Store, Send, Commit])
        for home in (victim, street.homes[(victim.author + 1) % street.n]):
            if home.up:
                home.submit(b"turn %d of %d" % (turn, home.author))
        street.run(street.random.randint(100, 4_000))
        for home in street.homes:
            home.crash_at = None
            if not home.up:
                home.start()
    street.loss = 0.0
    street.run(60_000)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("n", [1, 3, 4, 7])
def test_crashes_at_any_effect_lose_nothing_stored_and_never_sign_a_round_twice(n: int, seed: int) -> None:
    street = Street(n, seed, loss=0.02)
    crash_and_return(street)
    street.assert_agreement()
    street.assert_no_honest_equivocation()
    street.assert_nothing_stored_is_lost()
    assert len(street.homes[0].commits) > 10
    assert not any(home.disk.evidence for home in street.homes)


def make_trouble(street: Street) -> None:
    """Crash someone, cut the street in two, or set a clock wrong."""
    victim = street.random.choice(street.honest)
    trouble = street.random.choice(["crash", "cut", "clock", "none"])
    if trouble == "crash" and victim.up:
        victim.crash_at = street.random.choice([Store, Send, Commit])
    if trouble == "cut":
        street.groups = [set(street.random.sample(range(street.n), street.random.randint(1, street.n)))]
    if trouble == "clock":
        victim.clock_error = street.random.choice([0, -3_600_000, 120_000, -5_000, 1_500])


def end_trouble(street: Street) -> None:
    street.groups = []
    for home in street.homes:
        home.crash_at, home.clock_error = None, 0
        if not home.up:
            home.start()


@pytest.mark.parametrize("seed", range(8))
def test_all_troubles_at_once_fork_nothing_and_lose_nothing_stored(seed: int) -> None:
    n = [3, 4, 5, 6, 7][seed % 5]
    liars = seed % 2 * ((n - 1) // 3)
    street = Street(n, seed, liars=liars, loss=0.05, delay=(10, 300))
    for turn in range(12):
        make_trouble(street)
        for home in street.honest:
            if home.up and street.random.random() < 0.4:
                home.submit(b"turn %d of %d" % (turn, home.author))
        street.run(street.random.randint(50, 5_000))
        if street.random.random() < 0.5:
            end_trouble(street)
    end_trouble(street)
    street.loss = 0.0
    street.run(150_000)
    street.assert_agreement()
    street.assert_no_honest_equivocation()
    street.assert_nothing_stored_is_lost()
    assert liars or rounds_in_the_next_minute(street) == 0


def test_an_own_block_sent_before_it_is_stored_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Core.propose

    def send_first(self: Core, payload: Payload, more: bool, now: int) -> list[Effect]:
        stored, sent, *rest = honest(self, payload, more, now)
        return [sent, stored, *rest]

    monkeypatch.setattr(Core, "propose", send_first)
    for seed in range(10):
        street = Street(4, seed)
        crash_and_return(street)
        if any(home.disk.evidence for home in street.homes):
            break
    with pytest.raises(AssertionError):
        street.assert_no_honest_equivocation()


@pytest.mark.parametrize("n", [4, 5, 7])
def test_with_f_homes_off_ordering_goes_on(n: int) -> None:
    street = Street(n, seed=n)
    off = street.homes[: (n - 1) // 3]
    for home in off:
        home.crash()
    envelopes = feed(street, 20, 300)
    street.run(20_000)
    assert sorted(street.ordered(street.homes[-1])) == sorted(envelopes)
    for home in off:
        home.start()
    street.run(20_000)
    assert_all_ordered_once(street, envelopes)
    street.assert_agreement()


def test_the_last_block_of_an_absent_home_is_named_once_by_each_other() -> None:
    street = Street(4, seed=1)
    feed(street, 3, 300)
    absent = street.homes[1]
    last = absent.core.last_own_block
    absent.crash()
    feed(street, 10, 300)
    assert last is not None
    for home in street.others(absent):
        assert sum(last.ref in block.ancestors for _, block in home.sent) == 1


@pytest.mark.parametrize("n", [2, 3, 4, 5, 7])
def test_without_a_quorum_ordering_stops_and_goes_on_when_the_homes_are_back(n: int) -> None:
    street = Street(n, seed=n)
    feed(street, 5, 300)
    street.run(10_000)
    for home in street.homes[: n - Committee.of(n).quorum + 1]:
        home.crash()
    before = [home.commits[-1] for home in street.homes]
    late = feed(street, 5, 300)
    street.run(30_000)
    assert [home.commits[-1] for home in street.homes] == before
    for home in street.homes:
        if not home.up:
            home.start()
    street.run(30_000)
    for home in street.homes:
        assert late <= set(street.ordered(home))
    street.assert_agreement()
    assert rounds_in_the_next_minute(street) == 0


@pytest.mark.parametrize("n", [4, 7])
def test_a_partition_forks_nothing_and_heals(n: int) -> None:
    street = Street(n, seed=n)
    street.groups = [set(range(n // 2))]
    envelopes = feed(street, 10, 300)
    assert not any(street.ordered(home) for home in street.homes)
    street.groups = []
    street.run(30_000)
    assert_all_ordered_once(street, envelopes)
    street.assert_agreement()
    assert rounds_in_the_next_minute(street) == 0


@pytest.mark.parametrize("error", [-3_600_000, 3_600_000])
@pytest.mark.parametrize("n", [3, 4, 7])
def test_one_clock_an_hour_wrong_does_no_harm(n: int, error: int) -> None:
    street = Street(n, seed=n)
    street.homes[1].clock_error = error
    envelopes = feed(street, 20, 300, homes=[home.author for home in street.homes if home.author != 1])
    street.run(20_000)
    for home in street.homes:
        if home.author != 1 or error < 0:
            assert sorted(street.ordered(home)) == sorted(envelopes)
    street.assert_agreement()
    times = [commit.time for commit in street.homes[0].commits]
    assert abs(times[-1] - street.now) < 60_000


def test_an_idle_street_makes_a_block_per_home_and_heartbeat_and_no_other() -> None:
    street = Street(4, seed=1)
    feed(street, 1, 100)
    street.run(20_000)
    since = street.now
    street.run(3_600_000)
    assert street.rounds_sent_since(since) == 4 * 6


def test_work_due_at_a_ledger_time_makes_blocks_until_the_time_is_there() -> None:
    street = Street(4, seed=1)
    street.run(20_000)
    due = street.now + 7_000
    for home in street.homes:
        home.run(home.core.want(False, due, home.now))
    street.run(6_900)
    assert all(commit.time < due for home in street.homes for commit in home.commits)
    street.run(5_000)
    assert all(home.commits[-1].time >= due for home in street.homes)
    street.assert_agreement()
    assert rounds_in_the_next_minute(street) == 0


def test_more_liars_than_the_rule_withstands_stop_every_honest_home() -> None:
    street = Street(4, seed=3, liars=2)
    feed(street, 20, 300)
    street.run(30_000)
    assert all(home.halted and home.core.status().halted for home in street.honest)
    stopped = [len(home.commits) for home in street.honest]
    feed(street, 5, 300)
    street.run(30_000)
    assert [len(home.commits) for home in street.honest] == stopped


def test_a_fast_clock_does_not_keep_a_returning_home_from_joining() -> None:
    street = Street(3, seed=3)
    feed(street, 5, 300)
    street.homes[1].crash()
    feed(street, 10, 300, homes=[0, 2])
    street.homes[2].clock_error = 3_600_000
    street.homes[2].submit(b"from the future")
    street.run(3_000)
    street.homes[1].start()
    street.homes[0].submit(b"from the present")
    street.run(30_000)
    assert all(b"from the present" in street.ordered(home) for home in street.homes[:2])
