"""Suspension, roles, and the way out: what is open is wound up, and who is gone holds nothing."""

import pytest

from energy_ledger.ledger.machine import Ledger
from tests.ledger_node.ledger.bourse import BO, CY, Market
from tests.ledger_node.ledger.street import ADA, EUR, FIRST_SLOT, NODE, START, Street, invite_for, person

EVE = person("Eve")
WHY = {"reason": "asked for it"}


@pytest.fixture
def street():
    street = Street()
    street.joins("Bo")
    street.joins("Cy")
    return street


@pytest.fixture
def market():
    return Market()


def suspends(street, who, suspended=True):
    return street.must(ADA, "member.suspend", member=who.address, suspended=suspended, **WHY)


def grants(street, who, role, granted=True):
    return street.must(ADA, "member.role", member=who.address, role=role, granted=granted)


def statuses(street, who):
    return [
        (event.type, event.data["status"])
        for outcome in street.outcomes
        for event in outcome.events
        if event.type.startswith("member.") and event.data["account"] == who.address
    ]


# --- suspension -------------------------------------------------------------------------------------------


def test_who_is_suspended_trades_no_more_until_taken_back(street):
    street.gets(BO, EUR)
    home = street.asset(BO)
    order = street.bids(BO, home, 100_000, {5: 10})
    suspends(street, BO)
    assert street.row("orders", order)["state"] == "cancelled"
    assert street.account(BO).held == 0
    assert street.refuses(BO, "transfer", to=CY.address, amount=1) == ("not_active", None)
    assert street.refuses(CY, "transfer", to=BO.address, amount=1) == ("not_active", "to")
    suspends(street, BO, suspended=False)
    street.must(BO, "transfer", to=CY.address, amount=1)
    assert statuses(street, BO) == [
        ("member.joined", "active"),
        ("member.suspended", "suspended"),
        ("member.resumed", "active"),
    ]
    assert street.events("member.suspended")[0]["reason"] == "asked for it"


def test_nobody_is_suspended_twice_or_taken_back_who_was_never_suspended(street):
    fields = {"member": BO.address} | WHY
    unchanged = ("bad_value", "suspended")
    assert street.refuses(ADA, "member.suspend", suspended=False, **fields) == unchanged
    suspends(street, BO)
    assert street.refuses(ADA, "member.suspend", suspended=True, **fields) == unchanged
    nobody = {"member": EVE.address, "suspended": True} | WHY
    assert street.refuses(ADA, "member.suspend", **nobody) == ("unknown_member", "member")
    node = nobody | {"member": NODE.address}
    assert street.refuses(ADA, "member.suspend", **node) == ("unknown_member", "member")


def test_an_order_in_the_book_being_decided_is_cancelled_when_the_round_is_over(market):
    """The round may still fill it: what it fills is a trade like any other and is settled."""
    sale = market.sells(90_000, {1: 40, 2: 40})
    market.buys(200_000, {1: 30})
    waiting = market.sells(90_000, {9: 5})
    market.at(50)
    late = market.sells(95_000, {9: 7})
    suspends(market, BO)
    assert market.order(late)["state"] == "cancelled"  # not in the book
    assert market.order(sale)["state"] == market.order(waiting)["state"] == "open"
    market.clears()
    assert (market.order(sale)["state"], market.order(sale)["filled_wh"]) == ("cancelled", 30)
    assert market.order(waiting)["state"] == "cancelled"
    market.at(200)
    market.reads(CY, market.house, FIRST_SLOT + 1, imported_wh=30)
    market.reads(BO, market.roof, FIRST_SLOT + 1, exported_wh=30)
    (trade,) = market.events("trade.settled")
    assert trade["settled_wh"] == 30
    assert market.account(BO).balance == trade["received"] > 0


def test_an_order_that_is_being_cancelled_already_is_not_cancelled_twice(market):
    sale = market.sells(90_000, {1: 40})
    market.buys(200_000, {1: 30})
    market.at(50)
    market.must(BO, "order.cancel", order=sale)
    suspends(market, BO)
    market.clears()
    assert [order["id"] for order in market.events("order.cancelled")] == [sale]


# --- roles ------------------------------------------------------------------------------------------------


def test_a_role_can_be_given_and_taken_and_counts_at_once(street):
    issue = {"to": BO.address, "amount": 5, "reference": "cash"}
    grants(street, CY, "treasurer")
    street.must(CY, "voucher.issue", **issue)
    grants(street, CY, "treasurer", granted=False)
    assert street.refuses(CY, "voucher.issue", **issue) == ("not_allowed", "kind")
    assert [event["roles"] for event in street.events("member.role")] == [["treasurer"], []]


