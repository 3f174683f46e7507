"""Reads the meters of the Home Assistant home a second time, at every slot's end, for the report."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from custom_components.energy_marketplace.meter.probe import probe
from custom_components.energy_marketplace.meter.profiles import PROFILES
from custom_components.energy_marketplace.meter.readings import Registers
from custom_components.energy_marketplace.meter.sources.modbus_link import PymodbusReader, TcpLink, open_link
from simulation.modbus_house import UNIT_ID


@dataclass
class Recorder:
    """Remembers the registers of meters (port and profile by name) at the ends of slots."""

    meters: Mapping[str, tuple[int, str]]
    slot_s: int
    seen: dict[str, dict[int, Registers]] = field(default_factory=dict)

    async def record(self) -> None:
        """Look at every slot's end until cancelled."""
        async with AsyncExitStack() as stack:
            readers = {
                name: await stack.enter_async_context(
                    open_link(TcpLink(host="127.0.0.1", port=port), UNIT_ID)
                )
                for name, (port, _) in self.meters.items()
            }
            while True:
                await asyncio.sleep(self.slot_s - time.time() % self.slot_s)
                slot = round(time.time() / self.slot_s)
                for name, reader in readers.items():
                    await self._look(name, reader, slot)

    async def _look(self, name: str, reader: PymodbusReader, slot: int) -> None:
        sample = await probe(reader, PROFILES[self.meters[name][1]])
        self.seen.setdefault(name, {})[slot] = sample.registers

    def slot(self, name: str, slot: int) -> dict[str, object] | None:
        """Return a meter's registers at both ends of a slot; None if it was not seen there."""
        ends = [self.seen.get(name, {}).get(edge) for edge in (slot, slot + 1)]
        if not all(ends):
            return None
        shown = (
            dict(zip(("at", "imported_wh", "exported_wh"), end.as_tuple(), strict=True))
            for end in ends
            if end
        )
        return dict(zip(("start", "end"), shown, strict=True))

    def slots(self, name: str) -> list[int]:
        """Return the slots of which both ends were seen."""
        known = self.seen.get(name, {})
        return sorted(slot for slot in known if slot + 1 in known)
