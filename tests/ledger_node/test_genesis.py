"""A genesis names its network and fixes rules that can be kept; an invite is what a founder signed."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy_ledger import crypto
from energy_ledger.genesis import GENESIS_TAG, read_genesis
from energy_ledger.invites import PROOF_TAG, read_invite, read_invite_text, write_invite_text
from energy_ledger.keys import address_of
from energy_ledger.refusals import Refused
from energy_ledger.transactions import Envelope
from tests.ledger_node.ledger.street import ADA, NODE, genesis_fields, person

VECTORS = Path(__file__).parents[1] / "vectors"
GENESIS = json.loads((VECTORS / "genesis.json").read_text("utf-8"))
INVITE = json.loads((VECTORS / "invite.json").read_text("utf-8"))


def signed(fields_or_text, *signers):
    text = fields_or_text if isinstance(fields_or_text, str) else json.dumps(fields_or_text)
    signers = signers or (ADA,)
    signatures = tuple(crypto.sign(signer.seed, GENESIS_TAG, text.encode()).hex() for signer in signers)
    return Envelope(payload=text, signatures=signatures)


def refusal(envelope):
    with pytest.raises(Refused) as refused:
        read_genesis(envelope)
    return refused.value.code, refused.value.field


def test_the_vectors_genesis_names_network_founder_and_node():
    genesis = read_genesis(Envelope(GENESIS["envelope"]["payload"], tuple(GENESIS["envelope"]["signatures"])))
    assert genesis.network == GENESIS["network"]
    assert genesis.founder == GENESIS["founder"]
    assert genesis.node_accounts == (GENESIS["node_account"],)
    assert genesis.node_keys[0].public == crypto.public_key(bytes.fromhex(GENESIS["node_seed"])).hex()
    assert genesis.rules.feeders[0].up_limit_wh == 50_000


def test_a_real_network_has_real_addresses():
    genesis = read_genesis(signed(genesis_fields(test=False)))
    assert genesis.founder == address_of(ADA.account, test=False)


def tariff(**changes):
    return {"tariff": {"price_floor": 1, "price_cap": 9, "grid_fee": 0} | changes}


def week(*steps):
    return [{"minute": minute, "value": value} for minute, value in steps]


def seconds(*date):
    return int(datetime(*date, tzinfo=UTC).timestamp())


@given(st.integers(0, 2**33))
def test_a_weekly_tariff_follows_the_hours_of_utc(second):
    """Monday night 3, from Monday 06:00 on 7, from Saturday 00:00 on 5."""
    schedule = week((0, 3), (360, 7), (5 * 1440, 5))
    rules = read_genesis(signed(genesis_fields(**tariff(grid_fee=schedule)))).rules
    moment = datetime.fromtimestamp(second, UTC)
    expected = 5 if moment.weekday() >= 5 else 3 if (moment.weekday(), moment.hour) < (0, 6) else 7
    assert rules.tariff.at(second) == (1, 9, expected)


def test_a_slot_has_the_tariff_that_holds_when_it_starts():
    schedule = week((0, 3), (1, 7))
    rules = read_genesis(signed(genesis_fields(**tariff(price_cap=schedule)))).rules
    monday = seconds(2026, 11, 23) // rules.slot_s
    assert [rules.schedule().of(monday + after).price_cap for after in (-1, 0, 1)] == [7, 3, 7]


FEEDERS = [{"id": "north"}, {"id": "house", "parent": "north", "up_limit_wh": 0, "down_limit_wh": None}]


def test_feeders_hang_under_the_busbar_or_under_an_earlier_one():
    genesis = read_genesis(signed(genesis_fields(feeders=FEEDERS)))
    assert [feeder.parent for feeder in genesis.rules.feeders] == ["", "north"]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"kind": "transfer"}, "bad_value", "kind"),
        ({"surprise": 1}, "unknown_field", "surprise"),
        ({"slot_s": 0}, "bad_value", "slot_s"),
        ({"slot_s": 3601}, "bad_value", "slot_s"),
        ({"grace_slots": 0}, "bad_value", "grace_slots"),
        ({"proposal_window_s": 51, "gate_s": 60}, "bad_value", "proposal_window_s"),
        ({"proposal_window_s": 21}, "bad_value", "proposal_window_s"),
        ({"tariff": {"price_floor": 2, "price_cap": 1, "grid_fee": 0}}, "bad_value", "tariff.price_floor"),
        (
            {"tariff": {"price_floor": 0, "price_cap": 10**9 + 1, "grid_fee": 0}},
            "bad_value",
            "tariff.price_cap",
        ),
        ({"tariff": {"price_floor": 0, "price_cap": 1, "grid_fee": -1}}, "bad_value", "tariff.grid_fee"),
        (tariff(price_cap=[]), "bad_value", "tariff.price_cap"),
        (tariff(price_cap=[{"minute": 1, "value": 9}]), "bad_value", "tariff.price_cap"),
        (tariff(price_cap=week((0, 9), (60, 9), (60, 8))), "bad_value", "tariff.price_cap"),
        (tariff(price_cap=week((0, 9), (60, 9), (59, 8))), "bad_value", "tariff.price_cap"),
        (tariff(price_cap=week((0, 9), (10_080, 9))), "bad_value", "tariff.price_cap[1].minute"),
        (tariff(grid_fee=week((0, 10**9 + 1))), "bad_value", "tariff.grid_fee[0].value"),
        (
            tariff(grid_fee=[{"minute": 0, "value": 1, "zone": "UTC"}]),
            "unknown_field",
            "tariff.grid_fee[0].zone",
        ),
        (tariff(grid_fee="1"), "wrong_type", "tariff.grid_fee"),
        (tariff(price_floor=5, price_cap=week((0, 9), (60, 4))), "bad_value", "tariff.price_floor"),
        (tariff(price_floor=week((0, 1), (60, 10)), price_cap=9), "bad_value", "tariff.price_floor"),
        ({"committee": []}, "bad_value", "committee"),
        ({"committee": [NODE.public, NODE.public]}, "bad_value", "committee"),
        ({"founder": {"name": "Ada", "keys": []}}, "bad_value", "founder.keys"),
        ({"founder": {"name": "A\nda", "keys": ADA.key_fields}}, "bad_value", "founder.name"),
        ({"currency": "euro"}, "bad_value", "currency"),
        ({"approval": "none"}, "bad_value", "approval"),
        ({"readings": "all"}, "bad_value", "readings"),
        ({"feeders": [{"id": ""}]}, "bad_value", "feeders[0].id"),
        ({"feeders": [{"id": "a"}, {"id": "a"}]}, "bad_value", "feeders[1].id"),
        ({"feeders": FEEDERS[::-1]}, "bad_value", "feeders[0].parent"),
        ({"feeders": [{"id": "a", "up_limit_wh": -1}]}, "bad_value", "feeders[0].up_limit_wh"),
        ({"created": 1.5}, "float", None),
    ],
)
def test_a_genesis_whose_rules_cannot_be_kept_is_refused(changes, code, field):
    assert refusal(signed(genesis_fields(**changes))) == (code, field)


def test_a_genesis_that_its_founder_did_not_sign_is_refused():
    assert refusal(signed(genesis_fields(), person("Bo"))) == ("bad_signature", None)
    assert refusal(signed(genesis_fields(), ADA, ADA)) == ("bad_signature", None)
    good = signed(genesis_fields())
    other = Envelope(json.dumps(genesis_fields(name="Rainy Street")), good.signatures)
    assert refusal(other) == ("bad_signature", None)


def test_a_genesis_must_say_that_it_is_one():
    fields = genesis_fields()
    del fields["kind"]
    assert refusal(signed(fields)) == ("missing_field", "kind")
    assert refusal(signed("[]")) == ("wrong_type", None)
    assert refusal(signed(json.dumps(genesis_fields()) + " " * 65_536)) == ("too_large", None)
    assert refusal(Envelope(payload='{"\ud800":1}', signatures=("00",))) == ("not_utf8", None)


def test_the_vectors_invite_is_read_back_from_its_text():
    text = read_invite_text(f"  {INVITE['text']}\n")
    assert (text.invite, text.signature, text.secret) == tuple(
        INVITE[k] for k in ("payload", "signature", "secret")
    )
    assert write_invite_text(text) == INVITE["text"]
    invite = read_invite(text.invite)
    assert invite.key == crypto.public_key(bytes.fromhex(text.secret)).hex()
    account = bytes.fromhex(INVITE["joiner_account"])
    assert crypto.sign(bytes.fromhex(text.secret), PROOF_TAG, account).hex() == INVITE["proof"]


def coded(data: bytes) -> str:
    return "kwhinvite1" + base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kwhinvite1",
        INVITE["text"].removeprefix("kwhinvite1"),
        INVITE["text"][:-10],
        "kwhinvite1ä",
        "kwhinvite1a",
        coded(b"{}"),
        coded(b"\xff"),
        coded(b'{"invite":"","signature":"00","secret":"00"}'),
    ],
)
def test_a_text_that_is_no_invite_is_refused(text):
    with pytest.raises(Refused) as refused:
        read_invite_text(text)
    assert refused.value.code == "invite_invalid"


@pytest.mark.parametrize("payload", ["", "{}", '{"nodes": [""]}', "\ud800", '{"expires": 1.5}'])
def test_an_invite_of_wrong_form_is_refused(payload):
    with pytest.raises(Refused) as refused:
        read_invite(payload)
    assert (refused.value.code, refused.value.field) == ("invite_invalid", "invite")
