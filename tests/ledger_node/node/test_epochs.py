"""A chain goes on over a change of the committee: with whom it agrees, and what becomes of what waits."""

from energy_ledger.dag.core import Core
from energy_ledger.dag.ordering import Position
from energy_ledger.ledger.machine import Ledger
from energy_ledger.node.certifying import Certifier
from energy_ledger.node.chain import Chain, Incoming, Word
from energy_ledger.node.epochs import Epoch
from energy_ledger.storage.directory import NodeKey
from tests.ledger_node.node.chains import KEY, START, TestChain
from tests.support.people import Person

BO = NodeKey(b"b" * 32)


def vote(chain, *keys):
    """Return the founding node's vote for a committee."""
    node = Person("node", chain.ledger.genesis.network)
    node.seed, node.address = KEY.seed, chain.ledger.genesis.node_accounts[0]
    committee = [key.public.hex() for key in keys]
    return chain.sign(node, "committee.vote", epoch=chain.ledger.epoch + 1, committee=committee)


def follower_of(chain, key=None, *, muted=False):
    """Return an observer's chain of the same network; `key` may be voted in."""
    genesis = chain.ledger.genesis
    epoch = Epoch.first(genesis)
    core = Core(epoch.settings(None), Position(time=genesis.rules.created), muted=muted)
    return Chain(core, Ledger.found(genesis), Certifier(epoch.electorate(), None), key)


def test_the_next_epoch_begins_with_the_end_of_the_commit_that_ordered_the_vote():
    chain = TestChain()
    chain.at(START)
    step = chain.at(START + 10, vote(chain, KEY))
    assert (chain.epoch, step.standing.epoch) == (1, 1)
    assert {commit.epoch for commit in step.entry.commits} <= {0, 1}
    later = chain.at(START + 20, chain.sign(chain.ada, "voucher.issue", **money(chain)))
    assert [one.result.state for one in later.placed] == ["applied"]
    assert {block.epoch for block in later.entry.blocks} == {1}
    assert later.entry.commits[0].index == step.entry.commits[-1].index + 1


def money(chain):
    return {"to": chain.ada.address, "amount": 1, "reference": "x"}


def test_a_committee_that_needs_others_waits_for_them_and_loses_nothing():
    chain = TestChain()
    chain.at(START)
    first = chain.at(START + 10, vote(chain, KEY, BO))
    assert [(block.epoch, block.round) for block in first.sent][-1] == (1, 1)
    issue = chain.sign(chain.ada, "voucher.issue", **money(chain))
    step = chain.at(START + 2_000, issue)
    assert (step.placed, step.sent, step.homeless) == ([], [], [])
    assert list(chain._queue) == [issue]


def test_who_is_voted_out_hands_its_transactions_over():
    chain = TestChain()
    chain.at(START)
    chain.at(START + 10, vote(chain, BO))
    issue = chain.sign(chain.ada, "voucher.issue", **money(chain))
    step = chain.at(START + 20, issue)
    assert step.homeless == [issue]
    assert not step.entry.blocks


def test_blocks_of_the_old_epoch_are_nothing_to_the_new_one():
    chain = TestChain()
    chain.at(START)
    old = list(chain.blocks)
    chain.at(START + 10, vote(chain, KEY, BO))
    step = chain.advance((), START + 20, Incoming(old))
    assert not step.refused
    assert not set(old) & set(step.entry.blocks)


def test_an_observer_follows_into_the_next_epoch_with_blocks_alone():
    chain = TestChain()
    chain.at(START)
    chain.at(START + 10, vote(chain, KEY, BO))
    follower = follower_of(chain)
    for block in chain.blocks:
        follower.advance((), START + 20, Incoming([block]))
    assert follower.epoch == 1
    assert Epoch.of(follower.ledger) == Epoch.of(chain.ledger)
    assert follower.ledger.root == chain.ledger.root


def said_by_bo(*, muted):
    """Return the chain of Bo, who is voted in, and the blocks that it sends in the epoch that then begins."""
    chain = TestChain()
    chain.at(START)
    chain.at(START + 10, vote(chain, KEY, BO))
    bo = follower_of(chain, BO, muted=muted)
    sent = [bo.advance((), START + 20, Incoming([block])).sent for block in chain.blocks]
    assert bo.epoch == 1
    return bo, [block for blocks in sent for block in blocks]


def test_who_is_sure_of_all_it_said_speaks_at_once_in_the_next_epoch():
    _, sent = said_by_bo(muted=False)
    assert {(block.epoch, block.author) for block in sent} == {(1, 1)}


def test_who_does_not_know_what_it_said_is_silent_in_the_next_epoch_too_until_it_has_heard_the_others():
    """Its database may be of a time before an epoch in which it has spoken already."""
    bo, sent = said_by_bo(muted=True)
    assert not sent
    assert not bo.advance((), START + 1_000, Incoming(heard=[Word(0, 0, None)])).sent
    assert bo.core.is_muted
    assert bo.advance((), START + 1_010, Incoming(heard=[Word(1, 0, None)])).sent
