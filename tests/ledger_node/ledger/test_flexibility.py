"""Announcements of flexibility: checked as a flexible order would be, and kept until their deadline."""

import pytest

from energy_ledger.ledger.machine import Ledger
from tests.ledger_node.ledger.street import ADA, FIRST_SLOT, START, Street, person

BO = person("Bo")


@pytest.fixture
def street():
    street = Street()
    street.joins("Bo")
    street.home = street.asset(BO)
    return street


def fields(street, earliest=2, deadline=4, **more):
    return {
        "asset": street.home, "direction": "consume", "energy_wh": 150, "max_wh_per_slot": 100,
        "earliest": FIRST_SLOT + earliest, "deadline": FIRST_SLOT + deadline,
    } | more  # fmt: skip


def announces(street, *window, **more):
    return street.must(BO, "flexibility.announce", **fields(street, *window, **more))


def test_an_announcement_is_told_and_kept_until_its_deadline(street):
    told = announces(street, note="the car")
    row = street.row("flexibility", told)
    assert row == fields(street) | {"id": told, "account": BO.address, "note": "the car", "announced": START}
    assert street.events("flexibility.announced") == [row]
    assert street.ledger.next_due() == START + 400_000
    street.at(399)
    assert told in street.state.flexibility
    street.at(400)
    assert told not in street.state.flexibility
    assert street.outcomes[-1].changes[0].row is None
    assert street.ledger.next_due() is None


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"energy_wh": 201}, ("window_too_short", "deadline")),
        ({"earliest": FIRST_SLOT}, ("slot_closed", "earliest")),
        ({"deadline": FIRST_SLOT + 22}, ("beyond_horizon", "deadline")),
        ({"max_wh_per_slot": 101}, ("exceeds_rating", "max_wh_per_slot")),
        ({"asset": "ab" * 32}, ("unknown_asset", "asset")),
    ],
)
def test_what_no_order_could_ask_for_cannot_be_announced(street, changes, refusal):
    assert street.refuses(BO, "flexibility.announce", **fields(street) | changes) == refusal


def test_what_is_produced_is_held_against_the_other_rating(street):
    street.home = street.asset(BO, rated_export_w=0)
    announces(street)
    refusal = street.refuses(BO, "flexibility.announce", **fields(street, direction="produce"))
    assert refusal == ("exceeds_rating", "max_wh_per_slot")


@pytest.mark.parametrize(
    "ends",
    [
        lambda street: street.must(BO, "asset.retire", asset=street.home),
        lambda street: street.must(BO, "member.leave"),
        lambda street: street.must(
            ADA, "member.suspend", member=BO.address, suspended=True, reason="asked for it"
        ),
    ],
    ids=["retired", "leaving", "suspended"],
)
def test_who_does_not_trade_any_more_announces_nothing(street, ends):
    told = announces(street)
    ends(street)
    assert told not in street.state.flexibility
    assert street.ledger.next_due() is None


def test_announcements_outlive_a_restart(street):
    announces(street)
    again = Ledger.restore(street.genesis, street.ledger.rows())
    assert again.next_due() == street.ledger.next_due() == START + 400_000
