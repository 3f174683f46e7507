"""New keys for an old address, and networks in which what matters is signed twice."""

import pytest
from msgspec.structs import replace

from energy_ledger.ledger.membership import ROTATE_TAG, proof_of_keys
from energy_ledger.refusals import Refused
from energy_ledger.transactions import TRANSACTION_TAG
from tests.ledger_node.ledger.bourse import Market
from tests.ledger_node.ledger.street import ADA, EUR, FIRST_SLOT, Person, Street, invite_for, person

BO, CY = person("Bo"), person("Cy")
NEW = Person("Bo's next phone")
TWICE = {"kinds": ["key.rotate", "voucher.issue", "policy.set"], "transfer_above": 50}
ADA2, BO2, CY2 = (person(name, hybrid=True) for name in ("Ada", "Bo", "Cy"))


@pytest.fixture
def street():
    street = Street()
    street.joins("Bo")
    street.joins("Cy")
    street.gets(BO, 100)
    return street


def rotation(who, new, sequence, by=None):
    """Return the fields with which somebody's account gets new keys."""
    message = proof_of_keys(who.account, sequence, new.keys)
    return {
        "keys": new.key_fields,
        "proofs": list((by or new).signatures(ROTATE_TAG, message, len(new.keys))),
    }


def rotates(street, who=BO, new=NEW, by=None):
    sequence = street.ledger.last_sequence(who.address) + 1
    fields = rotation(who, new, sequence)
    street.sequences[who.address] = sequence
    return street.must(who, "key.rotate", by=by, sequence=sequence, **fields)


def pays(street, by, amount=1, who=BO, **more):
    return street.write(who, "transfer", by=by, to=CY.address, amount=amount, **more)


def code(street, transaction, verified=()):
    (result,) = street.commit([transaction], verified).results
    return result.code


def test_an_account_has_new_keys_and_the_same_address(street):
    rotates(street)
    assert street.row("accounts", BO.address)["keys"] == NEW.key_fields
    assert street.events("key.rotated") == [{"account": BO.address, "keys": NEW.key_fields}]
    assert code(street, pays(street, NEW)) is None
    assert street.account(CY).balance == 1


def test_old_keys_are_dead_from_the_next_transaction_on(street):
    last = street.ledger.last_sequence(BO.address)
    rotate = street.write(BO, "key.rotate", sequence=last + 1, **rotation(BO, NEW, last + 1))
    old, new = (pays(street, by, sequence=last + 2) for by in (BO, NEW))
    results = street.commit([rotate, old, new]).results
    assert [one.code for one in results] == [None, "bad_signature", None]


def test_a_signature_that_was_checked_under_old_keys_does_not_outlive_them(street):
    """A node checks signatures when they come in; in the same commit, before them, the keys may change."""
    last = street.ledger.last_sequence(BO.address)
    rotate = street.write(BO, "key.rotate", sequence=last + 1, **rotation(BO, NEW, last + 1))
    old = pays(street, BO, sequence=last + 2)
    results = street.commit([rotate, old], verified=[rotate.id, old.id]).results
    assert [one.code for one in results] == [None, "bad_signature"]
    assert street.account(CY).balance == 0


def test_a_thief_with_the_old_phrase_can_neither_act_nor_join_again(street):
    rotates(street)
    join = {"keys": BO.key_fields, "name": "Bo"} | invite_for(
        street.genesis, BO, key=Person("another invite key")
    )
    assert code(street, street.write(BO, "member.join", **join)) == "bad_signature"
    back = street.ledger.last_sequence(BO.address) + 1
    stolen = street.write(BO, "key.rotate", sequence=back, **rotation(BO, BO, back))
    assert code(street, stolen) == "bad_signature"


def test_every_new_key_proves_itself_for_this_account_and_number(street):
    sequence = street.ledger.last_sequence(BO.address) + 1
    for wrong in (
        rotation(BO, NEW, sequence + 1),
        rotation(CY, NEW, sequence),
        rotation(BO, NEW, sequence, by=CY),
        rotation(BO, NEW, sequence) | {"keys": CY.key_fields},
    ):
        assert code(street, street.write(BO, "key.rotate", sequence=sequence, **wrong)) == "bad_signature"
        sequence += 1
    again = rotation(BO, BO, sequence)
    assert street.refuses(BO, "key.rotate", sequence=sequence, **again) == ("bad_value", "keys")


def test_a_founders_invites_are_by_its_present_key(street):
    fields = {"keys": NEW.key_fields, "name": "New"}
    old = invite_for(street.genesis, NEW)
    rotates(street, who=ADA, new=Person("Ada's next phone"))
    refused = street.refuses(NEW, "member.join", **fields, **old)
    assert refused == ("invite_invalid", "invite_signature")
    fresh = invite_for(street.genesis, NEW, signer=Person("Ada's next phone"))
    street.must(NEW, "member.join", sequence=1, **fields, **fresh)


