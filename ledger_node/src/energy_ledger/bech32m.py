"""Addresses as text: bech32m (BIP-350), which notices any slip of the pen in up to four characters."""

from functools import lru_cache

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {character: value for value, character in enumerate(_CHARSET)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32M = 0x2BC830A3
_CHECKSUM_LENGTH = 6
_LONGEST = 90


class AddressError(ValueError):
    """A text that is no bech32m address."""


def encode(human_part: str, data: bytes) -> str:
    """Write bytes as bech32m text with the given human part."""
    values = _to_fives(data)
    padded = [*_expand(human_part), *values, *([0] * _CHECKSUM_LENGTH)]
    checksum = _polymod(padded) ^ _BECH32M
    values += [(checksum >> 5 * (_CHECKSUM_LENGTH - 1 - place)) & 31 for place in range(_CHECKSUM_LENGTH)]
    return f"{human_part}1{''.join(_CHARSET[value] for value in values)}"


@lru_cache(maxsize=8192)
def decode(text: str) -> tuple[str, bytes]:
    """Return the human part and the bytes of a bech32m text in lower case.

    Raises AddressError: the protocol writes addresses in lower case, so upper case is refused too.
    """
    human_part, separator, rest = text.rpartition("1")
    if not separator or not human_part or len(text) > _LONGEST or len(rest) < _CHECKSUM_LENGTH:
        raise AddressError("is not an address")
    if any(not 33 <= ord(character) <= 126 for character in human_part) or human_part != human_part.lower():
        raise AddressError("is not an address")
    try:
        values = [_VALUES[character] for character in rest]
    except KeyError:
        raise AddressError("has a character that no address has") from None
    if _polymod([*_expand(human_part), *values]) != _BECH32M:
        raise AddressError("is mistyped: its checksum is wrong")
    return human_part, _from_fives(values[:-_CHECKSUM_LENGTH])


def _expand(human_part: str) -> list[int]:
    codes = human_part.encode("ascii")
    return [code >> 5 for code in codes] + [0] + [code & 31 for code in codes]


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for place, term in enumerate(_GENERATOR):
            if top >> place & 1:
                checksum ^= term
    return checksum


def _to_fives(data: bytes) -> list[int]:
    bits = len(data) * 8
    padding = -bits % 5
    number = int.from_bytes(data, "big") << padding
    places = (bits + padding) // 5
    return [(number >> 5 * (places - 1 - place)) & 31 for place in range(places)]


def _from_fives(values: list[int]) -> bytes:
    number = 0
    for value in values:
        number = number << 5 | value
    length, padding = divmod(len(values) * 5, 8)
    if padding >= 5 or number & ((1 << padding) - 1):
        raise AddressError("is not an address")
    return (number >> padding).to_bytes(length, "big")
