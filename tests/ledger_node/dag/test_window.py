"""What is ordered around a leader follows from the blocks alone, for anybody who is told the leader."""

from dataclasses import replace

import pytest

from energy_ledger.dag.block_rules import BlockRules
from energy_ledger.dag.ordering import Fate
from energy_ledger.dag.window import WindowError, floor_of, work_out
from tests.ledger_node.dag.street import NETWORK, Street, settings_of


def rules_of(n):
    return BlockRules(NETWORK, 0, settings_of(n, None).keys)


def window_of(home):
    """Return what a home would give of its blocks, and the leader that it stands at."""
    leader = home.disk.position.leader
    blocks = [block for ref, block in home.disk.blocks.items() if ref.round >= floor_of(leader)]
    return leader, blocks


def check(street, home):
    leader, blocks = window_of(home)
    street.random.shuffle(blocks)
    ref, kept = work_out(rules_of(street.n), blocks, leader.digest)
    assert ref == leader
    found = {one.block.ref: one.fate for one in kept}
    floor = floor_of(leader)
    known = {ref: fate for ref, fate in home.disk.fates.items() if ref.round >= floor}
    assert {ref: fate for ref, fate in found.items() if fate is not Fate.OPEN} == known


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("n", "liars"), [(1, 0), (3, 0), (4, 1), (7, 2)])
def test_the_blocks_of_the_window_say_what_every_commit_made_of_them(n, liars, seed):
    street, checked = Street(n, seed, liars=liars, loss=0.05 if n > 1 else 0.0, delay=(5, 300)), 0
    for number in range(110):
        street.random.choice(street.honest).submit(f"envelope {number}".encode())
        street.run(700)
        for home in street.honest:
            home.disk.sync()
            if number % 10 == 9 and home.disk.position.leader is not None:
                check(street, home)
                checked += 1
    assert checked > 5
    assert max(home.disk.position.leader.round for home in street.honest) > 70


@pytest.fixture(scope="module")
def window():
    street = Street(4, 5)
    for number in range(12):
        street.honest[0].submit(f"envelope {number}".encode())
        street.run(700)
    home = street.honest[0]
    home.disk.sync()
    return *window_of(home), home.disk.fates


def test_a_window_that_lacks_an_ordered_block_is_no_window(window):
    leader, blocks, fates = window
    for missing in [ref for ref, fate in fates.items() if fate is Fate.ORDERED and ref != leader]:
        with pytest.raises(WindowError, match="missing"):
            work_out(rules_of(4), [one for one in blocks if one.ref != missing], leader.digest)


def test_a_leader_that_the_blocks_do_not_commit_is_none(window):
    leader, blocks, _ = window
    with pytest.raises(WindowError, match="not among"):
        work_out(rules_of(4), blocks, bytes(32))
    follower = next(one for one in blocks if one.round == leader.round and one.ref != leader)
    with pytest.raises(WindowError, match="do not say"):
        work_out(rules_of(4), blocks, follower.ref.digest)
    with pytest.raises(WindowError, match="do not say"):
        work_out(rules_of(4), [one for one in blocks if one.round <= leader.round], leader.digest)


def test_every_block_of_a_window_is_checked(window):
    leader, blocks, _ = window
    forged = [replace(blocks[0], signature=bytes(64)), *blocks[1:]]
    with pytest.raises(WindowError, match="signature"):
        work_out(rules_of(4), forged, leader.digest)
    with pytest.raises(WindowError, match="another epoch"):
        work_out(rules_of(4), [replace(blocks[0], epoch=1), *blocks[1:]], leader.digest)
