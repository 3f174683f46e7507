"""Profiles as data: one file of `tables/` for each maker, and what such a file may say.

A file names the maker, the published tables that it follows, the models that were left out and why, how its
registers are read unless they say otherwise (`registers`: function, word order), and the profiles. A profile:

- `key`, `product`, `measures`: its name in settings, the product, and what it measures (`meter`: the place
  where it is wired in; `grid`, `production`, `battery`: what an inverter or a gateway says of these).
- `power` (W, positive is import), `imported`, `exported` (Wh): a point each, or null. A point is `at` (the
  address on the wire, from 0), `type`, and where needed `factor` (to W or Wh, default 1), `missing`,
  `exponent`, `absolute`, `optional`, `plus`, and its own `function` and `word_order`.
- `identity`: null, or `certainty` and `checks`: numbers (`at`, `type`, `equals` or `between`) and texts
  (`at`, `words`, `starts`, `byte_order`).
- optional `unit_id`, `gap_words`.

Everything else is refused: a misspelt word must not silently become a meter that reads zero.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, get_args

from ..registers import Function, Layout, Point, Register, RegisterType, WordOrder
from .fixed import FixedProfile
from .identity import Certainty, Check, Identity, NumberCheck, TextCheck

type Json = Mapping[str, Any]

TABLES = Path(__file__).parent / "tables"

_SUFFIXES = {"meter": "", "grid": ": grid meter", "production": ": production", "battery": ": battery"}
_ONE_WAY = {"imported": " (import only)", "exported": " (export only)"}
_FUNCTIONS: Sequence[str] = get_args(Function.__value__)
_TYPES: Sequence[str] = get_args(RegisterType.__value__)
_ORDERS: Sequence[str] = get_args(WordOrder.__value__)
_FILE = ("maker", "sources", "left_out", "registers", "profiles")
_PROFILE = ("key", "product", "measures", "power", "imported", "exported", "identity")
_PROFILE_MORE = ("unit_id", "gap_words")
_REGISTER = ("at", "type")
_REGISTER_MORE = ("function", "word_order", "missing")
_POINT_MORE = (*_REGISTER_MORE, "factor", "exponent", "absolute", "optional", "plus")
_HIGHEST_ADDRESS = 0xFFFF


class TableError(ValueError):
    """A table that says something wrong, and where."""


def load_tables(folder: Path = TABLES) -> dict[str, FixedProfile]:
    """Return the profiles of all tables in a folder by key, in the order of the files.

    Raises:
        TableError: a file is no such table, or two profiles have one key.

    """
    profiles: dict[str, FixedProfile] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            found = parse_table(json.loads(path.read_text("utf-8")))
        except (TableError, json.JSONDecodeError) as error:
            raise TableError(f"{path.name}: {error}") from error
        if twice := [profile.key for profile in found if profile.key in profiles]:
            raise TableError(f"{path.name}: {twice} are in another table already")
        profiles |= {profile.key: profile for profile in found}
    return profiles


def parse_table(data: object) -> tuple[FixedProfile, ...]:
    """Return the profiles of a table; raises TableError."""
    table = _object("the table", data, _FILE)
    _text("maker", table["maker"])
    for source in _list("sources", table["sources"]):
        _text("a source", source)
    for model, reason in _object("left_out", table["left_out"], None).items():
        _text(f"why {model} is left out", reason)
    defaults = _object("registers", table["registers"], ("function", "word_order"))
    profiles = tuple(_profile(item, defaults) for item in _list("profiles", table["profiles"]))
    if len({profile.key for profile in profiles}) != len(profiles):
        raise TableError("two profiles have one key")
    return profiles


def _profile(data: object, defaults: Json) -> FixedProfile:
    profile = _object("a profile", data, _PROFILE, _PROFILE_MORE)
    key = _text("key", profile["key"])
    try:
        layout = _layout(profile, defaults)
        return FixedProfile(
            key=key,
            name=_name(profile, layout),
            layout=layout,
            identity=_identity(profile["identity"], defaults),
            unit_id=_whole("unit_id", profile.get("unit_id", 1), 0, 255),
        )
    except TableError as error:
        raise TableError(f"{key}: {error}") from error


def _layout(profile: Json, defaults: Json) -> Layout:
    points = {
        name: None if profile[name] is None else _within(name, _point, profile[name], defaults)
        for name in ("power", "imported", "exported")
    }
    if points["imported"] is None and points["exported"] is None:
        raise TableError("it counts no energy")
    return Layout(**points, gap_words=_whole("gap_words", profile.get("gap_words", 0), 0, 100))


def _name(profile: Json, layout: Layout) -> str:
    measures = _one_of("measures", profile["measures"], _SUFFIXES)
    name = _text("product", profile["product"]) + _SUFFIXES[measures]
    if (layout.imported and layout.exported) or measures == "production":
        return name
    return name + _ONE_WAY["imported" if layout.imported else "exported"]


def _point(data: object, defaults: Json) -> Point:
    point = _object("a point", data, _REGISTER, _POINT_MORE)
    exponent = point.get("exponent")
    return Point(
        register=_register(point, defaults),
        factor=_decimal("factor", point.get("factor", "1")),
        exponent=None if exponent is None else _scale(exponent, defaults),
        absolute=_flag("absolute", point.get("absolute", False)),
        optional=_flag("optional", point.get("optional", False)),
        plus=tuple(_point(item, defaults) for item in _list("plus", point.get("plus", []), least=0)),
    )


def _scale(data: object, defaults: Json) -> Register:
    register = _register(_object("exponent", data, _REGISTER, _REGISTER_MORE), defaults)
    if register.type not in ("int16", "uint16"):
        raise TableError("an exponent is a whole number of one word")
    return register


def _register(data: Json, defaults: Json) -> Register:
    missing = data.get("missing")
    register = Register(
        address=_whole("at", data["at"], 0, _HIGHEST_ADDRESS),
        type=_one_of("type", data["type"], _TYPES),
        function=_one_of("function", data.get("function", defaults["function"]), _FUNCTIONS),
        word_order=_one_of("word_order", data.get("word_order", defaults["word_order"]), _ORDERS),
        missing=None if missing is None else _whole("missing", missing, -(2**63), 2**64 - 1),
    )
    if register.address + register.count - 1 > _HIGHEST_ADDRESS:
        raise TableError(f"register {register.address} is longer than the address space")
    if missing is not None and register.type.startswith("float"):
        raise TableError("a float says by itself that it is none")
    return register


def _identity(data: object, defaults: Json) -> Identity | None:
    if data is None:
        return None
    identity = _object("identity", data, ("certainty", "checks"))
    certainty = Certainty(_one_of("certainty", identity["certainty"], list(Certainty)))
    checks = _list("checks", identity["checks"])
    if certainty is Certainty.CERTAIN and not any("between" not in check for check in checks):
        raise TableError("a range alone makes nothing certain")
    return Identity(certainty, tuple(_within("identity", _check, check, defaults) for check in checks))


def _check(data: object, defaults: Json) -> Check:
    if isinstance(data, dict) and "starts" in data:
        return _text_check(
            _object("a text", data, ("at", "words", "starts"), ("function", "byte_order")), defaults
        )
    number = _object("a number", data, _REGISTER, ("function", "word_order", "equals", "between"))
    if ("equals" in number) == ("between" in number):
        raise TableError("a number is checked by equals or by between")
    register = _register({key: number[key] for key in number if key not in ("equals", "between")}, defaults)
    if "equals" in number:
        values = [Decimal(_whole("equals", item, 0, 2**32)) for item in _list("equals", number["equals"])]
        return NumberCheck(register, tuple((value, value) for value in values))
    ends = [_decimal("between", item) for item in _list("between", number["between"])]
    if len(ends) != 2 or ends[0] > ends[1]:
        raise TableError("between is the least and the most")
    return NumberCheck(register, ((ends[0], ends[1]),))


def _text_check(data: Json, defaults: Json) -> TextCheck:
    return TextCheck(
        address=_whole("at", data["at"], 0, _HIGHEST_ADDRESS),
        words=_whole("words", data["words"], 1, 40),
        starts=tuple(_text("starts", item) for item in _list("starts", data["starts"])),
        function=_one_of("function", data.get("function", defaults["function"]), _FUNCTIONS),
        byte_order=_one_of("byte_order", data.get("byte_order", "big"), _ORDERS),
    )


def _within[T](place: str, parse: Callable[[object, Json], T], data: object, defaults: Json) -> T:
    try:
        return parse(data, defaults)
    except TableError as error:
        raise TableError(f"{place}: {error}") from error


def _object(
    what: str, data: object, required: Collection[str] | None, more: Collection[str] = ()
) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise TableError(f"{what} is no object")
    if required is None:
        return data
    if lacking := sorted(set(required) - data.keys()):
        raise TableError(f"{what} lacks {', '.join(lacking)}")
    if unknown := sorted(data.keys() - {*required, *more}):
        raise TableError(f"{what} does not know {', '.join(unknown)}")
    return data


def _list(what: str, data: object, least: int = 1) -> list[Any]:
    if not isinstance(data, list) or len(data) < least:
        raise TableError(f"{what} is no list" + (" of something" if least else ""))
    return data


def _text(what: str, data: object) -> str:
    if not isinstance(data, str) or not data.strip():
        raise TableError(f"{what} is no text")
    return data


def _flag(what: str, data: object) -> bool:
    if not isinstance(data, bool):
        raise TableError(f"{what} is neither true nor false")
    return data


def _whole(what: str, data: object, least: int, most: int) -> int:
    if not isinstance(data, int) or isinstance(data, bool) or not least <= data <= most:
        raise TableError(f"{what} is no whole number from {least} to {most}")
    return data


def _decimal(what: str, data: object) -> Decimal:
    try:
        value = Decimal(_text(what, data))
    except InvalidOperation as error:
        raise TableError(f"{what} is no number") from error
    if not value.is_finite() or (what == "factor" and value == 0):
        raise TableError(f"{what} is no number that counts")
    return value


def _one_of(what: str, data: object, choices: Collection[str]) -> Any:
    if not isinstance(data, str) or data not in choices:
        raise TableError(f"{what} is none of {', '.join(choices)}")
    return data
