"""Phrases, keys and signatures."""

import hashlib
import hmac
import json
from importlib.resources import files
from pathlib import Path

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import mldsa
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from custom_components.energy_marketplace.ledger import phrase
from custom_components.energy_marketplace.ledger.hybrid import GOVERNING, Hybrid, HybridUnavailableError
from custom_components.energy_marketplace.ledger.phrase import PhraseError
from custom_components.energy_marketplace.ledger.units import NANO
from custom_components.energy_marketplace.ledger.wallet import Wallet, account_of, verifies

# The reference vectors of BIP-39 with 24 words.
VECTORS = {
    "00" * 32: "abandon " * 23 + "art",
    "7f" * 32: "legal winner thank year wave sausage worth useful " * 2
    + "legal winner thank year wave sausage worth title",
    "80" * 32: "letter advice cage absurd amount doctor acoustic avoid " * 2
    + "letter advice cage absurd amount doctor acoustic bless",
    "ff" * 32: "zoo " * 23 + "vote",
    "f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f": (
        "void come effort suffer camp survey warrior heavy shoot primary clutch crush "
        "open amazing screen patrol group space point ten exist slush involve unfold"
    ),
}


def test_the_word_list_is_the_canonical_one():
    content = files(phrase.__package__).joinpath("english.txt").read_bytes()
    assert hashlib.sha256(content).hexdigest() == (
        "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
    )


@pytest.mark.parametrize("entropy", VECTORS)
def test_phrases_are_those_of_bip_39(entropy):
    assert " ".join(phrase.from_entropy(bytes.fromhex(entropy))) == VECTORS[entropy]
    assert " ".join(phrase.parse(VECTORS[entropy])) == VECTORS[entropy]


def test_the_master_secret_is_the_seed_of_bip_39_without_passphrase():
    words = tuple(VECTORS["00" * 32].split())
    assert phrase.master_secret(words).hex() == (
        "408b285c123836004f4b8842c89324c1f01382450c0d439af345ba7fc49acf70"
        "5489c6fc77dbd4e3dc1dd8cc6bc9f043db8ada1e243c4a0eafb290d399480840"
    )


@given(st.binary(min_size=32, max_size=32))
def test_every_phrase_is_read_however_it_is_typed(entropy):
    words = phrase.from_entropy(entropy)
    assert phrase.parse("\n ".join(words).upper()) == words


def test_a_wrong_word_is_named():
    with pytest.raises(PhraseError, match=r"word 3, 'efort'.*did you mean .*effort") as caught:
        phrase.parse("void come efort " + "abandon " * 21)
    assert (caught.value.code, caught.value.position, caught.value.word) == ("unknown_word", 3, "efort")
    assert "effort" in caught.value.suggestions


def test_a_missing_word_and_a_swapped_one_are_told_apart():
    words = VECTORS["f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f"].split()
    with pytest.raises(PhraseError, match="has 23") as caught:
        phrase.parse(" ".join(words[1:]))
    assert caught.value.code == "word_count"
    with pytest.raises(PhraseError, match="together") as caught:
        phrase.parse(" ".join([words[1], words[0], *words[2:]]))
    assert caught.value.code == "checksum"


def test_the_key_is_derived_behind_its_own_tag():
    wallet = Wallet.from_phrase(VECTORS["00" * 32])
    master = phrase.master_secret(wallet.words)
    seed = hmac.digest(master, b"energy-ledger/key/ed25519/v1\x00", "sha512")[:32]
    public = SigningKey(seed).verify_key.encode()
    assert wallet.keys == [{"type": "ed25519", "public": public.hex()}]
    expected = hashlib.sha256(b"energy-ledger/account/v1\x00" + b"\x01\x00\x20" + public).digest()
    assert wallet.account == account_of(wallet.keys) == expected


