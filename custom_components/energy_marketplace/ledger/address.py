"""Addresses: an account's 32 bytes as bech32m text (BIP-350), human part `kwh`, on test networks `tkwh`."""

from collections.abc import Iterable
from dataclasses import dataclass

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32M = 0x2BC830A3
_CHECKSUM_LENGTH = 6
_HUMAN_PARTS = {False: "kwh", True: "tkwh"}


class AddressError(ValueError):
    """A text that is not an address; the message says why."""


@dataclass(frozen=True, slots=True)
class Address:
    """An account (32 bytes) on a real or a test network."""

    account: bytes
    test: bool

    def __str__(self) -> str:
        """Return the address as people pass it on."""
        return encode(_HUMAN_PARTS[self.test], self.account)

    @classmethod
    def parse(cls, text: str) -> Address:
        """Return the account behind an address text.

        Raises:
            AddressError: a typing error, or the address of something else.

        """
        human, account = decode(text)
        for test, expected in _HUMAN_PARTS.items():
            if human == expected:
                if len(account) != 32:
                    raise AddressError("the address has the wrong length")
                return cls(account, test)
        raise AddressError(f"an address starts with kwh1 or tkwh1, not with {human}1")


def encode(human: str, data: bytes) -> str:
    """Bech32m text of bytes under a human part."""
    words = _regroup(data, 8, 5, pad=True)
    return f"{human}1" + "".join(_CHARSET[word] for word in [*words, *_checksum(human, words)])


def decode(text: str) -> tuple[str, bytes]:
    """Human part and bytes of a bech32m text.

    Raises:
        AddressError: the text is not bech32m or its checksum is wrong.

    """
    human, words = _split(text.strip())
    if _polymod([*_expand(human), *words]) != _BECH32M:
        raise AddressError("the address has a typing error: its checksum is wrong")
    return human, bytes(_regroup(words[:-_CHECKSUM_LENGTH], 5, 8, pad=False))


def _split(text: str) -> tuple[str, list[int]]:
    if text.lower() != text and text.upper() != text:
        raise AddressError("an address is written in lower case throughout")
    human, separator, data = text.lower().rpartition("1")
    if not separator or not human or len(data) < _CHECKSUM_LENGTH or len(text) > 90:
        raise AddressError("this is not an address: it looks like kwh1 followed by letters and digits")
    if any(not 33 <= ord(letter) <= 126 for letter in human):
        raise AddressError("the address starts with letters that no address has")
    for letter in data:
        if letter not in _CHARSET:
            raise AddressError(f"no address contains the letter {letter!r}")
    return human, [_CHARSET.index(letter) for letter in data]


def _expand(human: str) -> list[int]:
    return [ord(letter) >> 5 for letter in human] + [0] + [ord(letter) & 31 for letter in human]


def _polymod(values: Iterable[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            check ^= generator if top >> bit & 1 else 0
    return check


def _checksum(human: str, words: list[int]) -> list[int]:
    check = _polymod([*_expand(human), *words, *[0] * _CHECKSUM_LENGTH]) ^ _BECH32M
    return [check >> 5 * (5 - place) & 31 for place in range(_CHECKSUM_LENGTH)]


def _regroup(data: Iterable[int], width: int, into: int, *, pad: bool) -> list[int]:
    """Return the same bits in groups of another width; without padding, left-over bits must be zero."""
    collected, bits, groups = 0, 0, []
    for value in data:
        collected = collected << width | value
        bits += width
        while bits >= into:
            bits -= into
            groups.append(collected >> bits & (1 << into) - 1)
        collected &= (1 << bits) - 1
    if pad and bits:
        groups.append(collected << into - bits & (1 << into) - 1)
    elif not pad and (bits >= width or collected):
        raise AddressError("the address is padded wrongly")
    return groups
