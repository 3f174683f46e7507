"""Claims: a reading that came late or was wrong is put right, and everything that followed from it."""

import pytest
from msgspec.structs import replace

from tests.ledger_node.ledger.delivery import (
    BO,
    CAP,
    CY,
    FEE,
    FINAL,
    FLOOR,
    GRACE_OVER,
    PRICE,
    SLOT,
    Delivery,
    claim,
)  # fmt: skip
from tests.ledger_node.ledger.street import ADA, EUR, START

WEEK = 7 * 86_400


@pytest.fixture
def street():
    return Delivery()


def test_a_late_reading_is_paid_as_if_it_had_come_in_time(street):
    street.settles(imported_wh=10)
    assert street.trade()["seller_penalty"] == 10 * (CAP - PRICE)
    name = street.claims(BO, street.roof, exported_wh=10, commitment="ab" * 32)
    assert street.types() == ["claim.opened", "trade.disputed"]
    assert street.row("trades", street.trade()["id"])["state"] == "disputed"
    street.decides(name, note="so it was")
    assert street.types()[:2] == ["claim.decided", "trade.reviewed"]
    assert street.trade()["before"]["seller_penalty"] == 10 * (CAP - PRICE)
    trade = street.trade()
    assert (trade["state"], trade["settled_wh"], trade["seller_penalty"]) == ("settled", 10, 0)
    assert street.gains() == (10 * PRICE, -10 * (PRICE + FEE), 10 * FEE)
    reading = street.row("readings", f"{street.roof}/{SLOT}")
    assert (reading["exported_wh"], reading["claim"], reading["commitment"]) == (10, name, "ab" * 32)


def test_a_counterparty_may_say_what_the_others_meter_showed_and_take_back_too_much(street):
    street.settles(10, 10)
    name = street.claims(CY, street.roof, exported_wh=4)
    assert street.events("claim.opened")[0]["owner"] == BO.address
    street.decides(name)
    penalty = 6 * (CAP - PRICE)
    assert street.gains() == (4 * PRICE - penalty, penalty - 4 * (PRICE + FEE), 4 * FEE)
    reading = street.row("readings", f"{street.roof}/{SLOT}")
    assert (reading["exported_wh"], reading["quality"]) == (4, "measured")


def test_a_correction_may_take_a_balance_below_zero(street):
    street.settles(10, 10)
    street.must(BO, "transfer", to=ADA.address, amount=10 * PRICE)
    street.decides(street.claims(CY, street.roof, exported_wh=0))
    assert street.account(BO).balance < 0
    money = street.ledger.money
    assert money.balances + money.community == money.issued


@pytest.mark.parametrize("how", ["rejected", "lapsed"])
def test_a_rejected_claim_changes_nothing_but_the_history(street, how):
    street.settles(10, 10)
    trade = street.trade()["id"]
    before = street.gains(), street.row("trades", trade)
    name = street.claims(CY, street.roof, exported_wh=4)
    if how == "rejected":
        street.decides(name, upheld=False)
    else:
        assert street.ledger.next_due() == START + (GRACE_OVER + WEEK) * 1000
        street.at(GRACE_OVER + WEEK - 0.001)
        assert street.events("claim.decided") == []
        street.at(GRACE_OVER + WEEK)
    decided = street.events("claim.decided")[0]
    assert (decided["state"], decided["decided_by"]) == (
        "rejected",
        ADA.address if how == "rejected" else None,
    )
    assert (street.gains(), street.row("trades", trade)) == before


def test_claims_are_taken_from_the_end_of_the_grace_until_the_window_is_over(street):
    street.ends()
    street.exports(4)
    fields = claim(street.roof, exported_wh=9)
    street.at(GRACE_OVER - 0.001)
    assert street.refuses(BO, "claim.open", **fields) == ("slot_not_over", "slot")
    street.at(FINAL)
    assert street.refuses(BO, "claim.open", **fields) == ("too_late", "slot")


