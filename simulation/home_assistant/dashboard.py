"""The demo's dashboard: what the home trades, what it costs, and how the street is doing."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulation.home_assistant.client import HomeAssistant, HomeAssistantError, Json
from simulation.home_assistant.config import WASH_BUTTON
from simulation.home_assistant.entities import Entities

URL_PATH = "sunny-street"
TITLE = "Sunny Street"


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
        _tile(own("delivery"), "Delivery now", "mdi:transmission-tower-import", color="amber"),
        _tile(own("next_delivery"), "Next delivery", "mdi:clock-start"),
        _tile(own("agreed_power"), "Agreed power", "mdi:handshake"),
        _graph("Last quarter of an hour", own("power"), own("agreed_power")),
        _tile(own("open_order_energy"), "Open order", "mdi:cart-outline"),
        _tile(own("open_order_price"), "Price limit", "mdi:tag-outline"),
        _tile(own("bought_energy"), "Bought from neighbours", "mdi:home-import-outline", color="green"),
        _tile(own("money_spent"), "Spent", "mdi:cash-minus", color="green"),
        *(_tile(automation, None, "mdi:robot") | _wide() for automation in shown.automations),
    )


def _market(shown: Shown) -> Json:
    def own(key: str) -> str:
        return shown.entities.get(shown.entry, key)

    return _section(
        "Market and wallet",
        "mdi:scale-balance",
        _tile(own("price_now"), "Price now", "mdi:cash-clock", color="amber"),
        _tile(own("price_next"), "Price next", "mdi:cash-fast", color="amber"),
        _graph("Price on the street", own("price_now")),
        _tile(own("balance"), "Balance", "mdi:wallet", color="green"),
        _tile(own("held"), "Held for orders", "mdi:wallet-bifold-outline"),
        _graph("Wallet", own("balance"), own("available")),
        {
            "type": "logbook",
            "target": {"entity_id": [shown.entities.get(shown.machine, "trade"), shown.switch]},
            "hours_to_show": 1,
            "grid_options": {"columns": "full", "rows": 6},
        },
    )


def _street(shown: Shown) -> Json:
    return _section(
        "The street right now",
        "mdi:home-group",
        {"type": "markdown", "content": STREET, "grid_options": {"columns": "full"}},
        _tile(shown.entities.get(shown.main, "power"), "This home", "mdi:home-heart", color="primary"),
        *(_tile(entity, None, icon, color="amber") for entity, icon in shown.neighbours),
        _graph("Roofs, homes and a car", *(entity for entity, _ in shown.neighbours)),
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


def _graph(title: str, *entities: str) -> Json:
    return {
        "type": "history-graph",
        "title": title,
        "entities": [{"entity": entity} for entity in entities],
        "hours_to_show": 0.25,
        **_wide(),
    }


def _wide() -> Json:
    return {"grid_options": {"columns": "full"}}
