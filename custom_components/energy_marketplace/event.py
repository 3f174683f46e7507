"""Events: each step of an asset's trades and orders, and the payments of a wallet."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.const import ATTR_ENTITY_ID, ATTR_NAME
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .assets import assets_of
from .const import EVENT_NEWS
from .coordinator import EnergyMarketplaceConfigEntry, MarketCoordinator, news_signal
from .entity import AssetEntity, WalletEntity
from .ledger import answers
from .ledger.answers import Event, PlacedOrder, Trade
from .news import ATTR_CURRENCY, ATTR_KIND, ATTR_TYPE, is_news
from .orders import Facts, order_facts, payment_facts, trade_facts

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class AssetEventDescription(EventEntityDescription):
    """Describe the steps of something of an asset; `facts` gives None for what is another asset's."""

    kind: str
    facts: Callable[[Event, str, MarketCoordinator], Facts | None]


def _trade(event: Event, asset: str, market: MarketCoordinator) -> Facts | None:
    trade = answers.read(Trade, event.data)
    return trade_facts(trade, asset, market) if asset in (trade.sell_asset, trade.buy_asset) else None


def _order(event: Event, asset: str, market: MarketCoordinator) -> Facts | None:
    order = answers.read(PlacedOrder, event.data)
    return order_facts(order, market) if asset == order.asset else None


ASSET_EVENTS = (
    AssetEventDescription(
        key="trade",
        translation_key="trade",
        event_types=["matched", "delivering", "metered", "overdue", "disputed", "settled"],
        kind="trade",
        facts=_trade,
    ),
    AssetEventDescription(
        key="order",
        translation_key="order",
        event_types=["placed", "filled", "cancelled", "lapsed"],
        kind="order",
        facts=_order,
    ),
)
PAYMENT = EventEntityDescription(key="payment", translation_key="payment", event_types=["received", "paid"])


async def async_setup_entry(
    hass: HomeAssistant,
    entry: EnergyMarketplaceConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the events of the wallet and of the assets."""
    market = entry.runtime_data.market
    async_add_entities([PaymentEvent(market, PAYMENT)])
    for asset in assets_of(entry):
        async_add_entities(
            [AssetEvent(market, asset, description) for description in ASSET_EVENTS],
            config_subentry_id=asset.subentry_id,
        )


class _News(EventEntity, Entity):
    """Tells what happened to a member, as it happens."""

    coordinator: MarketCoordinator

    @override
    async def async_added_to_hass(self) -> None:
        """Listen to what happens to the member."""
        await super().async_added_to_hass()
        signal = news_signal(self.coordinator.config_entry.entry_id)
        self.async_on_remove(async_dispatcher_connect(self.hass, signal, self._async_hear))

    @abstractmethod
    def _told(self, event: Event) -> tuple[str, Mapping[str, Any]] | None:
        """Return the type of an event as this entity tells it, and its facts; None for another's."""

    @callback
    def _async_hear(self, event: Event) -> None:
        if (told := self._told(event)) is not None:
            self._spread(*told)
            self._trigger_event(told[0], dict(told[1]))
            self.async_write_ha_state()

    def _spread(self, type_: str, facts: Mapping[str, Any]) -> None:
        """Fire what is worth a line in the logbook; the change of this entity is said to come from it."""
        kind = self.entity_description.key
        if not is_news(kind, type_, facts):
            return
        context = Context()
        self.async_set_context(context)
        named = {
            ATTR_ENTITY_ID: self.entity_id,
            ATTR_NAME: self.device_entry.name if self.device_entry else self.name,
            ATTR_KIND: kind,
            ATTR_TYPE: type_,
            ATTR_CURRENCY: self.coordinator.network.currency,
        }
        order_type = {"order_type": facts["type"]} if "type" in facts else {}
        self.hass.bus.async_fire(EVENT_NEWS, {**facts, **order_type, **named}, context=context)


class AssetEvent(_News, AssetEntity):
    """Tells what becomes of the trades in which an asset takes part, or of its orders."""

    entity_description: AssetEventDescription

    @override
    def _told(self, event: Event) -> tuple[str, Mapping[str, Any]] | None:
        kind, _, step = event.type.partition(".")
        if kind != self.entity_description.kind or step not in self.event_types:
            return None
        facts = self.entity_description.facts(event, self.asset.id, self.coordinator)
        return None if facts is None else (step, facts)


class PaymentEvent(_News, WalletEntity):
    """Tells of money that comes in or goes out: payments, vouchers, settled deliveries."""

    @property
    @override
    def available(self) -> bool:
        """Return that what happened stays true while the node is away."""
        return True

    @override
    def _told(self, event: Event) -> tuple[str, Mapping[str, Any]] | None:
        return payment_facts(event, self.coordinator.member.address)
