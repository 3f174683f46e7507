"""Bringing the readings of a connection point to the ledger, however often the node was away meanwhile."""

import asyncio
import logging
from collections.abc import Awaitable, Iterable

from .const import CONF_KEEP_DAYS, KEEP_DAYS
from .coordinator import MarketCoordinator
from .ledger.answers import Trade
from .ledger.client import NodeError, RefusedError
from .ledger.member import Receipt
from .ledger.transactions import claim_open
from .meter.journal import Attestation, Journal, Mode, Traded
from .meter.readings import Gap, SlotReading
from .outbox import APPLIED
from .trading.deliveries import traded_at

_LOGGER = logging.getLogger(__name__)
_DAY_S = 86_400
_TRY_AGAIN = frozenset({"slot_not_over", "expired", "sequence_used"})
"""Refusals of the moment or of the envelope; the reading itself is still to be attested."""
_THERE_ALREADY = "reading_exists"

_LATE = "The reading came too late."
_CLAIMS_KEPT = 10_000
"""For so many slots it is remembered that they were claimed; the window of any claim is over by then."""

_WHY_NOT = {
    "started": "counting began in the middle",
    "silent": "the meter was not read around a slot's end, as when it or Home Assistant was off",
    "clock": "the clock of this computer was set back",
    "implausible": "the meter counted more than the rated power can move",
    "restarted": "the meter began at zero again",
    "jumped_back": "the meter counted backwards",
    "exchanged": "the meter was exchanged, and nobody said how the old one ended",
}


