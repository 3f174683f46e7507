"""Addresses against BIP-350 and against typing errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_marketplace.ledger.address import Address, AddressError, decode, encode

# BIP-350, "Test vectors": valid strings of bech32m.
VALID = [
    "A1LQFN3A",
    "a1lqfn3a",
    "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
    "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
    "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
]
# The same, invalid ones: foreign characters, mixed case, bech32 instead of bech32m, too short, no human part.
INVALID = [
    "\x201xj0phk",
    "an84characterslonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11d6pts4",
    "qyrz8wqd2c9m",
    "1qyrz8wqd2c9m",
    "y1b0jsk6g",
    "lt1igcx5c0",
    "in1muywd",
    "mm1crxm3i",
    "au1s5cgom",
    "M1VUXWEZ",
    "16plkw9",
    "1p2gdwpf",
    "a12uel5l",
    "Abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
]
accounts = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize("text", VALID)
def test_the_valid_vectors_of_bip_350_have_the_right_checksum(text):
    human, data = decode(text)
    assert text.lower().startswith(f"{human}1")
    assert encode(human, data) == text.lower()


@pytest.mark.parametrize("text", INVALID)
def test_the_invalid_vectors_of_bip_350_are_refused(text):
    with pytest.raises(AddressError):
        decode(text)


@given(accounts, st.booleans())
def test_an_address_leads_back_to_its_account(account, test):
    text = str(Address(account, test))
    assert text.startswith("tkwh1" if test else "kwh1")
    assert Address.parse(text) == Address(account, test)
    assert Address.parse(f"  {text.upper()}\n") == Address(account, test)


@given(accounts, st.data())
def test_one_wrong_letter_is_noticed(account, data):
    text = str(Address(account, test=False))
    place = data.draw(st.integers(len("kwh1"), len(text) - 1))
    letter = data.draw(
        st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l").filter(lambda new: new != text[place])
    )
    with pytest.raises(AddressError, match="typing error"):
        Address.parse(text[:place] + letter + text[place + 1 :])


def test_other_peoples_addresses_are_refused():
    with pytest.raises(AddressError, match="starts with kwh1"):
        Address.parse(encode("bc", bytes(32)))
    with pytest.raises(AddressError, match="wrong length"):
        Address.parse(encode("kwh", bytes(20)))
