"""Why something is done, in one sentence that can be said in any language."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final

from ..ledger.units import NANO, NANO_PER_WH

ENGLISH: Final[Mapping[str, str]] = {
    "sell_surplus": "Offers {energy_wh} that will be left over, for {price} or more.",
    "buy_consumption": "Bids for {energy_wh} that the home will need anyway, at {price} at most.",
    "sell_stored": "Offers {energy_wh} from the battery, for {price} or more.",
    "fill_battery": "Bids for {energy_wh} to fill the battery, at {price} at most.",
    "request_energy": "Bids for {energy_wh} until {finish_ms}, at {price} at most.",
    "offers_surplus": "Offers {energy_wh} of surplus from {start_ms} to {end_ms} for {price} or more, "
    "because the supplier would pay {outside} only.",
    "offers_stored": "Offers {energy_wh} from the battery from {start_ms} to {end_ms} for {price} or more, "
    "because less would not cover what it is worth at home, its losses and its wear.",
    "bids_base": "Bids for {energy_wh} that the home needs from {start_ms} to {end_ms} at {price} at most, "
    "because the supplier charges {outside}.",
    "bids_charge": "Bids for {energy_wh} any time until {end_ms} at {price} at most, "
    "because later it saves more than that.",
    "bids_load": "Bids for {energy_wh} any time until {end_ms} at {price} at most, "
    "because otherwise the supplier charges {outside}.",
    "bids_run": "Bids for a run of {energy_wh} that ends by {end_ms} at {price} at most, "
    "because otherwise the supplier charges {outside}.",
    "takes_back": "Takes the order back, because it no longer fits what is expected.",
    "takes_at": "Takes {energy_wh} from {start_ms} to {end_ms}, because that is expected to cost no more "
    "than {price}.",
    "takes_sunshine": "Takes {energy_wh} from {start_ms} to {end_ms}, because the own roof is expected to "
    "have it left over.",
    "takes_agreed": "Takes {energy_wh} from {start_ms} to {end_ms}, because it was bought from neighbours.",
    "takes_last": "Takes {energy_wh} from {start_ms} to {end_ms}, because it would not be ready in time "
    "otherwise.",
    "takes_warmth": "Takes {energy_wh} from {start_ms} to {end_ms}, because it would become too cold "
    "otherwise.",
    "kept_warm": "It is kept between {low_c} and {high_c}.",
    "no_temperature": "Its temperature cannot be read; until it can, it gets {energy_wh} by {end_ms}.",
    "blind": "Its temperature could not be read for an hour; until it can, it is left to its own control.",
    "learns_heat": "What a degree takes is still being learned; until then it gets {energy_wh} by {end_ms}.",
    "gives_agreed": "Gives {energy_wh} from {start_ms} to {end_ms}, because it was sold to neighbours.",
    "gives_home": "Gives {energy_wh} from {start_ms} to {end_ms}, because energy is dear then: {price}.",
    "gives_market": "Gives {energy_wh} from {start_ms} to {end_ms}, because neighbours are expected to "
    "pay {price}.",
    "waits_cheaper": "Waits, because nothing is expected to cost {price} or less.",
    "waits_limit": "Waits, because the spending limit of {money} a day is reached.",
    "cannot_be_ready": "Takes {energy_wh} by {end_ms}; {missing_wh} more cannot be had in that time.",
    "rests": "Rests, because nothing is worth doing.",
    "pauses_node": "Trades nothing now, because the node cannot be reached.",
    "pauses_meter": "Trades nothing now, because the meter of the connection point is silent.",
    "pauses_member": "Trades nothing now, because the membership is not active.",
    "pauses_network": "Trades nothing now, because the network agrees on nothing at present.",
    "pauses_unclear": "Trades nothing new now, because it is not known yet what became of an order.",
    "switched_off": "Does not trade by itself, because automatic trading is switched off.",
}
"""Every sentence in English. A value's name tells its unit: `…_wh` energy in Wh, `…_ms` a time, `…_c` degrees
Celsius, `money` nano, `price` and `outside` nano per Wh."""


_OF_ORDERS: Final = ("offers_", "bids_", "waits_limit", "rests")


@dataclass(frozen=True, slots=True)
class Sentence:
    """Why something is done: a key of the translations and the values to put in.

    Energies are Wh, times ms since the epoch, temperatures °C, money nano, prices nano per Wh.
    """

    key: str
    values: Mapping[str, int | str] = field(default_factory=dict)

    @property
    def is_of_orders(self) -> bool:
        """Whether it says what is ordered, and not what an asset itself does."""
        return self.key.startswith(_OF_ORDERS)

    def placeholders(self, zone: tzinfo = UTC, currency: str = "EUR") -> dict[str, str]:
        """Return the values as people read them: kWh, local times, currency per kWh."""
        return {name: _written(name, value, zone, currency) for name, value in self.values.items()}

    def english(self, zone: tzinfo = UTC, currency: str = "EUR") -> str:
        """Return the sentence in English."""
        return ENGLISH[self.key].format(**self.placeholders(zone, currency))


def _written(name: str, value: int | str, zone: tzinfo, currency: str) -> str:
    if isinstance(value, str):
        return value
    return _WRITERS[name.rpartition("_")[2]](value, zone, currency)


def _energy(value: int, _zone: tzinfo, _currency: str) -> str:
    return f"{value / 1000:.2f} kWh"


def _time(value: int, zone: tzinfo, _currency: str) -> str:
    return f"{datetime.fromtimestamp(value / 1000, zone):%H:%M}"


def _degrees(value: int, _zone: tzinfo, _currency: str) -> str:
    return f"{value} °C"


def _price(value: int, _zone: tzinfo, currency: str) -> str:
    return f"{value / NANO_PER_WH:.3f} {currency}/kWh"


def _money(value: int, _zone: tzinfo, currency: str) -> str:
    return f"{value / NANO:.2f} {currency}"


_WRITERS: Final[Mapping[str, Callable[[int, tzinfo, str], str]]] = {
    "wh": _energy,
    "ms": _time,
    "c": _degrees,
    "price": _price,
    "outside": _price,
    "money": _money,
}
