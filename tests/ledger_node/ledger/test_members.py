"""Who belongs to the network and how one gets in."""

import pytest

from tests.ledger_node.ledger.street import ADA, EUR, NODE, Person, Street, invite_for, person

BO, CY, EVE = person("Bo"), person("Cy"), person("Eve")


@pytest.fixture
def street():
    return Street()


def join(street, who, **changes):
    fields = {"keys": who.key_fields, "name": who.name} | invite_for(street.genesis, who)
    return fields | changes


def test_the_founder_is_founder_and_treasurer_and_a_node_has_an_account_of_its_own(street):
    assert street.account(ADA).roles == ("founder", "treasurer")
    assert street.account(ADA).status == "active"
    assert street.account(NODE).roles == ("node",)
    assert street.ledger.members == 1


def test_who_has_an_invite_becomes_a_member_at_once(street):
    street.must(BO, "member.join", **join(street, BO))
    assert street.ledger.members == 2
    assert street.account(BO).status == "active"
    assert street.ledger.last_sequence(BO.address) == 1
    (event,) = street.outcomes[-1].events
    assert event.type == "member.joined"
    assert event.data == {"account": BO.address, "name": "Bo", "status": "active"}
    assert street.row("accounts", BO.address)["keys"] == BO.key_fields


def test_where_the_founder_approves_by_hand_a_new_member_waits_and_may_do_nothing():
    street = Street(approval="manual")
    street.joins("Bo")
    assert street.account(BO).status == "pending"
    assert street.refuses(BO, "transfer", to=ADA.address, amount=1) == ("not_active", None)
    assert street.refuses(ADA, "voucher.issue", to=BO.address, amount=1, reference="x") == (
        "not_active",
        "to",
    )
    street.must(ADA, "member.approve", member=BO.address)
    assert street.account(BO).status == "active"
    assert street.events("member.approved") == [{"account": BO.address, "name": "Bo", "status": "active"}]
    street.gets(BO, EUR)


def test_only_the_founder_approves_and_only_who_waits():
    street = Street(approval="manual")
    street.joins("Bo")
    street.joins("Cy")
    street.must(ADA, "member.approve", member=CY.address)
    assert street.refuses(CY, "member.approve", member=BO.address) == ("not_allowed", "kind")
    assert street.refuses(ADA, "member.approve", member=CY.address) == ("already_member", "member")
    assert street.refuses(ADA, "member.approve", member=EVE.address) == ("unknown_member", "member")
    assert street.refuses(ADA, "member.approve", member=NODE.address) == ("unknown_member", "member")


def test_a_member_cannot_join_again(street):
    street.joins("Bo")
    key = Person("another invite key")
    assert street.refuses(
        BO, "member.join", **join(street, BO, **invite_for(street.genesis, BO, key=key))
    ) == (
        "already_member",
        "account",
    )


def test_an_account_must_be_that_of_its_keys_in_this_network(street):
    real = Person("Bo", test=False)
    assert street.refuses(real, "member.join", **join(street, real)) == ("bad_value", "account")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"network": "00" * 32}, "invite"),
        ({"inviter": CY.address}, "invite"),
        ({"inviter": EVE.address, "signer": EVE}, "invite"),
        ({"inviter": NODE.address, "signer": NODE}, "invite"),
        ({"signer": CY}, "invite_signature"),
        ({"surprise": 1}, "invite"),
    ],
)
def test_an_invite_that_no_founder_of_this_network_gave_is_refused(street, changes, field):
    street.joins("Cy")
    fields = join(street, BO, **invite_for(street.genesis, BO, **changes))
    assert street.refuses(BO, "member.join", **fields) == ("invite_invalid", field)


def test_an_invite_is_no_good_to_who_only_overheard_it(street):
    fields = join(street, EVE, **invite_for(street.genesis, BO))
    assert street.refuses(EVE, "member.join", **fields) == ("invite_invalid", "invite_proof")


def test_an_invite_counts_until_it_expires(street):
    street.at(100)
    late = join(street, BO, **invite_for(street.genesis, BO, expires=street.time - 1))
    assert street.refuses(BO, "member.join", **late) == ("invite_expired", "invite")
    street.must(BO, "member.join", **join(street, BO, **invite_for(street.genesis, BO, expires=street.time)))


def test_an_invite_lets_one_in(street):
    key = Person("shared invite key")
    street.must(BO, "member.join", **join(street, BO, **invite_for(street.genesis, BO, key=key)))
    again = join(street, CY, **invite_for(street.genesis, CY, key=key))
    assert street.refuses(CY, "member.join", **again) == ("invite_used", "invite")


def test_who_failed_to_join_can_try_again_with_the_same_number(street):
    fields = join(street, BO, **invite_for(street.genesis, BO, signer=CY))
    street.refuses(BO, "member.join", sequence=1, **fields)
    street.must(BO, "member.join", sequence=1, **join(street, BO))
    assert street.ledger.last_sequence(BO.address) == 1


def test_a_number_far_ahead_is_refused_to_the_unknown_too(street):
    assert street.refuses(BO, "member.join", sequence=33, **join(street, BO)) == ("sequence_gap", "sequence")


def test_a_node_may_do_nothing_but_propose_clearings(street):
    assert street.refuses(NODE, "transfer", to=ADA.address, amount=1) == ("not_allowed", "kind")
    fields = {"limit": 1, "member": ADA.address}
    assert street.refuses(NODE, "credit.set", **fields) == ("not_allowed", "kind")
