"""The agent at work: once a round it plans for each connection point, places and takes back orders.

It plans also while the node is away, for loads need energy then too; it only orders nothing. What it learned
lies in a file of its own, which is written now and then: losing the last minutes of it costs nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from homeassistant.const import MAX_LENGTH_STATE_STATE
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.storage import Store
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util

from .agent_learned import Learned
from .agent_model import is_flexible, is_roof, model_of
from .agent_pause import pause_of
from .agent_sources import async_heat_history, async_history, async_solar_forecast
from .agent_standing import Standings
from .assets import HomeAsset, assets_of
from .const import DOMAIN, HEAT_SENSOR
from .coordinator import EnergyMarketplaceConfigEntry, MarketCoordinator
from .ledger.client import NodeError, RefusedError
from .ledger.member import Receipt
from .ledger.units import slot_at
from .metering import MeterCoordinator
from .outbox import APPLIED
from .trading.agent import Cancellation, Plan, Schedule, plan
from .trading.forecast import base_of
from .trading.home import HomeModel, Settings
from .trading.memory import Errors
from .trading.prices import PriceBook
from .trading.sentences import Sentence

_LOGGER = logging.getLogger(__name__)
AGENT = "automatic_trading"
"""Who placed the orders of automatic trading."""
_VERSION = 1
_SAVE_WITHIN_S = 900
_LONGEST_WAIT_S = 5
_FIRST_ROUNDS, _ROUNDS = 500, 20


class AgentRunner:
    """Trades for the assets of a member whose people let it."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: EnergyMarketplaceConfigEntry,
        market: MarketCoordinator,
        meters: Mapping[str, MeterCoordinator],
    ) -> None:
        """Know nothing yet."""
        self._hass = hass
        self._entry = entry
        self._market = market
        self._meters = meters
        self._store: Store[dict[str, Any]] = agent_store(hass, entry.entry_id)
        self._learned: dict[str, Learned] = {}
        self._plans: dict[str, Plan] = {}
        self._warmth: dict[str, Sentence | None] = {}
        self._sentences: Mapping[str, str] = {}
        self._busy = asyncio.Lock()
        self._cancel_timer: CALLBACK_TYPE | None = None
        self._rounds = _FIRST_ROUNDS
        self._is_unclear = False

    async def async_open(self) -> None:
        """Take up what an earlier run learned; learn from the recorder where there is nothing."""
        kept, slot_s = await self._store.async_load() or {}, self._market.slot_s
        for point in self._points():
            if point.id in kept:
                self._learned[point.id] = Learned.from_dict(kept[point.id], slot_s)
            else:
                self._learned[point.id] = Learned.nothing(slot_s)
                await self._seed(point)
            for tank in self._behind(point):
                await self._seed_heat(self._learned[point.id], tank)
        self._sentences = await async_get_translations(
            self._hass, self._hass.config.language, "exceptions", {DOMAIN}
        )

    @callback
    def async_start(self) -> None:
        """Work once a round until the entry is unloaded."""
        self._entry.async_on_unload(self._async_stop)
        self._async_wait()

    async def async_close(self) -> None:
        """Write down what was learned."""
        await self._store.async_save(self._data())

    def schedule(self, asset: str) -> Schedule | None:
        """Return what an asset should do, None before the first plan."""
        for made in self._plans.values():
            if (found := made.schedules.get(asset)) is not None:
                return found
        return None

    def planned_w(self, asset: HomeAsset) -> int:
        """Return the power that is planned for the slot that runs (W, negative: gives); 0 for none."""
        schedule = self.schedule(asset.id) if asset.settings.automatic else None
        if schedule is None:
            return 0
        return round(schedule.wh(self._market.slot_now()) * 3600 / self._market.slot_s)

    def because(self, asset: HomeAsset) -> str | None:
        """Return why an asset does what it does, and why nothing is traded now, in the home's language."""
        if not self._plans:
            return None
        schedule, pause = self.schedule(asset.id), self._pause(asset)
        doing = schedule.because if schedule else None
        if pause is not None and doing is not None and doing.is_of_orders:
            doing = None
        said = (pause, doing, self._warmth.get(asset.id))
        words = [self._words(sentence) for sentence in said if sentence is not None]
        if len(" ".join(words)) > MAX_LENGTH_STATE_STATE:
            words.pop(1)
        return " ".join(words) or None

    def _pause(self, asset: HomeAsset) -> Sentence | None:
        """Return why nothing is traded now for an asset that trades by itself."""
        points = [meter for meter in self._meters.values() if meter.asset.id == (asset.behind or asset.id)]
        if not asset.settings.automatic or not points:
            return None
        pause = pause_of(self._market, points[0])
        return Sentence("pauses_unclear") if pause is None and self._is_unclear else pause

    def is_blind(self, asset: HomeAsset) -> bool:
        """Return whether an asset that is to be kept warm is not, as nobody knows how warm it is."""
        learned = self._learned.get(asset.behind or "")
        if learned is None or asset.band is None or not asset.settings.automatic:
            return False
        return learned.heat_of(asset.id).is_blind(self._now_ms())

    def _words(self, said: Sentence) -> str:
        zone, currency = dt_util.get_default_time_zone(), self._market.network.currency
        pattern = self._sentences.get(f"component.{DOMAIN}.exceptions.because_{said.key}.message")
        if pattern is None:
            return said.english(zone, currency)
        return pattern.format(**said.placeholders(zone, currency))

    def errors(self, point: str) -> Errors:
        """Return how wrong the forecasts of a connection point were."""
        return self._learned[point].memory.errors if point in self._learned else Errors()

    async def async_prices(self) -> Mapping[int, int]:
        """Return the slot prices (nano per Wh, without fee) of the last week and of coming slots."""
        point = next(self._points(), None)
        if point is None:
            return {}
        await self._learn_prices(point)
        return self.known_prices()

    def known_prices(self) -> Mapping[int, int]:
        """Return the slot prices that were learned, as `async_prices` does, without asking anybody."""
        point = next(self._points(), None)
        return self._learned[point.id].memory.prices if point else {}

    async def async_request_run(self, asset: HomeAsset, ready_ms: int) -> None:
        """Let an appliance run once until a time, whenever it suits."""
        self._learned[asset.behind or asset.id].runs[asset.id] = ready_ms
        await self._store.async_save(self._data())
        await self.async_run()

    async def async_run(self) -> None:
        """Plan for every connection point, and order what the plans say."""
        if self._busy.locked():
            return
        async with self._busy:
            solar = await async_solar_forecast(self._hass, self._market.slot_s)
            for point in self._points():
                await self._work(point, solar)
        self._store.async_delay_save(self._data, _SAVE_WITHIN_S)
        await self._market.async_show()

    async def _work(self, point: HomeAsset, solar: Mapping[int, float] | None) -> None:
        self._learn(point)
        await self._learn_prices(point)
        may_order = await self._may_order()  # before the plan, which is to know all that stands
        self._is_unclear = len(self._market.outbox) > 0
        now, slot_s = self._now_ms(), self._market.slot_s
        first = slot_at(now, slot_s)
        window = range(first, first + self._market.network.parameters.horizon_slots + 2)
        learned = self._learned[point.id]
        outlook = learned.memory.outlook(now, window, solar)
        learned.memory.remember(outlook, now)
        behind, asked = self._behind(point), Standings(self._hass, learned, now, window)
        standings = {asset.id: asked.of(asset, self._imported_wh(asset)) for asset in behind}
        self._warmth |= {asset.id: asked.warmth(asset, standings[asset.id]) for asset in behind}
        for asset in behind:
            blind = int(standings[asset.id].blind)
            self._market.silent_thermometers.async_note(asset.subentry_id, asset.name, blind)
        home = model_of(point, behind, standings, outlook, runs=learned.runs, slot_s=slot_s)
        made = await self._plan(home, now)
        self._plans[point.id] = made
        if may_order:
            await self._order(self._seen(point, made))

    async def _plan(self, home: HomeModel, now: int) -> Plan:
        """Plan outside the event loop, which must not be held."""
        market, book = self._market, self._market.book
        mine = {asset.id for asset in home.assets}
        available = market.data.account.available if market.data else 0
        job = partial(
            plan,
            home,
            time_ms=now,
            parameters=market.network.parameters,
            tariff=market.network.tariff,
            prices=dict(self._learned[home.point.id].memory.prices),
            trades=[trade for trade in book.trades.values() if mine & {trade.sell_asset, trade.buy_asset}],
            orders=[order for order in book.orders.values() if order.asset in mine],
            own={order for order, placed_by in book.placed_by.items() if placed_by == AGENT},
            settings=Settings(daily_limit=self._daily_limit(home.point.id), available=available),
            zone=dt_util.get_default_time_zone(),
        )
        return await self._hass.async_add_executor_job(job)

    def _seen(self, point: HomeAsset, made: Plan) -> Plan:
        """Return the plan; where nobody sees what flows, one that promises nothing and takes all back.

        What a silent meter cannot prove counts as not delivered, and is paid for.
        """
        if not self._meters[point.subentry_id].is_silent:
            return made
        book, here = self._market.book, {one.id for one in (point, *self._behind(point))}
        own = [
            Cancellation(order.id, order.asset, Sentence("takes_back"))
            for order in book.orders.values()
            if order.asset in here and book.placed_by.get(order.id) == AGENT
        ]
        return replace(made, place=(), cancel=tuple(own))

    async def _may_order(self) -> bool:
        """Return whether the node is there and it is known what stands and what became of all orders.

        While the fate of an order is open, be it a person's, no other is placed: it may be the very same.
        """
        try:
            return (
                self._market.connected
                and await self._market.reconciler.async_reconcile()
                and await self._market.outbox.async_clear()
            )
        except NodeError as error:
            _LOGGER.debug("Automatic trading waits to hear what became of an order: %s", error)
            return False

    async def _order(self, made: Plan) -> None:
        """Take back and place what a plan says; whatever fails is planned anew in the next round."""
        market = self._market
        try:
            for cancellation in made.cancel:
                await _unless_refused(market.member.cancel_order(cancellation.order))
            for decision in made.place:
                placing = market.outbox.async_place(
                    decision.asset, decision.order, placed_by=AGENT, insist=True
                )
                receipt = await _unless_refused(placing)
                if receipt is not None and receipt.state != APPLIED:
                    return
        except NodeError as error:
            _LOGGER.debug("Automatic trading waits for the node: %s", error)

    def _learn(self, point: HomeAsset) -> None:
        """Learn from the slots that closed since the last time."""
        learned, behind = self._learned[point.id], self._behind(point)
        net = self._net(point, learned.noted)
        flexible = [asset for asset in behind if is_flexible(asset)]
        roofs = [asset for asset in behind if is_roof(asset)]
        base = base_of(net, [self._net(asset, learned.noted) for asset in (*flexible, *roofs)])
        given = [self._net(asset, learned.noted) for asset in roofs]
        for tank in (asset for asset in behind if asset.band is not None):
            for slot, wh in self._net(tank, learned.noted).items():
                learned.heat_of(tank.id).take(slot, wh)
        for slot in sorted(net):
            production = -sum(one[slot] for one in given) if all(slot in one for one in given) else None
            learned.memory.note(slot, base.get(slot), production)
            learned.noted = slot

    def _imported_wh(self, asset: HomeAsset) -> int:
        last = self._meters[asset.subentry_id].slots.last
        return last.imported_wh if last else 0

    def _net(self, asset: HomeAsset, after: int) -> dict[int, int]:
        """Return what an asset took less what it gave (Wh), by slot."""
        closed = self._meters[asset.subentry_id].closed
        return {
            reading.slot: reading.imported_wh - reading.exported_wh
            for reading in closed
            if reading.slot > after
        }

    async def _learn_prices(self, point: HomeAsset) -> None:
        """Learn the prices of the latest rounds."""
        if not self._market.connected:
            return
        try:
            page = await self._market.member.client.rounds(limit=self._rounds)
        except NodeError:
            return
        book = PriceBook(slot_s=self._market.slot_s, feeder=point.feeder)
        book.learn(one for one in page.items if one.state == "cleared")
        self._learned[point.id].memory.learn_prices(book.coming(0))
        self._rounds = _ROUNDS

    async def _seed_heat(self, learned: Learned, tank: HomeAsset) -> None:
        """Learn from what the recorder kept of a tank of which nothing is known yet."""
        if tank.band is not None and tank.id not in learned.heat:
            thermometer, slot_s = tank.heat[HEAT_SENSOR], self._market.slot_s
            kept = await async_heat_history(self._hass, tank.subentry_id, thermometer, slot_s)
            learned.heat_of(tank.id).seed(*kept)

    async def _seed(self, point: HomeAsset) -> None:
        """Learn from what the recorder kept of this home's meters."""
        behind = self._behind(point)
        history = await async_history(self._hass, [asset.subentry_id for asset in (point, *behind)])
        if point.subentry_id not in history:
            return

        def net(asset: HomeAsset) -> dict[int, int]:
            imported, exported = history.get(asset.subentry_id, ({}, {}))
            hours = imported.keys() | exported.keys()
            return {hour: round(imported.get(hour, 0) - exported.get(hour, 0)) for hour in hours}

        # A meter without any history is a new one, and no reason to know nothing of the home.
        apart = [asset for asset in behind if (is_flexible(asset) or is_roof(asset)) and net(asset)]
        produced: dict[int, float] = {}
        for roof in filter(is_roof, behind):
            for hour, wh in net(roof).items():
                produced[hour] = produced.get(hour, 0) - wh
        base = {hour: float(wh) for hour, wh in base_of(net(point), map(net, apart)).items()}
        self._learned[point.id].memory.seed_hours(base, produced)

    def _daily_limit(self, point: str) -> int | None:
        return next((one.settings.daily_limit for one in self._points() if one.id == point), None)

    def _points(self) -> Iterator[HomeAsset]:
        return (asset for asset in assets_of(self._entry) if asset.is_connection_point)

    def _behind(self, point: HomeAsset) -> list[HomeAsset]:
        return [asset for asset in assets_of(self._entry) if asset.behind == point.id]

    @staticmethod
    def _now_ms() -> int:
        return int(dt_util.utcnow().timestamp() * 1000)

    def _data(self) -> dict[str, Any]:
        return {point: learned.as_dict() for point, learned in self._learned.items()}

    @callback
    def _async_wait(self) -> None:
        """Wait until the coming round is decided, when what it brought is known."""
        parameters = self._market.network.parameters
        now, round_s = self._now_ms() / 1000, parameters.round_s
        offset = min(parameters.proposal_window_s + _LONGEST_WAIT_S, round_s / 2)
        at = ((now - offset) // round_s + 1) * round_s + offset
        job = HassJob(self._async_due, f"{DOMAIN} automatic trading", cancel_on_shutdown=True)
        moment = dt_util.utc_from_timestamp(at)
        self._cancel_timer = async_track_point_in_utc_time(self._hass, job, moment)

    async def _async_due(self, _now: datetime) -> None:
        self._async_wait()
        await self.async_run()

    @callback
    def _async_stop(self) -> None:
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None


async def _unless_refused(submitted: Awaitable[Receipt]) -> Receipt | None:
    """Return the receipt of a transaction; None for one that the ledger refused: the next plan knows why."""
    try:
        return await submitted
    except RefusedError as error:
        _LOGGER.debug("An order of automatic trading was refused: %s", error)
        return None


def agent_store(hass: HomeAssistant, entry_id: str) -> Store[dict[str, Any]]:
    """Return the file in which a member's agent keeps what it learned."""
    return Store(hass, _VERSION, f"{DOMAIN}.{entry_id}.agent", private=True, atomic_writes=True)
