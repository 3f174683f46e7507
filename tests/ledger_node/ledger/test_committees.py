"""Committees: who may vote, what counts, and when an epoch begins."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.ledger.machine import Ledger
from energy_ledger.quorum import quorum_of
from energy_ledger.refusals import Refused
from tests.ledger_node.ledger.street import ADA, NODE, Street, person

BO, CY, DI = (person(name) for name in ("node Bo", "node Cy", "node Di"))


def vote(*nodes, epoch=1):
    return {"epoch": epoch, "committee": [node.public for node in nodes]}


def street_of(*nodes):
    return Street(committee=[node.public for node in nodes])


def test_the_only_validator_starts_the_next_epoch_alone():
    street = street_of(NODE)
    identity = street.must(NODE, "committee.vote", **vote(NODE, BO))
    assert (street.ledger.epoch, street.ledger.committee) == (1, (NODE.public, BO.public))
    (changed,) = street.events("committee.changed")
    assert changed == {"epoch": 1, "committee": [NODE.public, BO.public], "votes": [identity]}
    assert street.row("accounts", BO.address)["roles"] == ["node"]


def test_nodes_are_numbered_in_the_order_in_which_they_came():
    street = street_of(NODE, BO)
    street.must(NODE, "committee.vote", **vote(NODE, CY, BO, DI))
    street.must(BO, "committee.vote", **vote(NODE, CY, BO, DI))
    names = [street.row("accounts", node.address)["name"] for node in (NODE, BO, CY, DI)]
    assert names == ["Node 1", "Node 2", "Node 3", "Node 4"]


def test_a_quorum_for_the_same_list_in_the_same_order_is_needed():
    street = street_of(NODE, BO, CY, DI)
    street.must(NODE, "committee.vote", **vote(NODE, BO, CY))
    street.must(BO, "committee.vote", **vote(BO, NODE, CY))
    street.must(CY, "committee.vote", **vote(NODE, BO, CY))
    assert street.ledger.epoch == 0
    street.must(BO, "committee.vote", **vote(NODE, BO, CY))
    assert street.ledger.epoch == 1
    assert len(street.events("committee.voted")) == 4


def test_a_vote_can_be_taken_back():
    street = street_of(NODE, BO)
    street.must(NODE, "committee.vote", **vote(NODE))
    street.must(NODE, "committee.vote", **vote(NODE, BO))
    street.must(BO, "committee.vote", **vote(NODE))
    assert street.ledger.epoch == 0


def test_votes_are_forgotten_when_an_epoch_begins():
    street = street_of(NODE, BO, CY)
    street.must(CY, "committee.vote", **vote(NODE))
    street.must(NODE, "committee.vote", **vote(NODE, CY))
    street.must(BO, "committee.vote", **vote(NODE, CY))
    assert street.ledger.epoch == 1
    assert street.refuses(CY, "committee.vote", **vote(NODE, epoch=1)) == ("bad_value", "epoch")
    street.must(NODE, "committee.vote", **vote(NODE, epoch=2))
    assert street.ledger.epoch == 1


def test_only_a_validator_of_the_present_committee_votes():
    street = street_of(NODE, BO)
    assert street.refuses(ADA, "committee.vote", **vote(NODE)) == ("not_allowed", "kind")
    street.must(NODE, "committee.vote", **vote(NODE))
    street.must(BO, "committee.vote", **vote(NODE))
    assert street.refuses(BO, "committee.vote", **vote(BO, epoch=2)) == ("not_allowed", "kind")
    assert street.refuses(BO, "clearing.propose", **empty_clearing()) == ("not_allowed", "kind")


def empty_clearing():
    fills = {"order": [], "slot": [], "wh": []}
    return {"round": 1, "fills": fills, "prices": {}, "node_duals": {}, "flexible_duals": {}}


def test_a_committee_names_no_node_twice():
    with pytest.raises(Refused) as refused:
        street_of(NODE).write(NODE, "committee.vote", **vote(BO, BO))
    assert (refused.value.code, refused.value.field) == ("bad_value", "committee")


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_an_epoch_begins_exactly_with_a_quorum_and_survives_a_restart(data):
    size = data.draw(st.integers(1, 7))
    nodes = [person(f"validator {number}") for number in range(size)]
    street = street_of(*nodes)
    order = data.draw(st.permutations(nodes))
    for number, node in enumerate(order[: quorum_of(size)], 1):
        assert street.ledger.epoch == 0
        street.must(node, "committee.vote", **vote(*nodes, DI))
        again = Ledger.restore(street.ledger.genesis, street.ledger.rows())
        assert (again.epoch, again.committee, again.root) == (
            street.ledger.epoch,
            street.ledger.committee,
            street.ledger.root,
        )
        assert (street.ledger.epoch == 1) == (number == quorum_of(size))
