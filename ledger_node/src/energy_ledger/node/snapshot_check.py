"""Whether a snapshot is true: followed from the genesis to every row, so who gave it need not be trusted.

The genesis names the first committee, each committee voted in the next, the last one signed what the ledger
came to, and all rows lead to the root it signed. It signed the leader of that commit too; from there the
blocks say themselves what is ordered already.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from energy_ledger.dag.block_rules import BlockRules
from energy_ledger.dag.blocks import Block, BlockError, BlockRef, decode_block
from energy_ledger.dag.ordering import Fate, Kept
from energy_ledger.dag.window import WindowError, work_out
from energy_ledger.genesis import Genesis, read_genesis
from energy_ledger.keys import PublicKey
from energy_ledger.ledger.events import canonical
from energy_ledger.ledger.machine import Ledger
from energy_ledger.ledger.tables import Row
from energy_ledger.node.epochs import Epoch
from energy_ledger.payloads import CommitteeVote
from energy_ledger.proofs import NO_LEADER, Certificate, LedgerState
from energy_ledger.quorum import quorum_of
from energy_ledger.refusals import Refused
from energy_ledger.storage.snapshot import CommitteeRecord, Snapshot, SnapshotError
from energy_ledger.transactions import parse, read_envelope

_WORDS: Final = 2**63


@dataclass(frozen=True, slots=True)
class Checked:
    """A snapshot that is true: what it says, ready to be written."""

    genesis: Genesis
    certificate: Certificate
    committees: tuple[CommitteeRecord, ...]
    rows: tuple[Row, ...]
    cursor: int
    leader: BlockRef | None
    kept: tuple[Kept, ...]


def check(snapshot: Snapshot) -> Checked:
    """Check a snapshot; whose network it is says the genesis in the result. Raises SnapshotError."""
    try:
        return _check(snapshot)
    except Refused as refused:
        raise SnapshotError(f"the genesis is not good: {refused.message}") from None
    except (WindowError, BlockError) as error:
        raise SnapshotError(str(error)) from error
    except (msgspec.MsgspecError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, SnapshotError):
            raise
        raise SnapshotError(f"its rows do not make a ledger: {error}") from error


def _check(snapshot: Snapshot) -> Checked:
    genesis, certificate = read_genesis(read_envelope(snapshot.genesis)), snapshot.certificate
    epoch = follow(genesis, snapshot.committees, certificate.epoch)
    _check_certificate(epoch, certificate)
    ledger = _ledger(genesis, snapshot.rows, certificate.state, epoch)
    leader, kept = _window(epoch, snapshot.blocks, certificate.state)
    return Checked(genesis, certificate, snapshot.committees, snapshot.rows, ledger.cursor, leader, kept)


def follow(genesis: Genesis, committees: Iterable[CommitteeRecord], number: int) -> Epoch:
    """Follow the committees from the genesis to an epoch. Raises SnapshotError."""
    epoch = Epoch.first(genesis)
    for record in committees:
        if record.epoch != epoch.number + 1 or not _is_voted_in(epoch, record):
            raise SnapshotError(f"the committee of epoch {record.epoch} was not voted in by the one before")
        epoch = Epoch(genesis.network, record.epoch, record.committee)
    if epoch.number != number:
        raise SnapshotError(f"it is of epoch {number}, but its committees lead to epoch {epoch.number}")
    return epoch


def _is_voted_in(epoch: Epoch, record: CommitteeRecord) -> bool:
    voters = {key for vote in record.votes for key in _voters(epoch, record, vote)}
    return bool(record.committee) and len(voters) >= quorum_of(len(epoch.committee))


def _voters(epoch: Epoch, record: CommitteeRecord, vote: bytes) -> list[str]:
    """Return which of an epoch's validators signed this vote for the next committee: one at most."""
    try:
        transaction = parse(vote)
    except Refused:
        return []
    payload = transaction.payload
    if not isinstance(payload, CommitteeVote) or payload.network != epoch.network:
        return []
    if (payload.epoch, payload.committee) != (record.epoch, record.committee):
        return []
    return [key for key in epoch.committee if transaction.signed_by((PublicKey("ed25519", key),))]


def _check_certificate(epoch: Epoch, certificate: Certificate) -> None:
    state = certificate.state
    well_formed = (
        0 <= state.commit < _WORDS
        and 0 <= state.time < _WORDS
        and len(state.root) == len(state.leader) == len(NO_LEADER)
    )
    if not well_formed or not epoch.electorate().certifies(certificate):
        raise SnapshotError("its certificate does not hold the good votes of a quorum of the committee")


def _ledger(genesis: Genesis, rows: tuple[Row, ...], state: LedgerState, epoch: Epoch) -> Ledger:
    """Return the ledger that the rows make, which must be the one that was certified."""
    given = {(row.table, row.key): canonical(row.row) for row in rows}
    ledger = Ledger.restore(genesis, rows)
    said = {(row.table, row.key): canonical(row.row) for row in ledger.rows()}
    if given != said or len(given) != len(rows):
        raise SnapshotError("its rows are not those of the ledger that they make")
    if ledger.root != state.root:
        raise SnapshotError(f"its rows lead to root {ledger.root.hex()}, certified is {state.root.hex()}")
    if (ledger.commit, ledger.time) != (state.commit, state.time) or not ledger.is_punctual:
        raise SnapshotError("its totals are of another commit or time than the certified one")
    if (ledger.epoch, ledger.committee) != (epoch.number, epoch.committee):
        raise SnapshotError("its ledger is in another epoch than its certificate")
    return ledger


def _window(
    epoch: Epoch, blocks: tuple[bytes, ...], state: LedgerState
) -> tuple[BlockRef | None, tuple[Kept, ...]]:
    """Return the commit's leader (None: the epoch has none yet), and what became of the blocks."""
    decoded = [decode_block(raw) for raw in blocks]
    rules = BlockRules(bytes.fromhex(epoch.network), epoch.number, epoch.keys)
    if state.leader != NO_LEADER:
        leader, kept = work_out(rules, decoded, state.leader)
        return leader, tuple(kept)
    for block in decoded:
        _check_block(rules, block)
    return None, tuple(Kept(block, Fate.OPEN) for block in decoded)


def _check_block(rules: BlockRules, block: Block) -> None:
    fault = rules.fault(block) or rules.signature_fault(block)
    if fault is not None:
        raise SnapshotError(f"a block is not good: {fault}")