def test_only_owner_and_counterparties_may_claim_and_only_about_connection_points(street):
    di = street.joins("Di")
    car = street.asset(CY, behind=street.house)
    street.settles(10, 10)
    assert street.refuses(di, "claim.open", **claim(street.roof)) == ("not_allowed", "asset")
    assert street.refuses(CY, "claim.open", **claim(car)) == ("not_a_connection_point", "asset")
    assert street.refuses(CY, "claim.open", **claim("00" * 32)) == ("unknown_asset", "asset")
    idle = claim(street.asset(BO), exported_wh=1)
    assert street.refuses(BO, "claim.open", **idle) == ("bad_value", "slot")


def test_a_claim_says_something_new_and_is_one_per_member(street):
    street.settles(10, 10)
    assert street.refuses(CY, "claim.open", **claim(street.roof, exported_wh=10)) == (
        "bad_value",
        "imported_wh",
    )
    street.claims(CY, street.roof, exported_wh=4)
    assert street.refuses(CY, "claim.open", **claim(street.roof, exported_wh=5)) == ("claim_exists", "slot")
    street.claims(BO, street.roof, exported_wh=9)


def test_a_trade_stays_disputed_until_no_claim_about_its_meters_is_open(street):
    street.settles(10, 10)
    first = street.claims(CY, street.roof, exported_wh=4)
    second = street.claims(BO, street.house, imported_wh=3)
    street.decides(first)
    assert street.types()[1] == "trade.reviewed"
    assert street.trade()["state"] == "disputed"
    assert street.row("trades", street.trade()["id"])["settled_wh"] == 4
    street.decides(second, upheld=False)
    assert street.trade()["settled_wh"] == 4
    assert street.refuses(ADA, "claim.decide", claim=second, upheld=True) == ("unknown_claim", "claim")


def test_a_founder_decides_and_about_his_own_claim_only_when_he_is_the_only_one():
    street = Delivery()
    street.settles(10, 10)
    name = street.claims(CY, street.roof, exported_wh=4)
    assert street.refuses(BO, "claim.decide", claim=name, upheld=True) == ("not_allowed", "kind")
    founders = replace(street.account(CY), roles=("founder",))
    street.state.accounts.put(founders)
    assert street.refuses(CY, "claim.decide", claim=name, upheld=True) == ("not_allowed", "claim")
    street.decides(name)


def test_the_only_founder_decides_about_his_own_claim():
    street = Delivery()
    ada_home = street.asset(ADA)
    street.gets(ADA, EUR)
    street.offers(BO, street.roof, 90_000, {4: 10})
    street.bids(ADA, ada_home, 200_000, {4: 10})
    street.at(100)
    street.clears()
    street.at(700)
    name = street.must(ADA, "claim.open", **claim(ada_home, imported_wh=10, slot=SLOT + 1))
    street.decides(name)
    assert street.row("claims", name)["state"] == "upheld"


def test_an_open_claim_keeps_its_slot_from_becoming_final(street):
    street.settles(10, 10)
    street.at(FINAL - 1)
    name = street.claims(CY, street.roof, exported_wh=4)
    street.at(FINAL + 1)
    assert street.state.trades.get(street.trade()["id"]) is not None
    street.decides(name)
    assert street.trade()["settled_wh"] == 4
    street.at(FINAL + 2)
    assert not list(street.state.trades.values())
    assert not list(street.state.readings.values())


def test_a_reason_and_a_note_can_be_shown(street):
    street.settles(10, 10)
    for reason in ("", "two\nlines", "x" * 141):
        with pytest.raises(Exception, match="bad_value"):
            street.write(CY, "claim.open", **claim(street.roof) | {"reason": reason})
    with pytest.raises(Exception, match="bad_value"):
        street.write(ADA, "claim.decide", claim="00" * 32, upheld=True, note="two\nlines")


def test_penalties_of_a_corrected_slot_follow_its_tariff(street):
    street.settles(10, 10)
    street.decides(street.claims(BO, street.house, imported_wh=2))
    trade = street.trade()
    assert (trade["settled_wh"], trade["buyer_penalty"]) == (2, 8 * (PRICE - FLOOR))
