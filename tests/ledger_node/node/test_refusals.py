"""What a node refuses at its door: each with its own code, naming the place, and nothing is changed by it."""

import json

import pytest

from energy_ledger import crypto
from energy_ledger.refusals import CODES
from energy_ledger.transactions import TRANSACTION_TAG, sign_payload
from tests.support.client import Street
from tests.support.people import EUR, HOUR_MS, Person, as_json, now_ms

DAY_MS = 24 * HOUR_MS


def signed_text(who, text):
    """Sign any bytes as a payload."""
    data = text if isinstance(text, bytes) else text.encode()
    signature = crypto.sign(who.seed, TRANSACTION_TAG, data)
    return {"payload": data.decode("utf-8", "replace"), "signatures": [signature.hex()]}


def fields(who, to, **changes):
    """Return the payload of a transfer that would be good without the changes."""
    who.sequence += 1
    header = {"network": who.network, "account": who.address, "sequence": who.sequence}
    return header | {"expires": now_ms() + HOUR_MS, "kind": "transfer", "to": to, "amount": 1} | changes


def altered(**changes):
    """Return a transfer with other fields, well signed."""
    return lambda bo, ada: as_json(sign_payload(fields(bo, ada.address, **changes), bo.seed))


def without(name):
    def make(bo, ada):
        payload = fields(bo, ada.address)
        del payload[name]
        return as_json(sign_payload(payload, bo.seed))

    return make


def text_with(old, new):
    """Return a transfer whose text was changed before it was signed."""
    return lambda bo, ada: signed_text(bo, json.dumps(fields(bo, ada.address)).replace(old, new))


def forged(bo, ada):
    envelope = bo.sign("transfer", to=ada.address, amount=1)
    return envelope | {"payload": envelope["payload"].replace('"amount":1', '"amount":2')}


def by_somebody_else(bo, ada):
    return as_json(sign_payload(fields(bo, ada.address), ada.seed))


def of_a_stranger(bo, ada):
    eve = Person("Eve", bo.network)
    return eve.sign("transfer", to=ada.address, amount=1)


REFUSED = {
    "a forged signature": (forged, "bad_signature", None),
    "somebody else's signature": (by_somebody_else, "bad_signature", None),
    "a stranger": (of_a_stranger, "unknown_account", "account"),
    "another network": (altered(network="0" * 64), "wrong_network", "network"),
    "a number used before": (altered(sequence=1), "sequence_used", "sequence"),
    "a number too far ahead": (altered(sequence=10_000), "sequence_gap", "sequence"),
    "a time that has passed": (altered(expires=1), "expired", "expires"),
    "a time too far ahead": (
        lambda bo, ada: as_json(
            sign_payload(fields(bo, ada.address, expires=now_ms() + 2 * DAY_MS), bo.seed)
        ),
        "expires_too_late",
        "expires",
    ),
    "a float": (text_with('"amount": 1', '"amount": 1.0'), "float", None),
    "a key given twice": (text_with('"amount": 1', '"amount": 1, "amount": 1'), "duplicate_key", "amount"),
    "65 KiB of payload": (altered(memo="x" * 66_560), "too_large", None),
    "an unknown field": (altered(colour="red"), "unknown_field", "colour"),
    "a missing field": (without("amount"), "missing_field", "amount"),
    "a number as text": (altered(amount="1"), "wrong_type", "amount"),
    "an amount of nothing": (altered(amount=0), "bad_value", "amount"),
    "an unknown kind": (altered(kind="gift"), "unknown_kind", "kind"),
    "half of the text": (lambda bo, ada: signed_text(bo, '{"network": '), "not_json", None),
    "more than there is": (altered(amount=10**15), "not_enough_money", "amount"),
    "money from nowhere": (altered(kind="voucher.issue", reference="mine"), "not_allowed", "kind"),
}


@pytest.fixture
async def two(shared, shared_node):
    """Ada's network and Bo in it, both as they stand now."""
    state = await shared.get("/v1/setup")
    if state["network"] is None:
        street = await Street.found(shared_node, shared)
        await street.joins("Bo", EUR)
    network = (await shared.get("/v1/setup"))["network"]
    ada, bo = (Person(name, network) for name in ("Ada", "Bo"))
    for person in (ada, bo):
        person.sequence = (await shared.get(f"/v1/accounts/{person.address}"))["sequence"]
    return ada, bo


@pytest.mark.parametrize(("make", "code", "field"), REFUSED.values(), ids=REFUSED)
async def test_it_is_refused_with_its_code_and_changes_nothing(shared, two, make, code, field):
    ada, bo = two
    before = await shared.get("/v1/network")
    answer = await shared.submit(make(bo, ada))
    assert answer["accepted"] is False
    assert (answer["code"], answer["field"]) == (code, field), answer
    assert code in CODES
    assert answer["message"][0].isupper()
    assert answer["message"].endswith(".")
    after = await shared.get("/v1/network")
    assert (after["state_root"], after["commit"]) == (before["state_root"], before["commit"])


async def test_the_very_same_transaction_again_is_called_a_replay(shared, two):
    ada, bo = two
    envelope = bo.sign("transfer", to=ada.address, amount=1)
    await shared.must(envelope)
    before = await shared.get("/v1/network")
    answer = await shared.submit(envelope)
    assert (answer["accepted"], answer["code"]) == (False, "replayed")
    assert (await shared.get("/v1/network"))["state_root"] == before["state_root"]


@pytest.mark.usefixtures("two")
async def test_bytes_that_are_not_utf8_are_refused(shared):
    body = b'{"payload": "' + b"\xff" * 10 + b'", "signatures": ["00"]}'
    status, answer = await shared.call("POST", "/v1/transactions", body)
    assert (status, answer["code"]) == (200, "not_utf8")


async def test_of_a_list_each_is_answered_by_itself(shared, two):
    ada, bo = two
    good = [bo.sign("transfer", to=ada.address, amount=1) for _ in range(3)]
    envelopes = [good[0], {"payload": "{}"}, good[1], forged(Person("Eve", bo.network), ada), good[2]]
    answers = await shared.submit(envelopes)
    assert [answer["accepted"] for answer in answers] == [True, False, True, False, True]
    assert [answer.get("code") for answer in answers][1:4:2] == ["missing_field", "unknown_account"]
    assert "id" not in answers[1]
    assert len(answers[3]["id"]) == 64


async def test_a_number_left_out_is_skipped_and_the_next_ones_count(shared, two):
    ada, bo = two
    last = bo.sequence
    bo.sequence = last + 31
    assert (await shared.submit(bo.sign("transfer", to=ada.address, amount=1)))["state"] == "applied"
    bo.sequence = last
    answer = await shared.submit(bo.sign("transfer", to=ada.address, amount=1))
    assert answer["code"] == "sequence_used"


async def test_many_at_once_from_one_account_are_numbered_through(shared, two):
    ada, bo = two
    envelopes = [bo.sign("transfer", to=ada.address, amount=1) for _ in range(100)]
    answers = await shared.submit(envelopes)
    assert {answer["state"] for answer in answers} == {"applied"}
    gap = fields(bo, ada.address)
    gap["sequence"] += 40
    answers = await shared.submit(
        [bo.sign("transfer", to=ada.address, amount=1), as_json(sign_payload(gap, bo.seed))]
    )
    assert [answer.get("code") for answer in answers] == [None, "sequence_gap"]