class Attester:
    """Attests what one connection point's trades need; until then readings wait in the journal."""

    def __init__(self, market: MarketCoordinator, journal: Journal) -> None:
        """Start with what an earlier run left in the journal."""
        self._market = market
        self._journal = journal
        self._busy = asyncio.Lock()
        self._given_up: set[int] = set()
        self._sent: tuple[Attestation, Receipt] | None = None
        self._compared = 0
        part = f"claimed {journal.asset}"
        self._claimed: set[int] = set(market.store.loaded.get(part, ()))
        market.store.parts[part] = lambda: sorted(self._claimed)

    async def async_keep(self, reading: SlotReading) -> None:
        """Keep a slot's reading on disk; once a day drop those that are too old."""
        await self._journal.add(reading)
        if reading.slot % max(1, _DAY_S // self._market.slot_s) == 0:
            await self.async_tidy()

    async def async_miss(self, gap: Gap) -> None:
        """Keep what is proven of slots with trades, and say which have no reading, and why.

        A guess is never attested. But where only what was traded is attested, the part of a slot that was
        watched proves that at least so much flowed.
        """
        traded = traded_at(self._market.book.unsettled(), self._journal.asset)
        proven = self._most_moved(gap.proven)
        for slot in proven.keys() & traded.keys():
            await self._journal.add(proven[slot])
        if slots := [
            str(slot) for slot in range(gap.first, gap.end) if slot in traded.keys() - proven.keys()
        ]:
            _LOGGER.warning(
                "There is no reading of slot %s: %s. Its trades settle without it",
                ", ".join(slots),
                "; ".join(_WHY_NOT[reason] for reason in gap.reasons),
            )

    async def async_rescue(self, watched: Iterable[SlotReading]) -> None:
        """Keep what was watched of traded slots whose grace is about to end while their meter is silent.

        Once it speaks again it would be too late. Call it when a slot has ended.
        """
        traded = traded_at(self._market.book.unsettled(), self._journal.asset)
        last_call = self._market.slot_now() - self._market.network.parameters.grace_slots
        for slot, part in sorted(self._most_moved(watched).items()):
            if slot in traded and slot <= last_call:
                await self._journal.add(part)

    def _most_moved(self, watched: Iterable[SlotReading]) -> dict[int, SlotReading]:
        """Return the best watched part of each slot; none where a reading must be that of a whole slot."""
        if self._market.network.parameters.readings == "net":
            return {}
        best: dict[int, SlotReading] = {}
        for part in watched:
            best[part.slot] = max(best.get(part.slot, part), part, key=_moved)
        return best

    def measured(self, slot: int) -> Attestation | None:
        """Return what the meter showed of a slot as the ledger should know it; None if nobody read it."""
        traded = traded_at(self._market.book.trades.values(), self._journal.asset)
        mode: Mode = "net" if self._market.network.parameters.readings == "net" else "traded"
        return self._journal.attestation(slot, traded.get(slot, Traded()), mode)

    def late(self) -> list[Attestation]:
        """Return the readings that the ledger settled without and that may still be claimed, oldest first."""
        entries = self._journal.entries
        return [measured for measured in self._short() if entries[measured.slot].transaction is None]

    def _short(self) -> list[Attestation]:
        """Return what was measured where the ledger counted less and a claim may still be made."""
        rules, point = self._market.network.parameters, self._journal.asset
        window_ms = rules.grace_slots * rules.slot_s * 1000 + rules.claim_window_s * 1000
        oldest = (self._market.network.time - window_ms) // (rules.slot_s * 1000)
        settled = [
            trade
            for trade in self._market.book.trades.values()
            if trade.state == "settled" and trade.slot >= oldest and trade.slot not in self._claimed
        ]
        slots = sorted({trade.slot for trade in settled if point in (trade.sell_point, trade.buy_point)})
        return [
            measured
            for slot in slots
            if (measured := self.measured(slot)) is not None
            and _is_more(measured, [trade for trade in settled if trade.slot == slot])
        ]

    async def async_claim_late(self) -> None:
        """Claim what is late; raises NodeError if the node does not answer."""
        for reading in self.late():
            claim = claim_open(
                asset=reading.asset,
                slot=reading.slot,
                imported_wh=reading.imported_wh,
                exported_wh=reading.exported_wh,
                reason=_LATE,
                commitment=reading.commitment,
            )
            try:
                await self._market.member.send(claim)
            except RefusedError as error:
                _LOGGER.warning("The ledger did not take the claim of slot %s: %s", reading.slot, error)
            self._claimed.add(reading.slot)
        self._claimed = {slot for slot in self._claimed if slot > self._market.slot_now() - _CLAIMS_KEPT}
        await self._market.store.async_write_through()

    @property
    def journal(self) -> Journal:
        """The readings and their secrets."""
        return self._journal

    async def async_tidy(self) -> None:
        """Drop readings that are older than their owner wants to keep."""
        days = int(self._market.config_entry.options.get(CONF_KEEP_DAYS, KEEP_DAYS))
        await self._journal.forget_before(self._market.slot_now() - days * _DAY_S // self._market.slot_s)

    async def async_attest(self) -> None:
        """Attest all readings that are due, oldest first; the others wait for the next call."""
        if self._busy.locked():
            return
        async with self._busy:
            try:
                if not await self._is_heard():
                    return
                await self._compare()
                for attestation in self._due():
                    await self._attest(attestation)
                    if self._sent is not None:
                        return
            except NodeError as error:
                _LOGGER.debug("Readings wait for the node: %s", error)

    async def _is_heard(self) -> bool:
        """Return whether it is known what became of the reading that was sent last."""
        if self._sent is None:
            return True
        attestation, receipt = self._sent
        await self._conclude(attestation, self._market.member.finish(receipt.envelope))
        return self._sent is None

    async def _compare(self) -> None:
        """Look once, when the node may have another past, whether the ledger still has what it took."""
        times, asset, entries = self._market.reconciler.times, self._journal.asset, self._journal.entries
        if self._compared == times:
            return
        open_slots = {*traded_at(self._market.book.unsettled(), asset), *(one.slot for one in self._short())}
        for slot in sorted(open_slots & entries.keys()):
            if entries[slot].transaction is None:
                continue
            if not await self._market.member.client.readings(asset=asset, slot=slot):
                await self._journal.unattested(slot)
        self._compared = times

    def _due(self) -> list[Attestation]:
        network = self._market.network
        traded = traded_at(self._market.book.unsettled(), self._journal.asset)
        grace_ms = (network.parameters.grace_slots + 1) * network.parameters.slot_s * 1000
        oldest = (network.time - grace_ms) // (network.parameters.slot_s * 1000)
        mode: Mode = "net" if network.parameters.readings == "net" else "traded"
        return [
            attestation
            for attestation in self._journal.due(traded, mode)
            if attestation.slot >= oldest and attestation.slot not in self._given_up
        ]

    async def _attest(self, attestation: Attestation) -> None:
        sending = self._market.member.attest(
            asset=attestation.asset,
            slot=attestation.slot,
            imported_wh=attestation.imported_wh,
            exported_wh=attestation.exported_wh,
            commitment=attestation.commitment,
        )
        await self._conclude(attestation, sending)

    async def _conclude(self, attestation: Attestation, outcome: Awaitable[Receipt]) -> None:
        """Note what became of a reading: only what counts is attested."""
        try:
            receipt = await outcome
        except RefusedError as error:
            self._sent = None
            await self._refused(attestation, error)
            return
        self._sent = None if receipt.state == APPLIED else (attestation, receipt)
        if self._sent is None:
            await self._journal.attested(attestation.slot, receipt.id)

    async def _refused(self, attestation: Attestation, error: RefusedError) -> None:
        if error.code in _TRY_AGAIN:
            return
        if error.code == _THERE_ALREADY:
            client = self._market.member.client
            for reading in await client.readings(asset=attestation.asset, slot=attestation.slot):
                await self._journal.attested(attestation.slot, reading.transaction)
            return
        self._given_up.add(attestation.slot)
        _LOGGER.warning(
            "The ledger did not take the reading of slot %s: %s. Its trades settle without it",
            attestation.slot,
            error,
        )


def _is_more(measured: Attestation, trades: Iterable[Trade]) -> bool:
    """Return whether the meter showed more than the ledger counted for trades of its slot."""
    point = measured.asset
    sold = sum(trade.delivered_wh or 0 for trade in trades if trade.sell_point == point)
    bought = sum(trade.taken_wh or 0 for trade in trades if trade.buy_point == point)
    return measured.exported_wh > sold or measured.imported_wh > bought


def _moved(part: SlotReading) -> int:
    return part.imported_wh + part.exported_wh
