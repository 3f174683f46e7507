"""The panel in the sidebar: where it is served, and what it may ask of the members that run."""

import hashlib
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

from homeassistant.components import frontend, panel_custom, websocket_api
from homeassistant.components.http.server import StaticPathConfig
from homeassistant.components.websocket_api.connection import ActiveConnection
from homeassistant.components.websocket_api.const import ERR_NOT_FOUND
from homeassistant.components.websocket_api.decorators import async_response, websocket_command
from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryChange
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .coordinator import EnergyMarketplaceConfigEntry, MarketCoordinator
from .ledger.answers import MarketRound
from .ledger.client import NodeClient
from .panel_orders import outcome_facts
from .panel_view import home_facts, price_facts
from .schema import vol
from .service_input import explained

URL_PATH = "energy-marketplace"
_FOLDER = Path(__file__).parent / "frontend"
_ELEMENT = "energy-marketplace-panel"
_TITLE = "Energy Marketplace"
_ICON = "mdi:home-lightning-bolt-outline"
_ROUNDS_LOOKED_AT = 50
_DAY_S = 86_400
_LONGEST_SPAN_DAYS = 366
_NODE = "node"
"""The role of the accounts with which nodes sign; nobody lives there."""
_SHOWN_OF_MEMBERS = ("account", "name", "status", "roles")


async def async_setup_panel(hass: HomeAssistant) -> None:
    """Serve the panel's files and answer what it asks."""
    path = StaticPathConfig(await _async_url(hass), str(_FOLDER), cache_headers=True)
    await hass.http.async_register_static_paths([path])
    for command in (_subscribe, _prices, _outcomes, _members, _district):
        websocket_api.async_register_command(hass, command)


async def async_show_panel(hass: HomeAssistant) -> None:
    """Put the panel into the sidebar, once there is a member to show."""
    if frontend.async_panel_exists(hass, URL_PATH):
        return
    await panel_custom.async_register_panel(
        hass,
        frontend_url_path=URL_PATH,
        webcomponent_name=_ELEMENT,
        sidebar_title=_TITLE,
        sidebar_icon=_ICON,
        module_url=f"{await _async_url(hass)}/panel.js",
    )


@callback
def async_hide_panel(hass: HomeAssistant) -> None:
    """Take the panel out of the sidebar with the last member."""
    if not hass.config_entries.async_entries(DOMAIN):
        frontend.async_remove_panel(hass, URL_PATH, warn_if_unknown=False)


async def _async_url(hass: HomeAssistant) -> str:
    return f"/{DOMAIN}_panel/{await hass.async_add_executor_job(_digest)}"


@cache
def _digest() -> str:
    """Name the files by what is in them, so that browsers may keep them for ever."""
    files = sorted(file for file in _FOLDER.rglob("*") if file.is_file())
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


class _Watch:
    """Tells one open panel of all members, now and whenever one of them changes."""

    def __init__(self, hass: HomeAssistant, tell: Callable[[dict[str, Any]], None]) -> None:
        """Watch from now on."""
        self._hass = hass
        self._tell = tell
        self._markets: list[Callable[[], None]] = []
        self._entries = async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._entry_changed)
        self._watch_markets()

    @callback
    def stop(self) -> None:
        """Watch no longer."""
        self._entries()
        self._forget_markets()

    @callback
    def _entry_changed(self, _change: ConfigEntryChange, entry: ConfigEntry) -> None:
        if entry.domain == DOMAIN:
            self._forget_markets()
            self._watch_markets()

    def _watch_markets(self) -> None:
        for entry in self._hass.config_entries.async_loaded_entries(DOMAIN):
            self._markets.append(entry.runtime_data.market.async_add_listener(self._say))
        self._say()

    def _forget_markets(self) -> None:
        while self._markets:
            self._markets.pop()()

    @callback
    def _say(self) -> None:
        entries = self._hass.config_entries.async_loaded_entries(DOMAIN)
        self._tell({"homes": [home_facts(self._hass, entry) for entry in entries]})


@websocket_command({vol.Required("type"): f"{DOMAIN}/subscribe"})
@callback
def _subscribe(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Push what the panel shows of all members."""
    connection.send_result(msg["id"])
    watch = _Watch(hass, lambda facts: connection.send_event(msg["id"], facts))
    connection.subscriptions[msg["id"]] = watch.stop


@websocket_command({vol.Required("type"): f"{DOMAIN}/prices", vol.Required("entry_id"): str})
@async_response
async def _prices(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Answer with the prices of the slots to come."""

    async def ask(market: MarketCoordinator) -> dict[str, Any]:
        return price_facts(market, *await _rounds(market.member.client))

    await _answer(hass, connection, msg, ask)


@websocket_command({vol.Required("type"): f"{DOMAIN}/outcomes", vol.Required("entry_id"): str})
@async_response
async def _outcomes(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Answer with what the latest rounds did for the member's orders, and why not more."""

    async def ask(market: MarketCoordinator) -> dict[str, Any]:
        return {"outcomes": await outcome_facts(market)}

    await _answer(hass, connection, msg, ask)


@websocket_command({vol.Required("type"): f"{DOMAIN}/members", vol.Required("entry_id"): str})
@async_response
async def _members(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Answer with who is in the street, in the order of their names."""

    async def ask(market: MarketCoordinator) -> dict[str, Any]:
        members = [one for one in await market.member.client.accounts() if _NODE not in one.roles]
        members.sort(key=lambda one: one.name.casefold())
        return {"members": [{name: getattr(one, name) for name in _SHOWN_OF_MEMBERS} for one in members]}

    await _answer(hass, connection, msg, ask)


@websocket_command(
    {
        vol.Required("type"): f"{DOMAIN}/district",
        vol.Required("entry_id"): str,
        vol.Required("days"): vol.All(int, vol.Range(min=1, max=_LONGEST_SPAN_DAYS)),
    }
)
@async_response
async def _district(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Answer with how the district did on the last whole days."""

    async def ask(market: MarketCoordinator) -> dict[str, Any]:
        today = int(dt_util.utcnow().timestamp()) // _DAY_S
        span, client = (today - msg["days"], today), market.member.client
        return {"district": await client.district(*span), "feeders": await client.feeders(*span)}

    await _answer(hass, connection, msg, ask)


async def _answer(
    hass: HomeAssistant,
    connection: ActiveConnection,
    msg: dict[str, Any],
    ask: Callable[[MarketCoordinator], Awaitable[dict[str, Any]]],
) -> None:
    """Answer what is asked of a member's node, or say why not."""
    entry: EnergyMarketplaceConfigEntry | None = hass.config_entries.async_get_entry(msg["entry_id"])
    if entry not in hass.config_entries.async_loaded_entries(DOMAIN):
        connection.send_error(msg["id"], ERR_NOT_FOUND, "There is no such member.")
        return
    try:
        with explained():
            connection.send_result(msg["id"], await ask(entry.runtime_data.market))
    except HomeAssistantError as error:
        connection.send_error(
            msg["id"],
            "node_unreachable",
            str(error),
            translation_domain=error.translation_domain,
            translation_key=error.translation_key,
            translation_placeholders=error.translation_placeholders,
        )


async def _rounds(client: NodeClient) -> tuple[list[MarketRound], MarketRound | None]:
    """Return the latest cleared rounds, newest first, and the newest with the ends of its prices."""
    page = await client.rounds(limit=_ROUNDS_LOOKED_AT)
    cleared = [one for one in page.items if one.state == "cleared"]
    return cleared, await client.round(cleared[0].round) if cleared else None
