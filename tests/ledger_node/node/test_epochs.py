"""A chain goes on over a change of the committee: with whom it agrees, and what becomes of what waits."""

from energy_ledger.dag.core import Core
from energy_ledger.dag.ordering import Position
from energy_ledger.ledger.machine import Ledger
from energy_ledger.node.certifying import Certifier
from energy_ledger.node.chain import Chain, Incoming
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


def follower_of(chain):
    """Return an observer's chain of the same network."""
    genesis = chain.ledger.genesis
    epoch = Epoch.first(genesis)
    core = Core(epoch.settings(None), Position(time=genesis.rules.created))
    return Chain(core, Ledger.found(genesis), Certifier(epoch.electorate(), None))


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
