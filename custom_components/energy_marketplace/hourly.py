"""Long-term statistics of what a home traded with its neighbours, by the full hour, for the Energy dashboard.

Deliveries are settled a while after they happened, and a decided claim changes them once more. So the hours
of the last two weeks are kept, and everything from a changed hour on is written anew.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from homeassistant.components.recorder.models import (
    StatisticData,
    StatisticMeanType,
    StatisticMetaData,
)
from homeassistant.components.recorder.statistics import async_add_external_statistics
from homeassistant.const import UnitOfEnergy
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from .book import Totals
from .const import DOMAIN
from .ledger.answers import Trade

_HOUR_S = 3600
_KEPT_HOURS = 14 * 24
_WRITE_WITHIN_S = 10


@dataclass(frozen=True)
class Series:
    """One statistic: its name, whether it counts energy (kWh) or money, and what it counts of an hour."""

    key: str
    name: str
    is_energy: bool
    value: Callable[[Totals], float]


SERIES = (
    Series("bought", "Bought from neighbours", True, lambda hour: hour.bought_wh / 1000),
    Series("sold", "Sold to neighbours", True, lambda hour: hour.sold_wh / 1000),
    Series("cost", "Cost of energy from neighbours", False, lambda hour: hour.spent / 1e9),
    Series("compensation", "Earned from neighbours", False, lambda hour: hour.earned / 1e9),
)


@dataclass
class Hours:
    """What an account traded by hour (start in seconds), and the sum of all that is older."""

    account: str
    older: Totals = field(default_factory=Totals)
    hours: dict[int, Totals] = field(default_factory=dict)

    def note(self, trade: Trade, sign: int, slot_s: int) -> int:
        """Count a settled trade (1), or what it no longer comes to (-1); return the changed hour."""
        hour = trade.slot * slot_s // _HOUR_S * _HOUR_S
        self.hours[hour] = self.hours.get(hour, Totals()).plus(self._mine(trade), sign)
        for oldest in sorted(self.hours)[:-_KEPT_HOURS]:
            self.older = self.older.plus(self.hours.pop(oldest))
        return hour

    def sums(self) -> Iterator[tuple[int, Totals, Totals]]:
        """Yield each hour, what was traded in it, and the sum up to its end."""
        total = self.older
        for hour in sorted(self.hours):
            total = total.plus(self.hours[hour])
            yield hour, self.hours[hour], total

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is stored."""
        hours = {str(hour): asdict(totals) for hour, totals in self.hours.items()}
        return {"older": asdict(self.older), "hours": hours}

    @classmethod
    def from_dict(cls, account: str, data: Mapping[str, Any] | None) -> Self:
        """Return it as it was stored, or empty."""
        if not data:
            return cls(account)
        hours = {int(hour): Totals(**totals) for hour, totals in data["hours"].items()}
        return cls(account, Totals(**data["older"]), hours)

    def _mine(self, trade: Trade) -> Totals:
        """Return what a settled trade came to for the account, on whichever side it was."""
        total = Totals()
        if trade.seller == self.account:
            total = total.with_sold(trade)
        if trade.buyer == self.account:
            total = total.with_bought(trade)
        return total


class StatisticsWriter:
    """Writes the hours into the recorder, where there is one."""

    def __init__(self, hass: HomeAssistant, entry_id: str, title: str, currency: str, hours: Hours) -> None:
        """Take the hours of one member."""
        self._hass = hass
        self._owner = entry_id.lower()
        self._title = title
        self._currency = currency
        self._hours = hours
        self._from = 0
        self._cancel: CALLBACK_TYPE | None = None

    @callback
    def async_write_soon(self, hour: int) -> None:
        """Write everything from an hour on, in a moment: settlements come in swarms."""
        self._from = hour if self._cancel is None else min(self._from, hour)
        if self._cancel is None:
            job = HassJob(self._async_write, f"{DOMAIN} statistics", cancel_on_shutdown=True)
            self._cancel = async_call_later(self._hass, _WRITE_WITHIN_S, job)

    @callback
    def async_stop(self) -> None:
        """Write no more; the next start writes all that is kept."""
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    @callback
    def _async_write(self, _now: object) -> None:
        self._cancel = None
        if "recorder" not in self._hass.config.components:
            return
        rows = [row for row in self._hours.sums() if row[0] >= self._from]
        for series in SERIES if rows else ():
            async_add_external_statistics(
                self._hass, self._metadata(series), [_row(series, *row) for row in rows]
            )

    def _metadata(self, series: Series) -> StatisticMetaData:
        return StatisticMetaData(
            mean_type=StatisticMeanType.NONE,
            has_sum=True,
            name=f"{series.name}: {self._title}",
            source=DOMAIN,
            statistic_id=f"{DOMAIN}:{self._owner}_{series.key}",
            unit_class="energy" if series.is_energy else None,
            unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR if series.is_energy else self._currency,
        )


def _row(series: Series, hour: int, of_hour: Totals, total: Totals) -> StatisticData:
    start = dt_util.utc_from_timestamp(hour)
    return StatisticData(start=start, state=series.value(of_hour), sum=series.value(total))
