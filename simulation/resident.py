"""A headless member: reads its meter over Modbus, attests it, and trades each round.

All that a member does here is done by the integration's own plain folders; a resident only keeps the time.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

from custom_components.energy_marketplace.ledger import answers
from custom_components.energy_marketplace.ledger.answers import Event, Parameters, PlacedOrder, Trade
from custom_components.energy_marketplace.ledger.client import NodeError, RefusedError
from custom_components.energy_marketplace.ledger.events import EventFollower
from custom_components.energy_marketplace.ledger.matches import MATCHED, trades_in
from custom_components.energy_marketplace.ledger.member import Member
from custom_components.energy_marketplace.ledger.transactions import order_place
from custom_components.energy_marketplace.ledger.units import slot_at
from custom_components.energy_marketplace.meter.journal import Journal
from custom_components.energy_marketplace.meter.probe import probe, wall_clock
from custom_components.energy_marketplace.meter.profiles import PROFILES
from custom_components.energy_marketplace.meter.readings import MeterError, SlotReading
from custom_components.energy_marketplace.meter.slots import SlotMeter
from custom_components.energy_marketplace.meter.sources.modbus_link import TcpLink, open_link
from custom_components.energy_marketplace.trading.deliveries import traded_at
from simulation.modbus_house import UNIT_ID
from simulation.strategies import Book, Strategy

SAMPLE_S = 2
BEAT_AFTER_ROUND_S = 0.7
KEPT_SLOTS = 30


@dataclass
class Resident:
    """One neighbour as a member of the network. ``say`` takes what went wrong, in a sentence."""

    name: str
    member: Member
    strategy: Strategy
    parameters: Parameters
    journal: Journal
    say: Callable[[str], None]
    orders: dict[str, PlacedOrder] = field(default_factory=dict)
    trades: dict[str, Trade] = field(default_factory=dict)
    unwanted: set[int] = field(default_factory=set)

    @property
    def book(self) -> Book:
        """What the member has in the market."""
        return Book(self.orders, self.trades)

    async def live(self) -> None:
        """Listen, meter and trade until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._meter())
            tasks.create_task(self._trade())

    async def _listen(self) -> None:
        follower = EventFollower(self.member.client, cursor=0, account=self.member.address)
        async with aclosing(follower.follow()) as items:
            async for item in items:
                if isinstance(item, Event):
                    self._learn(item)

    def _learn(self, event: Event) -> None:
        if event.type.startswith("order."):
            order = answers.read(PlacedOrder, event.data)
            self.orders[order.id] = order
        elif event.type == MATCHED:
            self._take({trade.id: trade for trade in trades_in(event.data)})
        elif event.type.startswith("trade."):
            trade = answers.read(Trade, event.data)
            self._take({trade.id: trade})

    def _take(self, trades: dict[str, Trade]) -> None:
        """Take in trades that were made or went on."""
        self.trades |= trades
        self.strategy.apply(self.book, wall_clock())

    async def _meter(self) -> None:
        """Look at the meter every two seconds, so also at every slot's end."""
        house = self.strategy.house
        slots = SlotMeter(slot_s=self.parameters.slot_s, rated_w=house.rated_w)
        async with open_link(TcpLink(host="127.0.0.1", port=house.server.port), UNIT_ID) as reader:
            while True:
                await _until_multiple_of(SAMPLE_S)
                with suppress(MeterError):
                    closed = slots.feed(await probe(reader, PROFILES["sdm630"]))
                    await self._keep([reading for reading in closed if isinstance(reading, SlotReading)])

    async def _keep(self, readings: list[SlotReading]) -> None:
        for reading in readings:
            await self.journal.add(reading)
            await self.journal.forget_before(reading.slot - KEPT_SLOTS)
        if readings:
            await self._attest()

    async def _attest(self) -> None:
        traded = traded_at(self.trades.values(), self.strategy.assets.point)
        for due in self.journal.due(traded, "net" if self.parameters.readings == "net" else "traded"):
            if due.slot in self.unwanted:
                continue
            try:
                receipt = await self.member.attest(
                    asset=due.asset,
                    slot=due.slot,
                    imported_wh=due.imported_wh,
                    exported_wh=due.exported_wh,
                    commitment=due.commitment,
                )
                await self.journal.attested(due.slot, receipt.id)
            except RefusedError as error:
                self.unwanted.add(due.slot)
                self.say(f"{self.name}: the reading of slot {due.slot} is refused: {error}")
            except NodeError as error:
                self.say(f"{self.name}: the reading of slot {due.slot} waits: {error}")

    async def _trade(self) -> None:
        """Place what the strategy wants, a moment after every round's close."""
        while True:
            await _until_multiple_of(self.parameters.round_s)
            await asyncio.sleep(BEAT_AFTER_ROUND_S)
            self._forget()
            now = wall_clock()
            self.strategy.apply(self.book, now)
            bodies = [
                order_place(decision.asset, decision.order)
                for decision in self.strategy.decide(self.book, now)
            ]
            try:
                results = await self.member.send_all(bodies)
            except NodeError as error:
                self.say(f"{self.name}: no orders this round: {error}")
                continue
            for refusal in results:
                if isinstance(refusal, RefusedError):
                    self.say(f"{self.name}: an order is refused: {refusal}")

    def _forget(self) -> None:
        """Drop closed orders and trades of slots long past; a demo may run for days."""
        oldest = slot_at(wall_clock(), self.parameters.slot_s) - KEPT_SLOTS
        self.trades = {key: trade for key, trade in self.trades.items() if trade.slot >= oldest}
        self.orders = {key: order for key, order in self.orders.items() if order.state == "open"}
        self.unwanted = {slot for slot in self.unwanted if slot >= oldest}


async def _until_multiple_of(seconds: int) -> None:
    """Sleep until the wall clock shows the next multiple of some seconds."""
    await asyncio.sleep(seconds - time.time() % seconds)
