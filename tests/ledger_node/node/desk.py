"""A whole node but for its process and clock: chain, disk, proofs and answers, with the time set by hand.

Two neighbours with a house each: Bo sells what Cy needs. Slots of 10 s, a round every 5 s.
"""

from concurrent.futures import ThreadPoolExecutor

from energy_ledger.api.paging import Window
from energy_ledger.market.solver import solve
from energy_ledger.node import founding, views
from energy_ledger.node.matcher import proposal
from energy_ledger.node.proving import Proofs
from energy_ledger.node.queries import Queries
from energy_ledger.storage import database
from energy_ledger.storage.reader import Reader
from energy_ledger.storage.writer import Writer
from energy_ledger.transactions import sign_payload
from energy_ledger.units import MS_PER_S
from tests.ledger_node.node.chains import KEY, START, TestChain, waiting
from tests.support.killing import house
from tests.support.people import as_json

SLOT_MS = 10 * MS_PER_S
WHOLE = Window(None, 500)


class Desk(TestChain):
    """One node and the people who use it; every step is on its disk before the next."""

    __test__ = False

    def __init__(self, folder, **changes):
        super().__init__(**changes)
        path = folder / "ledger.db"
        database.open_or_set_aside(path)
        self.path = path
        self.writer, self.reader = Writer(path, durable=False), Reader(path)
        founding.begin(self.writer, self.ledger.genesis)
        self.proofs = Proofs(self.ledger.leaves(), self.ledger.root, (), None)
        self.threads = ThreadPoolExecutor(1)
        self.queries = Queries(self.reader, self.threads, self.ledger.genesis)
        self.node_sequence = 0

    def close(self):
        self.threads.shutdown()
        self.reader.close()
        self.writer.close()

    def at(self, now, *ready):
        step = super().at(now, *ready)
        self.writer.write(step.entry)
        self.proofs.take(step.entry)
        return step

    def do(self, who, kind, **fields):
        """Have somebody do something now, and return the transaction's id."""
        step = self.at(self.now, self.sign(who, kind, **fields))
        (placed,) = step.placed
        assert placed.result.state == "applied", placed.result
        return placed.result.id

    def settle_in(self, name):
        """Let somebody join with money and a house that buys and sells."""
        person = self.joins(name)
        return person, self.do(person, "asset.register", **house(name))

    def clear(self):
        """Let the open round be cleared, if there is one."""
        opened = self.ledger.open_book()
        if opened is None:
            return
        number, book = opened
        self.node_sequence += 1
        header = {
            "network": self.ledger.genesis.network,
            "account": self.ledger.genesis.node_accounts[0],
            "sequence": self.node_sequence,
            "expires": self.now + 3_000,
        }
        signed = sign_payload(header | proposal(number, book, solve(book)), KEY.seed)
        (placed,) = self.at(self.now, waiting(as_json(signed))).placed
        assert placed.result.state == "applied", placed.result

    def passes(self, until):
        """Let time pass second by second, clearing every round."""
        while self.now < until:
            self.at(self.now + MS_PER_S)
            self.clear()

    def trades(self, seller, buyer, wh=4, read=None):
        """Let one house sell to the other in the slot after next, and both attest what was moved."""
        (bo, roof), (cy, home) = seller, buyer
        slot = self.now // SLOT_MS + 2
        for who, asset, kind, price in ((bo, roof, "offer", 90_000), (cy, home, "fixed", 200_000)):
            order = {"type": kind, "price": price, "slots": {str(slot): wh}}
            self.do(who, "order.place", asset=asset, order=order)
        self.passes((slot + 1) * SLOT_MS)
        moved = wh if read is None else read
        for who, asset, flow in ((bo, roof, "exported_wh"), (cy, home, "imported_wh")):
            reading = {"imported_wh": 0, "exported_wh": 0, flow: moved, "commitment": "0" * 64}
            self.do(who, "reading.attest", asset=asset, slot=slot, **reading)
        return slot

    def shown(self, kind, key):
        """Return a row with its proof, as the API shows it."""
        return views.proven(kind, self.proofs.prove(f"{kind}/{key}".encode()))

    async def export(self, asset):
        return await self.queries.export_audit(self.shown("audit", asset))


def desk(folder, **changes):
    """Return a desk on a day that has begun."""
    made = Desk(folder, **changes)
    made.at(START)
    return made