def test_a_role_is_given_to_active_members_and_only_once(street):
    def tries(who, role="treasurer", granted=True):
        return street.refuses(ADA, "member.role", member=who.address, role=role, granted=granted)

    assert tries(EVE) == tries(NODE) == ("unknown_member", "member")
    assert tries(ADA) == ("bad_value", "granted")
    assert tries(BO, granted=False) == ("bad_value", "granted")
    suspends(street, BO)
    assert tries(BO) == ("not_active", "member")


def test_there_is_always_a_founder_who_can_act(street):
    only = "last_founder"
    take = {"member": ADA.address, "role": "founder", "granted": False}
    suspend = {"member": ADA.address, "suspended": True} | WHY
    assert street.refuses(ADA, "member.role", **take) == (only, "role")
    assert street.refuses(ADA, "member.suspend", **suspend) == (only, "member")
    assert street.refuses(ADA, "member.leave") == (only, "account")
    grants(street, BO, "founder")
    suspends(street, BO)
    assert street.refuses(ADA, "member.leave") == (only, "account")  # Bo is one, but cannot act
    suspends(street, BO, suspended=False)
    street.must(ADA, "member.leave")
    assert street.refuses(BO, "member.leave") == (only, "account")


def test_an_auditor_owns_nothing_and_has_no_other_role(street):
    def tries(who, role="auditor"):
        return street.refuses(ADA, "member.role", member=who.address, role=role, granted=True)

    home = street.asset(BO)
    assert tries(BO) == ("has_assets", "member")
    street.gets(CY, 5)
    assert tries(CY) == ("has_assets", "member")
    assert tries(ADA) == ("not_allowed", "role")
    street.must(BO, "asset.retire", asset=home)
    grants(street, BO, "auditor")
    assert tries(BO, "treasurer") == ("not_allowed", "role")
    assert street.refuses(CY, "transfer", to=BO.address, amount=1) == ("not_allowed", "to")
    assert street.refuses(BO, "transfer", to=CY.address, amount=1) == ("not_allowed", "kind")
    street.must(BO, "member.leave")
    assert street.account(BO).status == "left"


# --- leaving ----------------------------------------------------------------------------------------------


def test_who_has_nothing_open_has_left_with_the_same_commit(street):
    home = street.asset(BO)
    behind = street.asset(BO, behind=home)
    street.must(BO, "member.leave")
    assert statuses(street, BO)[1:] == [("member.leaving", "leaving"), ("member.left", "left")]
    assert [asset["id"] for asset in street.events("asset.retired")] == sorted([home, behind])
    assert street.row("assets", home)["state"] == "retired"
    assert street.ledger.members == 2
    assert street.refuses(BO, "member.leave") == ("not_active", None)
    assert street.refuses(ADA, "voucher.issue", to=BO.address, amount=1, reference="x") == (
        "not_active",
        "to",
    )


def test_who_leaves_can_still_spend_or_redeem_the_money(street):
    street.gets(BO, 5 * EUR)
    street.must(BO, "member.leave")
    street.must(BO, "transfer", to=CY.address, amount=2 * EUR)
    assert street.account(BO).status == "leaving"
    wanted = street.must(BO, "voucher.redeem", amount=3 * EUR, reference="AT61")
    assert street.account(BO).status == "leaving"
    street.must(ADA, "voucher.settle", redemption=wanted, paid=True)
    assert street.account(BO).status == "left"


def test_who_leaves_in_debt_can_be_paid_and_then_goes(street):
    street.must(ADA, "credit.set", member=BO.address, limit=10)
    street.must(BO, "transfer", to=CY.address, amount=7)
    street.must(BO, "member.leave")
    account = street.account(BO)
    assert (account.status, account.credit, account.available) == ("leaving", 0, -7)
    assert street.refuses(ADA, "credit.set", member=BO.address, limit=9) == ("not_active", "member")
    street.must(CY, "transfer", to=BO.address, amount=7)
    assert street.account(BO).status == "left"


