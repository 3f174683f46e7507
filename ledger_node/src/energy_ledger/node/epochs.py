"""What an epoch means to the parts of a node: the committee, its electorate, and which voice is ours."""

from dataclasses import dataclass

from energy_ledger.dag.settings import Settings, Voice
from energy_ledger.genesis import Genesis
from energy_ledger.ledger.machine import Ledger
from energy_ledger.proofs import Electorate
from energy_ledger.quorum import quorum_of
from energy_ledger.storage.directory import NodeKey


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch of a network: its number and the validators' node keys in hex, in their order."""

    network: str
    number: int
    committee: tuple[str, ...]

    @classmethod
    def first(cls, genesis: Genesis) -> Epoch:
        """Return the epoch that begins with the network."""
        return cls(genesis.network, 0, genesis.rules.committee)

    @classmethod
    def of(cls, ledger: Ledger) -> Epoch:
        """Return the epoch in which the ledger is."""
        return cls(ledger.genesis.network, ledger.epoch, ledger.committee)

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The validators' public keys."""
        return tuple(map(bytes.fromhex, self.committee))

    def voice(self, key: NodeKey | None) -> Voice | None:
        """Return the voice of a node in this committee, None for an observer."""
        if key is None or key.public not in self.keys:
            return None
        return Voice(self.keys.index(key.public), key.seed)

    def settings(self, key: NodeKey | None) -> Settings:
        """Return what the consensus core must know; without a key it only follows."""
        return Settings(bytes.fromhex(self.network), self.number, self.keys, self.voice(key))

    def electorate(self) -> Electorate:
        """Return whose state votes count."""
        keys = self.keys
        return Electorate(bytes.fromhex(self.network), self.number, keys, quorum_of(len(keys)))
