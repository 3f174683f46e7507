"""Reading what an action was given, and saying what is wrong with it in the user's language."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import service
from homeassistant.util import dt as dt_util

from .assets import HomeAsset, assets_of
from .const import DOMAIN
from .coordinator import EnergyMarketplaceConfigEntry, MarketCoordinator
from .ledger.address import Address, AddressError
from .ledger.client import NodeError, NotAuthorizedError, RefusedError
from .ledger.member import LostAnswerError
from .ledger.units import NotExactError, TooLargeError, energy_to_wh, money_to_nano, price_to_nano
from .placing import next_occurrence

ATTR_CONFIG_ENTRY = "config_entry"
ATTR_DEVICE_ID = "device_id"

_TRANSLATED_REFUSALS = frozenset(
    {
        "already_member",
        "beyond_horizon",
        "exceeds_rating",
        "not_active",
        "not_allowed",
        "not_enough_money",
        "not_your_order",
        "order_closed",
        "slot_closed",
        "redemption_closed",
        "unknown_member",
        "unknown_order",
        "unknown_redemption",
        "window_too_short",
    }
)


@dataclass(frozen=True)
class Target:
    """An asset that an action is for, and the market it takes part in."""

    entry: EnergyMarketplaceConfigEntry
    asset: HomeAsset

    @property
    def market(self) -> MarketCoordinator:
        """The member's market."""
        return self.entry.runtime_data.market


def invalid(key: str, **placeholders: object) -> ServiceValidationError:
    """Return the error for an input that cannot be meant."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={name: str(value) for name, value in placeholders.items()},
    )


@contextmanager
def explained() -> Iterator[None]:
    """Turn what the node or the ledger says into an error in the user's language."""
    try:
        yield
    except RefusedError as error:
        known = error.code in _TRANSLATED_REFUSALS
        key = f"refused_{error.code}" if known else "refused"
        raise invalid(key, message=error.message.rstrip(".")) from error
    except LostAnswerError as error:
        raise _failed("lost_answer", error) from error
    except NotAuthorizedError as error:
        raise _failed("authentication_failed", error) from error
    except NodeError as error:
        raise _failed("cannot_connect", error) from error


def entry_of(hass: HomeAssistant, call: ServiceCall) -> EnergyMarketplaceConfigEntry:
    """Return the member that an action names, or the only one there is."""
    entry: EnergyMarketplaceConfigEntry = service.async_get_config_entry(
        hass, DOMAIN, call.data.get(ATTR_CONFIG_ENTRY)
    )
    return entry


def target_of(hass: HomeAssistant, call: ServiceCall) -> Target:
    """Return the one asset whose device an action names."""
    given = call.data[ATTR_DEVICE_ID]
    device_ids = given if isinstance(given, list) else [given]
    if len(device_ids) != 1:
        raise invalid("one_asset")
    device = dr.async_get(hass).async_get(str(device_ids[0]))
    identifiers = {value for domain, value in device.identifiers if domain == DOMAIN} if device else set()
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        for asset in assets_of(entry):
            if asset.subentry_id in identifiers:
                return Target(entry, asset)
    raise invalid("not_an_asset")


def given(call: ServiceCall, name: str) -> bool:
    """Return whether an optional input has a value; an empty text, as templates give it, is none."""
    return call.data.get(name) not in (None, "")


def number(call: ServiceCall, name: str) -> float:
    """Return a number above zero."""
    parsed = _parsed(call, name)
    if not math.isfinite(parsed) or parsed <= 0:
        raise invalid("not_above_zero", field=name, value=call.data[name])
    return parsed


def wh(call: ServiceCall, name: str) -> int:
    """Return an energy given in kWh."""
    number(call, name)
    with _exact(call, name):
        return energy_to_wh(call.data[name])


def price(call: ServiceCall, name: str) -> int | None:
    """Return a price given in currency per kWh, None where it was left out."""
    if not given(call, name):
        return None
    if _parsed(call, name):
        number(call, name)
    with _exact(call, name):
        return price_to_nano(call.data[name])


def amount(call: ServiceCall, name: str) -> int:
    """Return an amount given in the network's currency."""
    number(call, name)
    with _exact(call, name):
        return money_to_nano(call.data[name])


def text(call: ServiceCall, name: str, most: int) -> str:
    """Return a text that is neither empty nor too long."""
    value = str(call.data[name]).strip()
    if not 0 < len(value) <= most:
        raise invalid("bad_text", field=name, most=most)
    return value


def address(call: ServiceCall, name: str, market: MarketCoordinator) -> str:
    """Return the address of a member of this kind of network."""
    try:
        parsed = Address.parse(str(call.data[name]))
    except AddressError as error:
        raise invalid("bad_address", field=name, message=error) from error
    if parsed.test != market.network.test:
        raise invalid("other_kind_of_network", field=name)
    return str(parsed)


def moment_ms(call: ServiceCall, name: str) -> int | None:
    """Return a time in ms since the epoch; a time of day means its next occurrence."""
    return required_moment_ms(call, name) if given(call, name) else None


def required_moment_ms(call: ServiceCall, name: str) -> int:
    """Return a time that cannot be left out, in ms since the epoch."""
    try:
        return _as_ms(call.data[name])
    except (ValueError, OverflowError) as error:
        raise invalid("not_a_time", field=name, value=call.data[name]) from error


def _as_ms(value: Any) -> int:
    """Return a time in ms since the epoch; ValueError or OverflowError for what is none."""
    moment = _as_datetime(value)
    if moment is None:
        raise ValueError("neither a date and time nor a time of day")
    return int(dt_util.as_utc(moment).timestamp() * 1000)


def _as_datetime(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    of_day = value if isinstance(value, time) else dt_util.parse_time(str(value))
    if of_day is None:
        return dt_util.parse_datetime(str(value))
    return next_occurrence(of_day)


def _parsed(call: ServiceCall, name: str) -> float:
    """Return any number, infinity included; yes and no are none."""
    value = call.data[name]
    try:
        # Python would take yes for one and no for zero.
        return float(str(value) if isinstance(value, bool) else value)
    except (TypeError, ValueError, OverflowError) as error:
        raise invalid("not_a_number", field=name, value=value) from error


@contextmanager
def _exact(call: ServiceCall, name: str) -> Iterator[None]:
    try:
        yield
    except TooLargeError as error:
        raise invalid("too_large", field=name, value=call.data[name]) from error
    except NotExactError as error:
        raise invalid("not_exact", field=name, message=error) from error


def _failed(key: str, error: Exception) -> HomeAssistantError:
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={"message": str(error)},
    )
