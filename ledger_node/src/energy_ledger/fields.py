"""The types of the fields that transactions are made of: how long, how large, and in which letters.

Energy in Wh, money in nano-units, prices in nano per Wh, times in ms.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta

from energy_ledger.refusals import Refused
from energy_ledger.units import INT64_MAX, MAX_RATED_W

Natural = Annotated[int, Meta(ge=0, le=INT64_MAX)]
Positive = Annotated[int, Meta(gt=0, le=INT64_MAX)]
Watts = Annotated[int, Meta(ge=0, le=MAX_RATED_W)]
Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
SignatureHex = Annotated[str, Meta(pattern=r"^[0-9a-f]{128}\Z")]
Address = Annotated[str, Meta(max_length=90)]
Label = Annotated[str, Meta(min_length=1, max_length=64)]
Memo = Annotated[str, Meta(max_length=140)]
Reference = Annotated[str, Meta(min_length=1, max_length=140)]
FeederId = Annotated[str, Meta(max_length=64)]
Date = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]

AssetType = Literal[
    "solar",
    "wind",
    "hydro",
    "biogas",
    "battery",
    "charger",
    "heat_pump",
    "boiler",
    "appliance",
    "home",
    "feeder_meter",
    "other",
]
FEEDER_METER: Final = "feeder_meter"
"""An asset that only compares: the meter at the head of a feeder."""
Source = Literal["solar", "wind", "hydro", "biogas", "storage"]
Quality = Literal["measured", "estimated"]
CertificateId = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\.(0|[1-9][0-9]{0,18})\Z")]
Efficiency = Annotated[int, Meta(ge=1, le=1000)]
"""How much of what went into a store comes out again, in thousandths."""

MAX_DUAL = 2**53
"""No number of a proof is further from zero: far beyond any price, yet safe to calculate with."""
Dual = Annotated[int, Meta(ge=-MAX_DUAL, le=MAX_DUAL)]
NaturalDual = Annotated[int, Meta(ge=0, le=MAX_DUAL)]
MAX_DAY = 1_000_000
"""No day of the protocol is later."""


def is_hash(text: str) -> bool:
    """Tell whether a text is a hash in lower-case hex, as ids are."""
    return len(text) == 64 and all(character in "0123456789abcdef" for character in text)


def check_plain(text: str, field: str) -> None:
    """Check that a key of JSON is a number in the one way it can be written. Raises Refused."""
    plain = text.isascii() and text.isdigit() and len(text) <= 19 and (text == "0" or text[0] != "0")
    if not plain or int(text) > INT64_MAX:
        raise Refused("bad_value", field, "The keys must be whole numbers in plain decimal.")
