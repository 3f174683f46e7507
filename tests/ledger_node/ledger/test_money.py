"""Vouchers, credit and transfers: money appears when it is issued, and never otherwise."""

import pytest

from energy_ledger.units import MAX_MONEY
from tests.ledger_node.ledger.street import ADA, EUR, NODE, Street, person

BO, CY, EVE = person("Bo"), person("Cy"), person("Eve")


@pytest.fixture
def street():
    street = Street()
    street.joins("Bo")
    street.joins("Cy")
    return street


def test_a_voucher_is_money_of_its_recipient(street):
    street.gets(BO, 5 * EUR)
    assert street.account(BO).balance == street.account(BO).available == 5 * EUR
    assert street.ledger.money.issued == street.ledger.money.balances == 5 * EUR
    issued = {"from": ADA.address, "to": BO.address, "amount": 5 * EUR, "reference": "cash"}
    assert street.events("voucher.issued") == [issued]
    assert street.outcomes[-1].events[0].accounts == (ADA.address, BO.address)


def test_only_the_treasurer_issues_vouchers_and_grants_credit(street):
    fields = {"to": BO.address, "amount": 1, "reference": "self-made"}
    assert street.refuses(BO, "voucher.issue", **fields) == ("not_allowed", "kind")
    assert street.refuses(BO, "credit.set", member=BO.address, limit=1) == ("not_allowed", "kind")


def test_money_goes_to_members_only(street):
    for stranger in (EVE, NODE):
        unknown = ("unknown_member", "to")
        fields = {"to": stranger.address, "amount": 1}
        assert street.refuses(ADA, "voucher.issue", reference="x", **fields) == unknown
        assert street.refuses(BO, "transfer", **fields) == unknown
        fields = {"member": stranger.address, "limit": 1}
        assert street.refuses(ADA, "credit.set", **fields) == ("unknown_member", "member")


def test_no_more_money_is_issued_than_numbers_can_hold(street):
    street.gets(BO, MAX_MONEY - 1)
    street.gets(BO, 1)
    fields = {"to": BO.address, "amount": 1, "reference": "one too many"}
    assert street.refuses(ADA, "voucher.issue", **fields) == ("bad_value", "amount")
    street.must(ADA, "credit.set", member=BO.address, limit=MAX_MONEY)
    assert street.row("accounts", BO.address)["available"] == 2 * MAX_MONEY < 2**63


def test_a_transfer_moves_what_is_available_and_not_more(street):
    street.gets(BO, 10)
    assert street.refuses(BO, "transfer", to=CY.address, amount=11) == ("not_enough_money", "amount")
    street.must(BO, "transfer", to=CY.address, amount=10, memo="für den Kuchen")
    assert (street.account(BO).balance, street.account(CY).balance) == (0, 10)
    moved = {"from": BO.address, "to": CY.address, "amount": 10, "memo": "für den Kuchen"}
    assert street.events("transfer") == [moved]
    street.must(CY, "transfer", to=BO.address, amount=1)
    assert street.events("transfer")[-1]["memo"] is None


def test_credit_is_available_and_can_be_taken_back_below_what_is_owed(street):
    street.must(ADA, "credit.set", member=BO.address, limit=7)
    assert street.events("credit.set") == [{"from": ADA.address, "member": BO.address, "limit": 7}]
    street.must(BO, "transfer", to=CY.address, amount=7)
    assert street.account(BO).balance == -7
    street.must(ADA, "credit.set", member=BO.address, limit=0)
    assert street.account(BO).available == -7
    assert street.ledger.money.balances == street.ledger.money.issued == 0


def test_money_held_for_a_bid_cannot_be_given_away(street):
    street.gets(BO, 100_000)
    home = street.asset(BO)
    street.bids(BO, home, 6_000, {5: 10})
    assert street.account(BO).held == 60_000
    assert street.refuses(BO, "transfer", to=CY.address, amount=40_001) == ("not_enough_money", "amount")
    street.must(BO, "transfer", to=CY.address, amount=40_000)
