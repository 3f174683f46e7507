"""The demo's dashboard: what the home trades, what it costs, and how the street is doing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulation.home_assistant.client import HomeAssistant, HomeAssistantError, Json
from simulation.home_assistant.config import WASH_BUTTON
from simulation.home_assistant.entities import Entities

URL_PATH = "sunny-street"
TITLE = "Sunny Street"
GRAPH_HOURS = 0.1


@dataclass(frozen=True)
class Shown:
    """What the dashboard is about: owners of entities, and entities of others."""

    entities: Entities
    entry: str
    main: str
    machine: str
    switch: str
    automations: Sequence[str]
    neighbours: Sequence[tuple[str, str]]
    """Each neighbour's power sensor and icon."""


async def show(home: HomeAssistant, shown: Shown) -> None:
    """Create the dashboard and make it the one that opens first."""
    for entity in (
        shown.entities.get(shown.entry, "balance"),
        shown.entities.get(shown.entry, "held"),
        shown.entities.get(shown.machine, "money_spent"),
    ):
        await _show_digits(home, entity)
    try:
        await home.command(
            "lovelace/dashboards/create",
            url_path=URL_PATH,
            title=TITLE,
            icon="mdi:home-group",
            mode="storage",
            show_in_sidebar=True,
            require_admin=False,
        )
    except HomeAssistantError as error:
        raise HomeAssistantError(f"the dashboard could not be made: {error}") from error
    await home.command("lovelace/config/save", url_path=URL_PATH, config={"views": [_view(shown)]})
    await home.command("frontend/set_user_data", key="core", value={"default_panel": URL_PATH})


async def _show_digits(home: HomeAssistant, entity_id: str) -> None:
    """Show tenths of a cent and less: a slot of twenty seconds is not worth more."""
    await home.command(
        "config/entity_registry/update",
        entity_id=entity_id,
        options_domain="sensor",
        options={"display_precision": 4},
    )


def _view(shown: Shown) -> Json:
    return {
        "title": TITLE,
        "type": "sections",
        "max_columns": 3,
        "badges": [
            {"type": "entity", "entity": shown.entities.get(shown.entry, "connected"), "name": "Node"},
            {"type": "entity", "entity": shown.entities.get(shown.entry, "balance"), "name": "Wallet"},
        ],
        "sections": [_machine(shown), _market(shown), _street(shown)],
    }


def _machine(shown: Shown) -> Json:
    def own(key: str) -> str:
        return shown.entities.get(shown.machine, key)

    return _section(
        "Washing machine",
        "mdi:washing-machine",
        _tile(WASH_BUTTON, None, "mdi:washing-machine-alert", color="primary"),
        _tile(shown.switch, "Switch", "mdi:washing-machine", color="amber"),
        _tile(own("delivery"), "Delivery", "mdi:transmission-tower-import", color="amber"),
        _tile(own("next_delivery"), "Next delivery", "mdi:clock-start"),
        _graph("Agreed and measured", {own("agreed_power"): "Agreed", own("power"): "Measured"}),
        _tile(own("open_order_energy"), "Open order", "mdi:cart-outline"),
        _tile(own("agreed_power"), "Agreed power", "mdi:handshake"),
        _tile(own("bought_energy"), "Bought", "mdi:home-import-outline", color="green"),
        _tile(own("money_spent"), "Spent", "mdi:cash-minus", color="green"),
        *(_tile(automation, None, "mdi:robot") | _wide() for automation in shown.automations),
    )


def _market(shown: Shown) -> Json:
    def own(key: str) -> str:
        return shown.entities.get(shown.entry, key)

    return _section(
        "Market and wallet",
        "mdi:scale-balance",
        _tile(own("price_now"), "Price now", "mdi:cash-clock", color="amber") | _wide(),
        _tile(own("price_next"), "Price in the next slot", "mdi:cash-fast", color="amber") | _wide(),
        _graph("Price on the street", {own("price_now"): "Now", own("price_next"): "Next"}),
        _tile(own("balance"), "Balance", "mdi:wallet", color="green"),
        _tile(own("held"), "Held", "mdi:wallet-bifold-outline"),
        {
            "type": "logbook",
            "target": {"entity_id": [shown.entities.get(shown.machine, "trade"), shown.switch]},
            "hours_to_show": 1,
            "grid_options": {"columns": "full", "rows": 4},
        },
    )


def _street(shown: Shown) -> Json:
    home = shown.entities.get(shown.main, "power")
    return _section(
        "The street right now",
        "mdi:home-group",
        {"type": "markdown", "content": STREET, "grid_options": {"columns": "full"}},
        _tile(home, "This home", "mdi:home-heart", color="primary") | _wide(),
        *(_tile(entity, None, icon, color="amber") for entity, icon in shown.neighbours),
        _graph("Power at the meters", {home: "This home"} | {entity: None for entity, _ in shown.neighbours}),
    )


STREET = """\
Watts at each house's meter: **below zero gives**, above zero takes. A day passes in about half an hour.
In the demo all meters lie open; in a real street nobody sees a neighbour's meter, only what was traded."""


def _section(title: str, icon: str, *cards: Json) -> Json:
    heading = {"type": "heading", "heading": title, "icon": icon}
    return {"type": "grid", "cards": [heading, *cards]}


def _tile(entity: str, name: str | None, icon: str, *, color: str | None = None) -> Json:
    told = {"name": name, "color": color}
    return {"type": "tile", "entity": entity, "icon": icon} | {
        key: value for key, value in told.items() if value
    }


def _graph(title: str, entities: Mapping[str, str | None]) -> Json:
    """Return a graph of entities, each under a name of its own or, with None, under its usual one."""
    rows = [{"entity": entity} | ({"name": name} if name else {}) for entity, name in entities.items()]
    return {
        "type": "history-graph",
        "title": title,
        "entities": rows,
        "hours_to_show": GRAPH_HOURS,
        **_wide(),
    }


def _wide() -> Json:
    return {"grid_options": {"columns": "full"}}
