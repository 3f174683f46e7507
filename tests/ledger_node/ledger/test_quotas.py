"""An account that sends more than its share is refused, by every node alike, and its neighbours are not."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.ledger.machine import Ledger
from energy_ledger.refusals import Refused
from energy_ledger.transactions import SIGNATURE_WORK
from tests.ledger_node.ledger.street import ADA, START, Street, make_genesis

QUOTA = {"work_per_s": 1_000, "burst": 2_000_000}
MEMO = "x" * 140


def street_with(bo_has=1_000_000):
    street = Street(quota=QUOTA)
    bo = street.joins("Bo")
    street.gets(bo, bo_has)
    return street, bo


def drain(street, who):
    """Let somebody send until the bucket is empty; return how many transfers were applied."""
    applied = 0
    while True:
        many = [street.write(who, "transfer", to=ADA.address, amount=1, memo=MEMO) for _ in range(30)]
        codes = [result.code for result in street.commit(many).results]
        applied += codes.count(None)
        if codes[-1] is not None:
            assert set(codes) <= {None, "over_quota"}
            assert sorted(codes, key=bool) == codes
            return applied


def test_work_is_bytes_and_signatures():
    street, bo = street_with()
    transaction = street.write(bo, "transfer", to=ADA.address, amount=1)
    assert transaction.work == len(transaction.body) + 64 + SIGNATURE_WORK


def test_a_burst_is_taken_until_the_bucket_is_empty_and_then_as_fast_as_it_fills():
    street, bo = street_with()
    each = street.write(bo, "transfer", to=ADA.address, amount=1, memo=MEMO).work
    applied = drain(street, bo)
    assert QUOTA["burst"] // (each + 2) - 1 <= applied <= QUOTA["burst"] // (each - 2)
    street.at(10 * each / QUOTA["work_per_s"])
    assert 8 <= drain(street, bo) <= 11


def test_over_quota_is_refused_before_and_at_the_commit_and_uses_up_only_the_number():
    street, bo = street_with()
    drain(street, bo)
    assert street.refuses(bo, "transfer", to=ADA.address, amount=1, memo=MEMO) == ("over_quota", None)
    assert street.events("transaction.refused")[-1]["code"] == "over_quota"


def test_who_is_over_quota_hears_in_how_many_seconds_there_is_room():
    street, bo = street_with()
    drain(street, bo)
    more = street.write(bo, "transfer", to=ADA.address, amount=1, memo=MEMO)
    with pytest.raises(Refused) as refused:
        street.ledger.check(more, street.time)
    (wait_s,) = map(int, re.findall(r"in (\d+) s", refused.value.message))
    with pytest.raises(Refused):
        street.ledger.check(more, street.time + (wait_s - 1) * 1000)
    street.ledger.check(more, street.time + wait_s * 1000)


def test_the_flood_of_one_costs_another_nothing():
    street, bo = street_with()
    cy = street.joins("Cy")
    drain(street, bo)
    street.gets(cy, 5)
    street.must(cy, "transfer", to=bo.address, amount=1)
    assert street.account(cy).balance == 4
    assert street.refuses(bo, "transfer", to=cy.address, amount=1, memo=MEMO) == ("over_quota", None)


def test_what_is_on_its_way_counts_when_more_is_submitted():
    street, bo = street_with()
    more = street.write(bo, "transfer", to=ADA.address, amount=1)
    street.ledger.check_waiting(more, START, 0, ahead=QUOTA["burst"] - more.work)
    with pytest.raises(Refused, match="over_quota"):
        street.ledger.check_waiting(more, START, 0, ahead=QUOTA["burst"] - more.work + 1)


def test_a_replayed_transaction_draws_nothing():
    street, bo = street_with()
    once = street.write(bo, "transfer", to=ADA.address, amount=1)
    street.commit([once])
    before = street.state.work[bo.address]
    assert street.commit([once] * 50).results[0].code == "replayed"
    assert street.state.work[bo.address] == before


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 4)), max_size=12))
def test_a_restored_ledger_counts_on_as_if_nothing_had_happened(steps):
    street, bo = street_with()
    seconds = 0
    for wait, count in steps:
        seconds += wait
        street.at(seconds)
        street.commit([street.write(bo, "transfer", to=ADA.address, amount=1) for _ in range(count)])
    again = Ledger.restore(street.genesis, list(street.ledger.rows()))
    more = [street.write(bo, "transfer", to=ADA.address, amount=1, memo=MEMO) for _ in range(30)]
    for _ in range(3):
        outcomes = [ledger.apply(ledger.commit + 1, street.time, more) for ledger in (street.ledger, again)]
        assert outcomes[0] == outcomes[1]


def test_a_genesis_without_a_quota_has_a_generous_one():
    assert make_genesis().rules.quota.burst == 20_000_000
    with pytest.raises(Refused):
        make_genesis(quota={"work_per_s": 0, "burst": 2_000_000})
    with pytest.raises(Refused):
        make_genesis(quota={"work_per_s": 1, "burst": 1_999_999})
