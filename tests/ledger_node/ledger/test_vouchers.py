"""Vouchers back into real money: held while it is asked for, burnt when paid, given back otherwise."""

import pytest

from energy_ledger.ledger.machine import Ledger
from tests.ledger_node.ledger.street import ADA, DAY, EUR, START, Street, person

BO, CY = person("Bo"), person("Cy")


@pytest.fixture
def street():
    street = Street()
    street.joins("Bo")
    street.joins("Cy")
    street.gets(BO, 5 * EUR)
    return street


def redeems(street, amount=3 * EUR, who=BO):
    return street.must(who, "voucher.redeem", amount=amount, reference="AT61 1904 3002 3457 3201")


def settles(street, redemption, paid=True, **more):
    return street.must(ADA, "voucher.settle", redemption=redemption, paid=paid, **more)


def test_what_a_member_wants_redeemed_is_held_until_the_treasurer_answers(street):
    wanted = redeems(street)
    assert (street.account(BO).balance, street.account(BO).available) == (5 * EUR, 2 * EUR)
    row = street.row("redemptions", wanted)
    assert row == {
        "id": wanted, "account": BO.address, "amount": 3 * EUR, "reference": "AT61 1904 3002 3457 3201",
        "state": "requested", "note": None, "requested": START, "settled": None,
    }  # fmt: skip
    assert street.events("voucher.requested") == [row]


def test_what_is_paid_out_is_burnt(street):
    wanted = redeems(street)
    street.at(60)
    settles(street, wanted, note="wired")
    assert (street.account(BO).balance, street.account(BO).held) == (2 * EUR, 0)
    assert street.ledger.money.issued == street.ledger.money.balances == 2 * EUR
    paid = street.events("voucher.paid")
    assert paid == [street.row("redemptions", wanted)]
    assert (paid[0]["state"], paid[0]["note"], paid[0]["settled"]) == ("paid", "wired", START + 60_000)
    assert street.outcomes[-1].events[0].accounts == (BO.address, ADA.address)


def test_what_is_not_paid_out_is_the_members_again(street):
    settles(street, redeems(street), paid=False)
    assert street.account(BO).available == street.ledger.money.issued == 5 * EUR
    assert [row["state"] for row in street.events("voucher.returned")] == ["returned"]


def test_credit_cannot_be_turned_into_real_money_nor_what_is_held(street):
    street.must(ADA, "credit.set", member=BO.address, limit=EUR)
    too_much = {"amount": 5 * EUR + 1, "reference": "x"}
    assert street.refuses(BO, "voucher.redeem", **too_much) == ("not_enough_money", "amount")
    redeems(street, 5 * EUR)
    assert street.refuses(BO, "voucher.redeem", amount=1, reference="x") == ("not_enough_money", "amount")
    assert street.refuses(CY, "voucher.redeem", amount=1, reference="x") == ("not_enough_money", "amount")


def test_a_redemption_is_settled_once_and_by_a_treasurer_alone(street):
    wanted = redeems(street)
    fields = {"redemption": wanted, "paid": False}
    assert street.refuses(BO, "voucher.settle", **fields) == ("not_allowed", "kind")
    settles(street, wanted)
    assert street.refuses(ADA, "voucher.settle", **fields) == ("redemption_closed", "redemption")
    unknown = fields | {"redemption": "ab" * 32}
    assert street.refuses(ADA, "voucher.settle", **unknown) == ("unknown_redemption", "redemption")


def test_a_settled_redemption_is_remembered_for_a_day_and_kept_on_the_disk(street):
    wanted, late = redeems(street), redeems(street, 1)
    settles(street, wanted)
    fields = {"redemption": wanted, "paid": False}
    street.time = START + DAY - 1
    assert street.refuses(ADA, "voucher.settle", **fields) == ("redemption_closed", "redemption")
    street.time = START + DAY
    street.commit()
    assert street.refuses(ADA, "voucher.settle", **fields) == ("unknown_redemption", "redemption")
    assert street.row("redemptions", wanted)["state"] == "paid"
    settles(street, late)


def test_who_fell_into_debt_while_waiting_owes_what_was_paid_out(street):
    """The real money is gone when the treasurer says so; the ledger does not pretend otherwise."""
    wanted = redeems(street, 5 * EUR)
    street.state.change_money(BO.address, balance=-EUR)
    street.state.change_money(CY.address, balance=EUR)
    settles(street, wanted)
    assert street.account(BO).balance == -EUR
    assert street.ledger.money.issued == street.ledger.money.balances == 0


def test_open_redemptions_outlive_a_restart(street):
    wanted = redeems(street)
    again = Ledger.restore(street.genesis, street.ledger.rows())
    assert again.root == street.ledger.root
    payout = street.write(ADA, "voucher.settle", redemption=wanted, paid=True)
    outcomes = [ledger.apply(ledger.commit + 1, START, [payout]) for ledger in (street.ledger, again)]
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].results[0].state == "applied"


def test_the_community_fund_pays_what_it_has_and_not_more(street):
    street.state.change_money(BO.address, balance=-7)
    street.state.count(community=7)
    fields = {"to": CY.address, "reference": "the new street lamp"}
    assert street.refuses(ADA, "community.pay", amount=8, **fields) == ("not_enough_money", "amount")
    assert street.refuses(BO, "community.pay", amount=7, **fields) == ("not_allowed", "kind")
    street.must(ADA, "community.pay", amount=7, **fields)
    assert street.account(CY).balance == 7
    assert street.ledger.money.community == 0
    assert street.ledger.money.issued == street.ledger.money.balances == 5 * EUR
    assert street.events("community.paid") == [{"from": ADA.address, "amount": 7} | fields]