@settings(max_examples=20)
@given(st.binary(max_size=200))
def test_a_signature_counts_for_its_purpose_and_message_alone(message):
    wallet = Wallet.from_phrase(VECTORS["ff" * 32])
    [key], [signature] = wallet.keys, wallet.sign("transaction", message)
    assert verifies(key, "transaction", message, signature)
    assert not verifies(key, "genesis", message, signature)
    assert not verifies(key, "transaction", message + b"x", signature)
    assert not verifies({"type": "ml-dsa-44", "public": key["public"]}, "transaction", message, signature)


@pytest.mark.parametrize("signature", ["", "zz", "00" * 64, "00" * 63])
def test_a_signature_that_is_none_does_not_count(signature):
    assert not verifies(Wallet.generate().keys[0], "transaction", b"", signature)


def test_a_wallet_shows_nothing_of_itself():
    wallet = Wallet.generate()
    assert repr(wallet) == f"{wallet}" == "Wallet(…)"
    assert Wallet.from_phrase(wallet.phrase).address(test=True) == wallet.address(test=True)
    assert Wallet.generate().phrase != wallet.phrase


HYBRID = json.loads((Path(__file__).parents[2] / "vectors" / "hybrid.json").read_text("utf-8"))


def test_a_phrase_leads_to_both_keys_of_a_hybrid_account():
    wallet = Wallet.from_phrase(HYBRID["phrase"], hybrid=True)
    assert wallet.keys == HYBRID["keys"]
    assert wallet.address(test=True) == HYBRID["test_address"]
    assert wallet.as_hybrid() is wallet
    first = Wallet.from_phrase(HYBRID["phrase"])
    assert first.keys == HYBRID["keys"][:1]
    assert first.as_hybrid().keys == wallet.keys
    assert Wallet.generate(hybrid=True).is_hybrid


def test_both_keys_sign_and_each_signature_is_checked_by_its_own_key():
    wallet = Wallet.from_phrase(HYBRID["phrase"], hybrid=True)
    signatures = wallet.sign("transaction", b"a payload")
    assert wallet.sign("transaction", b"a payload", alone=True) == signatures[:1]
    for key, signature in zip(wallet.keys, signatures, strict=True):
        assert verifies(key, "transaction", b"a payload", signature)
        assert not verifies(key, "transaction", b"another", signature)
        assert not verifies(key, "transaction", b"a payload", "00")


def test_where_ml_dsa_is_missing_it_is_said_and_never_taken_for_a_wrong_signature(monkeypatch):
    def unsupported(*_):
        raise UnsupportedAlgorithm("not here")

    wallet = Wallet.from_phrase(HYBRID["phrase"], hybrid=True)
    signature = wallet.sign("transaction", b"")[1]
    monkeypatch.setattr(mldsa.MLDSA44PrivateKey, "from_seed_bytes", unsupported)
    monkeypatch.setattr(mldsa.MLDSA44PublicKey, "from_public_bytes", unsupported)
    with pytest.raises(HybridUnavailableError, match="ML-DSA"):
        Wallet.generate(hybrid=True)
    with pytest.raises(HybridUnavailableError):
        verifies(wallet.keys[1], "transaction", b"", signature)


@pytest.mark.parametrize(
    ("kind", "fields", "all_keys"),
    [
        ("member.join", {}, True),
        ("key.rotate", {}, True),
        ("reading.attest", {}, False),
        ("transfer", {"amount": 50 * NANO}, False),
        ("transfer", {"amount": 50 * NANO + 1}, True),
    ],
)
def test_what_governs_and_large_money_is_signed_by_all_keys(kind, fields, all_keys):
    assert GOVERNING.needs_all(kind, fields) is all_keys


def test_a_network_may_leave_transfers_alone():
    assert not Hybrid(kinds=(), transfer_above=None).needs_all("transfer", {"amount": 10**15})
    assert Hybrid(kinds=("transfer",), transfer_above=5).needs_all("transfer", {"amount": 1})
