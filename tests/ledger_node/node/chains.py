"""A chain without a process, disk or clock: for tests that set the time by hand."""

import json

from energy_ledger.dag.core import Core
from energy_ledger.dag.ordering import Position
from energy_ledger.genesis import read_genesis
from energy_ledger.ledger.machine import Ledger
from energy_ledger.mempool import Waiting
from energy_ledger.node.certifying import Certifier
from energy_ledger.node.chain import Chain
from energy_ledger.node.epochs import Epoch
from energy_ledger.storage.directory import NodeKey
from energy_ledger.transactions import Envelope, read_envelope, read_transaction
from tests.support.people import EUR, HOUR_MS, Person, genesis, invite_to

START = 1_700_000_000_000
KEY = NodeKey(b"k" * 32)


def envelope_of(signed):
    return Envelope(signed["payload"], tuple(signed["signatures"]))


def waiting(signed):
    """Return a signed envelope as the mempool would give it."""
    envelope = read_envelope(json.dumps(signed).encode())
    return Waiting(read_transaction(envelope), envelope.encode())


def new_genesis(founder, **changes):
    signed = genesis(founder, KEY.public.hex(), **{"created": START, **changes})
    return read_genesis(envelope_of(signed))


class TestChain(Chain):
    """A founded network, with the steps it went through."""

    __test__ = False

    def __init__(self, **changes):
        self.ada = Person("Ada")
        genesis = new_genesis(self.ada, **changes)
        epoch = Epoch.first(genesis)
        core = Core(epoch.settings(KEY), Position(time=genesis.rules.created))
        super().__init__(core, Ledger.found(genesis), Certifier(epoch.electorate(), epoch.voice(KEY)), KEY)
        self.now = START
        self.blocks = []

    def sign(self, who, kind, **fields):
        return waiting(who.sign(kind, **{"expires": self.now + HOUR_MS, **fields}))

    def at(self, now, *ready):
        """Advance to a time with what is ready, and return the step."""
        self.now = now
        step = self.advance(ready, now)
        self.blocks += step.entry.blocks
        return step

    def joins(self, name, money=EUR):
        """Let somebody join now, with money."""
        person = Person(name)
        expires = self.now + HOUR_MS
        join = person.joins(invite_to(self.ada, name, expires=expires), expires=expires)
        issue = {"to": person.address, "amount": money, "reference": "test"}
        step = self.at(self.now, waiting(join), self.sign(self.ada, "voucher.issue", **issue))
        assert [one.result.state for one in step.placed] == ["applied", "applied"], step.placed
        return person
