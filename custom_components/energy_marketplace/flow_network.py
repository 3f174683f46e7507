"""What the founding form asks, and the network that it describes."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypedDict

from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TimeSelector,
)
from homeassistant.util import dt as dt_util

from .const import CONF_HYBRID, CONF_TEST
from .flow_errors import FlowProblem, name_problem
from .ledger.genesis import GenesisOptions, Tariff, nightly
from .ledger.hybrid import GOVERNING
from .ledger.units import price_from_nano, price_to_nano
from .schema import vol

SECTION_ADVANCED = "advanced"
SECTION_NIGHT = "night"
CONF_NIGHT_FROM = "from"
CONF_NIGHT_UNTIL = "until"
CONF_NETWORK_NAME = "network_name"
CONF_MEMBER_NAME = "member_name"
CONF_CURRENCY = "currency"
CONF_PRICE_FLOOR = "price_floor"
CONF_PRICE_CAP = "price_cap"
CONF_GRID_FEE = "grid_fee"
CONF_SLOT_S = "slot_s"
CONF_APPROVAL = "approval"
CONF_READINGS = "readings"


class Times(TypedDict):
    """The times of a market, in seconds."""

    slot_s: int
    round_s: int
    proposal_window_s: int
    gate_s: int


CURRENCIES = ("EUR", "BRL", "CHF", "DKK", "GBP", "NOK", "SEK", "USD")
_TARIFF = Tariff()


def price_selector(unit: str | None = None) -> NumberSelector:
    """Return a box for a price per kWh."""
    config = NumberSelectorConfig(min=0, max=1000, step="any", mode=NumberSelectorMode.BOX)
    if unit:
        config["unit_of_measurement"] = unit
    return NumberSelector(config)


def whole_number(least: int, most: int, unit: str | None = None) -> vol.All[int]:
    """Return a box for a whole number."""
    config = NumberSelectorConfig(min=least, max=most, step=1, mode=NumberSelectorMode.BOX)
    if unit:
        config["unit_of_measurement"] = unit
    return vol.All(NumberSelector(config), vol.Coerce(int))


def choice(options: tuple[str, ...], translation_key: str, *, custom: bool = False) -> SelectSelector:
    """Return a drop-down list of translated options."""
    config = SelectSelectorConfig(
        options=list(options),
        translation_key=translation_key,
        mode=SelectSelectorMode.DROPDOWN,
        custom_value=custom,
    )
    return SelectSelector(config)


NIGHT_SCHEMA = vol.Schema(
    {
        vol.Optional(CONF_NIGHT_FROM): TimeSelector(),
        vol.Optional(CONF_NIGHT_UNTIL): TimeSelector(),
        vol.Optional(CONF_PRICE_CAP): price_selector(),
        vol.Optional(CONF_GRID_FEE): price_selector(),
    }
)
"""What is different at night, each night alike."""


def found_schema(currency: str) -> vol.Schema:
    """Return the form of a new network; the tariff's defaults are those of a European street."""
    advanced = vol.Schema(
        {
            vol.Required(CONF_SLOT_S, default=900): whole_number(5, 3600, "s"),
            vol.Required(CONF_APPROVAL, default="invite"): choice(("invite", "manual"), CONF_APPROVAL),
            vol.Required(CONF_READINGS, default="traded"): choice(("traded", "net"), CONF_READINGS),
            vol.Required(CONF_HYBRID, default=False): BooleanSelector(),
        }
    )
    return vol.Schema(
        {
            vol.Required(CONF_NETWORK_NAME): TextSelector(),
            vol.Required(CONF_MEMBER_NAME): TextSelector(),
            vol.Required(CONF_CURRENCY, default=currency): choice(CURRENCIES, CONF_CURRENCY, custom=True),
            vol.Required(CONF_PRICE_FLOOR, default=_per_kwh(_TARIFF.price_floor)): price_selector(),
            vol.Required(CONF_PRICE_CAP, default=_per_kwh(_TARIFF.price_cap)): price_selector(),
            vol.Required(CONF_GRID_FEE, default=_per_kwh(_TARIFF.grid_fee)): price_selector(),
            vol.Optional(SECTION_NIGHT, default={}): section(NIGHT_SCHEMA, {"collapsed": True}),
            vol.Required(CONF_TEST, default=False): BooleanSelector(),
            vol.Required(SECTION_ADVANCED): section(advanced, {"collapsed": True}),
        }
    )


def genesis_options(answers: Mapping[str, Any]) -> GenesisOptions:
    """Return the network that a form describes; raises NotExactError for a price with too many digits."""
    advanced = answers[SECTION_ADVANCED]
    return GenesisOptions(
        name=answers[CONF_NETWORK_NAME].strip(),
        founder_name=answers[CONF_MEMBER_NAME].strip(),
        test=answers[CONF_TEST],
        currency=answers[CONF_CURRENCY].strip().upper(),
        tariff=_tariff(answers),
        approval=advanced[CONF_APPROVAL],
        readings=advanced[CONF_READINGS],
        hybrid=GOVERNING if advanced.get(CONF_HYBRID) else None,
        **proportions(advanced[CONF_SLOT_S]),
    )


def _tariff(answers: Mapping[str, Any]) -> Tariff:
    """Return the tariff; the night is told by the home's clock as it is set now, the week counts in UTC."""
    night = answers.get(SECTION_NIGHT, {})
    flat = Tariff(
        price_floor=price_to_nano(answers[CONF_PRICE_FLOOR]),
        price_cap=price_to_nano(answers[CONF_PRICE_CAP]),
        grid_fee=price_to_nano(answers[CONF_GRID_FEE]),
    )
    begins, ends = (_utc_minute(night.get(name)) for name in (CONF_NIGHT_FROM, CONF_NIGHT_UNTIL))
    if begins is None or ends is None or begins == ends:
        return flat
    by_day = {CONF_PRICE_CAP: flat.price_cap, CONF_GRID_FEE: flat.grid_fee}
    week = {
        name: nightly(day, price_to_nano(night[name]), begins, ends)
        for name, day in by_day.items()
        if name in night
    }
    return replace(flat, week=week)


def _utc_minute(of_day: str | None) -> int | None:
    moment = dt_util.parse_time(of_day) if of_day else None
    if moment is None:
        return None
    offset = dt_util.now().utcoffset() or timedelta()
    return (moment.hour * 60 + moment.minute - int(offset.total_seconds()) // 60) % 1_440


def problem_in_options(options: GenesisOptions) -> FlowProblem | None:
    """Return what no network can be founded with."""
    if re.fullmatch("[A-Z]{3}", options.currency) is None:
        return FlowProblem("bad_currency", "currency")
    caps = [options.tariff.price_cap, *(value for _, value in options.tariff.week.get("price_cap", ()))]
    if options.tariff.price_floor > min(caps):
        return FlowProblem("floor_above_cap", "price_floor")
    return name_problem(options.name, CONF_NETWORK_NAME) or name_problem(
        options.founder_name, CONF_MEMBER_NAME
    )


def proportions(slot_s: int) -> Times:
    """Return a market's times (seconds) for slots of another length, in the proportions of 900 s slots.

    A round is decided before the next one closes and before its first slot starts.
    """
    round_s = max(1, slot_s // 3)
    window_s = min(round_s, max(2, slot_s // 30))
    gate_s = max(window_s, slot_s // 15)
    return Times(slot_s=slot_s, round_s=round_s, proposal_window_s=window_s, gate_s=gate_s)


def _per_kwh(nano_per_wh: int) -> float:
    return float(price_from_nano(nano_per_wh))
