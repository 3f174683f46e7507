"""Envelopes and payloads are taken exactly as they are, or refused with the code and field that are wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger import crypto
from energy_ledger.keys import PublicKey
from energy_ledger.kinds import KINDS
from energy_ledger.refusals import CODES, Refused
from energy_ledger.transactions import (
    MAX_ENVELOPE,
    Envelope,
    Transaction,
    parse,
    read_envelope,
    read_transaction,
    sign_payload,
)
from tests.ledger_node.ledger.street import ADA, TARIFF, person

CASES = json.loads((Path(__file__).parents[1] / "vectors" / "transactions.json").read_text("utf-8"))
BO = person("Bo")
HEADER = {"network": "a0" * 32, "account": ADA.address, "sequence": 1, "expires": 1_700_000_000_000}
TRANSFER = HEADER | {"kind": "transfer", "to": BO.address, "amount": 5}
HASH = "0f" * 32
ASSET = {
    "kind": "asset.register", "asset_type": "home", "name": "Home", "rated_import_w": 1, "rated_export_w": 0,
    "behind": None, "feeder": "", "source": None,
}  # fmt: skip
VOUCHER = {"kind": "voucher.issue", "to": BO.address, "amount": 1, "reference": "cash"}
SUSPEND = {"kind": "member.suspend", "member": BO.address, "suspended": True, "reason": "asked for it"}
ROLE = {"kind": "member.role", "member": BO.address, "role": "auditor", "granted": True}
ROTATE = {"kind": "key.rotate", "keys": BO.key_fields, "proofs": ["00"]}
PAY = {"kind": "community.pay", "to": BO.address, "amount": 1, "reference": "a lamp"}
REDEEM = {"kind": "voucher.redeem", "amount": 1, "reference": "AT61"}
SETTLE = {"kind": "voucher.settle", "redemption": HASH, "paid": True}
TARIFF_SET = {"kind": "tariff.set", "from_slot": 1, "tariff": TARIFF}
LATE_WEEK = [{"minute": 1, "value": 0}]
FIXED = {"type": "fixed", "price": 1, "slots": {"5": 1}}
FLEXIBLE = {
    "type": "flexible", "price": 1, "energy_wh": 1, "earliest": 1, "deadline": 2, "max_wh_per_slot": 1,
}  # fmt: skip
CLEARING = {
    "kind": "clearing.propose", "round": 1, "fills": {"order": [], "slot": [], "wh": []}, "prices": {"": []},
    "node_duals": {"": []}, "flexible_duals": {},
}  # fmt: skip


def read(text: str) -> Transaction:
    return read_transaction(Envelope(payload=text, signatures=("00",)))


def refusal(text: str) -> Refused:
    with pytest.raises(Refused) as refused:
        read(text)
    return refused.value


def payload(**changes: Any) -> str:
    return json.dumps(TRANSFER | changes)


def of_kind(kind: dict[str, Any], **changes: Any) -> str:
    return json.dumps(HEADER | kind | changes)


def order(terms: dict[str, Any], **changes: Any) -> str:
    return of_kind({"kind": "order.place", "asset": HASH, "order": terms | changes})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["kind"])
def test_the_vectors_are_read_and_their_signatures_hold(case):
    envelope = {"payload": case["payload"], "signatures": case["signatures"]}
    transaction = parse(json.dumps(envelope).encode())
    public = crypto.public_key(bytes.fromhex(case["seed"])).hex()
    assert transaction.id == case["id"]
    assert transaction.kind == case["kind"]
    assert transaction.body == bytes.fromhex(case["payload_hex"])
    assert transaction.signed_by((PublicKey("ed25519", public),))
    assert not transaction.signed_by(ADA.keys)


def test_the_vectors_show_every_kind():
    assert {case["kind"] for case in CASES} == KINDS.keys()


def test_a_signed_payload_keeps_its_bytes_through_the_envelope():
    envelope = sign_payload(TRANSFER | {"memo": "für dich ☀"}, ADA.seed)
    transaction = parse(envelope.encode())
    assert transaction.body == envelope.payload.encode()
    assert transaction.signed_by(ADA.keys)
    assert read_envelope(envelope.encode()) == envelope


def test_spaces_and_the_order_of_keys_are_the_signers_own():
    assert read(json.dumps(TRANSFER, indent=3)).payload == read(json.dumps(TRANSFER, sort_keys=True)).payload
    assert read(json.dumps(TRANSFER, indent=3)).id != read(json.dumps(TRANSFER, sort_keys=True)).id


FORMS = [
    ("not_json", None, "{"),
    ("not_json", None, "\ufeff{}"),
    ("not_json", None, payload()[:-1] + ',"memo":NaN}'),
    ("not_json", None, payload(amount=float("inf"))),
    ("not_json", None, payload()[:-1] + ',"memo":"a\nb"}'),
    ("not_json", None, "[" * 60_000),
    ("not_json", None, payload()[:-1] + ',"amount":1.5,"amount":1'),  # before the key twice and the float
    ("not_utf8", None, payload(memo="half \ud800 a character")),
    ("not_utf8", None, json.dumps({"\ud800": 1})),
    ("duplicate_key", "amount", payload()[:-1] + ',"amount":6}'),
    ("duplicate_key", "amount", payload()[:-1] + ',"amount":6.5}'),  # before the float
    ("duplicate_key", "a", payload()[:-1] + ',"memo":{"a":1,"a":2}}'),
    ("float", None, payload(amount=5.0)),
    ("float", None, payload()[:-1] + ',"memo":1e3}'),
    ("float", None, payload(amount=5.5, surprise=1)),  # before the unknown field
    ("wrong_type", None, "[]"),
    ("wrong_type", None, "5"),
    ("wrong_type", "kind", payload(kind=5)),
    ("unknown_kind", "kind", payload(kind="transfer.twice")),
    ("missing_field", "kind", "{}"),
    ("missing_field", "amount", json.dumps({k: v for k, v in TRANSFER.items() if k != "amount"})),
    ("missing_field", "order.price", order({"type": "fixed", "slots": {"5": 1}})),
    ("missing_field", "order.type", order({"price": 1, "slots": {"5": 1}})),
    ("missing_field", None, of_kind({"kind": "asset.update", "asset": HASH})),
    ("missing_field", None, of_kind({"kind": "policy.set"})),
    ("wrong_type", "hybrid", of_kind({"kind": "policy.set", "hybrid": None})),
    ("wrong_type", "suspended", of_kind(SUSPEND, suspended="yes")),
    ("bad_value", "reason", of_kind(SUSPEND, reason="a\nb")),
    ("bad_value", "member", of_kind(SUSPEND, member="Bo")),
    ("bad_value", "role", of_kind(ROLE, role="node")),
    ("bad_value", "member", of_kind(ROLE, member="Bo")),
    ("bad_value", "proofs", of_kind(ROTATE, proofs=[])),
    ("bad_value", "keys", of_kind(ROTATE, keys=[])),
    ("bad_value", "to", of_kind(PAY, to="Bo")),
    ("bad_value", "amount", of_kind(PAY, amount=2**62)),
    ("bad_value", "reference", of_kind(REDEEM, reference="")),
    ("bad_value", "reference", of_kind(REDEEM, reference="a\x7f")),
    ("bad_value", "note", of_kind(SETTLE, note="a\nb")),
    ("bad_value", "tariff.price_floor", of_kind(TARIFF_SET, tariff=TARIFF | {"price_floor": 300_001})),
    ("bad_value", "tariff.grid_fee", of_kind(TARIFF_SET, tariff=TARIFF | {"grid_fee": LATE_WEEK})),
    ("unknown_field", "surprise", payload(surprise=1)),
    ("unknown_field", "order.surprise", order(FIXED, surprise=1)),
    ("unknown_field", "order.slots", order(FLEXIBLE, slots={})),
    ("wrong_type", "amount", payload(amount="5")),
    ("wrong_type", "amount", payload(amount=True)),
    ("wrong_type", "amount", payload(amount=None)),
    ("wrong_type", "memo", payload(memo=None)),
    ("wrong_type", "order.slots", order(FIXED, slots={"5": "1"})),
    ("wrong_type", "technology", of_kind(ASSET, technology=None)),
    ("bad_value", "amount", payload(amount=0)),
    ("bad_value", "amount", payload(amount=-5)),
    ("bad_value", "amount", payload(amount=2**63)),
    ("bad_value", "amount", payload()[:-1].replace('"amount": 5', '"amount": ' + "9" * 5_000) + "}"),
    ("bad_value", "sequence", payload(sequence=0)),
    ("bad_value", "network", payload(network="A0" * 32)),
    ("bad_value", "network", payload(network="a0" * 32 + "\n")),
    ("bad_value", "to", payload(to=BO.address[:-1] + "q")),
    ("bad_value", "to", payload(to="Bo")),
    ("bad_value", "to", payload(to=ADA.address)),
    ("bad_value", "memo", payload(memo="x" * 141)),
    ("bad_value", "memo", payload(memo="two\nlines")),
    ("bad_value", "reference", of_kind(VOUCHER, reference="")),
    ("bad_value", "amount", of_kind(VOUCHER, amount=2**62)),
    ("bad_value", "limit", of_kind({"kind": "credit.set", "member": BO.address, "limit": -1})),
    ("bad_value", "member", of_kind({"kind": "credit.set", "member": "Bo", "limit": 1})),
    ("bad_value", "member", of_kind({"kind": "member.approve", "member": "Bo"})),
    ("bad_value", "asset_type", of_kind(ASSET, asset_type="windmill")),
    ("bad_value", "source", of_kind(ASSET, source="coal")),
    ("bad_value", "name", of_kind(ASSET, name="")),
    ("bad_value", "name", of_kind(ASSET, name="x" * 65)),
    ("bad_value", "name", of_kind(ASSET, name="a\x7fb")),
    ("bad_value", "rated_import_w", of_kind(ASSET, rated_import_w=0)),
    ("bad_value", "rated_import_w", of_kind(ASSET, rated_import_w=10**9 + 1)),
    ("bad_value", "commissioned", of_kind(ASSET, commissioned="2021-6-30")),
    ("bad_value", "commissioned", of_kind(ASSET, commissioned="2021-02-29")),
    ("bad_value", "behind", of_kind(ASSET, behind="roof")),
    ("bad_value", "name", of_kind({"kind": "asset.update", "asset": HASH, "name": "\x00"})),
    ("bad_value", "order.type", order(FIXED, type="stop-loss")),
    ("bad_value", "order.slots", order(FIXED, slots={})),
    ("bad_value", "order.slots", order(FIXED, slots={"5": 0})),
    ("bad_value", "order.slots", order(FIXED, slots={"05": 1})),
    ("bad_value", "order.slots", order(FIXED, slots={"-5": 1})),
    ("bad_value", "order.slots", order(FIXED, slots={"\u0665": 1})),
    ("bad_value", "order.slots", order(FIXED, slots={str(2**63): 1})),
    ("bad_value", "order.price", order(FIXED, price=-1)),
    ("bad_value", "order.prefer_sources[0]", order(FIXED, prefer_sources=["coal"])),
    ("bad_value", "order.prefer[1]", order(FIXED, prefer=[HASH, "Bo"])),
    ("bad_value", "order.prefer", order(FIXED, prefer=[HASH] * 33)),
    ("bad_value", "order.min_fill", order(FLEXIBLE, min_fill="some")),
    ("bad_value", "order.energy_wh", order(FLEXIBLE, energy_wh=0)),
    ("bad_value", "order.profile_wh",
     order({"type": "block", "price": 1, "profile_wh": [], "earliest": 1, "deadline": 2})),
    ("bad_value", "fills", of_kind(CLEARING, fills={"order": [1], "slot": [], "wh": []})),
    ("bad_value", "fills.wh[0]", of_kind(CLEARING, fills={"order": [1], "slot": [1], "wh": [0]})),
    ("bad_value", "flexible_duals", of_kind(CLEARING, flexible_duals={"x": 1})),
    ("bad_value", "flexible_duals", of_kind(CLEARING, flexible_duals={"1": -1})),
    ("bad_value", "flexible_duals", of_kind(CLEARING, flexible_duals={"1": 2**53 + 1})),
    ("bad_value", "node_duals[0]", of_kind(CLEARING, node_duals={"": [-(2**53) - 1]})),
    ("wrong_type", "prices[1]", of_kind(CLEARING, prices={"": [1, "a"]})),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "field", "text"), FORMS, ids=[f"{code}-{field}-{i}" for i, (code, field, _) in enumerate(FORMS)]
)
def test_a_payload_of_wrong_form_is_refused_with_its_code_and_field(code, field, text):
    refused = refusal(text)
    assert (refused.code, refused.field) == (code, field), refused
    assert refused.message.endswith("."), refused.message


def test_every_field_of_every_kind_must_be_there():
    for case in CASES:
        fields = json.loads(case["payload"])
        optional = {"memo", "note", "technology", "commissioned", "location"}
        if case["kind"] in ("asset.update", "policy.set"):
            optional |= fields.keys() - {*HEADER, "kind", "asset"}
        for name in fields.keys() - optional - {"kind"}:
            less = {key: value for key, value in fields.items() if key != name}
            refused = refusal(json.dumps(less))
            assert (refused.code, refused.field) == ("missing_field", name)


def test_who_joins_must_name_the_account_of_its_keys():
    join = json.loads(next(case["payload"] for case in CASES if case["kind"] == "member.join"))
    refused = refusal(json.dumps(join | {"account": ADA.address}))
    assert (refused.code, refused.field) == ("bad_value", "account")
    refused = refusal(json.dumps(join | {"keys": []}))
    assert (refused.code, refused.field) == ("bad_value", "keys")


def padded(fields: dict[str, Any], size: int) -> str:
    text = json.dumps(fields)
    return text + " " * (size - len(text))


@pytest.mark.parametrize(
    ("fields", "limit"), [(TRANSFER, 65_536), (HEADER | CLEARING, 1_048_576)], ids=["others", "clearing"]
)
def test_a_payload_may_be_as_long_as_its_kind_allows_and_not_a_byte_longer(fields, limit):
    assert read(padded(fields, limit)).payload
    assert refusal(padded(fields, limit + 1)).code == "too_large"


@pytest.mark.parametrize(
    "text", ["x" * 65_537, "é" * 600_000, '{"kind":"?"}' + " " * 65_536, "\ud800" * 2_000_000]
)
def test_what_is_too_long_is_too_long_before_anything_else(text):
    assert refusal(text).code == "too_large"


@pytest.mark.parametrize(
    ("code", "field", "data"),
    [
        ("not_utf8", None, b'{"payload": "\xff", "signatures": []}'),
        ("not_json", None, b"envelope"),
        ("not_json", None, b"[" * 2_000_000),
        ("duplicate_key", "payload", b'{"payload": "", "payload": "", "signatures": ["00"]}'),
        ("missing_field", "signatures", b'{"payload": ""}'),
        ("unknown_field", "id", b'{"payload": "", "signatures": ["00"], "id": "00"}'),
        ("wrong_type", "payload", b'{"payload": {}, "signatures": ["00"]}'),
        ("bad_value", "signatures", b'{"payload": "", "signatures": []}'),
        ("bad_value", "signatures", b'{"payload": "", "signatures": ["00", "00", "00"]}'),
        ("bad_value", "signatures[0]", b'{"payload": "", "signatures": ["0G"]}'),
        ("bad_value", "signatures[0]", b'{"payload": "", "signatures": ["000"]}'),
        ("too_large", None, b" " * (MAX_ENVELOPE + 1)),
    ],
)
def test_an_envelope_of_wrong_form_is_refused_with_its_code_and_field(code, field, data):
    with pytest.raises(Refused) as refused:
        parse(data)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_a_payload_that_cannot_be_written_as_utf8_is_refused():
    assert refusal("\ud800").code == "not_utf8"


def test_the_longest_envelope_leaves_room_for_any_payload():
    quotes = Envelope(payload='"' * 1_048_576, signatures=("00" * 64, "00" * 2420))
    assert len(quotes.encode()) <= MAX_ENVELOPE


def test_a_refusal_says_itself_in_one_line():
    assert str(Refused("bad_value", "to", "No.")) == "bad_value (to): No."
    assert str(Refused("not_json", None, "No.")) == "not_json: No."


def read_or_refusal(text: str) -> Transaction | Refused:
    try:
        return read(text)
    except Refused as refused:
        return refused


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_payload_does_anything_but_be_read_or_refused(data):
    """Take a good payload, change it somewhere, cut its text."""
    fields = json.loads(data.draw(st.sampled_from(CASES))["payload"])
    for name in data.draw(st.lists(st.sampled_from(sorted(fields)), max_size=2)):
        fields[name] = data.draw(json_values)
    text = json.dumps(fields)
    text = text[: data.draw(st.integers(0, len(text)))] + data.draw(st.text(max_size=5))
    answer = read_or_refusal(text)
    if isinstance(answer, Refused):
        assert answer.code in CODES
        assert (answer.message + (answer.field or "")).encode()
    else:
        assert answer.body == text.encode()


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_be_read_or_refused(data):
    with pytest.raises(Refused) as refused:
        parse(data)
    assert refused.value.code in CODES
