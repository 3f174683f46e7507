"""Makes the Home Assistant home a member of the street, through the integration's own flows."""

import asyncio
from dataclasses import dataclass

from simulation.home_assistant.client import HomeAssistant, HomeAssistantError, Json
from simulation.home_assistant.config import DOMAIN
from simulation.home_assistant.flows import Answer, entry_flow, subentry_flow

LOADED_WITHIN_S = 30


@dataclass(frozen=True)
class Meter:
    """Where an asset's meter answers, and how it is read."""

    port: int
    profile: str
    unit_id: int = 1


@dataclass(frozen=True)
class Asset:
    """What a person would tell the form about an asset; ``behind`` is the id of a connection point."""

    name: str
    asset_type: str
    rated_import_w: int
    meter: Meter
    behind: str = "grid"


@dataclass(frozen=True)
class Member:
    """The home's entry in Home Assistant."""

    home: HomeAssistant
    entry_id: str

    async def add_asset(self, asset: Asset) -> str:
        """Add an asset and return its id on the ledger."""
        before = await self.assets()
        await self._until_loaded()
        await subentry_flow(self.home, self.entry_id, "asset").run(_answers(asset))
        await self._until_loaded()
        [new] = (await self.assets()).keys() - before.keys()
        return new

    async def assets(self) -> dict[str, str]:
        """Return the subentry of each asset, by the asset's id on the ledger."""
        subentries = await self.home.command("config_entries/subentries/list", entry_id=self.entry_id)
        return {subentry["unique_id"]: subentry["subentry_id"] for subentry in subentries}

    async def _until_loaded(self) -> None:
        """Wait until the entry is loaded: it starts anew after every change."""
        await asyncio.sleep(0.2)
        async with asyncio.timeout(LOADED_WITHIN_S):
            while (state := await self._state()) != "loaded":
                if state in ("setup_error", "migration_error", "failed_unload"):
                    raise HomeAssistantError(f"the integration does not load: {state}")
                await asyncio.sleep(0.1)

    async def _state(self) -> str:
        entries = await self.home.get("/api/config/config_entries/entry", domain=DOMAIN)
        return str(next(entry["state"] for entry in entries if entry["entry_id"] == self.entry_id))


async def join(home: HomeAssistant, invite: str, name: str) -> Member:
    """Join the network of an invite with a new wallet, and return the new entry."""
    words: list[str] = []

    def write_down(step: Json) -> Json:
        words[:] = step["description_placeholders"]["phrase"].split()
        return {}

    def repeat_word(step: Json) -> Json:
        return {"word": words[int(step["description_placeholders"]["position"]) - 1]}

    steps: dict[str, Answer] = {
        "user": {"next_step_id": "invite"},
        "invite": {"invite": invite},
        "wallet": {"next_step_id": "new_wallet"},
        "new_wallet": write_down,
        "confirm_phrase": repeat_word,
        "join": {"member_name": name},
    }
    done = await entry_flow(home, DOMAIN).run(steps)
    if following := done.get("next_flow"):
        # The first asset's form opens by itself; the demo opens its own.
        await home.delete(f"/api/config/config_entries/subentries/flow/{following[1]}")
    return Member(home, done["result"]["entry_id"])


def _answers(asset: Asset) -> dict[str, Answer]:
    described = {
        "name": asset.name,
        "asset_type": asset.asset_type,
        "rated_import_w": asset.rated_import_w,
        "rated_export_w": 0,
        "behind": asset.behind,
    }
    meter = {
        "host": "127.0.0.1",
        "port": asset.meter.port,
        "unit_id": asset.meter.unit_id,
        "profile": asset.meter.profile,
    }
    return {
        "user": described,
        "meter": {"next_step_id": "meter_tcp"},
        "meter_tcp": meter,
        "check": {"inverted": False},
    }
