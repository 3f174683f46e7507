"""Strict reading of JSON: whole numbers only, no key twice, no field too many or too few.

Every value of an accepted text is looked at by one of these functions, so nothing unexpected slips through.
Each fault names the place (an order, say) and the field.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

INT64_MAX = 2**63 - 1
_MOST_DIGITS = 100


class ReadingError(ValueError):
    """Something in a JSON text is not as it must be; the message is one line."""


class JsonObject(dict[str, object]):
    """A JSON object that remembers whether one of its keys came twice."""

    repeated: str | None = None


def _remember_repeats(pairs: list[tuple[str, object]]) -> JsonObject:
    result = JsonObject()
    for key, value in pairs:
        if key in result:
            result.repeated = key
        result[key] = value
    return result


def load(text: str | bytes) -> object:
    """Parse JSON; objects come out as `JsonObject`. Raises ReadingError."""
    try:
        decoded = text if isinstance(text, str) else text.decode()
        return json.loads(decoded, object_pairs_hook=_remember_repeats, parse_int=_whole_number)
    except RecursionError:
        raise ReadingError("not JSON that can be read: nested too deeply") from None
    except ValueError as error:
        raise ReadingError(f"not JSON: {' '.join(str(error).split())}") from None


def _whole_number(digits: str) -> int:
    """Read a number; of one with too many digits the first ones, so that its place can be named later."""
    return int(digits[:_MOST_DIGITS])


def shown(value: object) -> str:
    """Write a value on one line, shortened, for a message."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


@dataclass(frozen=True)
class Place:
    """Where in the text a value stands; the empty name is the text as a whole."""

    name: str

    def fault(self, field: str, message: str) -> ReadingError:
        """Make the error for one field of this place."""
        return ReadingError(": ".join(part for part in (self.name, field, message) if part))

    def fields(self, value: object, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> JsonObject:
        """Take an object that has all required fields and none but those and the optional ones."""
        found = self.mapping(value, "")
        for key in required:
            if key not in found:
                raise self.fault(key if key.isidentifier() else shown(key), "is missing")
        for key in found:
            if key not in required and key not in optional:
                raise self.fault(shown(key), "is not a field known here")
        return found

    def mapping(self, value: object, field: str) -> JsonObject:
        """Take an object with any keys, none of them twice."""
        if not isinstance(value, JsonObject):
            raise self.fault(field, f"must be an object, not {shown(value)}")
        if value.repeated is not None:
            raise self.fault(field, f"has the key {shown(value.repeated)} twice")
        return value

    def items(self, value: object, field: str) -> list[object]:
        """Take a list."""
        if not isinstance(value, list):
            raise self.fault(field, f"must be a list, not {shown(value)}")
        return value

    def text(self, value: object, field: str) -> str:
        """Take a text."""
        if not isinstance(value, str):
            raise self.fault(field, f"must be a text, not {shown(value)}")
        return value

    def whole(self, value: object, field: str) -> int:
        """Take a whole number of any sign, however large within reason; neither true nor 1.0 is one."""
        if type(value) is not int:
            raise self.fault(field, f"must be a whole number, not {shown(value)}")
        if abs(value) >= 10 ** (_MOST_DIGITS - 2):
            raise self.fault(field, "has too many digits")
        return value

    def number(self, value: object, field: str, least: int = 0) -> int:
        """Take a whole number from `least` to the greatest of 64 bits."""
        number = self.whole(value, field)
        if not least <= number <= INT64_MAX:
            raise self.fault(field, f"must be from {least} to {INT64_MAX}, not {shown(number)}")
        return number

    def slot_number(self, key: str, field: str) -> int:
        """Take a slot written as a key: plain decimal, no sign, no leading zero."""
        if not (key.isascii() and key.isdigit()) or (key[0] == "0" and key != "0") or len(key) > 19:
            raise self.fault(field, f"{shown(key)} is not a slot number in plain decimal")
        return int(key)

    def column[T](self, value: object, field: str, read: Callable[[object, str], T]) -> tuple[T, ...]:
        """Take a list of values of one kind."""
        return tuple(read(item, f"{field}[{index}]") for index, item in enumerate(self.items(value, field)))
