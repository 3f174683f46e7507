"""Cores that come back from what storage kept, and what a core tells about itself."""

import pytest

from energy_ledger.dag.blocks import (
    BlockRef,
    Payload,
)
from energy_ledger.dag.core import Core
from energy_ledger.dag.effects import (
    Build,
    Commit,
    Effect,
    Send,
    Store,
)
from energy_ledger.dag.ordering import Fate, Kept, Position
from tests.ledger_node.dag.cores import (
    TWINS,
    answer_all,
    full,
    give,
    names,
    observer,
    of,
    rounds_asked,
    signed,
    validator,
)
from tests.ledger_node.dag.drawing import draw
from tests.ledger_node.dag.street import START, settings_of


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


def test_the_status_names_whose_blocks_a_payload_waits_for_and_nobody_when_none_waits() -> None:
    core, idle = validator(4), validator(4)
    answer_all(core, core.want(True, None, START), Payload((b"x",)))
    assert core.status().awaited == (1, 2, 3)
    give(core, [signed(full(4, 1))["B1"]])
    assert core.status().awaited == (2, 3)
    assert idle.status().awaited == ()