def test_an_invite_of_a_founder_who_cannot_act_is_void(street):
    street.must(ADA, "member.role", member=CY.address, role="founder", granted=True)
    street.must(ADA, "member.suspend", member=CY.address, suspended=True, reason="asked for it")
    invite = invite_for(street.genesis, NEW, inviter=CY.address, signer=CY)
    join = {"keys": NEW.key_fields, "name": "New"} | invite
    assert street.refuses(NEW, "member.join", **join) == ("invite_invalid", "invite")


# --- hybrid networks --------------------------------------------------------------------------------------


@pytest.fixture
def twice():
    street = Street(founder=ADA2, hybrid=TWICE)
    street.sequences.clear()
    for who in (BO2, CY2):
        join = {"keys": who.key_fields, "name": who.name} | invite_for(street.genesis, who)
        street.must(who, "member.join", **join)
    street.must(ADA2, "voucher.issue", to=BO2.address, amount=EUR, reference="cash")
    return street


def signed(street, who, number, kind, **fields):
    """Return a transaction with so many of its sender's signatures."""
    transaction = street.write(who, kind, **fields)
    return replace(
        transaction,
        signatures=tuple(map(bytes.fromhex, who.signatures(TRANSACTION_TAG, transaction.body, number))),
    )


@pytest.mark.parametrize(
    ("kind", "fields", "needed"),
    [
        ("transfer", {"amount": 50}, 1),
        ("transfer", {"amount": 51}, 2),
        ("voucher.redeem", {"amount": 51, "reference": "AT61"}, 1),
    ],
)
def test_what_must_be_signed_twice_is_and_all_else_once(twice, kind, fields, needed):
    to = {"to": CY2.address} if kind == "transfer" else {}
    answers = [code(twice, signed(twice, BO2, number, kind, **to, **fields)) for number in (1, 2)]
    assert answers[needed - 1] is None
    assert answers[2 - needed] == "bad_signature"


def test_both_signatures_must_hold(twice):
    good = twice.write(BO2, "transfer", to=CY2.address, amount=51)
    first, second = good.signatures
    for bad in ((first, bytes(len(second))), (bytes(64), second), (second, first)):
        assert code(twice, replace(good, signatures=bad)) == "bad_signature"
    assert code(twice, good) is None


def test_one_signature_known_to_be_good_is_not_enough_where_two_must_be(twice):
    """What a node checked under fewer keys than must sign by now counts for nothing."""
    once = signed(twice, BO2, 1, "transfer", to=CY2.address, amount=51)
    outcome = twice.ledger.apply(twice.ledger.commit + 1, twice.time, [once], {once.id: BO2.keys[:1]})
    assert outcome.results[0].code == "bad_signature"


def test_nobody_joins_or_rotates_without_a_second_key(twice):
    eve = person("Eve")
    join = {"keys": eve.key_fields, "name": "Eve"} | invite_for(twice.genesis, eve)
    assert twice.refuses(eve, "member.join", **join) == ("needs_hybrid", "keys")
    sequence = twice.ledger.last_sequence(BO2.address) + 1
    fields = rotation(BO2, NEW, sequence)
    assert twice.refuses(BO2, "key.rotate", sequence=sequence, **fields) == ("needs_hybrid", "keys")
    new = Person("Bo's next phone", hybrid=True)
    rotates(twice, who=BO2, new=new)
    assert twice.account(BO2).keys == new.keys


def test_who_joins_shows_that_both_keys_are_theirs(twice):
    eve = person("Eve", hybrid=True)
    join = {"keys": eve.key_fields, "name": "Eve"} | invite_for(twice.genesis, eve)
    assert code(twice, signed(twice, eve, 1, "member.join", **join)) == "bad_signature"
    assert code(twice, signed(twice, eve, 2, "member.join", sequence=1, **join)) is None


def test_in_a_network_that_is_not_hybrid_every_key_of_an_account_signs(street):
    two = person("Di", hybrid=True)
    join = {"keys": two.key_fields, "name": "Di"} | invite_for(street.genesis, two)
    street.must(two, "member.join", **join)
    pay = {"to": CY.address, "amount": 1}
    street.gets(two, 5)
    assert code(street, signed(street, two, 1, "transfer", **pay)) == "bad_signature"
    assert code(street, signed(street, two, 2, "transfer", **pay)) is None


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"hybrid": {"kinds": ["transfer.twice"], "transfer_above": None}}, ("bad_value", "hybrid.kinds[0]")),
        ({"hybrid": {"kinds": ["committee.vote"], "transfer_above": 1}}, ("bad_value", "hybrid.kinds[0]")),
        ({"hybrid": {"kinds": ["transfer"] * 2, "transfer_above": 1}}, ("bad_value", "hybrid.kinds[1]")),
        ({"hybrid": {"kinds": [], "transfer_above": -1}}, ("bad_value", "hybrid.transfer_above")),
        ({"hybrid": {"kinds": []}}, ("missing_field", "hybrid.transfer_above")),
        ({"hybrid": None}, ("wrong_type", "hybrid")),
        ({"hybrid": TWICE, "founder": ADA}, ("needs_hybrid", "founder.keys")),
    ],
)
def test_a_genesis_says_well_what_is_signed_twice(changes, refusal):
    with pytest.raises(Refused) as refused:
        Street(**{"founder": ADA2} | changes)
    assert (refused.value.code, refused.value.field) == refusal