def test_trades_are_settled_beyond_any_claim_before_somebody_has_left():
    market = Market(claim_window_s=100)
    sale = market.sells(90_000, {1: 40})
    market.buys(200_000, {1: 40})
    market.at(50)
    market.must(BO, "member.leave")
    assert market.account(BO).status == "leaving"
    market.clears()
    assert market.order(sale)["state"] == "filled"
    market.at(201)
    market.reads(BO, market.roof, FIRST_SLOT + 1, exported_wh=40)
    market.at(300)  # Cy's meter said nothing: Bo is paid the difference to the floor
    assert [trade["state"] for trade in market.events("trade.settled")] == ["settled"]
    assert market.account(BO).status == "leaving"
    market.must(BO, "transfer", to=CY.address, amount=market.account(BO).balance)
    assert market.account(BO).status == "leaving"  # somebody could still claim that a meter was misread
    assert market.ledger.next_due() == START + 400_000
    market.at(400)
    assert market.account(BO).status == "left"
    assert market.row("assets", market.roof)["state"] == "retired"


def test_who_was_suspended_may_leave(street):
    suspends(street, BO)
    street.must(BO, "member.leave")
    assert street.account(BO).status == "left"


def asks_in(street, name):
    """Return how somebody joins with an invite by Bo."""
    joiner = person(name)
    invite = invite_for(street.genesis, joiner, inviter=BO.address, signer=BO)
    return joiner, {"keys": joiner.key_fields, "name": name} | invite


def test_a_founder_who_left_has_no_roles_and_its_invites_are_void(street):
    grants(street, BO, "founder")
    early, fields = asks_in(street, "Early")
    street.must(early, "member.join", **fields)
    late, fields = asks_in(street, "Late")
    suspends(street, BO)
    assert street.refuses(late, "member.join", **fields) == ("invite_invalid", "invite")
    street.must(BO, "member.leave")
    assert street.account(BO).roles == ()
    assert street.refuses(late, "member.join", **fields) == ("invite_invalid", "invite")


def test_leaving_goes_on_after_a_restart(street):
    street.gets(BO, 5)
    street.must(BO, "member.leave")
    again = Ledger.restore(street.genesis, street.ledger.rows())
    last = street.write(BO, "transfer", to=CY.address, amount=5)
    outcomes = [ledger.apply(ledger.commit + 1, street.time, [last]) for ledger in (street.ledger, again)]
    assert outcomes[0] == outcomes[1]
    assert [event.type for event in outcomes[0].events] == ["transfer", "member.left"]


# --- assets -----------------------------------------------------------------------------------------------


def test_a_retired_asset_takes_no_part_any_more(street):
    street.gets(BO, EUR)
    home = street.asset(BO)
    heater = street.asset(BO, behind=home)
    assert street.refuses(BO, "asset.retire", asset=home) == ("has_assets", "asset")
    street.must(BO, "asset.retire", asset=heater)
    street.must(BO, "asset.retire", asset=home)
    gone = ("asset_retired", "asset")
    terms = {"type": "fixed", "price": 1, "slots": {str(FIRST_SLOT + 5): 1}}
    assert street.refuses(BO, "order.place", asset=home, order=terms) == gone
    assert street.refuses(BO, "asset.update", asset=home, name="again") == gone
    assert street.refuses(BO, "asset.retire", asset=home) == gone
    window = {"earliest": FIRST_SLOT + 2, "deadline": FIRST_SLOT + 4, "max_wh_per_slot": 5, "energy_wh": 5}
    assert street.refuses(BO, "flexibility.announce", asset=home, direction="consume", **window) == gone
    fields = {"asset": home, "slot": FIRST_SLOT - 1, "imported_wh": 0, "exported_wh": 0}
    assert street.refuses(BO, "reading.attest", commitment="c0" * 32, **fields) == gone
    behind = {
        "asset_type": "home", "name": "x", "rated_import_w": 1, "rated_export_w": 0, "behind": home,
        "feeder": "", "source": None,
    }  # fmt: skip
    assert street.refuses(BO, "asset.register", **behind) == ("asset_retired", "behind")


def test_an_asset_with_open_orders_or_unsettled_trades_is_not_retired(market):
    busy = ("has_open_orders", "asset")
    sale = market.sells(90_000, {1: 40})
    assert market.refuses(BO, "asset.retire", asset=market.roof) == busy
    market.buys(200_000, {1: 40})
    market.at(50)
    market.clears()
    assert market.order(sale)["state"] == "filled"
    assert market.refuses(BO, "asset.retire", asset=market.roof) == busy
    market.at(300)
    market.must(BO, "asset.retire", asset=market.roof)
