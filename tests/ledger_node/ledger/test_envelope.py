"""Who sent it, to which network, in which place: what must be right before a transaction's kind matters."""

import pytest

from energy_ledger.refusals import Refused
from energy_ledger.transactions import Envelope, read_transaction, sign_payload
from tests.ledger_node.ledger.street import ADA, DAY, START, Street, person

BO = person("Bo")


@pytest.fixture
def street():
    street = Street()
    street.joins("Bo")
    return street


def issue(street, **header):
    return street.write(ADA, "voucher.issue", to=BO.address, amount=1, reference="cash", **header)


def test_a_transaction_of_another_network_is_refused(street):
    assert street.refuses_this(issue(street, network="00" * 32)) == ("wrong_network", "network")


def test_a_transaction_of_an_unknown_account_is_refused(street):
    transaction = street.write(person("Eve"), "transfer", to=BO.address, amount=1)
    assert street.refuses_this(transaction) == ("unknown_account", "account")


def test_a_forged_signature_is_refused_and_uses_up_nothing(street):
    good = issue(street)
    for signatures in [("00" * 64,), (good.signatures[0].hex(),) * 2]:
        forged = read_transaction(Envelope(good.body.decode(), signatures))
        root = street.ledger.root
        assert street.refuses_this(forged) == ("bad_signature", None)
        assert street.ledger.root == root
    assert street.commit([good]).results[0].state == "applied"


def test_a_signature_that_was_checked_before_is_not_checked_again(street):
    good = issue(street)
    unsigned = read_transaction(Envelope(good.body.decode(), ("00" * 64,)))
    assert street.commit([unsigned], verified=[unsigned.id]).results[0].state == "applied"


def test_a_transaction_counts_until_it_expires(street):
    street.at(10)
    good = issue(street, expires=street.time)
    late = issue(street, expires=street.time - 1)
    root = street.ledger.root
    assert street.refuses_this(late) == ("expired", "expires")
    assert street.ledger.root == root
    assert street.commit([good]).results[0].state == "applied"


def test_a_transaction_may_be_meant_for_the_next_24_hours_when_it_is_submitted(street):
    street.ledger.check(issue(street, expires=START + DAY), START)
    with pytest.raises(Refused) as refused:
        street.ledger.check(issue(street, expires=START + DAY + 1), START)
    assert (refused.value.code, refused.value.field) == ("expires_too_late", "expires")


def test_a_check_never_takes_the_time_to_be_before_ledger_time(street):
    street.at(10)
    street.ledger.check(issue(street, expires=street.time + DAY), START)
    with pytest.raises(Refused, match="has passed"):
        street.ledger.check(issue(street, expires=street.time - 1), START)


def test_sequence_numbers_rise_within_a_window_and_a_lost_one_is_skipped(street):
    def result(sequence):
        (result,) = street.commit([issue(street, sequence=sequence)]).results
        return result.code or result.state

    last = street.ledger.last_sequence(ADA.address)
    assert result(last + 33) == "sequence_gap"
    assert result(last + 32) == "applied"
    assert street.ledger.last_sequence(ADA.address) == last + 32
    assert result(last + 31) == "sequence_used"
    assert result(last + 33) == "applied"
    assert issue(street, sequence=last + 34).payload.sequence == last + 34


def test_the_very_same_transaction_again_is_a_replay_and_another_with_its_number_is_not(street):
    first, other = issue(street), issue(street, sequence=street.sequences[ADA.address], expires=START + 5)
    assert street.commit([first, first]).results[0].state == "applied"
    assert street.outcomes[-1].results[1].code == "replayed"
    assert street.refuses_this(first) == ("replayed", None)
    assert street.refuses_this(other) == ("sequence_used", "sequence")
    for _ in range(31):
        street.commit([issue(street)])
    assert street.refuses_this(first) == ("replayed", None)
    street.commit([issue(street)])
    assert street.refuses_this(first) == ("sequence_used", "sequence")


def test_a_transaction_that_fails_a_rule_uses_up_its_number_and_says_so(street):
    last = street.ledger.last_sequence(BO.address)
    assert street.refuses(BO, "transfer", to=ADA.address, amount=1) == ("not_enough_money", "amount")
    assert street.ledger.last_sequence(BO.address) == last + 1
    (event,) = street.outcomes[-1].events
    assert event.type == "transaction.refused"
    assert event.accounts == (BO.address,)
    assert event.transaction == event.data["id"]
    assert event.data["kind"] == "transfer"
    assert (event.data["code"], event.data["field"]) == ("not_enough_money", "amount")


def test_replays_and_forgeries_are_no_news_but_a_number_used_twice_is(street):
    good = issue(street)
    forged = read_transaction(Envelope(good.body.decode(), ("00" * 64,)))
    expired = issue(street, expires=START - 1)
    street.commit([good, good, forged, expired])
    assert [event.type for event in street.outcomes[-1].events] == ["voucher.issued"]
    street.commit([issue(street, sequence=1, expires=START + 5)])
    assert [event.data["code"] for event in street.outcomes[-1].events] == ["sequence_used"]


def test_the_first_thing_that_is_wrong_is_the_answer(street):
    street.at(10)
    good = {
        "network": street.genesis.network,
        "account": BO.address,
        "sequence": 2,
        "expires": START + DAY,
        "kind": "transfer",
        "to": ADA.address,
        "amount": 1,
    }
    wrong = {
        "wrong_network": ("network", "00" * 32),
        "unknown_account": ("account", person("Eve").address),
        "expired": ("expires", START),
        "sequence_gap": ("sequence", 99),
        "not_enough_money": ("amount", 10**15),
    }
    for code in list(wrong):
        transaction = read_transaction(sign_payload(good | dict(wrong.values()), BO.seed))
        with pytest.raises(Refused) as refused:
            street.ledger.check(transaction, street.time)
        assert refused.value.code == code
        del wrong[code]


def test_of_a_transaction_behind_others_only_sender_time_and_number_are_checked(street):
    last = street.ledger.last_sequence(BO.address)
    poor = street.write(BO, "transfer", to=ADA.address, amount=10**15, sequence=last + 3)
    street.ledger.check_waiting(poor, START, last + 2)
    far = street.write(BO, "transfer", to=ADA.address, amount=1, sequence=last + 35)
    street.ledger.check_waiting(far, START, last + 3)
    for last_waiting, code in [(last + 2, "sequence_gap"), (last + 35, "sequence_used")]:
        with pytest.raises(Refused) as refused:
            street.ledger.check_waiting(far, START, last_waiting)
        assert refused.value.code == code


def test_cursors_and_rounds_are_known_from_outside(street):
    assert street.ledger.cursor == len(street.outcomes) == 1
    assert street.ledger.last_round == START // 50_000
    assert street.ledger.genesis is street.genesis


def test_the_root_stays_as_it_is_when_nothing_happens(street):
    root = street.ledger.root
    for seconds in (1, 2, 3):
        outcome = street.at(seconds)
        assert outcome.root == root == street.ledger.root
        assert outcome.events == ()
    assert street.ledger.time == START + 3000


def test_ledger_time_never_goes_back(street):
    street.at(10)
    street.time = START
    street.commit()
    assert street.ledger.time == START + 10_000


def test_keys_and_sequence_of_accounts_are_known_from_outside(street):
    assert street.ledger.keys_of(BO.address) == BO.keys
    assert street.ledger.keys_of(person("Eve").address) is None
    assert street.ledger.last_sequence(BO.address) == 1
    assert street.ledger.last_sequence(person("Eve").address) == 0
