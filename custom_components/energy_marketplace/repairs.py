"""Repair flows: where a person can mend something right away."""

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig, TextSelectorType

from .const import DOMAIN
from .coordinator import EnergyMarketplaceConfigEntry
from .ledger.client import NodeClient, NodeError
from .schema import vol

_LATE = "readings_late_"
_SCHEMA = vol.Schema({vol.Required(CONF_URL): TextSelector(TextSelectorConfig(type=TextSelectorType.URL))})


class NodeMovedFlow(RepairsFlow):
    """Ask where the node is now, and connect the member to it."""

    def __init__(self, entry: ConfigEntry) -> None:
        """Take the member whose node is away."""
        self._entry = entry

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_address()

    async def async_step_address(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask for the address, and try it."""
        errors = {}
        if user_input is not None:
            error = await self._try(user_input[CONF_URL])
            if error is None:
                data = {**self._entry.data, CONF_URL: user_input[CONF_URL]}
                self.hass.config_entries.async_update_entry(self._entry, data=data)
                return self.async_create_entry(data={})
            errors = {"base": error}
        return self.async_show_form(
            step_id="address",
            data_schema=self.add_suggested_values_to_schema(
                _SCHEMA, user_input or {CONF_URL: self._entry.data[CONF_URL]}
            ),
            errors=errors,
            description_placeholders={"name": self._entry.title},
        )

    async def _try(self, url: str) -> str | None:
        """Return what is wrong with an address; None when the member's network answers there."""
        data = self._entry.data
        try:
            client = NodeClient(async_get_clientsession(self.hass), url, data["token"])
            network = await client.network()
        except ValueError:
            return "invalid_url"
        except NodeError:
            return "cannot_connect"
        return None if network.network == data["network"] else "wrong_network"


class LateReadingsFlow(RepairsFlow):
    """Offer to claim what readings would have shown that came too late."""

    def __init__(self, entry: EnergyMarketplaceConfigEntry, placeholders: dict[str, str]) -> None:
        """Take the member, and what the issue says."""
        self._entry = entry
        self._placeholders = placeholders

    async def async_step_init(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, str] | None = None) -> RepairsFlowResult:
        """Ask, and claim."""
        errors = {}
        if user_input is not None:
            try:
                for meter in self._entry.runtime_data.meters.values():
                    await meter.async_claim_late()
            except NodeError:
                errors = {"base": "cannot_connect"}
            else:
                return self.async_create_entry(data={})
        return self.async_show_form(
            step_id="confirm",
            data_schema=vol.Schema({}),
            errors=errors,
            description_placeholders=self._placeholders,
        )


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the flow of an issue that can be mended: readings that came too late, or a node that moved."""
    if issue_id.startswith(_LATE):
        issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
        late = hass.config_entries.async_get_known_entry(issue_id.removeprefix(_LATE))
        return LateReadingsFlow(late, (issue and issue.translation_placeholders) or {})
    entry = hass.config_entries.async_get_known_entry(issue_id.removeprefix("node_unreachable_"))
    return NodeMovedFlow(entry)
