"""When a validator makes its next block, and when it has nothing to say."""

from hypothesis import given
from hypothesis import strategies as st

from energy_ledger.dag.base_committer import BaseCommitter
from energy_ledger.dag.blocks import (
    EMPTY,
    BlockRef,
    Draft,
    Payload,
    sign_block,
)
from energy_ledger.dag.committee import Committee
from energy_ledger.dag.effects import (
    Build,
    Commit,
    Send,
    Timer,
)
from energy_ledger.dag.graph import Dag
from energy_ledger.dag.pacemaker import AWAY_ROUNDS, Pace, Pacemaker
from tests.ledger_node.dag.cores import answer_all, full, give, names, of, rounds_asked, signed, validator
from tests.ledger_node.dag.drawing import draw
from tests.ledger_node.dag.street import NETWORK, START, seed_of


def test_a_validator_does_not_wait_for_an_absent_leader_longer_than_the_timeout() -> None:
    core = validator(4)
    now = START + 50_000
    answer_all(core, core.want(True, None, now), Payload((b"x",)), now)
    blocks = signed(full(4, 1))
    give(core, [blocks["C1"]], now + 300)
    effects = core.accept(blocks["D1"], now + 300)
    assert of(effects, Build) == []
    assert of(effects, Timer) == [Timer(now + 1_300)]
    assert of(core.tick(now + 1_299), Build) == []
    assert rounds_asked(core.tick(now + 1_300)) == [2]


def test_the_leader_of_the_round_before_lets_the_next_round_begin_at_once() -> None:
    core = validator(4)
    now = START + 50_000
    answer_all(core, core.want(True, None, now), Payload((b"x",)), now)
    blocks = signed(full(4, 1))
    core.accept(blocks["C1"], now + 10)
    assert rounds_asked(core.accept(blocks["B1"], now + 10)) == [2]


def test_after_a_burst_own_blocks_lie_the_least_time_apart() -> None:
    pace = Pace(burst=1)
    core = validator(4, pace=pace)
    now = START + 50_000
    answer_all(core, core.want(True, None, now), Payload((b"x",)), now)
    blocks = signed(full(4, 1))
    core.accept(blocks["C1"], now + 100)
    assert of(core.accept(blocks["B1"], now + 100), Timer) == [Timer(now + 200)]
    assert of(core.tick(now + 199), Build) == []
    assert rounds_asked(core.tick(now + 200)) == [2]


@given(steps=st.lists(st.integers(0, 400), min_size=10, max_size=40), burst=st.integers(1, 8))
def test_in_no_stretch_of_time_are_there_more_own_blocks_than_burst_and_pace_allow(
    steps: list[int], burst: int
) -> None:
    pacemaker = Pacemaker(BaseCommitter(Dag(), Committee.of(4)), Pace(burst=burst, timeout=0))
    now, made = START, list[int]()
    for step in steps:
        now += step
        if pacemaker.is_ready(1, now):
            pacemaker.speak(1, now)
            made.append(now)
        else:
            assert now < pacemaker.wait_until(1, now) <= now + 200
            assert pacemaker.is_ready(1, pacemaker.wait_until(1, now))
    assert len(made) >= min(burst, len(steps))
    for number, begin in enumerate(made):
        for count, end in enumerate(made[number:], 1):
            assert count <= burst + (end - begin) // 200


def test_a_leader_that_was_silent_for_some_rounds_is_not_waited_for_until_it_speaks_again() -> None:
    dag = Dag()
    pacemaker = Pacemaker(BaseCommitter(dag, Committee.of(4)), Pace())
    pacemaker.speak(8, START)
    now = pacemaker.entered_at = START + 500
    for round_ in range(1, 10):
        for author in (0, 2, 3):
            dag.add(BlockRef(round_, author, bytes(32)), ())
    assert pacemaker.base.committee.leader(9) == 1
    pacemaker.clock = 10
    assert pacemaker.is_ready(10, now)
    for author, spoke in enumerate(range(9 - AWAY_ROUNDS, 9)):
        back = Dag()
        back.add(BlockRef(spoke, 1, bytes([author]) * 32), ())
        pacemaker.base = BaseCommitter(back, Committee.of(4))
        assert not pacemaker.is_ready(10, now)
        assert pacemaker.is_ready(10, now + 1_000)


def test_a_validator_without_anything_to_say_speaks_only_when_another_does() -> None:
    quiet = signed(full(4, 2), EMPTY)
    core = validator(4)
    own = of(answer_all(core, core.tick(START)), Send)[0].block
    assert own.round == 1
    now = START + 10_000
    assert not of(give(core, [quiet["B1"], quiet["C1"], quiet["D1"]], now), Build)
    above = Draft(NETWORK, 0, 2, 1, now, (quiet["B1"].ref, own.ref, quiet["C1"].ref, quiet["D1"].ref))
    assert rounds_asked(core.accept(sign_block(above, seed_of(1)), now)) == [2]


def test_a_clock_that_was_set_back_makes_nobody_wait() -> None:
    core = validator(1)
    answer_all(core, core.want(True, None, START), Payload((b"x",)))
    early = START - 10**9
    effects = answer_all(core, core.want(True, None, early), Payload((b"y",)), early)
    assert names(of(effects, Commit)) == ["y"]
    assert all(commit.time >= START for commit in of(effects, Commit))


def test_who_is_far_behind_joins_at_the_front_without_stale_blocks() -> None:
    picture = "\n".join(f"{round_} | B(BCD) C(CBD) D(DBC)" for round_ in range(1, 31))
    blocks = signed(draw(4, picture))
    core = validator(4)
    now = START + 100_000
    give(core, [block for block in blocks.values() if block.round == 30], now)
    sent: list[Send] = []
    for block in blocks.values():
        sent += of(answer_all(core, core.accept(block, now), now=now), Send)
    assert [one.block.round for one in sent] == [31]


def test_who_is_a_little_late_makes_up_for_the_rounds_left_out() -> None:
    blocks = signed(draw(4, "\n".join(f"{round_} | B(BCD) C(CBD) D(DBC)" for round_ in range(1, 3))))
    core = validator(4)
    now = START + 100_000
    for block in blocks.values():
        effects = core.accept(block, now)
    assert [one.block.round for one in of(answer_all(core, effects, now=now), Send)] == [1, 2, 3]


def test_a_leader_blamed_by_a_quorum_is_not_waited_for() -> None:
    # B1 is there, but C and D leave it out, as A does: no votes are awaited.
    core = validator(4)
    now = START + 100_000
    blocks = signed(draw(4, "1 | A B C D\n2 | A(ACD) C(CAD) D(DAC)"))
    give(core, [blocks["A1"], blocks["C1"], blocks["D1"]], now)
    own = of(answer_all(core, core.tick(now + 1_000), now=now + 1_000), Send)[0].block
    assert own.round == 2
    give(core, [blocks["B1"], blocks["C2"]], now + 1_300)
    assert rounds_asked(core.accept(blocks["D2"], now + 1_300)) == [3]
