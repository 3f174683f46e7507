"""Reading what a node answers."""

from datetime import UTC, datetime

import pytest

from custom_components.energy_marketplace.ledger.answers import (
    AnswerError,
    MarketRound,
    Network,
    NetworkTariff,
    OrderOutcome,
    SlotTariff,
    Submission,
    Trade,
    read,
)

NETWORK = {
    "network": "ab",
    "name": "Sunny Street",
    "currency": "EUR",
    "test": True,
    "genesis": {"payload": "{}", "signatures": ["00"]},
    "parameters": {
        "slot_s": 900,
        "horizon_slots": 144,
        "round_s": 300,
        "proposal_window_s": 30,
        "gate_s": 60,
        "grace_slots": 2,
        "readings": "traded",
        "approval": "invite",
    },
    "tariff": {"price_floor": 1, "price_cap": 2, "grid_fee": 0},
    "feeders": [{"id": "f1"}],
    "committee": ["aa", "bb"],
    "commit": 3,
    "time": 4,
    "state_root": "cc",
    "members": 5,
    "money": {"issued": 6, "balances": 6, "held": 0, "community": 0},
    "round": None,
    "in_sync": True,
    "problem": None,
}


def test_nested_objects_and_lists_become_values():
    network = read(Network, NETWORK)
    assert network.tariff == NetworkTariff(1, 2, 0)
    assert network.committee == ("aa", "bb")
    assert network.feeders == ({"id": "f1"},)
    assert network.genesis.signatures == ("00",)
    assert network.round is None


WEEK = {
    "price_floor": [{"minute": 0, "value": 3}, {"minute": 360, "value": 1}],
    "price_cap": 9,
    "grid_fee": [{"minute": 0, "value": 2}, {"minute": 7200, "value": 5}, {"minute": 7260, "value": 4}],
}


def test_a_tariff_that_follows_the_week_tells_what_holds_at_a_time():
    tariff = read(Network, NETWORK | {"tariff": WEEK}).tariff
    assert (tariff.price_floor, tariff.price_cap, tariff.grid_fee) == (1, 9, 5)

    def at(*date):
        return tariff.at(int(datetime(*date, tzinfo=UTC).timestamp()) * 1000)

    assert at(2026, 11, 23, 0, 0) == SlotTariff(3, 9, 2)
    assert at(2026, 11, 23, 5, 59, 59) == SlotTariff(3, 9, 2)
    assert at(2026, 11, 23, 6, 0) == SlotTariff(1, 9, 2)
    assert at(2026, 11, 28, 0, 30) == SlotTariff(1, 9, 5)
    assert at(2026, 11, 29, 23, 59) == SlotTariff(1, 9, 4)
    assert NetworkTariff(1, 2, 0).at(5) == SlotTariff(1, 2, 0)


def test_a_round_tells_what_became_of_its_orders():
    fields = {"round": 1, "closed": 2, "first_slot": 3, "slots": 4, "orders": 1, "state": "cleared"}
    outcome = {"order": "o", "account": "a", "asked_wh": 5, "filled_wh": 0, "reason": "price", "slot": 3}
    told = outcome | {"price": 7, "feeder": None}
    assert read(MarketRound, fields).outcomes is None
    assert read(MarketRound, fields | {"outcomes": [told]}).outcomes == (
        OrderOutcome("o", "a", 5, 0, "price", 3, 7, None),
    )


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"tariff": {"price_floor": 1, "price_cap": 2}}, r"tariff\.grid_fee is missing"),
        ({"tariff": 3}, "tariff is not an object"),
        ({"tariff": WEEK | {"price_cap": []}}, r"tariff\.price_cap does not begin with the week"),
        ({"tariff": WEEK | {"price_cap": None}}, r"tariff\.price_cap is not of the type int"),
        ({"tariff": WEEK | {"price_cap": [{"minute": 0}]}}, r"tariff\.price_cap\.value is missing"),
        ({"committee": "aa"}, "committee is not a list"),
        ({"committee": ["aa", 1]}, "committee is not of the type str"),
        ({"round": "1"}, "round is not of the type int"),
        ({"test": 1}, "test is not of the type bool"),
        ({"members": 5.0}, "members is not of the type int"),
    ],
)
def test_what_does_not_fit_is_named(change, place):
    with pytest.raises(AnswerError, match=place):
        read(Network, NETWORK | change)


def test_optional_fields_may_be_absent_or_null():
    assert read(Submission, {"accepted": False, "code": "expired", "field": None}) == Submission(
        accepted=False, code="expired"
    )


def test_something_else_than_an_object_is_refused():
    with pytest.raises(AnswerError, match="Trade is not an object"):
        read(Trade, [])
