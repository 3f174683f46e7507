"""Numbers everyone agrees on: what fits, and how power, energy and time relate.

Energy is in Wh, power in W, money in nano-units of the currency, prices in nano per Wh, ledger time in
milliseconds since the Unix epoch; all of them whole numbers.
"""

INT64_MAX = 2**63 - 1
"""No number of the protocol is greater."""

MAX_MONEY = 2**62 - 1
"""The most money a network may issue and the highest credit line: the sum of both still fits 64 bits."""

MAX_RATED_W = 10**9
"""No asset is rated higher, so that energy times price cannot leave 64 bits."""

MAX_TARIFF = 10**9
"""No price of a tariff is higher: one whole unit of the currency per Wh."""

MS_PER_S = 1000
SECONDS_PER_HOUR = 3600
SECONDS_PER_MINUTE = 60
MINUTES_PER_DAY = 24 * 60
MINUTES_PER_WEEK = 7 * MINUTES_PER_DAY

HOUR_MS = SECONDS_PER_HOUR * MS_PER_S
DAY_S = 24 * SECONDS_PER_HOUR
DAY_MS = 24 * HOUR_MS


def within_rating(wh: int, rated_w: int, slot_s: int) -> bool:
    """Tell whether `rated_w` can move `wh` in one slot, without rounding."""
    return wh * SECONDS_PER_HOUR <= rated_w * slot_s


def most_wh(rated_w: int, slot_s: int) -> int:
    """Return the whole Wh that `rated_w` moves in one slot at most."""
    return rated_w * slot_s // SECONDS_PER_HOUR
