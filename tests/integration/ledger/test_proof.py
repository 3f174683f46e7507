"""What a node says about a row is believed as far as the pinned committee signed it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from custom_components.energy_marketplace.ledger import answers, genesis
from custom_components.energy_marketplace.ledger.answers import CommitteeChange, ProvenRow
from custom_components.energy_marketplace.ledger.proof import (
    Committee,
    CommitteeError,
    Finding,
    Verdict,
    account_key,
    asset_key,
    check,
    follow,
    successor,
)
from custom_components.energy_marketplace.ledger.transactions import Envelope
from custom_components.energy_marketplace.ledger.wallet import sign

FOLDER = Path(__file__).parents[2] / "vectors"
VECTORS = json.loads((FOLDER / "proofs.json").read_text("utf-8"))
COMMITTEE = Committee(VECTORS["network"], VECTORS["epoch"], tuple(VECTORS["committee"]))


def found(answer, key=None, since=0, committee=COMMITTEE):
    read = answers.read(ProvenRow, answer)
    return check(read, key or account_key(answer["row"]["account"]), committee, since)


def changed(**changes):
    answer = VECTORS["answers"][0]
    return {"row": answer["row"], "proof": answer["proof"] | changes}


@pytest.mark.parametrize("answer", VECTORS["answers"], ids=lambda answer: answer["row"]["name"])
def test_good_answers_are_proven_as_of_their_commit(answer):
    state = VECTORS["state"]
    assert found(answer) == Finding(Verdict.PROVEN, state["time"], state["commit"])
    assert COMMITTEE.quorum == VECTORS["quorum"]


@pytest.mark.parametrize("vector", VECTORS["invalid"], ids=lambda vector: vector["why"])
def test_false_answers_are_not(vector):
    finding = found(vector["answer"], account_key(VECTORS["answers"][1]["row"]["account"]))
    expected = Verdict.UNPROVEN if vector["why"] == "another epoch" else Verdict.CONTRADICTED
    assert finding.verdict is expected
    assert finding.reason
    assert finding.time is None


@pytest.mark.parametrize(
    "changes",
    [
        {"root": "none"},
        {"time": -1},
        {"commit": 2**70},
        {"path": [{"side": "above", "digest": "00"}]},
        {"path": [{"side": "left", "digest": "no hex"}]},
        {"votes": []},
        {"votes": [{"validator": number, "signature": "no hex"} for number in range(3)]},
    ],
    ids=str,
)
def test_nonsense_in_a_proof_contradicts_it(changes):
    assert found(changed(**changes)).is_lie


def test_a_good_proof_of_another_row_is_none_for_this_one():
    assert found(VECTORS["answers"][0], account_key(VECTORS["answers"][1]["row"]["account"])).is_lie
    assert found(VECTORS["answers"][0], asset_key("a5" * 32)).is_lie


def test_without_a_proof_nothing_is_proven_and_nothing_contradicted():
    finding = found(VECTORS["answers"][0] | {"proof": None})
    assert (finding.verdict, finding.is_proven, finding.is_lie) == (Verdict.UNPROVEN, False, False)


def test_what_lies_before_the_newest_proven_commit_is_the_past():
    commit = VECTORS["state"]["commit"]
    assert found(VECTORS["answers"][0], since=commit).is_proven
    assert found(VECTORS["answers"][0], since=commit + 1).verdict is Verdict.UNPROVEN


def test_other_networks_committees_and_epochs_vouch_for_nothing_here():
    answer = VECTORS["answers"][0]
    assert found(answer, committee=replace(COMMITTEE, network="00" * 32)).is_lie
    assert found(answer, committee=replace(COMMITTEE, keys=COMMITTEE.keys[::-1])).is_lie
    assert found(answer, committee=replace(COMMITTEE, epoch=1)).verdict is Verdict.UNPROVEN


def test_the_age_is_that_of_the_proven_state():
    finding = found(VECTORS["answers"][0])
    assert finding.age_s(VECTORS["state"]["time"] + 61_500) == 61
    assert finding.age_s(VECTORS["state"]["time"] - 5) == 0
    assert Finding(Verdict.UNPROVEN).age_s(1) is None


def test_the_committee_is_pinned_by_the_genesis():
    vector = json.loads((FOLDER / "genesis.json").read_text("utf-8"))
    founded = genesis.verify(Envelope.from_dict(vector["envelope"]), vector["network"])
    assert Committee.of(founded).keys == tuple(founded.payload["committee"])
    assert Committee.of(founded).network == vector["network"]
    with pytest.raises(ValueError, match="no committee"):
        Committee.of(replace(founded, payload={"committee": []}))


@pytest.mark.parametrize(
    ("size", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (10, 7)]
)
def test_the_quorum_is_that_of_the_agreement(size, quorum):
    assert Committee("00", 0, ("",) * size).quorum == quorum


# --- committees that follow each other ----------------------------------------------------------------------

KEYS = [SigningKey(bytes([number]) * 32) for number in range(1, 6)]
PUBLIC = tuple(key.verify_key.encode().hex() for key in KEYS)
PRESENT = Committee("aa" * 32, 2, PUBLIC[:4])


def vote(key, **changes):
    body = {"kind": "committee.vote", "network": "aa" * 32, "epoch": 3, "committee": list(PUBLIC[1:])}
    payload = json.dumps(body | changes)
    return Envelope(payload, (sign(key, "transaction", payload.encode()),))


def change(*votes, committee=PUBLIC[1:]):
    return CommitteeChange(3, tuple(committee), tuple(votes))


def test_a_quorum_of_the_present_committee_names_the_next():
    following = successor(PRESENT, change(*map(vote, KEYS[:3])))
    assert following == Committee("aa" * 32, 3, PUBLIC[1:])


@pytest.mark.parametrize(
    "wrong",
    [
        change(*map(vote, KEYS[:2])),
        change(vote(KEYS[0]), vote(KEYS[0]), vote(KEYS[1])),
        change(*map(vote, KEYS[:2]), vote(KEYS[4])),
        change(*map(vote, KEYS[:3]), committee=PUBLIC[2:]),
        change(*(vote(key, epoch=4) for key in KEYS[:3])),
        change(*(vote(key, network="bb" * 32) for key in KEYS[:3])),
        change(*(vote(key, kind="transfer") for key in KEYS[:3])),
        change(*(Envelope(text, vote(KEYS[0]).signatures) for text in ("", "[]", "{}"))),
        change(*(Envelope(text, vote(KEYS[0]).signatures) for text in ("[" * 100_000, '{"a":' * 100_000))),
        change(*(vote(key, committee=[]) for key in KEYS[:3]), committee=()),
    ],
    ids=range(10),
)
def test_anything_less_names_none(wrong):
    with pytest.raises(CommitteeError, match="epoch 3"):
        successor(PRESENT, wrong)


async def test_a_member_follows_from_committee_to_committee():
    class Node:
        async def committee(self, epoch):
            assert epoch == 3
            return change(*map(vote, KEYS[:3]))

    assert (await follow(Node(), PRESENT, 3)).keys == PUBLIC[1:]
    assert await follow(Node(), PRESENT, 2) == PRESENT
    assert await follow(Node(), PRESENT, 1) == PRESENT
