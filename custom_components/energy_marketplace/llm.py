"""What a language model may know of the market: prices, the balance, open orders. It can do nothing.

Each tool is there only while one of the entities that show the same is exposed to the assistant.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.homeassistant.exposed_entities import async_should_expose
from homeassistant.components.llm import LLMTools
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.llm import LLM_API_ASSIST, LLMContext, Tool, ToolAnnotations, ToolInput, ToolResult
from homeassistant.util.json import JsonObjectType

from .const import DOMAIN
from .coordinator import EnergyMarketplaceConfigEntry
from .ledger.units import slot_start_ms
from .orders import currency, local_time, order_facts, per_kwh
from .windows import slot_prices

_HOURS = 24


def _prices(entry: EnergyMarketplaceConfigEntry) -> JsonObjectType:
    runtime = entry.runtime_data
    market, slot_s = runtime.market, runtime.market.slot_s
    first = market.slot_now()
    slots = range(first, first + _HOURS * 3600 // slot_s)
    known = runtime.agent.known_prices()
    prices = slot_prices(slots, known=known, tariff=market.network.tariff, slot_s=slot_s)
    return {
        "unit": f"{market.network.currency}/kWh",
        "prices": [
            {
                "start": local_time(slot_start_ms(item.slot, slot_s)),
                "buy": per_kwh(item.buy),
                "sell": per_kwh(item.sell),
                "agreed": item.known,
            }
            for item in prices
        ],
    }


def _balance(entry: EnergyMarketplaceConfigEntry) -> JsonObjectType:
    market = entry.runtime_data.market
    if not market.data or market.data.proof.is_lie:
        return {"error": "the node does not tell the balance now"}
    account = market.data.account
    return {
        "currency": market.network.currency,
        "balance": currency(account.balance),
        "available": currency(account.available),
        "proven": market.data.proof.is_proven,
    }


def _orders(entry: EnergyMarketplaceConfigEntry) -> JsonObjectType:
    market = entry.runtime_data.market
    names = {subentry.unique_id: subentry.title for subentry in entry.subentries.values()}
    return {
        "open_orders": [
            order_facts(order, market) | {"asset": names.get(order.asset, "")}
            for order in market.book.orders.values()
        ]
    }


@dataclass(frozen=True)
class Knowledge:
    """Something that a language model may ask: what for, which entity shows it too, and the answer."""

    name: str
    title: str
    description: str
    key: str
    answer: Callable[[EnergyMarketplaceConfigEntry], JsonObjectType]


KNOWLEDGE = (
    Knowledge(
        "get_prices",
        "Get energy prices",
        "Prices of energy from and to the neighbours for the next 24 hours, all fees included. "
        "`agreed` is false where a price is only expected.",
        "price_now",
        _prices,
    ),
    Knowledge(
        "get_balance",
        "Get balance",
        "Balance of the home's wallet on the energy market.",
        "balance",
        _balance,
    ),
    Knowledge(
        "get_open_orders",
        "Get open orders",
        "The home's open offers and bids on the energy market.",
        "open_order_energy",
        _orders,
    ),
)


class KnowledgeTool(Tool):
    """Answers one question about the market."""

    annotations = ToolAnnotations(read_only=True, destructive=False, idempotent=True, open_world=False)
    integration = DOMAIN

    def __init__(self, knowledge: Knowledge) -> None:
        """Take the question."""
        self.name = f"{DOMAIN}__{knowledge.name}"
        self.title = knowledge.title
        self.description = knowledge.description
        self._knowledge = knowledge

    @override
    async def async_call(
        self, hass: HomeAssistant, tool_input: ToolInput, llm_context: LLMContext
    ) -> ToolResult:
        """Answer for every member of this home that the assistant may know of."""
        answers: list[Any] = [
            {"member": entry.title, **self._knowledge.answer(entry)}
            for entry in _exposed(hass, self._knowledge, llm_context)
        ]
        return ToolResult(data={"members": answers})


@callback
def async_get_tools(hass: HomeAssistant, llm_context: LLMContext, api_id: str) -> LLMTools | None:
    """Return the tools whose entities are exposed; none of them trades."""
    if api_id != LLM_API_ASSIST:
        return None
    tools: list[Tool] = [
        KnowledgeTool(knowledge) for knowledge in KNOWLEDGE if _exposed(hass, knowledge, llm_context)
    ]
    return LLMTools(tools=tools) if tools else None


def _exposed(
    hass: HomeAssistant, knowledge: Knowledge, llm_context: LLMContext
) -> list[EnergyMarketplaceConfigEntry]:
    """Return the members of whom an entity that shows the same is exposed."""
    entries: list[EnergyMarketplaceConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    registry = er.async_get(hass)
    return [
        entry
        for entry in entries
        if any(
            one.unique_id.partition("_")[2] == knowledge.key
            and async_should_expose(hass, llm_context.assistant, one.entity_id)
            for one in er.async_entries_for_config_entry(registry, entry.entry_id)
        )
    ]
