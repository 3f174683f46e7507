"""What a member may set of its entry without setting it up anew: how long readings stay at home."""

from typing import Any

from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.helpers.selector import NumberSelector, NumberSelectorConfig, NumberSelectorMode

from .const import CONF_KEEP_DAYS, KEEP_DAYS
from .schema import vol

MOST_DAYS = 3_650


class MemberOptionsFlow(OptionsFlow):
    """Asks for the days that registers and salts are kept."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show the form, or keep what was said."""
        if user_input is not None:
            days = int(user_input[CONF_KEEP_DAYS])
            return self.async_create_entry(data={**self.config_entry.options, CONF_KEEP_DAYS: days})
        kept = self.config_entry.options.get(CONF_KEEP_DAYS, KEEP_DAYS)
        return self.async_show_form(step_id="init", data_schema=_schema(kept))


def _schema(kept: int) -> vol.Schema:
    days = NumberSelectorConfig(
        min=1, max=MOST_DAYS, step=1, mode=NumberSelectorMode.BOX, unit_of_measurement="d"
    )
    return vol.Schema({vol.Required(CONF_KEEP_DAYS, default=kept): NumberSelector(days)})
