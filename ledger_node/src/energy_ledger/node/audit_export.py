"""Collects from one node's disk what proves an asset's log to others."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

import msgspec

from energy_ledger.api import types
from energy_ledger.api.problems import ProblemError
from energy_ledger.dag.blocks import decode_block
from energy_ledger.genesis import Genesis
from energy_ledger.ledger.postings import KEY_EVENTS
from energy_ledger.node.audit_files import FORMAT, sealed
from energy_ledger.storage.reader import Reader, TransactionRecord

_PAGE: Final = 1_000
_MOST_EVENTS: Final = 250_000
"""Longest log that is exported: the whole document is made in memory."""

type Committees = Callable[[str], types.Committee | None]
"""Finds how the committee of an epoch was voted in."""


class _Named(msgspec.Struct, frozen=True):
    """An event's type, and the transaction that it names."""

    type: str
    transaction: str | None


_named = msgspec.json.Decoder(_Named)
_envelope = msgspec.json.Decoder(types.Envelope)


class _Signer(msgspec.Struct, frozen=True):
    """Who signed a payload."""

    account: str


_signer = msgspec.json.Decoder(_Signer)


class Exporter:
    """Writes exports; its methods are called in threads."""

    def __init__(self, reader: Reader, genesis: Genesis, committees: Committees) -> None:
        self._reader = reader
        self._genesis = genesis
        self._committees = committees
        self._block = lru_cache(maxsize=8)(self._read_block)

    def export(self, shown: types.Proven[types.AuditRow]) -> bytes:
        """Write the log that a proven row speaks of; raises ProblemError where that cannot be."""
        proof, row = shown.proof, shown.row
        if proof is None:
            raise ProblemError("not_certified", "no commit with this asset is certified yet; try again soon")
        bodies = self._events(row.asset, row.count)
        transactions = {name: self._signed(name) for name in _transactions(bodies)}
        return sealed(
            {
                "format": FORMAT,
                "network": self._genesis.network,
                "asset": row.asset,
                "genesis": self._genesis.envelope,
                "committees": [self._committees(str(epoch)) for epoch in range(1, proof.epoch + 1)],
                "row": row,
                "proof": proof,
                "events": [msgspec.Raw(body) for body in bodies],
                "transactions": transactions,
                "accounts": self._accounts(one["envelope"] for one in transactions.values()),
            }
        )

    def _events(self, asset: str, count: int) -> list[bytes]:
        if count > _MOST_EVENTS:
            raise ProblemError("too_large", f"a log of more than {_MOST_EVENTS} events cannot be exported")
        found: list[tuple[int, bytes]] = []
        while len(found) < count:
            after = found[-1][0] if found else 0
            page = self._reader.events_of(asset, after, min(_PAGE, count - len(found)))
            if not page:
                raise ProblemError("pruned", "this node no longer keeps the whole log of this asset")
            found += page
        return [body for _, body in found]

    def _signed(self, name: str) -> dict[str, Any]:
        record = self._reader.transaction(bytes.fromhex(name))
        if record is None:
            raise ProblemError("pruned", f"this node no longer keeps transaction {name}")
        return {"block": record.block.hex(), "envelope": _envelope.decode(self._envelope_of(record, name))}

    def _envelope_of(self, record: TransactionRecord, name: str) -> bytes:
        if record.envelope is not None:
            return record.envelope
        envelopes = self._block(record.block)
        if envelopes is None:
            raise ProblemError("pruned", f"this node no longer keeps transaction {name}")
        return envelopes[record.place]

    def _read_block(self, digest: bytes) -> tuple[bytes, ...] | None:
        record = self._reader.block(digest)
        return None if record is None else decode_block(record.raw).envelopes

    def _accounts(self, envelopes: Iterable[types.Envelope]) -> dict[str, list[types.Envelope]]:
        """Return for every sender the transactions that gave it its keys, where there are such."""
        senders = dict.fromkeys(_signer.decode(envelope.payload).account for envelope in envelopes)
        found = {
            sender: [self._signed(name)["envelope"] for name in self._keys(sender)] for sender in senders
        }
        return {sender: given for sender, given in found.items() if given}

    def _keys(self, account: str) -> Iterator[str]:
        """Return the transactions that gave an account its keys."""
        for body in self._reader.bare_events_of_account(account):
            event = _named.decode(body)
            if event.type in KEY_EVENTS and event.transaction is not None:
                yield event.transaction


def _transactions(bodies: Iterable[bytes]) -> list[str]:
    """Return the transactions that events name, each once."""
    names = (_named.decode(body).transaction for body in bodies)
    return list(dict.fromkeys(name for name in names if name is not None))
