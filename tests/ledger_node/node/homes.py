"""A chain with a real database beside it, as a node has, without a process and with a clock set by hand."""

from contextlib import closing

from energy_ledger.dag.blocks import decode_block
from energy_ledger.node import founding
from energy_ledger.node.chain import NOTHING
from energy_ledger.node.snapshot_check import check
from energy_ledger.node.snapshots import make
from energy_ledger.storage import database
from energy_ledger.storage.directory import DataDirectory
from energy_ledger.storage.reader import Reader
from energy_ledger.storage.snapshot import SnapshotFile
from energy_ledger.storage.writer import Writer
from tests.ledger_node.node.chains import KEY, START, TestChain
from tests.support.people import Person

HOUSE = {
    "asset_type": "home",
    "source": "solar",
    "name": "home",
    "behind": None,
    "feeder": "",
    "rated_import_w": 9_000,
    "rated_export_w": 9_000,
}


class StoredChain(TestChain):
    """A founded network whose steps are written."""

    def __init__(self, folder, **changes):
        super().__init__(**changes)
        self.directory = DataDirectory(folder)
        self.directory.prepare()
        database.open_or_set_aside(self.directory.database)
        self.writer = Writer(self.directory.database, durable=False)
        founding.begin(self.writer, self.ledger.genesis)
        self.reader = Reader(self.directory.database)

    def advance(self, waiting, now, incoming=NOTHING):
        step = super().advance(waiting, now, incoming)
        self.writer.write(step.entry)
        return step

    def close(self):
        self.writer.close()
        self.reader.close()

    def snapshot(self, path):
        """Write a snapshot of the newest state that can be had."""
        self.shutter.wanted = True
        step = self.at(self.now)
        while step.taken is None:
            step = self.at(self.now + 1_000)
        make(self.reader, self.ledger.genesis, step.taken, path)
        return path

    def votes_for(self, *keys):
        node = Person("node", self.ledger.genesis.network)
        node.seed, node.address = KEY.seed, self.ledger.genesis.node_accounts[0]
        committee = [key.public.hex() for key in keys]
        self.at(
            self.now + 10,
            self.sign(node, "committee.vote", epoch=self.ledger.epoch + 1, committee=committee),
        )

    def lives(self, random, steps):
        """Let people join, register, order, pay, fail to, and wait, as chance has it."""
        people = [self.joins(f"Bo {self.ledger.commit}")]
        point = self.at(self.now + 10, self.sign(people[0], "asset.register", **HOUSE)).placed[0].result.id
        for _ in range(steps):
            what = random.choice(["order", "order", "order", "pay", "wait", "wait", "join"])
            if what == "order":
                self.orders(random, people[0], point)
            elif what == "pay":
                amount = random.choice([1, 5, 10**15])
                pay = self.sign(random.choice(people), "transfer", to=self.ada.address, amount=amount)
                self.at(self.now + random.randint(1, 900), pay)
            elif what == "join":
                people.append(self.joins(f"Cy {self.ledger.commit}"))
            else:
                self.at(self.now + random.choice([10, 5_000, 40_000]))
        self.orders(random, people[0], point)

    def orders(self, random, who, point):
        """Let somebody place an order, most of them good ones."""
        first = self.ledger._state.timing.first_open_slot(self.now) + random.randint(2, 9)
        kind, price = random.choice([("offer", 90_000), ("fixed", 200_000), ("fixed", 10**6)])
        terms = {"type": kind, "price": price, "slots": {str(first): random.randint(1, 9)}}
        one = self.sign(who, "order.place", asset=point, order=terms)
        self.at(self.now + random.randint(1, 900), one)


def read(path):
    with SnapshotFile.open(path) as file:
        return file.read()


def replay(directory, blocks):
    """Take a directory's ledger up and give it blocks that came later; return the chain, written again."""
    with closing(Reader(directory.database)) as reader, closing(Writer(directory.database)) as writer:
        genesis = founding.stored_genesis(reader)
        chain = founding.restore(reader, genesis, None)
        for raw in blocks:
            block = decode_block(raw)
            if block.epoch == chain.epoch:
                step = chain.accept(block)
                assert not step.refused
                writer.write(step.entry)
        return chain


__all__ = ["HOUSE", "KEY", "START", "StoredChain", "check", "read", "replay"]
