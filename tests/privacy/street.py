"""A street in quick motion whose homes' load curves are known, and two neighbours' nodes that hear all of it.

The homes attest with the integration's own code; the neighbours keep databases as any node does.
"""

import random
from contextlib import closing

from custom_components.energy_marketplace.meter.journal import Journal, Traded
from custom_components.energy_marketplace.meter.readings import Registers, SlotReading
from energy_ledger.dag.core import Core
from energy_ledger.dag.ordering import Position
from energy_ledger.ledger.machine import Ledger
from energy_ledger.node import founding
from energy_ledger.node.certifying import Certifier
from energy_ledger.node.chain import Chain
from energy_ledger.node.epochs import Epoch
from energy_ledger.storage import database
from energy_ledger.storage.writer import Writer
from tests.ledger_node.node.desk import SLOT_MS, desk

SLOTS = 60
TURN = 20
"""Slots that one order names."""


class Memory:
    """A journal's storage without a disk: what lies at home is not what this is about."""

    def __init__(self):
        self.records = []

    async def load(self):
        return self.records

    async def append(self, record):
        self.records.append(record)

    async def replace(self, records):
        self.records = records


class Neighbour:
    """Another home's node, which follows and keeps everything."""

    def __init__(self, genesis, folder):
        folder.mkdir()
        self.path = folder / "ledger.db"
        database.open_or_set_aside(self.path)
        self.writer = Writer(self.path, durable=False)
        founding.begin(self.writer, genesis)
        epoch = Epoch.first(genesis)
        core = Core(epoch.settings(None), Position(time=genesis.rules.created))
        self.chain = Chain(core, Ledger.found(genesis), Certifier(epoch.electorate(), None))

    def hear(self, blocks):
        for block in blocks:
            self.writer.write(self.chain.accept(block).entry)

    def close(self):
        self.writer.close()


class Home:
    """A home that trades a little of what it uses or makes; `curve` is its true (import, export) by slot."""

    def __init__(self, made, name, chance, sells):
        self.person, self.asset = made.settle_in(name)
        self.sells = sells
        self.chance = chance
        self.curve = {}
        self.registers = Registers(0, chance.randint(10**7, 10**8), chance.randint(10**7, 10**8))
        self.salts = []
        self.texts = []
        self._level = chance.randint(200, 500)

    async def begin(self):
        self.journal = await Journal.open(self.asset, Memory())

    def order(self, first):
        """Write an order over some slots, of sizes that have nothing to do with the rest of the home."""
        slots = {str(slot): self.chance.randint(5, 40) for slot in range(first, first + TURN)}
        kind, price = ("offer", 90_000) if self.sells else ("fixed", 200_000)
        return {"type": kind, "price": price, "slots": slots}

    async def live(self, slot):
        """Use and make energy in a slot: always more than is traded, in a curve of the home's own."""
        chance = self.chance
        self._level = max(60, min(900, self._level + chance.randint(-80, 80)))
        spike = chance.choice([0, 0, 0, 500])
        self.curve[slot] = self._level + spike + chance.randint(0, 20), chance.randint(60, 700)
        imported, exported = self.curve[slot]
        start, last = self.registers, self.registers
        end = Registers((slot + 1) * SLOT_MS, last.imported_wh + imported, last.exported_wh + exported)
        reading = SlotReading(slot, Registers(slot * SLOT_MS, start.imported_wh, start.exported_wh), end)
        await self.journal.add(reading, random=chance.randbytes)
        self.registers = end
        self.salts.append(self.journal.entries[slot].salt)
        self.texts.append(self.journal.registers_text(slot))


class Street:
    """The homes, the node that orders, and two neighbours."""

    def __init__(self, folder, readings):
        self.readings = readings
        self.made = desk(folder, readings=readings)
        self.traded = {}
        chance = random.Random(17)
        self.homes = [Home(self.made, name, chance, sells) for name, sells in PEOPLE]
        genesis = self.made.ledger.genesis
        self.neighbours = [Neighbour(genesis, folder / name) for name in ("next door", "opposite")]

    async def live(self):
        """Let all slots pass: trade, deliver, read, attest, settle."""
        for home in self.homes:
            await home.begin()
        first = self.made.now // SLOT_MS + 2
        for slot in range(first, first + SLOTS):
            if (slot - first) % TURN == 0:
                for home in self.homes:
                    self.made.do(home.person, "order.place", asset=home.asset, order=home.order(slot + 1))
            self.made.passes((slot + 1) * SLOT_MS)
            for home in self.homes:
                await home.live(slot)
                await self.attest(home, slot)
        self.made.passes(self.made.now + 4 * SLOT_MS)
        for neighbour in self.neighbours:
            neighbour.hear(self.made.blocks)
            assert neighbour.chain.ledger.root == self.made.ledger.root

    async def attest(self, home, slot):
        """Send what the integration would send."""
        trades = [one for one in self.trades() if one.slot == slot]
        sold = sum(one.wh for one in trades if one.sell_point == home.asset)
        bought = sum(one.wh for one in trades if one.buy_point == home.asset)
        self.traded[home.asset, slot] = bought, sold
        traded = {slot: Traded(sold, bought)} if sold or bought else {}
        for one in home.journal.due(traded, self.readings):
            if one.slot == slot:
                reading = {"imported_wh": one.imported_wh, "exported_wh": one.exported_wh}
                self.made.do(
                    home.person,
                    "reading.attest",
                    asset=home.asset,
                    slot=slot,
                    commitment=one.commitment,
                    **reading,
                )

    def trades(self):
        return list(self.made.ledger._state.trades.values())

    def close(self):
        self.made.close()
        for neighbour in self.neighbours:
            neighbour.close()


PEOPLE = (("Bo", True), ("Cy", False), ("Di", False), ("Em", True))


async def lived(folder, readings):
    """Return a street that has lived; its databases can be read."""
    street = Street(folder, readings)
    with closing(street):
        await street.live()
    return street
