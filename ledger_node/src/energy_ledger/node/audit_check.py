"""Checks an exported log with nothing but the file, and the network's id for who knows it.

The file's genesis names the network and its first committee; votes of a quorum lead from each committee to
the next; a quorum of the last one signed the root over a leaf that binds every event. What is left to
whoever made the file are the blocks' ids: they say where to look, and no more than the file's checksum
covers them.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec
from msgspec import Struct, to_builtins

from energy_ledger.genesis import Genesis, read_genesis
from energy_ledger.keys import KeySet, PublicKey
from energy_ledger.ledger.audits import Audit, empty
from energy_ledger.ledger.events import canonical, digest_of_line
from energy_ledger.member_payloads import KeyRotate
from energy_ledger.node.audit_files import AuditFile, Change, SignedTransaction, checksum
from energy_ledger.node.audit_matching import AuditEvent, mismatch
from energy_ledger.payloads import CommitteeVote, Join
from energy_ledger.proofs import Certificate, Electorate, LedgerState, Proof, Step
from energy_ledger.quorum import quorum_of
from energy_ledger.refusals import Refused
from energy_ledger.strict import convert, loads
from energy_ledger.transactions import Envelope, Transaction, read_transaction


class NoExportError(Exception):
    """The file is not an exported log at all."""


class WrongExportError(Exception):
    """The exported log is not what it says it is; the message names the first thing that is wrong."""


class Report(Struct, frozen=True):
    """What a good file proves: all that happened to an asset until a commit and its ledger time (ms)."""

    network: str
    name: str
    asset: str
    events: int
    transactions: int
    epoch: int
    commit: int
    time: int
    digest: str


def check(data: bytes, network: str | None = None) -> Report:
    """Check an exported log, which must be of `network` where that is given.

    Raises NoExportError for another kind of file, WrongExportError for a log that does not hold.
    """
    return check_file(read(data), network)


def check_file(file: AuditFile, network: str | None = None) -> Report:
    """Check a log that was read; raises WrongExportError."""
    try:
        return _check(file, network)
    except Refused as refused:
        raise WrongExportError(f"what is signed in it is not good: {refused}") from None


def read(data: bytes) -> AuditFile:
    """Read a file that is canonical to the last byte and has the checksum it says.

    Raises NoExportError, WrongExportError.
    """
    try:
        tree = loads(data)
    except Refused as refused:
        raise NoExportError(f"this is not an exported log: {refused}") from None
    if not isinstance(tree, dict) or "format" not in tree:
        raise NoExportError("this is not an exported log: it does not say its format")
    if canonical(tree) != data:
        raise WrongExportError("the file is not in canonical form: somebody wrote it anew")
    try:
        file = convert(tree, AuditFile)
    except Refused as refused:
        raise WrongExportError(f"the file has not the form of an exported log: {refused}") from None
    if to_builtins(file.proof) != tree["proof"]:
        raise WrongExportError("its proof says more than a proof does")
    if file.checksum != checksum(tree):
        raise WrongExportError("the checksum is not that of the rest: the file was damaged or changed")
    return file


def _check(file: AuditFile, network: str | None) -> Report:
    genesis = _genesis(file, network)
    committees = _committees(file, genesis)
    _check_leaf(file, committees[-1])
    events = tuple(convert(one, AuditEvent) for one in file.events)
    _check_chain(file, events)
    _check_transactions(file, genesis, events, _keyrings(file, genesis, committees))
    proof = file.proof
    return Report(
        network=genesis.network,
        name=genesis.rules.name,
        asset=file.asset,
        events=len(events),
        transactions=len(file.transactions),
        epoch=proof.epoch,
        commit=proof.commit,
        time=proof.time,
        digest=file.row["digest"],
    )


def _genesis(file: AuditFile, network: str | None) -> Genesis:
    genesis = read_genesis(file.genesis)
    if genesis.network != file.network:
        raise WrongExportError("its genesis is that of another network than it names")
    if network is not None and network != genesis.network:
        raise WrongExportError(f"it is of the network {genesis.network}, not of {network}")
    return genesis


# --- committees ---------------------------------------------------------------------------------------------


def _committees(file: AuditFile, genesis: Genesis) -> list[tuple[str, ...]]:
    """Return the committees of all epochs, each voted in by the one before."""
    committees = [genesis.rules.committee]
    for change in file.committees:
        epoch = len(committees)
        if change.epoch != epoch or not _elects(genesis, committees[-1], change):
            raise WrongExportError(f"the committee of epoch {epoch} was not voted in by the one before")
        committees.append(change.committee)
    if len(committees) != file.proof.epoch + 1:
        raise WrongExportError(f"it does not prove the committee of epoch {file.proof.epoch}")
    return committees


def _elects(genesis: Genesis, before: Sequence[str], change: Change) -> bool:
    """Tell whether just a quorum of a committee voted for the next one, in the order of its validators."""
    voters = [_voter(genesis, before, change, vote) for vote in change.votes]
    known = [voter for voter in voters if voter is not None]
    return len(known) == len(voters) == quorum_of(len(before)) and known == sorted(set(known))


def _voter(genesis: Genesis, before: Sequence[str], change: Change, vote: Envelope) -> int | None:
    """Return the number of the validator whose good vote for a change this is."""
    transaction = read_transaction(vote)
    payload = transaction.payload
    wish = (genesis.network, change.epoch, change.committee)
    if not isinstance(payload, CommitteeVote) or (payload.network, payload.epoch, payload.committee) != wish:
        return None
    for number, public in enumerate(before):
        key = PublicKey(type="ed25519", public=public)
        if payload.account == genesis.address([key]) and transaction.signed_by((key,)):
            return number
    return None


# --- the leaf and the chain ---------------------------------------------------------------------------------


def _check_leaf(file: AuditFile, committee: Sequence[str]) -> None:
    """Check that a quorum signed a state in which the log has just this row."""
    keys = tuple(map(bytes.fromhex, committee))
    electorate = Electorate(bytes.fromhex(file.network), file.proof.epoch, keys, quorum_of(len(keys)))
    proof = _proof(file)
    validators = [validator for validator, _ in proof.certificate.votes]
    if proof.key != f"audit/{file.asset}".encode():
        raise WrongExportError("its proof is for something else than this asset's log")
    if (
        len(validators) != electorate.quorum
        or validators != sorted(validators)
        or not proof.holds(electorate)
    ):
        raise WrongExportError("the committee did not sign a state with this row in it")


def _proof(file: AuditFile) -> Proof:
    """Read a proof from the form of the API."""
    shown = file.proof
    try:
        state = LedgerState(shown.commit, shown.time, _bytes(shown.root), _bytes(shown.leader))
        votes = tuple((vote.validator, _bytes(vote.signature)) for vote in shown.votes)
        path = tuple(Step(step.side, _bytes(step.digest)) for step in shown.path)
        certificate = Certificate(shown.epoch, state, votes)
        state.encode()
    except (ValueError, OverflowError) as error:
        raise WrongExportError(f"its proof cannot be read: {error}") from None
    return Proof(shown.key.encode(), canonical(file.row), path, certificate)


def _bytes(text: str) -> bytes:
    """Read hex that is spelled in the one way it is written; raises ValueError."""
    data = bytes.fromhex(text)
    if data.hex() != text:
        raise ValueError("hex digits are small letters without spaces")
    return data


def _check_chain(file: AuditFile, events: Sequence[AuditEvent]) -> None:
    """Check that the events are all of the log, in their order."""
    log = empty(file.asset)
    pairs = zip(events, map(canonical, file.events), strict=True)
    for commit, group in groupby(pairs, key=lambda pair: pair[0].commit):
        log = log.extended(commit, [digest_of_line(line) for _, line in group])
    if log != _row(file.row):
        raise WrongExportError("its events are not those that the certified state binds")


def _row(row: Mapping[str, Any]) -> Audit | None:
    try:
        return msgspec.convert(row, Audit)
    except msgspec.ValidationError:
        return None


# --- transactions -------------------------------------------------------------------------------------------


class Keyring:
    """The keys an account has had: each set counts for the sequence numbers after the one that brought it."""

    def __init__(self, account: str, first: KeySet | None) -> None:
        self._account = account
        self._sets: list[tuple[int, KeySet]] = [] if first is None else [(0, first)]

    def take(self, transaction: Transaction) -> None:
        """Learn the keys that a transaction of the account gave it; raises WrongExportError for another."""
        payload = transaction.payload
        if payload.account == self._account:
            match payload:
                case Join() if not self._sets and transaction.signers(payload.keys):
                    return self._sets.append((payload.sequence, payload.keys))
                case KeyRotate() if self._is_next(transaction):
                    return self._sets.append((payload.sequence, payload.keys))
        raise WrongExportError(f"what should prove the keys of {self._account} does not")

    def _is_next(self, transaction: Transaction) -> bool:
        """Tell whether the newest keys signed it, after whatever brought them."""
        if not self._sets:
            return False
        after, keys = self._sets[-1]
        return after < transaction.payload.sequence and bool(transaction.signers(keys))

    def has_signed(self, transaction: Transaction) -> bool:
        """Tell whether the keys that counted for a transaction signed it.

        Where an account has two keys, the policy of its time says which kinds need the second too.
        """
        sequence = transaction.payload.sequence
        counted = [keys for after, keys in self._sets if after < sequence]
        return bool(counted) and bool(transaction.signers(counted[-1]))


def _keyrings(file: AuditFile, genesis: Genesis, committees: Iterable[Sequence[str]]) -> dict[str, Keyring]:
    """Return the keys of everybody: from the genesis, from the committees, and from who joined."""
    firsts: dict[str, KeySet] = {genesis.founder: genesis.rules.founder.keys}
    for public in (public for committee in committees for public in committee):
        key = PublicKey(type="ed25519", public=public)
        firsts[genesis.address([key])] = (key,)
    rings = {account: Keyring(account, keys) for account, keys in firsts.items()}
    for account, envelopes in file.accounts.items():
        ring = rings.setdefault(account, Keyring(account, None))
        for envelope in envelopes:
            ring.take(read_transaction(envelope))
    return rings


def _check_transactions(
    file: AuditFile, genesis: Genesis, events: Sequence[AuditEvent], rings: Mapping[str, Keyring]
) -> None:
    """Check that just the transactions that events name are there, signed, and say what the events say."""
    read = {name: _transaction(name, one, genesis, rings) for name, one in file.transactions.items()}
    if set(read) != {event.transaction for event in events if event.transaction is not None}:
        raise WrongExportError("its transactions are not those that its events name")
    senders = {transaction.payload.account for transaction in read.values()}
    if not set(file.accounts) <= senders or not all(file.accounts.values()):
        raise WrongExportError("it proves the keys of somebody who signed nothing in it")
    for event in events:
        if event.transaction is not None and (wrong := mismatch(event, read[event.transaction])):
            raise WrongExportError(f"event {event.cursor} is not what its transaction says: {wrong}")


def _transaction(
    name: str, signed: SignedTransaction, genesis: Genesis, rings: Mapping[str, Keyring]
) -> Transaction:
    transaction = read_transaction(signed.envelope)
    payload = transaction.payload
    if transaction.id != name or payload.network != genesis.network:
        raise WrongExportError(f"what stands under transaction {name} is another one")
    ring = rings.get(payload.account)
    if ring is None or not ring.has_signed(transaction):
        raise WrongExportError(f"transaction {name} is not signed by the keys of its account")
    return transaction
