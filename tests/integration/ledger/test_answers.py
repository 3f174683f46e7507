"""Reading what a node answers."""

import pytest

from custom_components.energy_marketplace.ledger.answers import (
    AnswerError,
    Network,
    NetworkTariff,
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


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"tariff": {"price_floor": 1, "price_cap": 2}}, r"tariff\.grid_fee is missing"),
        ({"tariff": 3}, "tariff is not an object"),
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
