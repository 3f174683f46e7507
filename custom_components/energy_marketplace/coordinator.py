"""A member's view of its network: pushed by the node's events, polled now and then, kept through restarts."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryAuthFailed
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator, UpdateFailed
from homeassistant.util import dt as dt_util
from homeassistant.util.signal_type import SignalType

from .assets import async_remove
from .book import Book
from .complaints import AwayNode, SharedIssue, async_judge
from .const import DOMAIN, UPDATE_INTERVAL
from .hourly import Hours, StatisticsWriter
from .ledger import answers
from .ledger.answers import Account, AnswerError, Event, Network, PlacedOrder, Trade
from .ledger.client import NodeError, NotAuthorizedError
from .ledger.events import Connected, Disconnected, EventFollower, Lost
from .ledger.matches import MATCHED, singly
from .ledger.member import Member
from .ledger.proof import Finding
from .ledger.units import slot_at
from .outbox import Outbox
from .reconciling import Reconciler
from .storage import MemberStore
from .trading.deliveries import Delivery, deliveries
from .trust import Trust

if TYPE_CHECKING:
    from . import MemberRuntime

_LOGGER = logging.getLogger(__name__)
_REFRESH_COOLDOWN_S = 1.0
_SAVE_WITHIN_S = 1.0
_TURN = 60
"""How many entities are written before others may use the event loop."""
_TOGETHER_S = 0.05
"""Events come in swarms; what they come to is shown once they have passed."""
_RETIRED = "asset.retired"
_PRICE_EVENTS = ("round.cleared", "round.void")
_MONEY_EVENTS = ("order.", "trade.", MATCHED, "transfer", "voucher.", "credit.", "member.")

type Waiting = list[tuple[int, tuple[CALLBACK_TYPE, object]]]
type EnergyMarketplaceConfigEntry = ConfigEntry[MemberRuntime]


def news_signal(entry_id: str) -> SignalType[Event]:
    """Return the signal that tells what happened to a member, as it happens."""
    return SignalType(f"{DOMAIN}_{entry_id}_news")


@dataclass(frozen=True)
class MarketState:
    """What the node said last; prices in nano per Wh by feeder, None where nothing was traded.

    `proof` is what checking the account came to; what the node lied about is not to be shown.
    """

    network: Network
    account: Account
    proof: Finding
    prices_now: Mapping[str, int | None]
    prices_next: Mapping[str, int | None]


class MarketCoordinator(DataUpdateCoordinator[MarketState]):
    """Knows the network, the wallet, and through the book the member's orders and trades."""

    config_entry: EnergyMarketplaceConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: EnergyMarketplaceConfigEntry,
        member: Member,
        store: MemberStore,
    ) -> None:
        """Take up what was kept."""
        super().__init__(
            hass,
            _LOGGER,
            config_entry=entry,
            name=entry.title,
            update_interval=UPDATE_INTERVAL,
            always_update=False,
            request_refresh_debouncer=Debouncer(hass, _LOGGER, cooldown=_REFRESH_COOLDOWN_S, immediate=False),
        )
        self.member = member
        self.store = store
        self.connected = False
        self.book = _kept_book(store, member.address)
        self.away_node = AwayNode(hass, entry)
        self.silent_meters = SharedIssue(hass, entry, "meter_silent")
        self.silent_thermometers = SharedIssue(hass, entry, "thermometer_silent")
        self.late_readings = SharedIssue(hass, entry, "readings_late", is_fixable=True)
        self.outbox = Outbox(member, self.book, store, self.now_ms)
        self._network = _kept_network(store)
        self.trust = Trust(member)
        self._delivered_at = -1
        self._deliveries: dict[str, list[Delivery]] = {}
        self._show: asyncio.TimerHandle | None = None
        self._turn: Waiting = []
        self._turns: asyncio.Task[None] | None = None
        self._quiet_until = -1 if self.book.cursor else None
        self.reconciler = Reconciler(self)
        self._follower = EventFollower(member.client, cursor=self.book.cursor, account=member.address)
        self._cancel_timer: CALLBACK_TYPE | None = None
        self.hours = Hours.from_dict(member.address, store.loaded.get("hours"))
        self._statistics: StatisticsWriter | None = None
        store.parts["book"] = self.book.as_dict
        store.parts["hours"] = self.hours.as_dict
        store.parts["network"] = lambda: self._network and asdict(self._network)

    @property
    def network(self) -> Network:
        """The network, as the node or the last run knew it."""
        if self._network is None:
            raise RuntimeError("the network is not known before the first refresh")
        return self._network

    @property
    def knows_network(self) -> bool:
        """Whether the network's rules are known, be it from the last run."""
        return self._network is not None

    @property
    def slot_s(self) -> int:
        """Length of a slot in seconds."""
        return self.network.parameters.slot_s

    @staticmethod
    def now_ms() -> int:
        """Return the present in ms since the epoch, by this computer's clock."""
        return int(dt_util.utcnow().timestamp() * 1000)

    def slot_now(self) -> int:
        """Return the slot that runs, by this computer's clock."""
        return slot_at(self.now_ms(), self.slot_s)

    def deliveries_of(self, asset: str) -> list[Delivery]:
        """Return an asset's deliveries, also those that are over for a while; worked out once a change."""
        if self._delivered_at != self.book.changes:
            self._delivered_at = self.book.changes
            self._deliveries = {}
        if asset not in self._deliveries:
            trades = self.book.trades_of(asset)
            self._deliveries[asset] = deliveries(trades, slot_s=self.slot_s, asset=asset)
        return self._deliveries[asset]

    @callback
    @override
    def async_update_listeners(self) -> None:
        """Let the entities take over what is new, those of many assets in turns: others need the loop too."""
        waiting = list(self._listeners.items())
        self._turn = waiting[_TURN:]
        _call(waiting[:_TURN], self._listeners)
        if self._turn and (self._turns is None or self._turns.done()):
            self._turns = self.config_entry.async_create_task(
                self.hass, self._update_in_turns(), f"{DOMAIN} update", eager_start=False
            )

    async def async_show(self) -> None:
        """Let the entities take over what is new, and return when the last one has."""
        self.async_update_listeners()
        if self._turns is not None:
            await self._turns

    async def _update_in_turns(self) -> None:
        while self._turn:
            now, self._turn = self._turn[:_TURN], self._turn[_TURN:]
            _call(now, self._listeners)
            await asyncio.sleep(0)

    @callback
    def async_start(self) -> None:
        """Follow the node's events and the slots until the entry is unloaded."""
        entry = self.config_entry
        entry.async_create_background_task(self.hass, self._follow_account(), f"{DOMAIN} account events")
        entry.async_create_background_task(self.hass, self._follow_prices(), f"{DOMAIN} price events")
        entry.async_on_unload(self._async_stop_timer)
        self._statistics = StatisticsWriter(
            self.hass, entry.entry_id, entry.title, self.network.currency, self.hours
        )
        self._statistics.async_write_soon(0)
        entry.async_on_unload(self._statistics.async_stop)
        self._async_wait_for_slot()

    @override
    async def _async_update_data(self) -> MarketState:
        """Ask the node; its events say when there is something to ask for."""
        client = self.member.client
        try:
            if self.connected:
                await self.reconciler.async_reconcile()
            network = await client.network()
            account, finding = await self.trust.account(network)
            slot = slot_at(int(dt_util.utcnow().timestamp() * 1000), network.parameters.slot_s)
            state = MarketState(
                network=network,
                account=account,
                proof=finding,
                prices_now=(await client.slot(slot)).prices,
                prices_next=(await client.slot(slot + 1)).prices,
            )
        except NotAuthorizedError as error:
            raise ConfigEntryAuthFailed(
                translation_domain=DOMAIN, translation_key="authentication_failed"
            ) from error
        except NodeError as error:
            raise UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="cannot_connect",
                translation_placeholders={"message": str(error)},
            ) from error
        self._network = network
        async_judge(self.hass, self.config_entry, client.url, state, self.now_ms())
        return state

    async def _follow_account(self) -> None:
        """Add the member's events to the book, from where it ends."""
        try:
            async for item in self._follower.follow():
                if isinstance(item, Event):
                    await self.async_take(item)
                elif isinstance(item, Lost):
                    self.reconciler.note_lost()
                else:
                    await self._note_connection(item)
        except NotAuthorizedError:
            self._note_disconnected()
            self.config_entry.async_start_reauth(self.hass)

    async def _follow_prices(self) -> None:
        """Look at the prices when a round has made new ones."""
        try:
            async for item in EventFollower(self.member.client, types=_PRICE_EVENTS).follow():
                if isinstance(item, Event):
                    await self.async_request_refresh()
        except NotAuthorizedError:
            return

    @property
    def heard_until(self) -> int:
        """The cursor up to which the node told what there was to tell."""
        return self._follower.cursor or 0

    def take_over(
        self, orders: Iterable[PlacedOrder], trades: Iterable[Trade], retired: Iterable[str]
    ) -> None:
        """Take what the ledger's lists say, and let assets go that it shows retired."""
        self.book.begin_anew(orders, trades)
        self._note_hours()
        self.store.async_save_within(_SAVE_WITHIN_S)
        self.async_update_listeners()
        for asset in retired:
            self._part_with(asset)

    async def async_take(self, event: Event) -> None:
        """Take in what happened to the member, as its node tells it."""
        try:
            if not self.book.apply(event):
                return
        except AnswerError:
            _LOGGER.warning(
                "Left out an event of the node that cannot be read: %s %s", event.cursor, event.type
            )
            return
        if event.type.startswith("order."):
            self.outbox.heard(event.data.get("id"))
        self._note_hours()
        # What was agreed must be known after a power cut in the very next moment.
        self.store.async_save_within(0 if event.type == MATCHED else _SAVE_WITHIN_S)
        self._show_soon()
        await self._tell(event)
        if event.type == _RETIRED:
            self._part_with(str(event.data.get("id")))
        if event.type.startswith(_MONEY_EVENTS):
            await self.async_request_refresh()

    def _part_with(self, asset: str) -> None:
        """Let an asset go that is out of the market for good, whoever retired it; its readings are kept."""
        if any(one.unique_id == asset for one in self.config_entry.subentries.values()):
            self.store.async_note_retired(asset)
            async_remove(self.hass, self.config_entry, asset)

    def _show_soon(self) -> None:
        """Let the entities show the book, once for a swarm of events."""
        if self._show is None:
            self._show = self.hass.loop.call_later(_TOGETHER_S, self._async_show)

    @callback
    def _async_show(self) -> None:
        self._show = None
        self.async_update_listeners()

    def _note_hours(self) -> None:
        """Count by the hour what the book has just counted, no more and no less."""
        changed = [self.hours.note(trade, sign, self.slot_s) for trade, sign in self.book.take_counted()]
        if changed and self._statistics is not None:
            self._statistics.async_write_soon(min(changed))

    async def _tell(self, event: Event) -> None:
        """Tell what happened, each trade by itself, but not history that a restored wallet reads up."""
        if self._quiet_until is not None and event.cursor <= self._quiet_until:
            return
        for one in singly(event):
            async_dispatcher_send(self.hass, news_signal(self.config_entry.entry_id), one)
            await asyncio.sleep(0)  # each writes states; others need the loop too

    async def _note_connection(self, item: Connected | Disconnected) -> None:
        if isinstance(item, Disconnected):
            self._note_disconnected(item.error)
            return
        if self._quiet_until is None:
            self._quiet_until = item.head
        self.connected = True
        self.away_node.async_is_back()
        self.async_update_listeners()
        self.reconciler.note_connected()
        try:
            await self.reconciler.async_reconcile()
        except NodeError as error:
            _LOGGER.debug("What stands on the ledger is asked for later: %s", error)
        await self.async_request_refresh()

    def _note_disconnected(self, error: NodeError | None = None) -> None:
        if self.connected:
            _LOGGER.info("The node at %s is away: %s", self.member.client.url, error)
        self.connected = False
        self.away_node.async_note(self.now_ms(), self.member.client.url)
        self.async_update_listeners()

    @callback
    def _async_wait_for_slot(self) -> None:
        """Wait for the next slot: deliveries begin and end there, and prices move on."""
        start = dt_util.utc_from_timestamp((self.slot_now() + 1) * self.slot_s)
        job = HassJob(self._async_slot_started, f"{DOMAIN} slot", cancel_on_shutdown=True)
        self._cancel_timer = async_track_point_in_utc_time(self.hass, job, start)

    async def _async_slot_started(self, _now: datetime) -> None:
        self._async_wait_for_slot()
        self.async_update_listeners()
        await self.async_request_refresh()

    @callback
    def _async_stop_timer(self) -> None:
        if self._show is not None:
            self._show.cancel()
            self._show = None
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None


def _call(waiting: Waiting, listeners: Mapping[int, object]) -> None:
    """Call those that still listen."""
    for key, (update, _context) in waiting:
        if key in listeners:
            update()


def _kept_book(store: MemberStore, account: str) -> Book:
    kept = store.loaded.get("book")
    return Book.from_dict(kept) if kept else Book(account)


def _kept_network(store: MemberStore) -> Network | None:
    kept = store.loaded.get("network")
    return answers.read(Network, kept) if kept else None
