"""Exact reading of signed JSON: the text is taken as it is or refused with the place that is wrong.

`json` finds what `msgspec` would forgive (a key twice, a float that happens to be whole); `msgspec` then
fits the tree into a struct. The good case goes through once; only a refused text is looked at twice.
"""

import json
import re
from typing import Any, NoReturn

import msgspec

from energy_ledger.refusals import Code, Refused

_LONGEST_FIELD = 80


class _DuplicateKeyError(ValueError):
    """An object has a key twice."""


class _FloatError(ValueError):
    """A number is not a whole one."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _DuplicateKeyError
    return result


def _no_float(text: str) -> NoReturn:
    raise _FloatError(text)


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON value")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_no_float, parse_constant=_no_constant, strict=True
)


def loads(data: bytes) -> Any:
    """Parse JSON bytes without floats and without a key twice in an object.

    Raises Refused with `not_utf8`, `not_json`, `duplicate_key` or `float`, in this order.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("not_utf8", None, f"Byte {error.start} of the text is not UTF-8.") from None
    try:
        tree = _DECODER.decode(text)
    except ValueError, RecursionError:
        tree = _diagnose(text)
    if "\\u" in text:
        _refuse_half_characters(tree)
    return tree


def _diagnose(text: str) -> Any:
    """Find what is wrong with a text that did not parse, in the order the protocol names."""
    repeated: list[str] = []
    floats: list[str] = []

    def pairs_hook(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in pairs:
            if key in result:
                repeated.append(key)
            result[key] = value
        return result

    decoder = json.JSONDecoder(
        object_pairs_hook=pairs_hook,
        parse_float=floats.append,
        parse_int=lambda digits: int(digits[:40]),
        parse_constant=_no_constant,
    )
    try:
        tree = decoder.decode(text)
    except RecursionError:
        raise Refused("not_json", None, "The JSON text is nested too deeply.") from None
    except ValueError as error:
        raise Refused("not_json", None, f"The text is not JSON: {error}.") from None
    if repeated:
        raise Refused("duplicate_key", _shorten(repeated[0]), "The same key is given twice; give it once.")
    if floats:
        message = f"Every number must be a whole one, not {_shorten(floats[0])}."
        raise Refused("float", None, message)
    return tree


def _refuse_half_characters(tree: Any) -> None:
    r"""Refuse escapes such as ``\ud800``, which name half a character and have no UTF-8."""
    try:
        json.dumps(tree, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise Refused("not_utf8", None, "An escape in the text names half a character.") from None


_FORMS: tuple[tuple[re.Pattern[str], Code], ...] = (
    (re.compile(r"Object contains unknown field `(?P<name>.*?)`"), "unknown_field"),
    (re.compile(r"Object missing required field `(?P<name>.*?)`"), "missing_field"),
    (re.compile(r"Expected `[^`]*`, got `"), "wrong_type"),
)
_PLACE = re.compile(r" - at (?:the key in )?`\$\.?(?P<path>.*?)`$", re.DOTALL)

_SENTENCES: dict[Code, str] = {
    "unknown_field": "This field is not known here; leave it out.",
    "missing_field": "This field is missing.",
}


def convert[T](tree: Any, kind: type[T]) -> T:
    """Fit a parsed tree into a struct.

    Raises Refused with `unknown_field`, `missing_field`, `wrong_type` or `bad_value`, naming the field.
    """
    try:
        return msgspec.convert(tree, kind)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None


def _refusal(text: str) -> Refused:
    """Turn a complaint of msgspec into a refusal; its wording is part of the pinned version and tested."""
    place = _PLACE.search(text)
    path = place["path"].replace("[...]", "") if place else ""
    what = text[: place.start()] if place else text
    for pattern, code in _FORMS:
        if found := pattern.match(what):
            path = ".".join(part for part in (path, found.groupdict().get("name", "")) if part)
            return Refused(code, _shorten(path) or None, _SENTENCES.get(code, f"{what}."))
    return Refused("bad_value", _shorten(path) or None, f"{what}.")


def _shorten(text: str) -> str:
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= _LONGEST_FIELD else f"{text[:_LONGEST_FIELD]}…"


_CONTROL = re.compile("[\x00-\x1f\x7f]")


def check_text(text: str, field: str) -> None:
    """Refuse control characters in a text that people will see."""
    if _CONTROL.search(text):
        raise Refused("bad_value", field, "The text must not contain line breaks or control characters.")
