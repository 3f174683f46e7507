"""Votes become certificates when a quorum agrees, and are no reason to talk for ever."""

from hypothesis import given
from hypothesis import strategies as st

from energy_ledger import crypto
from energy_ledger.dag.blocks import Draft, Payload, genesis_refs, sign_block
from energy_ledger.dag.committee import quorum_of
from energy_ledger.dag.settings import Voice
from energy_ledger.node.certifying import MOST_VOTES, REMEMBERED, Certifier, resume
from energy_ledger.proofs import Electorate, LedgerState, StateVote, read_vote
from tests.ledger_node.node.chains import START, TestChain

NETWORK = bytes(32)


def seed_of(number):
    return bytes([number + 1]) * 32


def electorate_of(n):
    return Electorate(NETWORK, 0, tuple(crypto.public_key(seed_of(one)) for one in range(n)), quorum_of(n))


def state(commit, root=None):
    return LedgerState(commit, START + commit, bytes([commit % 256 if root is None else root]) * 32)


def certifier(n=4, me=0):
    return Certifier(electorate_of(n), Voice(me, seed_of(me)))


def block(author, *votes, n=4):
    draft = Draft(NETWORK, 0, 1, author, START, genesis_refs(NETWORK, 0, n), Payload((), votes))
    return sign_block(draft, seed_of(author))


def vote(author, of, n=4):
    return StateVote(of, electorate_of(n).sign(seed_of(author), of)).encode()


def test_a_quorum_of_equal_votes_for_a_commit_that_is_known_here_is_a_certificate():
    mine = certifier()
    mine.hear(block(1, vote(1, state(5))))
    mine.hear(block(2, vote(2, state(5))))
    mine.note(state(5))
    assert mine.take() is None
    mine.hear(block(0, *mine.speak()))
    made = mine.take()
    assert made.state == state(5)
    assert [author for author, _ in made.votes] == [0, 1, 2]
    assert electorate_of(4).certifies(made)
    assert mine.take() is None
    assert mine.newest == made


def test_a_block_that_completes_certificates_of_several_commits_completes_them_all():
    mine = certifier()
    for commit in (5, 6, 7):
        mine.note(state(commit))
    mine.hear(block(0, *mine.speak()))
    for author in (1, 2):
        mine.hear(block(author, *(vote(author, state(commit)) for commit in (5, 6, 7))))
    assert [made.state.commit for made in mine.take_all()] == [5, 6, 7]
    assert mine.newest.state == state(7)


def test_votes_for_another_state_of_the_same_commit_do_not_count():
    mine = certifier()
    mine.note(state(5))
    for author in (1, 2, 3):
        mine.hear(block(author, vote(author, state(5, root=9))))
    assert mine.take() is None


def test_a_forged_vote_is_passed_over_and_a_good_one_later_counts():
    mine = certifier()
    mine.note(state(5))
    mine.hear(block(0, *mine.speak()))
    mine.hear(block(1, vote(1, state(5))))
    mine.hear(block(3, StateVote(state(5), bytes(64)).encode(), b"no vote"))
    assert mine.take() is None
    mine.hear(block(2, vote(2, state(5))))
    assert [author for author, _ in mine.take().votes] == [0, 1, 2]


def test_a_commit_that_changed_the_state_is_a_reason_to_speak_once_and_an_empty_one_is_none():
    mine = certifier()
    assert not mine.is_due
    mine.note(state(1, root=7))
    assert mine.is_due
    assert len(mine.speak()) == 1
    assert not mine.is_due
    mine.note(state(2, root=7))
    assert not mine.is_due
    assert [read_vote(one).state.commit for one in mine.speak()] == [2]
    assert mine.speak() == ()


def test_an_observer_counts_but_never_votes():
    observer = Certifier(electorate_of(1), None)
    observer.note(state(1))
    assert not observer.is_due
    assert observer.speak() == ()
    observer.hear(block(0, vote(0, state(1), n=1), n=1))
    assert observer.take().state == state(1)


def test_after_a_restart_votes_in_kept_blocks_count_and_what_was_said_is_not_said_for_its_own_sake():
    said = block(0, vote(0, state(3)))
    voice = Voice(0, seed_of(0))
    again = resume(electorate_of(4), voice, None, [state(0), state(3)], [said, block(1, vote(1, state(3)))])
    assert not again.is_due
    again.hear(block(2, vote(2, state(3))))
    assert again.take().state == state(3)


@given(st.lists(st.integers(1, 10_000), max_size=300, unique=True))
def test_what_is_remembered_and_said_is_bounded(commits):
    mine = certifier()
    for commit in commits:
        mine.note(state(commit))
        mine.hear(block(1, StateVote(state(commit), bytes(64)).encode()))
    assert len(mine.states) <= REMEMBERED
    assert max(map(len, mine._heard)) <= REMEMBERED
    assert len(mine.speak()) == min(MOST_VOTES, len(commits))


def test_a_street_of_one_certifies_within_the_step_that_orders():
    chain = TestChain()
    chain.joins("Bo")
    made = chain.certifier.newest
    assert made.state.root == chain.ledger.root
    assert chain.certifier.electorate.certifies(made)
    blocks = len(chain.blocks)
    assert not chain.at(START + 2_000).entry.blocks
    assert len(chain.blocks) == blocks
