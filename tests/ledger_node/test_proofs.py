"""A proof holds for exactly what a quorum of the committee vouches for, and for nothing else."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger import crypto
from energy_ledger.ledger.events import canonical
from energy_ledger.ledger.merkle import MerkleTree
from energy_ledger.proofs import (
    VOTE_BYTES,
    Certificate,
    Electorate,
    LedgerState,
    Proof,
    StateVote,
    Step,
    climb,
    leaf_digest,
    read_certificate,
    read_vote,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "proofs.json").read_text("utf-8"))
SEEDS = [bytes([number]) * 32 for number in range(1, 5)]
COMMITTEE = Electorate(bytes(32), 3, tuple(map(crypto.public_key, SEEDS)), 3)
STATE = LedgerState(12, 1_700_000_000_000, bytes(range(32)))


def certificate(*voters, state=STATE, epoch=3):
    return Certificate(epoch, state, tuple((one, COMMITTEE.sign(SEEDS[one], state)) for one in voters))


def read_answer(answer):
    """Take a proof from the API's JSON."""
    proof = answer["proof"]
    state = LedgerState(
        proof["commit"], proof["time"], bytes.fromhex(proof["root"]), bytes.fromhex(proof["leader"])
    )
    votes = tuple((vote["validator"], bytes.fromhex(vote["signature"])) for vote in proof["votes"])
    path = tuple(Step(step["side"], bytes.fromhex(step["digest"])) for step in proof["path"])
    key, value = proof["key"].encode(), canonical(answer["row"])
    return Proof(key, value, path, Certificate(proof["epoch"], state, votes))


def electorate_of_vectors():
    keys = tuple(map(bytes.fromhex, VECTORS["committee"]))
    return Electorate(bytes.fromhex(VECTORS["network"]), VECTORS["epoch"], keys, VECTORS["quorum"])


def test_the_vectors_hold():
    electorate = electorate_of_vectors()
    assert all(read_answer(answer).holds(electorate) for answer in VECTORS["answers"])
    vote = read_vote(bytes.fromhex(VECTORS["vote"]))
    assert vote.encode().hex() == VECTORS["vote"]
    assert electorate.has_signed(0, vote.state, vote.signature)
    signature = bytes.fromhex(VECTORS["answers"][0]["proof"]["votes"][0]["signature"])
    assert crypto.verify(electorate.keys[0], b"", bytes.fromhex(VECTORS["signed"]), signature)


@pytest.mark.parametrize("vector", VECTORS["invalid"], ids=lambda vector: vector["why"])
def test_the_vectors_of_lies_do_not_hold(vector):
    assert not read_answer(vector["answer"]).holds(electorate_of_vectors())


def test_a_quorum_of_different_validators_certifies():
    assert COMMITTEE.certifies(certificate(0, 1, 2))
    assert COMMITTEE.certifies(certificate(3, 1, 0, 2))


@pytest.mark.parametrize(
    "wrong",
    [
        certificate(0, 1),
        certificate(0, 1, 1),
        certificate(0, 1, 2, 2),
        certificate(0, 1, 2, epoch=4),
        Certificate(3, STATE, (*certificate(0, 1).votes, (2, bytes(64)))),
        Certificate(3, STATE, (*certificate(0, 1).votes, (4, bytes(64)))),
        Certificate(3, STATE, (*certificate(0, 1).votes, (-1, certificate(3).votes[0][1]))),
        Certificate(3, LedgerState(13, STATE.time, STATE.root), certificate(0, 1, 2).votes),
    ],
)
def test_less_than_that_does_not(wrong):
    assert not COMMITTEE.certifies(wrong)


def test_a_vote_counts_in_its_own_network_and_epoch_only():
    signature = COMMITTEE.sign(SEEDS[0], STATE)
    assert COMMITTEE.has_signed(0, STATE, signature)
    assert not replace(COMMITTEE, epoch=2).has_signed(0, STATE, signature)
    assert not replace(COMMITTEE, network=b"\x01" * 32).has_signed(0, STATE, signature)


def test_a_certificate_is_stored_and_read_as_it_was():
    stored = certificate(0, 1, 2)
    assert read_certificate(stored.encode()) == stored


@given(st.binary(max_size=2 * VOTE_BYTES))
def test_only_bytes_of_a_votes_length_are_one_and_spell_it_alone(data):
    vote = read_vote(data)
    assert (vote is not None) == (len(data) == VOTE_BYTES)
    assert vote is None or vote.encode() == data


@given(st.dictionaries(st.binary(min_size=1, max_size=3), st.binary(max_size=3), min_size=1, max_size=40))
@settings(deadline=None)
def test_every_leaf_of_a_tree_has_a_path_to_its_root_and_no_other_value_has(leaves):
    tree = MerkleTree()
    for key, value in leaves.items():
        tree.set(key, value)
    for key, value in leaves.items():
        path = tree.path(key)
        assert climb(leaf_digest(key, value), path) == tree.root()
        assert climb(leaf_digest(key, value + b"x"), path) != tree.root()
        assert len(path) <= (len(leaves) - 1).bit_length()
    assert tree.path(b"none of them") is None


def test_a_vote_says_which_state_it_is_for():
    vote = StateVote(STATE, bytes(64))
    assert read_vote(vote.encode()) == vote
