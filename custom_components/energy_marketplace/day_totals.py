"""A member's day totals: what its connection points counted, and what was produced behind them."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from homeassistant.core import HomeAssistant, callback

from .assets import HomeAsset, assets_of
from .coordinator import EnergyMarketplaceConfigEntry, MarketCoordinator
from .ledger.client import NodeError, RefusedError
from .ledger.transactions import reading_total
from .meter.days import DayCount, DayMeter
from .metering import MeterCoordinator

_LOGGER = logging.getLogger(__name__)
PRODUCERS = frozenset({"solar", "wind", "hydro", "biogas"})
_TAKEN_FOR_DAYS = 7
_TRY_AGAIN = frozenset({"slot_not_over", "over_quota"})
PART = "day totals"

type Counts = dict[int, dict[str, DayCount]]
"""What each meter counted, by day and asset id."""


class DayTotals:
    """Follows all meters of a member and attests each whole day once."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: EnergyMarketplaceConfigEntry,
        market: MarketCoordinator,
        meters: Mapping[str, MeterCoordinator],
    ) -> None:
        """Take up what an earlier run left."""
        self._hass = hass
        self._entry = entry
        self._market = market
        self._meters = meters
        kept = market.store.loaded.get(PART) or {}
        known = kept.get("meters", {})
        self._days = {asset.id: DayMeter.from_dict(known.get(asset.id)) for asset in assets_of(entry)}
        self._counts: Counts = {}
        self._busy = asyncio.Lock()
        for asset, count in kept.get("counts", []):
            self._counts.setdefault(count["day"], {})[asset] = DayCount(**count)
        market.store.parts[PART] = self._as_dict

    @callback
    def async_start(self) -> None:
        """Follow the meters, and the node for what waits for it, until the entry is unloaded."""
        self._entry.async_on_unload(self._market.async_add_listener(self._async_send))
        for meter in self._meters.values():
            self._entry.async_on_unload(meter.async_add_listener(partial(self._async_look, meter)))

    @callback
    def _async_look(self, meter: MeterCoordinator) -> None:
        if not meter.last_update_success or meter.data is None:
            return
        count = self._days[meter.asset.id].feed(meter.data.registers)
        if count is None:
            return
        self._counts.setdefault(count.day, {})[meter.asset.id] = count
        self._market.store.async_save_within(0)
        self._async_send()

    @callback
    def _async_send(self) -> None:
        if self._due() and not self._busy.locked():
            self._entry.async_create_background_task(self._hass, self._attest_due(), f"{PART} of a member")

    async def _attest_due(self) -> None:
        """Attest the days that are known whole; the others wait, for a week at most."""
        async with self._busy:
            self._forget_before(max(self._counts, default=0) - _TAKEN_FOR_DAYS)
            for point, day, figures in self._due():
                await self._attest(point, day, figures)

    def _due(self) -> list[tuple[HomeAsset, int, Mapping[str, int]]]:
        points = [asset for asset in assets_of(self._entry) if asset.is_connection_point]
        return [
            (point, day, figures)
            for day, counts in sorted(self._counts.items())
            for point in points
            if (figures := self._figures(point, counts)) is not None
        ]

    def _figures(self, point: HomeAsset, counts: Mapping[str, DayCount]) -> dict[str, int] | None:
        """Return a connection point's day, None while a meter's count is missing."""
        producers = [asset for asset in self._at(point) if asset.asset_type in PRODUCERS]
        if point.id not in counts or not all(asset.id in counts for asset in producers):
            return None
        own = counts[point.id]
        produced = sum(counts[asset.id].exported_wh for asset in producers)
        return {
            "imported_wh": own.imported_wh,
            "exported_wh": own.exported_wh,
            "produced_wh": produced,
            "self_consumed_wh": max(0, produced - own.exported_wh),
        }

    def _at(self, point: HomeAsset) -> Iterable[HomeAsset]:
        return (asset for asset in assets_of(self._entry) if point.id in (asset.id, asset.behind))

    async def _attest(self, point: HomeAsset, day: int, figures: Mapping[str, int]) -> None:
        try:
            await self._market.member.send(reading_total(asset=point.id, day=day, **figures))
        except RefusedError as error:
            if error.code in _TRY_AGAIN:
                return
            if error.code != "reading_exists":
                _LOGGER.warning("The ledger did not take day %s of %s: %s", day, point.name, error)
        except NodeError as error:
            _LOGGER.debug("The totals of day %s wait for the node: %s", day, error)
            return
        self._counts[day].pop(point.id)
        self._market.store.async_save_within(0)

    def _forget_before(self, day: int) -> None:
        for past in [one for one in self._counts if one < day]:
            del self._counts[past]

    def _as_dict(self) -> dict[str, Any]:
        counts = [
            [asset, asdict(count)] for of_day in self._counts.values() for asset, count in of_day.items()
        ]
        return {"meters": {asset: meter.as_dict() for asset, meter in self._days.items()}, "counts": counts}
