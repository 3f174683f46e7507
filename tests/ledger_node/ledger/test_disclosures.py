"""A reading is opened by its owner, with just what it committed to, while it can still be disputed."""

import pytest

from energy_ledger.ledger.disclosures import commitment_of
from tests.ledger_node.ledger.street import FIRST_SLOT, SLOT_S, Street

SALT = "5a" * 32
TEXT = '{"asset":"x","slot":1,"start":{"at":1,"imported_wh":7},"end":{"at":2,"imported_wh":9}} ☀'


@pytest.fixture
def street():
    """Bo attested what lay behind a commitment to TEXT, in a network that reads every slot."""
    street = Street(readings="net")
    street.bo, street.cy = street.joins("Bo"), street.joins("Cy")
    street.home = street.asset(street.bo)
    street.at(SLOT_S)
    reading = {"imported_wh": 2, "exported_wh": 0, "commitment": commitment_of(bytes.fromhex(SALT), TEXT)}
    street.must(street.bo, "reading.attest", asset=street.home, slot=FIRST_SLOT, **reading)
    return street


def opening(street, **changes):
    return {"asset": street.home, "slot": FIRST_SLOT, "registers": TEXT, "salt": SALT} | changes


def test_the_owner_opens_a_reading_for_everybody(street):
    identity = street.must(street.bo, "reading.disclose", **opening(street))
    (event,) = [one for one in street.outcomes[-1].events if one.type == "reading.disclosed"]
    assert (event.transaction, event.assets, event.accounts) == (
        identity,
        (street.home,),
        (street.bo.address,),
    )
    assert event.data["registers"] == TEXT
    assert event.data["commitment"] == commitment_of(bytes.fromhex(SALT), TEXT)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"registers": TEXT + " "}, ("commitment_mismatch", "registers")),
        ({"salt": "5b" * 32}, ("commitment_mismatch", "registers")),
        ({"slot": FIRST_SLOT + 1}, ("unknown_reading", "slot")),
        ({"asset": "0" * 64}, ("unknown_asset", "asset")),
    ],
)
def test_what_was_not_committed_to_is_refused(street, changes, code):
    assert street.refuses(street.bo, "reading.disclose", **opening(street, **changes)) == code


def test_nobody_else_opens_it(street):
    assert street.refuses(street.cy, "reading.disclose", **opening(street)) == ("not_your_asset", "asset")
