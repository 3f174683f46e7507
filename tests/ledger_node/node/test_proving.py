"""A node proves rows as of its newest certified commit, however far the ledger is ahead of it."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.node import proving
from energy_ledger.node.proving import Proofs
from energy_ledger.proofs import Certificate, LedgerState
from energy_ledger.storage.writer import CommitEntry, Entry
from tests.ledger_node.node.chains import START, TestChain


def proofs_of(chain):
    return Proofs(chain.ledger.leaves(), chain.ledger.root, chain.certifier.states, chain.certifier.newest)


def key_of(person):
    return f"account/{person.address}".encode()


def test_what_is_certified_is_proven_and_follows_the_ledger():
    chain = TestChain()
    proofs = proofs_of(chain)
    assert proofs.prove(key_of(chain.ada)) is None
    bo = chain.joins("Bo")
    proofs = proofs_of(chain)
    for number in range(1, 4):
        at = START + 10 * number
        proofs.take(chain.at(at, chain.sign(bo, "transfer", to=chain.ada.address, amount=1)).entry)
        proof = proofs.prove(key_of(chain.ada))
        assert proof.holds(chain.certifier.electorate)
        assert json.loads(proof.value)["balance"] == number
    assert proofs.prove(b"account/nobody") is None


def entry(commit, **leaves):
    changed = tuple((key.encode(), value) for key, value in leaves.items())
    return CommitEntry(index=commit, time=commit, epoch=0, leader=b"", root=b"", leaves=changed)


def certified(commit, root=b"r"):
    return Certificate(0, LedgerState(commit, commit, root), ())


def test_leaves_of_later_commits_wait_for_their_certificate():
    proofs = Proofs([(b"a", b"0")], b"r", [], certified(0))
    proofs.take(Entry(commits=[entry(1, a=b"1"), entry(2, a=b"2", b=b"2")], certificate=certified(1)))
    assert proofs.prove(b"a").value == b"1"
    assert proofs.prove(b"b") is None
    proofs.take(Entry(certificate=certified(2)))
    assert proofs.prove(b"a").value == b"2"
    assert proofs.prove(b"b").certificate == certified(2)


def test_a_stored_certificate_of_another_state_proves_nothing():
    assert Proofs([(b"a", b"0")], b"r", [], certified(3, root=b"other")).prove(b"a") is None
    proofs = Proofs([(b"a", b"0")], b"r", [LedgerState(4, 4, b"r")], certified(3, root=b"other"))
    proofs.take(Entry(certificate=certified(4)))
    assert proofs.prove(b"a").value == b"0"


@settings(deadline=None, max_examples=20)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=30), st.data())
def test_a_long_wait_costs_bounded_memory_and_no_wrong_proof(keys, data):
    before, proving.MOST_WAITING = proving.MOST_WAITING, 5
    try:
        proofs = Proofs([(b"a", b"0")], b"r", [], certified(0))
        values = [{b"a": b"0"}]
        for number, key in enumerate(keys, 1):
            proofs.take(Entry(commits=[entry(number, **{key: b"%d" % number})]))
            values.append(values[-1] | {key.encode(): b"%d" % number})
        assert len(proofs._waiting) <= 5
        proofs.take(Entry(certificate=certified(data.draw(st.integers(0, len(keys))))))
        assert proofs._values == values[proofs.certificate.state.commit]
    finally:
        proving.MOST_WAITING = before
