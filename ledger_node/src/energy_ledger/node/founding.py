"""How a network begins on a node, and how a node takes it up again after a stop, however it was stopped."""

import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import msgspec

from energy_ledger.dag.blocks import BlockRef, decode_block
from energy_ledger.dag.core import Core
from energy_ledger.dag.effects import Evidence
from energy_ledger.dag.linearizer import DEPTH
from energy_ledger.dag.ordering import Fate, Kept, Position
from energy_ledger.genesis import Genesis, read_genesis
from energy_ledger.keys import require_ml_dsa
from energy_ledger.ledger.machine import Ledger
from energy_ledger.ledger.matches import Matches, RoundSides
from energy_ledger.ledger.tables import Change, Row
from energy_ledger.ledger.trading_rows import Trade
from energy_ledger.node import certifying
from energy_ledger.node.certifying import REMEMBERED, Certifier
from energy_ledger.node.chain import Chain
from energy_ledger.node.epochs import Epoch
from energy_ledger.proofs import NO_LEADER, LedgerState
from energy_ledger.refusals import Refused
from energy_ledger.storage.database import DamagedError
from energy_ledger.storage.directory import NodeKey
from energy_ledger.storage.reader import CommitRecord, Reader
from energy_ledger.storage.schema import COLUMNS
from energy_ledger.storage.writer import Writer
from energy_ledger.transactions import Envelope, read_envelope

_GENESIS = "genesis"
_IDENTITY = "identity"
FOUNDER = "founder"
"""Holder of the token that founding a network gives."""


def begin(writer: Writer, genesis: Genesis, facts: Mapping[str, bytes] = MappingProxyType({})) -> None:
    """Write a network's first state to an empty disk, and what else the node must know from the start."""
    ledger = Ledger.found(genesis)
    rows = (Change(row.table, row.key, row.row, final=False) for row in ledger.rows())
    known = {_GENESIS: genesis.envelope.encode(), _IDENTITY: secrets.token_bytes(16), **facts}
    writer.begin(known, ledger.root, ledger.time, rows)


def identity(reader: Reader) -> str:
    """Return what tells this database from any other."""
    return (reader.fact(_IDENTITY) or b"").hex()


def check_genesis(envelope: Envelope, key: NodeKey) -> Genesis:
    """Read a genesis that this node is to found. Raises Refused."""
    genesis = read_genesis(envelope)
    if genesis.rules.committee != (key.public.hex(),):
        message = "The first committee is the founding node alone; others join and are voted in."
        raise Refused("bad_value", "committee", message)
    return genesis


def stored_genesis(reader: Reader) -> Genesis | None:
    """Return the genesis of the network on this disk, None while there is none.

    Raises DamagedError when it does not hold any more, Refused when this machine cannot check it.
    """
    data = reader.fact(_GENESIS)
    try:
        return None if data is None else read_genesis(read_envelope(data))
    except Refused as refused:
        if refused.code == "hybrid_unavailable":
            raise
        raise DamagedError(f"the stored genesis is not what was signed: {refused.message}") from refused


def restore(reader: Reader, genesis: Genesis, key: NodeKey | None) -> Chain:
    """Take up core and ledger where the disk says they stood; without a key the node only follows.

    Raises DamagedError when what is on the disk does not fit together, Refused when the network has become
    one whose signatures this machine cannot check.
    """
    try:
        chain = _restore(reader, genesis, key)
    except (sqlite3.DatabaseError, msgspec.MsgspecError, LookupError, ValueError) as error:
        raise DamagedError(f"the stored ledger cannot be read: {error}") from error
    if chain.ledger.policy.hybrid is not None:
        require_ml_dsa("hybrid")
    return chain


def _restore(reader: Reader, genesis: Genesis, key: NodeKey | None) -> Chain:
    last = reader.latest_commits(1)[0]
    ledger = Ledger.restore(genesis, _live_rows(reader))
    if (ledger.commit, ledger.root) != (last.n, last.root):
        raise DamagedError(
            f"the stored state has root {ledger.root.hex()} at commit {ledger.commit}, "
            f"but commit {last.n} was written with root {last.root.hex()}"
        )
    epoch = Epoch.of(ledger)
    leader = _leader(reader, last) if last.epoch == epoch.number else None
    position = Position(last.n, last.time, leader)
    lowest = leader.round - DEPTH if leader else 0
    kept = [
        Kept(decode_block(record.raw), Fate(record.fate))
        for record in reader.blocks_from(epoch.number, max(0, lowest))
    ]
    evidence = [
        Evidence(decode_block(first), decode_block(second)) for first, second in reader.evidence(epoch.number)
    ]
    # Who has neighbours asks them first whether they know of a newer own block; see `neighbours`.
    muted = len(epoch.committee) > 1
    core = Core.restore(epoch.settings(key), position, kept, evidence, muted=muted)
    return Chain(core, ledger, _certifier(reader, epoch, key, kept), key)


def _certifier(reader: Reader, epoch: Epoch, key: NodeKey | None, kept: Iterable[Kept]) -> Certifier:
    """Take up the counting of state votes after the newest stored certificate of the epoch."""
    certificate = reader.certificate()
    if certificate is not None and certificate.epoch != epoch.number:
        certificate = None
    last = certificate.state.commit if certificate else 0
    commits = reader.latest_commits(REMEMBERED)
    states = [
        LedgerState(commit.n, commit.time, commit.root, _leader_in(epoch, commit))
        for commit in reversed(commits)
        if commit.n > last and (commit.epoch == epoch.number or commit is commits[0])
    ]
    blocks = (one.block for one in kept)
    return certifying.resume(epoch.electorate(), epoch.voice(key), certificate, states, blocks)


def _leader_in(epoch: Epoch, commit: CommitRecord) -> bytes:
    """Return the leader of a commit as the validators of an epoch vote for it."""
    return commit.leader if commit.leader and commit.epoch == epoch.number else NO_LEADER


def _live_rows(reader: Reader) -> Iterator[Row]:
    for table in (RoundSides.table, Matches.table, Trade.table, *COLUMNS):
        for key, row in reader.live(table):
            yield Row(table, key, msgspec.json.decode(row))


def _leader(reader: Reader, commit: CommitRecord) -> BlockRef | None:
    """Return the leader block of a commit; the beginning has none."""
    if commit.n == 0:
        return None
    record = reader.block(commit.leader)
    if record is None:
        raise DamagedError(f"the leader block of commit {commit.n} is missing")
    return decode_block(record.raw).ref
