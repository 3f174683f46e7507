"""Tags, digests, signatures, key sets and addresses are what the protocol says, byte by byte."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from energy_ledger import bech32m, crypto
from energy_ledger.keys import PublicKey, account_of, address_of, check_address, check_keys, verify_all
from energy_ledger.refusals import Refused

VECTORS = Path(__file__).parents[1] / "vectors"
TAG = crypto.tag("transaction")

# BIP-350, "Test vectors": valid and invalid strings of bech32m (in lower case, as the protocol writes them).
BIP_350_VALID = [
    "a1lqfn3a",
    "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
    "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
    "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
    "?1v759aa",
]
BIP_350_NOT_BYTES = ["11" + "l" * 82 + "ludsr8"]
BIP_350_INVALID = [
    "\x201xj0phk",
    "\x7f1g6xzxy",
    "\x801vctc34",
    "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts4",
    "qyrz8wqd2c9m",
    "1qyrz8wqd2c9m",
    "y1b0jsk6g",
    "lt1igcx5c0",
    "in1muywd",
    "mm1crxm3i",
    "au1s5cgom",
    "m1vuxwez",
    "16plkw9",
    "1p2gdwpf",
]


def vectors(name: str):
    return json.loads((VECTORS / name).read_text("utf-8"))


@pytest.mark.parametrize("case", vectors("domains.json"), ids=lambda case: case["what"])
def test_a_digest_and_a_signature_are_over_the_tag_and_the_message(case):
    tag = f"energy-ledger/{case['what']}/v1".encode() + b"\x00"
    message = case["message"].encode()
    seed = bytes.fromhex(case["seed"])
    assert crypto.tag(case["what"]) == tag == bytes.fromhex(case["tag"])
    assert crypto.digest(tag, message).hex() == case["digest"] == hashlib.sha256(tag + message).hexdigest()
    assert crypto.sign(seed, tag, message).hex() == case["signature"]
    assert crypto.verify(crypto.public_key(seed), tag, message, bytes.fromhex(case["signature"]))


@pytest.mark.parametrize("case", vectors("wallets.json"), ids=lambda case: case["test_address"])
def test_a_phrase_leads_to_the_account_and_both_its_addresses(case):
    master = hashlib.pbkdf2_hmac("sha512", case["phrase"].encode(), b"mnemonic", 2048, 64)
    seed = hmac.new(master, b"energy-ledger/key/ed25519/v1\x00", "sha512").digest()[:32]
    keys = tuple(PublicKey(**key) for key in case["keys"])
    assert master.hex() == case["master"]
    assert seed.hex() == case["ed25519_seed"]
    assert crypto.public_key(seed).hex() == keys[0].public
    by_hand = b"\x01" + (32).to_bytes(2, "big") + crypto.public_key(seed)
    assert account_of(keys).hex() == case["account"]
    assert hashlib.sha256(b"energy-ledger/account/v1\x00" + by_hand).hexdigest() == case["account"]
    assert address_of(account_of(keys), test=False) == case["address"]
    assert address_of(account_of(keys), test=True) == case["test_address"]


def test_a_hybrid_account_needs_both_signatures():
    case = vectors("hybrid.json")
    keys = tuple(PublicKey(**key) for key in case["keys"])
    check_keys(keys, "keys")
    assert account_of(keys).hex() == case["account"]
    assert address_of(account_of(keys), test=True) == case["test_address"]
    ml_dsa = MLDSA44PrivateKey.from_seed_bytes(bytes.fromhex(case["ml_dsa_44_seed"]))
    first = crypto.sign(bytes.fromhex(case["ed25519_seed"]), TAG, b"m")
    second = ml_dsa.sign(TAG + b"m")
    assert verify_all(keys, TAG, b"m", (first, second))
    assert not verify_all(keys, TAG, b"m", (first,))
    assert not verify_all(keys, TAG, b"m", (second, first))
    assert not verify_all(keys, TAG, b"m", (first, second[:-1] + bytes([second[-1] ^ 1])))
    assert not verify_all(keys, TAG, b"n", (first, second))


@pytest.mark.parametrize("signature", [b"", b"\x00" * 63, b"\x00" * 64, b"\xff" * 65])
def test_a_malformed_signature_or_key_does_not_verify(signature):
    public = crypto.public_key(b"\x01" * 32)
    assert not crypto.verify(public, TAG, b"m", signature)
    assert not crypto.verify(b"\x00", TAG, b"m", signature)
    assert not crypto.verify_ml_dsa(b"\x00" * 7, TAG, b"m", signature)


@pytest.mark.parametrize(
    ("types", "lengths", "field"),
    [
        ([], [], "keys"),
        (["ml-dsa-44"], [1312], "keys"),
        (["ed25519", "ed25519"], [32, 32], "keys"),
        (["ml-dsa-44", "ed25519"], [1312, 32], "keys"),
        (["ed25519"], [31], "keys[0].public"),
        (["ed25519", "ml-dsa-44"], [32, 1311], "keys[1].public"),
    ],
)
def test_a_key_set_that_is_no_key_set_is_refused(types, lengths, field):
    keys = [PublicKey(kind, "ab" * length) for kind, length in zip(types, lengths, strict=True)]
    with pytest.raises(Refused) as refused:
        check_keys(keys, "keys")
    assert (refused.value.code, refused.value.field) == ("bad_value", field)


@pytest.mark.parametrize("text", BIP_350_VALID)
def test_the_valid_strings_of_bip_350_are_read(text):
    human_part, data = bech32m.decode(text)
    assert bech32m.encode(human_part, data) == text


@pytest.mark.parametrize("text", BIP_350_NOT_BYTES)
def test_valid_strings_of_bip_350_that_hold_no_whole_bytes_are_refused_for_that(text):
    with pytest.raises(bech32m.AddressError, match=r"^is not an address$"):
        bech32m.decode(text)


@pytest.mark.parametrize("text", BIP_350_INVALID)
def test_the_invalid_strings_of_bip_350_are_refused(text):
    with pytest.raises(bech32m.AddressError):
        bech32m.decode(text)


def test_addresses_are_read_and_written_as_the_vectors_say():
    cases = vectors("addresses.json")
    for case in cases["valid"]:
        assert bech32m.encode(case["human_part"], bytes.fromhex(case["data"])) == case["text"]
        assert bech32m.decode(case["text"]) == (case["human_part"], bytes.fromhex(case["data"]))
    for case in cases["invalid"]:
        with pytest.raises(bech32m.AddressError):
            bech32m.decode(case["text"])


@given(st.binary(min_size=32, max_size=32), st.booleans(), st.data())
def test_an_address_leads_back_to_its_account_and_no_slip_of_the_pen_to_another(account, test, data):
    text = address_of(account, test)
    assert check_address(text, "to") == account
    place = data.draw(st.integers(0, len(text) - 1))
    wrong = data.draw(st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l").filter(lambda c: c != text[place]))
    with pytest.raises(Refused) as refused:
        check_address(text[:place] + wrong + text[place + 1 :], "to")
    assert (refused.value.code, refused.value.field) == ("bad_value", "to")


@pytest.mark.parametrize(("human_part", "length"), [("bc", 32), ("kwh", 31), ("kwh", 33)])
def test_an_address_of_something_else_is_refused(human_part, length):
    with pytest.raises(Refused, match="not one of an energy ledger"):
        check_address(bech32m.encode(human_part, b"\x05" * length), "to")
