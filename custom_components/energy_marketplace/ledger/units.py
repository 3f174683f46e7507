"""Units of the ledger, and exact conversions to those that people read.

The ledger counts energy in Wh, money in nano-units of the network's currency, prices in nano per Wh and
time in milliseconds since the Unix epoch, all as integers. People read currency, currency per kWh and kWh:
those are `Decimal` here, never `float`, so that a conversion there and back changes nothing.
"""

from decimal import Decimal, InvalidOperation

NANO = 10**9
"""Nano-units in one unit of currency."""

NANO_PER_WH = 10**6
"""Nano per Wh in one unit of currency per kWh."""

MAX_INTEGER = 2**63 - 1
"""The greatest integer that the ledger takes."""

type Number = Decimal | int | float | str


class NotExactError(ValueError):
    """A number that the ledger's integers cannot hold."""


class TooLargeError(NotExactError):
    """A number beyond the ledger's integers."""


def price_to_nano(per_kwh: Number) -> int:
    """Nano per Wh of a price in currency per kWh; at most six decimals."""
    return _scaled(per_kwh, NANO_PER_WH)


def price_from_nano(nano_per_wh: int) -> Decimal:
    """Currency per kWh of a price in nano per Wh."""
    return Decimal(nano_per_wh) / NANO_PER_WH


def money_to_nano(amount: Number) -> int:
    """Nano-units of an amount of currency; at most nine decimals."""
    return _scaled(amount, NANO)


def money_from_nano(nano: int) -> Decimal:
    """Amount of currency of nano-units."""
    return Decimal(nano) / NANO


def energy_to_wh(kwh: Number) -> int:
    """Wh of an energy in kWh; at most three decimals."""
    return _scaled(kwh, 1000)


def energy_from_wh(wh: int) -> Decimal:
    """Energy in kWh of Wh."""
    return Decimal(wh) / 1000


def slot_at(time_ms: int, slot_s: int) -> int:
    """Return the slot that covers a time (ms since the epoch)."""
    return time_ms // (slot_s * 1000)


def slot_start_ms(slot: int, slot_s: int) -> int:
    """Return the time (ms since the epoch) at which a slot starts."""
    return slot * slot_s * 1000


def slot_wh(power_w: int, slot_s: int) -> int:
    """Return the energy (Wh, rounded down) that a power (W) moves in one slot."""
    return power_w * slot_s // 3600


def _scaled(value: Number, factor: int) -> int:
    """Return number times factor, which must be whole and fit 64 bits; a float means the digits it prints."""
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise NotExactError(f"{value!r} is not a number") from error
    if not number.is_finite() or abs(number) * factor > MAX_INTEGER:
        raise TooLargeError(f"{value} is too large for the ledger")
    scaled = number * factor
    if scaled != scaled.to_integral_value():
        raise NotExactError(f"{value} is finer than 1/{factor}")
    return int(scaled)