# --- a network decides anew -------------------------------------------------------------------------------


def sets(street, **changes):
    return street.must(ADA, "policy.set", **changes)


def test_new_members_wait_from_the_moment_the_policy_says_so(street):
    sets(street, approval="manual")
    street.joins("Di")
    assert street.account(person("Di")).status == "pending"
    (told,) = street.events("policy.set")
    assert (told["approval"], told["hybrid"]) == ("manual", None)
    assert told["quota"] == {"work_per_s": 10_000, "burst": 20_000_000}


def test_a_new_quota_counts_at_once(street):
    sets(street, quota={"work_per_s": 1, "burst": 2_000_000})
    assert code(street, pays(street, BO)) is None
    street.state.work.put(replace(street.state.work[BO.address], drawn=2_000_000_000))
    assert code(street, pays(street, BO)) == "over_quota"


def test_a_network_becomes_hybrid_when_everybody_has_a_second_key(street):
    hybrid = {"kinds": ["policy.set"], "transfer_above": None}
    assert street.refuses(ADA, "policy.set", hybrid=hybrid) == ("needs_hybrid", "hybrid")
    unknown = {"kinds": ["teleport"], "transfer_above": None}
    assert street.refuses(ADA, "policy.set", hybrid=unknown) == ("bad_value", "hybrid.kinds[0]")
    for who in (ADA, BO, CY):
        rotates(street, who=who, new=Person(who.name, hybrid=True))
    street.must(ADA, "policy.set", by=ADA2, hybrid=hybrid)
    assert street.ledger.policy.hybrid is not None
    lone = street.write(ADA, "policy.set", by=ADA2, approval="manual")
    assert len(lone.signatures) == 2
    assert code(street, lone) is None
    assert code(street, pays(street, BO)) is None  # signed once, by the same Ed25519 key as ever


def test_somebody_who_waits_without_a_second_key_is_not_let_in_any_more():
    street = Street(approval="manual")
    street.joins("Bo")
    street.must(ADA, "member.approve", member=BO.address)
    street.joins("Cy")
    for who in (ADA, BO):
        rotates(street, who=who, new=Person(who.name, hybrid=True))
    hybrid = {"kinds": [], "transfer_above": None}
    refused = street.write(ADA, "policy.set", by=ADA2, hybrid=hybrid)
    assert code(street, refused) == "needs_hybrid"  # Cy waits, and is counted


# --- tariffs ----------------------------------------------------------------------------------------------

LATER = {"price_floor": 1, "price_cap": 2, "grid_fee": 3}


def test_a_tariff_is_set_beyond_what_can_be_traded_and_holds_from_there(street):
    first = street.state.timing.first_open_slot(street.time) + street.genesis.rules.horizon_slots
    fields = {"from_slot": first - 1, "tariff": LATER}
    assert street.refuses(ADA, "tariff.set", **fields) == ("slot_closed", "from_slot")
    assert street.refuses(BO, "tariff.set", **fields) == ("not_allowed", "kind")
    done = street.must(ADA, "tariff.set", from_slot=first, tariff=LATER)
    fees = [street.ledger.tariffs.of(slot).grid_fee for slot in (0, first - 1, first, first + 10**6)]
    assert fees == [5_000, 5_000, 3, 3]
    assert street.events("tariff.set") == [{"from_slot": first, "tariff": LATER, "transaction": done}]


def test_of_several_tariffs_each_holds_until_the_next_and_the_last_word_counts(street):
    first = street.state.timing.first_open_slot(street.time) + street.genesis.rules.horizon_slots
    for ahead, fee in ((10, 10), (0, 20), (10, 30)):
        street.must(ADA, "tariff.set", from_slot=first + ahead, tariff=LATER | {"grid_fee": fee})
    fees = [street.ledger.tariffs.of(first + ahead).grid_fee for ahead in (-1, 0, 9, 10)]
    assert fees == [5_000, 20, 20, 30]
    again = type(street.ledger).restore(street.genesis, street.ledger.rows())
    assert again.tariffs == street.ledger.tariffs


def test_a_trade_pays_the_fee_and_the_penalties_of_its_own_slots_tariff():
    market = Market(horizon_slots=2)
    slot = market.state.timing.first_open_slot(market.time) + 2
    tariff = {"price_floor": 0, "price_cap": 90_000, "grid_fee": 7}
    market.must(ADA, "tariff.set", from_slot=slot, tariff=tariff)
    market.time = slot * 100_000 - 100_000
    market.sells(80_000, {slot - FIRST_SLOT: 10})
    market.buys(95_000, {slot - FIRST_SLOT: 10})
    market.time += 50_000
    market.commit()
    assert market.ledger.open_book()[1].tariff.grid_fee[-1] == 7
    market.clears()
    market.time = (slot + 1) * 100_000
    market.reads(BO, market.roof, slot, exported_wh=0)
    market.reads(CY, market.house, slot, imported_wh=10)
    (trade,) = market.events("trade.settled")
    assert trade["fee"] == 7
    assert trade["seller_penalty"] == 10 * (90_000 - trade["buyer_price"]) > 0
