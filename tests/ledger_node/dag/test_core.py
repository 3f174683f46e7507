"""One core at a time: what it accepts, holds, asks for and orders."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from energy_ledger.dag.ordering import Position, lower_median
from energy_ledger.dag.speaker import ProposalNotDueError
from energy_ledger.dag.waiting import MAX_HELD_BLOCKS
from tests.ledger_node.dag.cores import TWINS, answer_all, full, give, names, observer, of, signed, validator
from tests.ledger_node.dag.drawing import draw, replay
from tests.ledger_node.dag.random_dags import possible_dag
from tests.ledger_node.dag.street import NETWORK, START, seed_of, settings_of

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
