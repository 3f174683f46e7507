"""Looking at an asset's meter, every few seconds and at each slot's end."""

import asyncio
import logging
from collections import deque
from datetime import datetime, timedelta
from typing import override

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util

from .assets import HomeAsset
from .attesting import Attester
from .const import DOMAIN, SAMPLES_PER_SLOT
from .coordinator import EnergyMarketplaceConfigEntry, MarketCoordinator
from .meter.journal import Attestation, Journal
from .meter.probe import wall_clock
from .meter.readings import Gap, MeterError, Sample, SlotReading
from .meter.slots import SlotMeter
from .meter_source import Look, async_open
from .storage import MemberStore

_LOGGER = logging.getLogger(__name__)
_SILENT_AFTER_S = 300
"""A meter that says nothing for so long is worth a repair issue, however short the slots."""
_KEPT_CLOSED = 200


class MeterCoordinator(DataUpdateCoordinator[Sample]):
    """Reads one asset's meter; at a connection point it also cuts what it reads into slots."""

    config_entry: EnergyMarketplaceConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: EnergyMarketplaceConfigEntry,
        asset: HomeAsset,
        market: MarketCoordinator,
        attester: Attester | None,
    ) -> None:
        """Take up the slots where an earlier run left them."""
        seconds = max(1.0, min(asset.scan_interval_s, market.slot_s / SAMPLES_PER_SLOT))
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=f"{asset.name} meter",
            update_interval=timedelta(seconds=seconds),
        )
        self.asset = asset
        self._market = market
        self._attester = attester
        self._look: Look | None = None
        self._reading = asyncio.Lock()
        self._cancel_timer: CALLBACK_TYPE | None = None
        self._started = wall_clock()
        self.slots = self._slot_meter(market.store)
        self.closed: deque[SlotReading] = deque(maxlen=_KEPT_CLOSED)
        """The latest slots, for the agent to learn from."""

    @callback
    def async_start(self) -> None:
        """Look at every slot's end too, and even if no entity is enabled, until the entry is unloaded."""
        self.config_entry.async_on_unload(self.async_add_listener(_nothing))
        self.config_entry.async_on_unload(self._async_stop_timer)
        self._async_wait_for_slot()

    def measured(self, slot: int) -> Attestation | None:
        """Return what a connection point's meter showed of a slot, if that is kept."""
        return None if self._attester is None else self._attester.measured(slot)

    async def async_exchange(self, begins_wh: tuple[int, int], ended_wh: tuple[int, int] | None) -> None:
        """Go on with another meter; raises ValueError when the old one cannot have ended so."""
        async with self._reading:
            self.slots.exchange(begins_wh, ended_wh)
        self._keep(within_s=0)

    @override
    async def _async_update_data(self) -> Sample:
        """Look at the meter once and go on from there."""
        async with self._reading:
            sample = await self._async_look()
            closed = self.slots.feed(sample)
        for item in closed:
            await self._async_close(item)
        self._keep(within_s=0 if closed else min(30, self._market.slot_s / SAMPLES_PER_SLOT))
        self._attest_soon()
        return sample

    def _attest_soon(self) -> None:
        if self._attester is not None:
            self.config_entry.async_create_background_task(
                self.hass, self._attester.async_attest(), f"{self.name} attest"
            )

    async def _async_look(self) -> Sample:
        try:
            if self._look is None:
                self._look = async_open(self.hass, self.config_entry, self.asset.meter)
            sample = await self._look()
        except MeterError as error:
            self._complain_when_silent()
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="meter_failed",
                translation_placeholders={"name": self.asset.name, "message": str(error)},
            ) from error
        self._market.silent_meters.async_note(self.asset.subentry_id, self.asset.name, 0)
        return sample

    async def _async_close(self, item: SlotReading | Gap) -> None:
        if isinstance(item, Gap):
            _LOGGER.debug(
                "%s: no reading for slots %s to %s: %s", self.name, item.first, item.end - 1, item.reasons
            )
        else:
            self.closed.append(item)
        if self._attester is None:
            return
        if isinstance(item, Gap):
            await self._attester.async_miss(item)
        else:
            await self._attester.async_keep(item)

    async def async_claim_late(self) -> None:
        """Claim the readings that came too late; raises NodeError if the node does not answer."""
        if self._attester is not None:
            await self._attester.async_claim_late()
        self._complain_when_late()

    def _complain_when_late(self) -> None:
        if self._attester is not None:
            late = len(self._attester.late())
            self._market.late_readings.async_note(self.asset.subentry_id, self.asset.name, late)

    @property
    def journal(self) -> Journal | None:
        """The readings of a connection point and their secrets; other assets attest none."""
        return None if self._attester is None else self._attester.journal

    def _slot_meter(self, store: MemberStore) -> SlotMeter:
        part = f"meter {self.asset.subentry_id}"
        meter = SlotMeter(
            slot_s=self._market.slot_s,
            rated_w=max(self.asset.rated_import_w, self.asset.rated_export_w),
            state=store.loaded.get(part),
        )
        store.parts[part] = meter.as_dict
        return meter

    def _keep(self, within_s: float) -> None:
        if self._attester is not None:
            self._market.store.async_save_within(within_s)

    @property
    def is_silent(self) -> bool:
        """Whether it has said nothing for so long that nobody knows what flows now."""
        last = self.slots.last
        silent_ms = wall_clock() - (last.at if last else 0)
        return not self.last_update_success and silent_ms > self._patience_ms

    @property
    def _patience_ms(self) -> int:
        return max(_SILENT_AFTER_S, self._market.slot_s) * 1000

    def _complain_when_silent(self) -> None:
        last = self.slots.last
        silent_ms = wall_clock() - max(self._started, last.at if last else 0)
        if silent_ms > self._patience_ms:
            self._market.silent_meters.async_note(self.asset.subentry_id, self.asset.name, 1)

    @callback
    def _async_wait_for_slot(self) -> None:
        end = dt_util.utc_from_timestamp((self._market.slot_now() + 1) * self._market.slot_s)
        job = HassJob(self._async_slot_ended, f"{DOMAIN} slot", cancel_on_shutdown=True)
        self._cancel_timer = async_track_point_in_utc_time(self.hass, job, end)

    async def _async_slot_ended(self, _now: datetime) -> None:
        self._async_wait_for_slot()
        await self.async_refresh()
        self._complain_when_late()
        if self._attester is not None and not self.last_update_success:
            await self._attester.async_rescue(self.slots.watched())
            self._attest_soon()  # what was read before does not wait for the meter

    @callback
    def _async_stop_timer(self) -> None:
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None


def _nothing() -> None:
    """Listen, so that the meter is read."""
