"""How each committee came in: the votes of a quorum of the one before, as this node can show them."""

import msgspec

from energy_ledger.dag.blocks import decode_block
from energy_ledger.ledger.rows import Handover
from energy_ledger.ledger.tables import Row
from energy_ledger.storage.reader import Reader
from energy_ledger.storage.schema import COMMITTEE
from energy_ledger.storage.snapshot import CommitteeRecord
from energy_ledger.transactions import read_envelope, transaction_id

_handover = msgspec.json.Decoder(Handover)
_record = msgspec.msgpack.Decoder(CommitteeRecord)


def record_of(reader: Reader, key: str) -> CommitteeRecord | None:
    """Return how the committee of an epoch (its number as text) came in, None when no such epoch began."""
    kept = reader.fact(COMMITTEE + key)
    if kept is not None:
        return _record.decode(kept)
    row = reader.one("handovers", key)
    if row is None:
        return None
    handover = _handover.decode(row)
    votes = (_envelope_of(reader, vote) for vote in handover.votes)
    return CommitteeRecord(handover.epoch, handover.committee, tuple(filter(None, votes)))


def records(reader: Reader, epoch: int) -> list[CommitteeRecord]:
    """Return how the committees up to an epoch came in, oldest first."""
    found = (record_of(reader, str(number)) for number in range(1, epoch + 1))
    return [record for record in found if record is not None]


def facts_and_row(record: CommitteeRecord) -> tuple[str, bytes, Row]:
    """Return name and value of the fact that keeps a record, and the row that the ledger made of it."""
    ids = tuple(transaction_id(read_envelope(vote).payload.encode()) for vote in record.votes)
    handover = Handover(epoch=record.epoch, committee=record.committee, votes=ids)
    fact = msgspec.msgpack.encode(record)
    return COMMITTEE + handover.key, fact, Row(Handover.table, handover.key, handover.row())


def _envelope_of(reader: Reader, vote: str) -> bytes | None:
    record = reader.transaction(bytes.fromhex(vote))
    if record is not None and record.envelope is not None:
        return record.envelope
    stored = reader.block(record.block) if record is not None else None
    return decode_block(stored.raw).envelopes[record.place] if record and stored else None
