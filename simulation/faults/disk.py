"""The disk of a home: what one step writes is there as a whole or not at all, as with SQLite."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from energy_ledger.dag.block_rules import BlockRules, Fault
from energy_ledger.dag.blocks import Block, BlockRef
from energy_ledger.dag.core import Core
from energy_ledger.dag.effects import Evidence
from energy_ledger.dag.linearizer import DEPTH
from energy_ledger.dag.ordering import Fate, Kept, Position
from energy_ledger.genesis import Genesis
from energy_ledger.ledger.machine import Ledger
from energy_ledger.ledger.tables import Change, Row
from energy_ledger.node import certifying
from energy_ledger.node.chain import Chain
from energy_ledger.node.epochs import Epoch
from energy_ledger.proofs import Certificate, LedgerState
from energy_ledger.storage.directory import NodeKey
from energy_ledger.storage.writer import Entry

type Check = Callable[[BlockRules, Block], Fault | None]


@dataclass
class Disk:
    """What a node's database holds, as values."""

    genesis: Genesis
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    blocks: dict[BlockRef, Block] = field(default_factory=dict)
    fates: dict[bytes, Fate] = field(default_factory=dict)
    states: list[LedgerState] = field(default_factory=list)
    leader: BlockRef | None = None
    certificate: Certificate | None = None
    evidence: list[Evidence] = field(default_factory=list)
    outbox: dict[str, bytes] = field(default_factory=dict)
    ordered: dict[str, str | None] = field(default_factory=dict)
    """Each ordered transaction, and the code with which it was refused, if it was."""

    @classmethod
    def found(cls, genesis: Genesis) -> Disk:
        """Write a network's beginning."""
        disk, ledger = cls(genesis), Ledger.found(genesis)
        disk.rows = {(row.table, row.key): row for row in ledger.rows()}
        disk.states = [LedgerState(0, ledger.time, ledger.root)]
        return disk

    def copy(self) -> Disk:
        """Return a backup; the values themselves never change."""
        shallow = copy.copy(self)
        for name in ("rows", "blocks", "fates", "states", "evidence", "outbox", "ordered"):
            setattr(shallow, name, copy.copy(getattr(self, name)))
        return shallow

    def write(self, entry: Entry) -> None:
        """Write a step, all of it."""
        self.blocks |= {block.ref: block for block in entry.blocks}
        self.evidence += [Evidence(*pair) for pair in entry.evidence]
        refs = {block.ref.digest: block.ref for block in self.blocks.values()} if entry.commits else {}
        for commit in entry.commits:
            self.fates |= dict.fromkeys(commit.blocks, Fate.ORDERED)
            self.fates |= dict.fromkeys(commit.losers, Fate.LOST)
            self.leader = refs[commit.leader]
            self.states.append(LedgerState(commit.index, commit.time, commit.root, commit.leader))
            self._change(commit.changes)
            for one in commit.ordered:
                self.outbox.pop(one.id.hex(), None)
                if one.id.hex() not in self.ordered or one.code is None:
                    self.ordered[one.id.hex()] = one.code
        self.certificate = entry.certificate or self.certificate

    def restore(self, key: NodeKey, check: Check, *, muted: bool) -> Chain:
        """Take up core and ledger as a node does after a start."""
        ledger = Ledger.restore(self.genesis, list(self.rows.values()))
        last, epoch = self.states[-1], Epoch.of(ledger)
        if (ledger.commit, ledger.root) != (last.commit, last.root):
            raise AssertionError("the restored ledger is not the one that was written")
        position = Position(last.commit, last.time, self.leader)
        lowest = self.leader.round - DEPTH if self.leader else 0
        kept = [
            Kept(block, self.fates.get(ref.digest, Fate.OPEN))
            for ref, block in self.blocks.items()
            if ref.round >= lowest
        ]
        core = Core.restore(epoch.settings(key), position, kept, self.evidence, muted=muted, check=check)
        certifier = certifying.resume(
            epoch.electorate(),
            epoch.voice(key),
            self.certificate,
            self._uncertified(),
            (one.block for one in kept),
        )
        return Chain(core, ledger, certifier, key)

    def newest_by(self, author: int) -> Block | None:
        """Return the block of an author with the highest round."""
        found = [ref for ref in self.blocks if ref.author == author]
        return self.blocks[max(found)] if found else None

    def _uncertified(self) -> list[LedgerState]:
        last = self.certificate.state.commit if self.certificate else 0
        return [state for state in self.states[-certifying.REMEMBERED :] if state.commit > last]

    def _change(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if change.final or change.row is None:
                self.rows.pop((change.table, change.key), None)
            else:
                self.rows[change.table, change.key] = Row(change.table, change.key, change.row)
