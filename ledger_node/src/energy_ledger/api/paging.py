"""Query parameters of the lists: which filters a path takes, and which page is wanted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

from energy_ledger.api.problems import ProblemError
from energy_ledger.api.types import (
    AccountStatus,
    CertificateState,
    ClaimState,
    OrderState,
    RedemptionState,
    TradeState,
)

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
_MAX_INT = 2**63 - 1

type Value = str | int


def _text(text: str) -> str:
    if not 1 <= len(text) <= 128:
        raise ValueError("has 1 to 128 characters")
    return text


def whole_number(text: str) -> int:
    """Read a number of this API: plain decimal digits, within 64 bits.

    Raises ValueError, whose text completes the sentence "`field` …".
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 19) or int(text) > _MAX_INT:
        raise ValueError("is a whole number that is not negative")
    return int(text)


def _one_of(*values: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in values:
            raise ValueError(f"is one of {', '.join(values)}")
        return text

    return read


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter: its name, how it is read, how OpenAPI describes it."""

    name: str
    read: Callable[[str], Value]
    schema: Mapping[str, object]
    description: str

    def value(self, text: str) -> Value:
        """Read the parameter's text; raises ProblemError `bad_request` naming it."""
        try:
            return self.read(text)
        except ValueError as error:
            raise ProblemError("bad_request", f"`{self.name}` {error}", self.name) from None


def _words(name: str, description: str) -> Parameter:
    return Parameter(name, _text, {"type": "string"}, description)


def _number(name: str, description: str) -> Parameter:
    return Parameter(name, whole_number, {"type": "integer", "minimum": 0}, description)


def _states(values: tuple[str, ...]) -> Parameter:
    return Parameter(
        "state", _one_of(*values), {"type": "string", "enum": list(values)}, "in this state only"
    )


ACCOUNT = _words("account", "of this account only")
ASSET = _words("asset", "of this asset only")
ORDER = _words("order", "of this order only")
SLOT = _number("slot", "of this slot only")
HOLDER = _words("holder", "held or used by this account only")
CONSUMER = _words("consumer", "used by this asset only")
DAY = _number("day", "of this day only, counted since the epoch (UTC)")
FROM_DAY = _number("from", "the first day, counted since the epoch (UTC)")
UNTIL_DAY = _number("until", "the day after the last")
FROM_SLOT = _number("from", "the first slot")
UNTIL_SLOT = _number("until", "the slot after the last")
TABLE = Parameter(
    "format",
    _one_of("json", "csv"),
    {"type": "string", "enum": ["json", "csv"], "default": "json"},
    "`csv`: as a file",
)
CERTIFICATE_FORMATS = ("json", "csv", "energytag")
CERTIFICATE_FORMAT = Parameter(
    "format",
    _one_of(*CERTIFICATE_FORMATS),
    {"type": "string", "enum": list(CERTIFICATE_FORMATS), "default": "json"},
    "with EnergyTag's attribute names, as a table or (`energytag`) as JSON",
)
ORDER_STATE = _states(get_args(OrderState.__value__))
REDEMPTION_STATE = _states(get_args(RedemptionState.__value__))
ACCOUNT_STATUS = Parameter(
    "status",
    _one_of(*get_args(AccountStatus.__value__)),
    {"type": "string", "enum": list(get_args(AccountStatus.__value__))},
    "with this standing only",
)
KEY = _words("key", "whose present ed25519 key this is, in hex")
TRADE_STATE = _states(get_args(TradeState.__value__))
CLAIM_STATE = _states(get_args(ClaimState.__value__))
CERTIFICATE_STATE = _states(get_args(CertificateState.__value__))
TYPES = _words("types", "of these types only, separated by commas")
EVENT_CURSOR = _number("cursor", "events after this one; without it, from now on")
PROOF = Parameter(
    "proof",
    _one_of("0", "1"),
    {"type": "string", "enum": ["0", "1"]},
    "`1`: the row as of the newest certified commit, with its proof",
)
EXPORT = Parameter(
    "export",
    _one_of("0", "1"),
    {"type": "string", "enum": ["0", "1"]},
    "`1`: all of it as one file that `energy-ledger verify-audit` checks",
)
FROM = _number("from", "since this ledger time, ms; without it, from the beginning")
UNTIL = _number("until", "before this ledger time, ms; without it, until now")
FORMATS = ("json", "csv", "html")
FORMAT = Parameter(
    "format",
    _one_of(*FORMATS),
    {"type": "string", "enum": list(FORMATS), "default": "json"},
    "as a table for spreadsheets, or as a page to print",
)
LIMIT = Parameter(
    "limit",
    whole_number,
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    "how many at most",
)
CURSOR = _number("cursor", "the page after this one, as `next` of the page before said")
PAGE = (LIMIT, CURSOR)


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a list a client wants: after this cursor, at most so many."""

    after: int | None
    limit: int


def read_query(query: Mapping[str, str], takes: tuple[Parameter, ...]) -> dict[str, Value]:
    """Read a path's query parameters.

    Raises ProblemError `bad_request` for one that is malformed or that the path does not take.
    """
    known = {parameter.name: parameter for parameter in takes}
    for name in query:
        if name not in known:
            raise ProblemError(
                "bad_request", f"this path does not take `{name}`; it takes {', '.join(known)}", name
            )
    return {name: known[name].value(text) for name, text in query.items()}


def take_window(values: dict[str, Value]) -> Window:
    """Take limit and cursor out of the read parameters; the filters stay.

    Raises ProblemError `bad_request` for a limit outside 1..500.
    """
    limit = values.pop("limit", DEFAULT_LIMIT)
    after = values.pop("cursor", None)
    if not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        raise ProblemError("bad_request", f"`limit` lies between 1 and {MAX_LIMIT}", "limit")
    return Window(after if isinstance(after, int) else None, limit)
