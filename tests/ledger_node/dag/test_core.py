"""One core at a time: what it accepts, holds, asks for, says and remembers."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.dag.base_committer import BaseCommitter
from energy_ledger.dag.block_rules import Fault
from energy_ledger.dag.blocks import (
    EMPTY,
    Block,
    BlockError,
    BlockRef,
    Draft,
    Payload,
    genesis_refs,
    sign_block,
)
from energy_ledger.dag.committee import Committee
from energy_ledger.dag.core import MAX_AHEAD, Core
from energy_ledger.dag.effects import (
    Build,
    Commit,
    Effect,
    Evidence,
    Excess,
    Halt,
    Lapse,
    Refuse,
    Request,
    Send,
    Spurn,
    Store,
    Timer,
)
from energy_ledger.dag.graph import Dag
from energy_ledger.dag.ordering import Fate, Kept, Position, lower_median
from energy_ledger.dag.pacemaker import AWAY_ROUNDS, Pace, Pacemaker
from energy_ledger.dag.speaker import ProposalNotDueError
from energy_ledger.dag.waiting import MAX_HELD_BLOCKS
from tests.ledger_node.dag.drawing import LETTERS, draw, replay
from tests.ledger_node.dag.random_dags import possible_dag
from tests.ledger_node.dag.street import NETWORK, START, seed_of, settings_of


def signed(drawing: dict[str, Any], payload: Payload | None = None, time: int = START) -> dict[str, Block]:
    """Sign the blocks of a drawing; round r has the time START + 1000 r."""
    n = drawing["committee"]
    refs = {f"G{author}": ref for author, ref in enumerate(genesis_refs(NETWORK, 0, n))}
    blocks: dict[str, Block] = {}
    for one in drawing["blocks"]:
        draft = Draft(
            NETWORK,
            0,
            one["round"],
            one["author"],
            time + 1_000 * one["round"],
            tuple(refs[name] for name in one["ancestors"]),
            payload or Payload((one["id"].encode(),)),
        )
        blocks[one["id"]] = sign_block(draft, seed_of(one["author"]))
        refs[one["id"]] = blocks[one["id"]].ref
    return blocks


def full(n: int, rounds: int) -> dict[str, Any]:
    return draw(n, "\n".join(f"{round_} | {' '.join(LETTERS[:n])}" for round_ in range(1, rounds + 1)))


def observer(n: int) -> Core:
    return Core(settings_of(n, None), Position(time=START))


def validator(n: int, author: int = 0, pace: Pace | None = None) -> Core:
    return Core(settings_of(n, author, pace), Position(time=START))


def give(core: Core, blocks: list[Block], now: int = START + 100_000) -> list[Effect]:
    return [effect for block in blocks for effect in core.accept(block, now)]


def of[T](effects: list[Effect], kind: type[T]) -> list[T]:
    return [effect for effect in effects if isinstance(effect, kind)]


def rounds_asked(effects: list[Effect]) -> list[int]:
    return [build.round for build in of(effects, Build)]


def names(commits: list[Commit]) -> list[str]:
    return [one.decode() for commit in commits for block in commit.blocks for one in block.envelopes]


def answer_all(core: Core, effects: list[Effect], payload: Payload = EMPTY, now: int = START) -> list[Effect]:
    """Answer every Build, the first with the payload; return all effects."""
    seen = list(effects)
    while of(effects, Build):
        effects = core.propose(payload, False, now)
        payload = EMPTY
        seen += effects
    return seen


# --- one validator -----------------------------------------------------------------------------------------


def test_one_validator_commits_an_envelope_in_one_chain_of_calls_without_a_timer() -> None:
    core = validator(1)
    effects = answer_all(core, core.want(True, None, START), Payload((b"hello",)))
    kinds = [type(effect) for effect in effects]
    assert kinds == [Build, Store, Send, Build, Store, Send, Build, Store, Send, Commit, Timer]
    assert of(effects, Commit)[0].blocks[0].envelopes == (b"hello",)


def test_one_validator_with_nothing_to_say_waits_for_its_heartbeat() -> None:
    core = validator(1)
    answer_all(core, core.tick(START))
    assert core.tick(START + 1_000) == [Timer(START + 600_000)]
    assert of(core.tick(START + 600_000), Build)


def test_an_own_block_is_stored_before_it_is_sent() -> None:
    core = validator(4)
    effects = answer_all(core, core.want(True, None, START), Payload((b"x",)))
    assert [type(effect) for effect in effects[:3]] == [Build, Store, Send]
    assert of(effects, Store)[0].block is of(effects, Send)[0].block


def test_a_proposal_without_a_build_just_returned_is_an_error() -> None:
    core = validator(1)
    with pytest.raises(ProposalNotDueError):
        core.propose(EMPTY, False, START)
    answer_all(core, core.tick(START))
    assert of(core.want(True, None, START), Build)
    assert not of(core.want(False, None, START), Build)
    with pytest.raises(ProposalNotDueError):
        core.propose(EMPTY, False, START)


def test_a_payload_that_is_too_large_can_be_answered_again_with_a_smaller_one() -> None:
    core = validator(1)
    core.want(True, None, START)
    with pytest.raises(BlockError):
        core.propose(Payload((bytes(3 * 1024 * 1024),)), False, START)
    assert of(core.propose(Payload((b"small",)), False, START), Send)


def test_work_due_brings_ledger_time_there_and_no_further() -> None:
    core = validator(1)
    answer_all(core, core.tick(START))
    due = START + 5_000
    assert Timer(due) in core.want(False, due, START + 1_000)
    effects = answer_all(core, core.tick(due), now=due)
    assert of(effects, Commit)[-1].time == due
    assert not of(core.tick(due + 1_000), Build)


# --- accepting ---------------------------------------------------------------------------------------------


def test_a_block_is_accepted_after_its_ancestors_whatever_the_order_of_arrival() -> None:
    blocks = list(signed(full(4, 6)).values())
    expected = names(of(give(observer(4), blocks), Commit))
    assert len(expected) == 1 + 3 * 4
    for seed in range(20):
        shuffled = Random(seed).sample(blocks, len(blocks))
        effects = give(observer(4), shuffled)
        stored = [effect.block for effect in of(effects, Store)]
        assert sorted(block.ref for block in stored) == sorted(block.ref for block in blocks)
        here = set(genesis_refs(NETWORK, 0, 4))
        for block in stored:
            assert here.issuperset(block.ancestors)
            here.add(block.ref)
        assert names(of(effects, Commit)) == expected


def test_a_block_that_comes_again_changes_nothing() -> None:
    blocks = list(signed(full(4, 4)).values())
    core = observer(4)
    give(core, blocks)
    assert give(core, blocks) == []


def test_a_block_with_a_fault_is_refused_with_its_name() -> None:
    blocks = signed(full(4, 1))
    core = observer(4)
    forged = sign_block(Draft(NETWORK, 0, 1, 0, START, blocks["A1"].ancestors), seed_of(3))
    assert core.accept(forged, START) == [Refuse(forged.ref, Fault.SIGNATURE)]
    few = sign_block(Draft(NETWORK, 0, 1, 0, START, blocks["A1"].ancestors[:2]), seed_of(0))
    assert core.accept(few, START) == [Refuse(few.ref, Fault.PARENTS)]


def test_a_missing_ancestor_is_asked_for_after_a_while_then_again_and_then_no_more() -> None:
    blocks = signed(full(4, 2))
    core = observer(4)
    now = START + 10_000
    give(core, [blocks["B1"], blocks["C1"], blocks["D1"]], now)
    assert of(core.accept(blocks["B2"], now), Timer) == [Timer(now + 400)]
    assert not of(core.tick(now + 399), Request)
    wanted = Request((blocks["A1"].ref,), (1,))
    assert core.tick(now + 400) == [wanted, Timer(now + 1_400)]
    core.accept(blocks["C2"], now + 500)
    assert of(core.tick(now + 1_400), Request) == [Request((blocks["A1"].ref,), (1, 2))]
    assert [effect.block.author for effect in of(core.accept(blocks["A1"], now + 1_500), Store)] == [0, 1, 2]
    assert core.tick(now + 5_000) == []


def test_a_block_from_the_future_is_held_until_its_time_comes() -> None:
    blocks = signed(full(4, 1), time=START + 59_000)
    core = observer(4)
    assert core.accept(blocks["A1"], START) == [Timer(START + 58_000)]
    assert core.status().early == 1
    assert core.tick(START + 57_999) == [Timer(START + 58_000)]
    assert of(core.tick(START + 58_000), Store) == [Store(blocks["A1"])]


def test_blocks_are_not_held_when_the_clocks_of_f_plus_one_others_are_there() -> None:
    blocks = signed(full(4, 1), time=START + 59_000)
    core = validator(4)
    assert not of(core.accept(blocks["B1"], START), Store)
    assert {effect.block.author for effect in of(core.accept(blocks["C1"], START), Store)} == {1, 2}


def test_one_clock_alone_proves_nothing_against_ours() -> None:
    blocks = signed(full(3, 1), time=START + 59_000)
    core = validator(3)
    assert not of(core.accept(blocks["B1"], START), Store)
    assert len(of(core.accept(blocks["C1"], START), Store)) == 2


def flood(author: int, start: int, count: int, wish: BlockRef | None = None) -> list[Block]:
    """Blocks whose ancestors nobody has; the first names the wish, if there is one."""
    made = []
    for round_ in range(start, start + count):
        nowhere = [BlockRef(round_ - 1, other, bytes(32)) for other in range(4)]
        if wish is not None and round_ == start:
            nowhere[wish.author] = wish
        others = [ref for ref in nowhere if ref.author != author]
        draft = Draft(NETWORK, 0, round_, author, START, (nowhere[author], *others))
        made.append(sign_block(draft, seed_of(author)))
    return made


def test_a_block_another_author_waits_for_finds_room_beyond_its_authors_share() -> None:
    core = observer(4)
    give(core, flood(3, 20, MAX_HELD_BLOCKS))
    [unwanted] = flood(3, 90, 1)
    give(core, [unwanted])
    assert core.status().waiting == MAX_HELD_BLOCKS
    [own_wish] = flood(3, 100, 1, unwanted.ref)
    [wish] = flood(2, 91, 1, unwanted.ref)
    give(core, [own_wish, wish, unwanted])
    assert core.status().waiting == MAX_HELD_BLOCKS + 2


def test_a_liars_chain_that_only_itself_waits_for_stays_in_its_share() -> None:
    core = observer(4)
    [below] = flood(3, 10, 1)
    give(core, flood(3, 100, 1, below.ref) + flood(3, 20, MAX_HELD_BLOCKS) + [below])
    assert core.status().waiting == MAX_HELD_BLOCKS


def test_one_author_cannot_fill_the_waiting_room_for_others() -> None:
    core = observer(4)
    give(core, flood(3, 20, MAX_HELD_BLOCKS + 30))
    assert core.status().waiting == MAX_HELD_BLOCKS
    assert len(of(give(core, list(signed(full(4, 4)).values())), Store)) == 16


def test_blocks_far_ahead_are_neither_held_nor_asked_about() -> None:
    core, now = observer(4), START + 1_000
    far = flood(3, 2 + MAX_AHEAD, 5)
    effects = give(core, far, now)
    assert of(effects, Spurn) == [Spurn(block, Excess.AHEAD) for block in far]
    assert (core.status().waiting, core.status().gaps) == (0, {})
    give(core, flood(3, 1 + MAX_AHEAD, 1), now)
    assert core.status().waiting == 1


def test_what_nobody_seems_to_have_is_asked_for_less_and_less_often() -> None:
    core, now, asked = observer(4), START, []
    give(core, flood(3, 20, 1), now)
    for _ in range(3_600):
        asked += [now for effect in core.tick(now) if isinstance(effect, Request)]
        now += 1_000
    assert 10 < len(asked) < 20
    assert asked[-1] - asked[-2] > 500_000
    give(core, flood(2, 20, 1), now)
    again = [effect for second in range(5) for effect in core.tick(now + 1_000 * second)]
    assert of(again, Request)


# --- equivocation ------------------------------------------------------------------------------------------

TWINS = """
1 | A B      C       D D'
2 | A B C(CABD')     D
3 | A B C       D
4 | A B C       D
"""


def test_two_blocks_of_one_slot_are_evidence_told_once() -> None:
    blocks = signed(draw(4, TWINS))
    core = observer(4)
    core.accept(blocks["D1"], START + 9_000)
    told = of(core.accept(blocks["D'1"], START + 9_000), Evidence)
    assert told == [Evidence(blocks["D1"], blocks["D'1"])]
    assert not of(core.accept(blocks["D'1"], START + 9_000), Evidence)
    assert core.status().equivocators == (3,)
    assert not core.status().halted


def test_a_second_block_of_a_slot_comes_in_only_when_another_names_it() -> None:
    blocks = signed(draw(4, TWINS))
    core = observer(4)
    give(core, [blocks[one] for one in ("A1", "B1", "C1", "D1", "D'1")])
    assert core.block(blocks["D'1"].ref) is None
    assert not of(core.accept(blocks["C2"], START + 9_000), Store)
    assert {effect.block.ref for effect in of(core.accept(blocks["D'1"], START + 9_000), Store)} == {
        blocks["D'1"].ref,
        blocks["C2"].ref,
    }


def test_evidence_is_told_of_blocks_that_still_wait() -> None:
    blocks = signed(draw(4, TWINS))
    twin = sign_block(Draft(NETWORK, 0, 2, 0, START, blocks["A2"].ancestors), seed_of(0))
    core = observer(4)
    assert of(give(core, [blocks["A2"], twin]), Evidence) == [Evidence(blocks["A2"], twin)]


def test_more_than_f_equivocators_stop_the_order_for_good_also_after_a_restart() -> None:
    blocks = signed(full(3, 6))
    core = validator(3)
    twin = sign_block(Draft(NETWORK, 0, 1, 2, START, blocks["C1"].ancestors), seed_of(2))
    give(core, [blocks["C1"]])
    effects = core.accept(twin, START + 9_000)
    assert of(effects, Halt) == [Halt((2,))]
    assert not of(give(core, list(blocks.values())), Commit)
    assert core.status().halted
    again = Core.restore(settings_of(3, 0), Position(time=START), [], of(effects, Evidence))
    assert of(again.tick(START), Halt) == [Halt((2,))]
    assert not of(give(again, list(blocks.values())), Commit)


def test_a_loser_is_named_in_the_commit_that_reaches_it() -> None:
    picture = TWINS + "5 | A B C D\n6 | A B C D\n"
    blocks = signed(draw(4, picture))
    commits = of(give(observer(4), [*blocks.values(), blocks["D'1"]]), Commit)
    losers = [ref for commit in commits for ref in commit.losers]
    pair = sorted([blocks["D1"].ref, blocks["D'1"].ref])
    assert len(losers) == 1
    assert losers[0] in pair
    assert sum(name in ("D1", "D'1") for name in names(commits)) == 1


# --- order and time ----------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 7), st.integers(0, 2**64))
def test_every_order_of_delivery_gives_what_the_bare_rule_gives(n: int, seed: int) -> None:
    random = Random(seed)
    drawing = possible_dag(random, n, random.randint(3, 12), (n - 1) // 3)
    blocks = signed(drawing)
    digests = {name: block.ref.digest.hex() for name, block in blocks.items()}
    digests |= {f"G{author}": f"G{author}" for author in range(n)}
    hashed = [
        one | {"id": digests[one["id"]], "ancestors": [digests[name] for name in one["ancestors"]]}
        for one in drawing["blocks"]
    ]
    expected = replay({"committee": n, "blocks": hashed})["sequence"]
    for _ in range(2):
        core = observer(n)
        commits: list[Commit] = []
        for block in random.sample(list(blocks.values()), len(blocks)) * 2:
            commits += of(core.accept(block, START + 99_000), Commit)
        got = [block.ref.digest.hex() for commit in commits for block in commit.blocks]
        assert got == expected[: len(got)]
        if n < 4:
            assert got == expected


def test_the_median_of_times_is_the_lower_of_two_middle_ones() -> None:
    assert [lower_median(times) for times in ([5], [9, 1], [3, 1, 2], [4, 1, 3, 2])] == [5, 1, 2, 2]


@given(st.integers(1, 30), st.data())
def test_the_median_of_a_quorum_lies_between_honest_times_whatever_f_liars_say(
    n: int, data: st.DataObject
) -> None:
    f = (n - 1) // 3
    size = data.draw(st.integers((n + f) // 2 + 1, n))
    honest = data.draw(st.lists(st.integers(0, 100), min_size=size - f, max_size=size - f))
    liars = data.draw(st.lists(st.sampled_from([0, 10**15]) | st.integers(0, 100), min_size=f, max_size=f))
    assert min(honest) <= lower_median(honest + liars) <= max(honest)


def test_the_time_of_a_commit_is_the_median_of_the_leaders_parents_and_never_goes_back() -> None:
    drawing = full(4, 6)
    blocks = signed(drawing)
    commits = of(give(observer(4), list(blocks.values())), Commit)
    assert [commit.time for commit in commits] == [START, START + 1_000, START + 2_000, START + 3_000]
    late = Core(settings_of(4, None), Position(time=START + 2_500))
    times = [commit.time for commit in of(give(late, list(blocks.values())), Commit)]
    assert times == [START + 2_500, START + 2_500, START + 2_500, START + 3_000]


def test_memory_holds_the_depth_window_and_older_blocks_are_not_taken_again() -> None:
    blocks = signed(full(2, 100))
    core = observer(2)
    give(core, list(blocks.values()), START + 200_000)
    assert not core.blocks_at(37)
    assert len(core.blocks_at(38)) == 2
    assert core.accept(blocks["A10"], START + 200_000) == []
    assert len(core.unseen_by((0, 0), 1_000)) == 2 * 63


def test_an_own_payload_that_sank_below_the_window_unordered_lapses() -> None:
    core = validator(4, 3)
    alone = of(answer_all(core, core.want(True, None, START), Payload((b"unheard",))), Send)[0].block
    others = signed(draw(4, "\n".join(f"{round_} | A(ABC) B(BAC) C(CAB)" for round_ in range(1, 70))))
    effects: list[Effect] = []
    for block in others.values():
        effects += core.accept(block, START + 200_000)
    assert of(effects, Lapse) == [Lapse(alone)]


# --- the pacemaker -----------------------------------------------------------------------------------------


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


# --- coming back -------------------------------------------------------------------------------------------


def restored(n: int, effects: list[Effect]) -> Core:
    """Restore an observer from what the effects told to keep."""
    position = Position(time=START)
    fates: dict[BlockRef, Fate] = {}
    for commit in of(effects, Commit):
        position = Position(commit.index, commit.time, commit.leader)
        fates |= {block.ref: Fate.ORDERED for block in commit.blocks} | dict.fromkeys(
            commit.losers, Fate.LOST
        )
    kept = [Kept(one.block, fates.get(one.block.ref, Fate.OPEN)) for one in of(effects, Store)]
    return Core.restore(settings_of(n, None), position, reversed(kept))


@pytest.mark.parametrize("stop", range(1, 40))
def test_a_core_restored_at_any_point_commits_what_one_without_a_break_commits(stop: int) -> None:
    blocks = list(signed(full(4, 10)).values())
    whole = of(give(observer(4), blocks), Commit)
    before = give(observer(4), blocks[:stop])
    back = restored(4, before)
    assert of(back.tick(START + 100_000), Commit) == []
    assert of(before, Commit) + of(give(back, blocks), Commit) == whole


def test_a_restored_core_does_not_name_a_loser_again() -> None:
    rounds = "".join(f"{round_} | A B C D\n" for round_ in (7, 8, 9))
    blocks = signed(draw(4, TWINS + "5 | A B C D\n6 | A B C(CABD1) D\n" + rounds))
    early = [block for block in blocks.values() if block.round <= 5]
    late = [block for block in blocks.values() if block.round > 5]
    core = observer(4)
    before = give(core, [*early, blocks["D'1"]])
    back = restored(4, before)
    assert [ref for commit in of(before, Commit) for ref in commit.losers] == [blocks["D1"].ref]
    after = of(give(back, late), Commit)
    assert after == of(give(core, late), Commit)
    assert not any(commit.losers for commit in after)


def test_a_commit_that_was_not_stored_comes_again_after_a_restart() -> None:
    blocks = list(signed(full(4, 5)).values())
    commits = of(give(observer(4), blocks), Commit)
    back = Core.restore(
        settings_of(4, None), Position(time=START), [Kept(block, Fate.OPEN) for block in blocks]
    )
    assert of(back.tick(START + 100_000), Commit) == commits


def test_a_validator_that_comes_back_goes_on_behind_its_last_round() -> None:
    core = validator(1)
    effects = answer_all(core, core.want(True, None, START), Payload((b"x",)))
    kept = [Kept(effect.block, Fate.OPEN) for effect in of(effects, Store)][:2]
    back = Core.restore(settings_of(1, 0), Position(time=START), kept)
    after = answer_all(back, back.tick(START + 5), now=START + 5)
    assert [effect.block.round for effect in of(after, Send)] == [3]
    assert names(of(after, Commit))[0] == "x"


def test_a_muted_validator_stays_silent_until_every_other_one_was_heard() -> None:
    core = Core(settings_of(4, 0), Position(time=START), muted=True)
    assert not of(core.want(True, None, START), Build)
    assert not of(core.hear(1, None, START), Build)
    assert not of(core.hear(2, None, START), Build)
    assert core.status().unheard == (3,)
    assert rounds_asked(core.hear(3, None, START)) == [1]


def test_a_validator_told_of_an_own_block_it_lost_waits_for_it_and_goes_on_behind_it() -> None:
    blocks = signed(full(4, 3))
    core = Core(settings_of(4, 0), Position(time=START), muted=True)
    now = START + 100_000
    core.want(True, None, now)
    core.hear(1, blocks["A2"], now)
    core.hear(2, None, now)
    assert not of(core.hear(3, blocks["A1"], now), Build)
    effects = give(core, [blocks[name] for name in ("B1", "C1", "D1", "B2", "C2", "D2")], now)
    assert rounds_asked(effects)[0] == 3
    assert core.last_own_block == blocks["A2"]


def test_an_own_block_that_others_have_and_the_store_has_not_shows_that_it_forgot() -> None:
    blocks = signed(full(4, 2))
    kept = [Kept(blocks[name], Fate.OPEN) for name in ("A1", "B1", "C1", "D1")]
    core = Core.restore(settings_of(4, 0), Position(time=START), kept, muted=True)
    core.hear(1, blocks["A1"], START)
    give(core, [blocks["A1"], blocks["B2"]])
    assert not core.status().forgot
    core.hear(2, blocks["A2"], START)
    assert core.status().forgot
    assert core.is_muted


def test_an_own_block_that_was_made_here_shows_nothing_when_it_comes_back() -> None:
    core = validator(1)
    sent = of(answer_all(core, core.want(True, None, START), Payload((b"x",))), Send)
    give(core, [effect.block for effect in sent])
    assert not core.status().forgot


def test_an_observer_has_no_blocks_to_forget() -> None:
    core = observer(4)
    give(core, list(signed(full(4, 2)).values()))
    assert not core.status().forgot


def test_the_status_names_who_is_absent_and_what_is_missing() -> None:
    core = observer(4)
    blocks = signed(full(4, 2))
    give(core, [blocks["A1"], blocks["B1"], blocks["C1"], blocks["A2"]])
    status = core.status()
    assert (status.round, status.own_round, status.absent) == (2, 0, (3,))
    assert status.gaps == {blocks["D1"].ref: (0,)}
    assert status.waiting == 1
    assert core.frontier() == (1, 1, 1, 0)


def test_the_frontier_of_a_peer_says_what_it_has_not_seen_and_may_be_of_any_length() -> None:
    core = observer(4)
    blocks = signed(full(4, 3))
    give(core, list(blocks.values()))
    unseen = core.unseen_by((3, 2, 3, 2), 10)
    assert [block.ref for block in unseen] == [blocks["B3"].ref, blocks["D3"].ref]
    assert len(core.unseen_by((), 5)) == 5
    assert core.unseen_by((3,) * 40, 5) == ()
