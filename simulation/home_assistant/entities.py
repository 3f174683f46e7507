"""Finds entities by what they are, whatever Home Assistant called them."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulation.home_assistant.client import HomeAssistant, HomeAssistantError
from simulation.home_assistant.config import DOMAIN

PLATFORMS = (DOMAIN, "automation", "modbus")


@dataclass(frozen=True)
class Entities:
    """Entity ids by unique id: the owner's id (an entry's, a subentry's, a wire's), then the key."""

    ids: Mapping[str, str]

    @classmethod
    async def of(cls, home: HomeAssistant) -> Entities:
        """Read the entity registry."""
        rows = await home.command("config/entity_registry/list")
        known = [row["entity_id"] for row in rows if row["platform"] in PLATFORMS]
        full = await home.command("config/entity_registry/get_entries", entity_ids=known)
        return cls({row["unique_id"]: entity_id for entity_id, row in full.items() if row})

    def get(self, owner: str, key: str) -> str:
        """Return the id of one entity.

        Raises:
            HomeAssistantError: there is none.

        """
        try:
            return self.ids[f"{owner}_{key}"]
        except KeyError:
            known = ", ".join(sorted(name for name in self.ids if name.startswith(owner)))
            raise HomeAssistantError(f"no entity “{key}” here, only: {known}") from None
