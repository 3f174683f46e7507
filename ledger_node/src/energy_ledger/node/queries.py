"""What clients ask about: rows and history from the disk, in the form of the API."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from typing import Any, Final

import msgspec
from msgspec.structs import asdict

from energy_ledger.api import types
from energy_ledger.api.paging import Value, Window, whole_number
from energy_ledger.api.ports import Kind
from energy_ledger.api.problems import ProblemError
from energy_ledger.dag.blocks import Block, decode_block
from energy_ledger.dag.committee import Committee
from energy_ledger.genesis import Genesis
from energy_ledger.node import handovers
from energy_ledger.node.audit_export import Exporter
from energy_ledger.node.district import District, as_csv
from energy_ledger.node.history import History
from energy_ledger.node.pruned import check_days, check_slots
from energy_ledger.node.statements import Statements
from energy_ledger.node.tracing import Tracing
from energy_ledger.storage.reader import BlockRecord, CommitRecord, Party, Reader, TransactionRecord
from energy_ledger.transactions import transaction_id
from energy_ledger.units import INT64_MAX, MS_PER_S

_TABLES: Final[dict[Kind, tuple[str, msgspec.json.Decoder[Any]]]] = {
    "account": ("accounts", msgspec.json.Decoder(types.Account)),
    "asset": ("assets", msgspec.json.Decoder(types.Asset)),
    "audit": ("audits", msgspec.json.Decoder(types.AuditRow)),
    "order": ("orders", msgspec.json.Decoder(types.Order)),
    "trade": ("trades", msgspec.json.Decoder(types.Trade)),
    "round": ("rounds", msgspec.json.Decoder(types.Round)),
    "reading": ("readings", msgspec.json.Decoder(types.Reading)),
    "claim": ("claims", msgspec.json.Decoder(types.Claim)),
    "certificate": ("certificates", msgspec.json.Decoder(types.Certificate)),
    "total": ("day_totals", msgspec.json.Decoder(types.DayTotal)),
    "redemption": ("redemptions", msgspec.json.Decoder(types.Redemption)),
    "flexibility": ("flexibility", msgspec.json.Decoder(types.Flexibility)),
}
_NEWEST_FIRST: Final = frozenset({"round"})
_SHOWN: Final = 20
"""Blocks and commits in the picture of the DAG."""

_event = msgspec.json.Decoder(types.Event)
_envelope = msgspec.json.Decoder(types.Envelope)


class Queries:
    """Answers from one node's disk, asked in threads."""

    def __init__(
        self,
        reader: Reader,
        in_threads: Executor,
        genesis: Genesis,
        on_question: Callable[[], None] = lambda: None,
    ) -> None:
        """Tell with each question that there is work."""
        self._on_question = on_question
        self._reader = reader
        self._in_threads = in_threads
        self._genesis = genesis
        self._history = History(reader, genesis)
        self._tracing = Tracing(reader, self._history.tariffs)
        self._district = District(reader, genesis)

    async def one(self, kind: Kind, key: str) -> object | None:
        """Return one row by its key, None when there is none."""
        special: Mapping[str, Callable[[str], object | None]] = {
            "round": self._round,
            "trade": self._tracing.trade,
            "slot": self._slot,
            "transaction": self._transaction,
            "block": self._block,
            "committee": self._committee,
        }
        return await self.ask(special[kind] if kind in special else lambda key: self._row(kind, key), key)

    async def page(self, kind: Kind, filters: Mapping[str, Value], window: Window) -> types.Page[object]:
        """Return a page of rows."""
        return await self.ask(self._page, kind, filters, window)

    async def audit(self, asset: str, window: Window) -> types.Page[types.AuditItem]:
        """Return a page of the events that concern an asset."""
        return await self.ask(self._audit, asset, window)

    async def green(self, party: tuple[str, str], first: int, end: int) -> types.Green:
        """Sum up where the energy came from that an account or asset (kind, name) bought in these slots."""
        kind, name = party
        asked = Party("asset" if kind == "asset" else "account", name)
        return await self._of_slots(partial(self._tracing.green, asked), first, end)

    async def audit_as_of(
        self, shown: types.Proven[types.AuditRow], window: Window
    ) -> types.ProvenPage[types.AuditItem, types.AuditRow]:
        """Return a page of the events that a row of an asset's log speaks of."""
        page = await self.audit(shown.row.asset, window)
        items = [one for one in page.items if one.commit <= shown.row.commit]
        following = page.next if len(items) == len(page.items) else None
        return types.ProvenPage(items, following, shown.row, shown.proof)

    async def export_audit(self, shown: types.Proven[types.AuditRow]) -> bytes:
        """Return an asset's whole log as a file that proves itself. Raises ProblemError."""
        exporter = Exporter(self._reader, self._genesis, self._committee)
        return await self.ask(exporter.export, shown)

    async def district(self, first: int, end: int) -> types.District:
        """Return the district's figures of a span of days. Raises ProblemError."""
        return await self._of_days(self._district.figures, first, end)

    async def feeders(self, first: int, end: int) -> list[types.FeederDay]:
        """Compare the feeders' own meters with their members. Raises ProblemError."""
        return await self._of_days(self._district.feeders, first, end)

    async def allotments(self, first: int, end: int) -> list[types.Allotment]:
        """Return what the sharing key made of a span of slots. Raises ProblemError."""
        return await self._of_slots(self._district.allotments, first, end)

    async def allotments_csv(self, first: int, end: int) -> bytes:
        """Return the same as a file. Raises ProblemError."""
        return await self._of_slots(lambda *span: as_csv(self._district.allotments(*span)), first, end)

    async def statement(self, account: str, since: int, until: int) -> types.Statement | None:
        """Return an account's statement over ledger times (ms) in [since, until); None for no account."""
        return await self.ask(Statements(self._reader, self._genesis).of, account, since, until)

    async def events(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Return events after a cursor, with their cursors."""
        return await self.ask(self._reader.events, after, limit)

    async def dag(self) -> types.Dag:
        """Return the latest rounds of the DAG."""
        return await self.ask(self._dag)

    async def ask[**P, T](self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Put a question to the disk in a thread."""
        self._on_question()
        return await asyncio.get_running_loop().run_in_executor(
            self._in_threads, lambda: question(*args, **kwargs)
        )

    async def _of_days[T](self, question: Callable[[int, int], T], first: int, end: int) -> T:
        """Put a question about a span of days; raises ProblemError where all of it is pruned."""

        def answer() -> T:
            check_days(self._reader.start(), end)
            return question(first, end)

        return await self.ask(answer)

    async def _of_slots[T](self, question: Callable[[int, int], T], first: int, end: int) -> T:
        """Put a question about a span of slots; raises ProblemError where all of it is pruned."""

        def answer() -> T:
            check_slots(self._reader.start(), self._genesis.rules, end)
            return question(first, end)

        return await self.ask(answer)

    # --- in a thread ----------------------------------------------------------------------------------------

    def _row(self, kind: Kind, key: str) -> object | None:
        table, decoder = _TABLES[kind]
        row = self._reader.one(table, key)
        return None if row is None else decoder.decode(row)

    def _page(self, kind: Kind, filters: Mapping[str, Value], window: Window) -> types.Page[object]:
        table, decoder = _TABLES[kind]
        found = self._reader.page(
            table, filters, window.after, window.limit, newest_first=kind in _NEWEST_FIRST
        )
        following = str(found[-1].n) if len(found) == window.limit else None
        return types.Page([decoder.decode(one.row) for one in found], following)

    def _audit(self, asset: str, window: Window) -> types.Page[types.AuditItem]:
        found = self._reader.events_of(asset, window.after or 0, window.limit)
        following = str(found[-1][0]) if len(found) == window.limit else None
        return types.Page([self._audit_item(_event.decode(body)) for _, body in found], following)

    def _audit_item(self, event: types.Event) -> types.AuditItem:
        record = self._reader.transaction(bytes.fromhex(event.transaction)) if event.transaction else None
        return types.AuditItem(**asdict(event), block=record.block.hex() if record else None)

    def _slot(self, key: str) -> types.Slot:
        rules = self._genesis.rules
        length = rules.slot_s * MS_PER_S
        slot = _slot_number(key, INT64_MAX // length - 1)
        check_slots(self._reader.start(), rules, slot + 1)
        volume, trades = self._reader.traded(slot)
        told = self._history.of_slot(slot)
        latest = told.row if told else None
        ends = told.ends(slot) if told else None
        supply, demand = told.curves(slot) if told else ([], [])
        return types.Slot(
            slot=slot,
            start=slot * length,
            end=(slot + 1) * length,
            tariff=types.SlotTariff(*self._history.tariffs().of(slot)),
            prices=self._prices(slot),
            volume_wh=volume,
            trades=trades,
            round=latest.round if latest else None,
            welfare=latest.welfare if latest else None,
            bound=latest.bound if latest else None,
            gap_ppm=latest.gap_ppm if latest else None,
            least=ends[0] if ends else None,
            greatest=ends[1] if ends else None,
            supply=supply,
            demand=demand,
        )

    def _prices(self, slot: int) -> dict[str, types.Price]:
        """Return per feeder the price at which a slot was traded last."""
        rules = self._genesis.rules
        prices: dict[str, types.Price] = dict.fromkeys(["", *(feeder.id for feeder in rules.feeders)])
        for row in self._reader.rounds_covering(slot, rules.horizon_slots):
            cleared = _TABLES["round"][1].decode(row)
            found = {feeder: row[slot - cleared.first_slot] for feeder, row in cleared.prices.items()}
            prices |= {feeder: price for feeder, price in found.items() if prices[feeder] is None}
            if None not in prices.values():
                break
        return prices

    def _round(self, key: str) -> types.RoundReport | None:
        told = self._history.round(key)
        return told.report() if told else None

    def _transaction(self, key: str) -> types.Transaction | None:
        record = self._reader.transaction(_bytes(key))
        data = self._envelope_of(record) if record is not None else None
        if record is None or data is None:
            return None
        return types.Transaction(
            id=key,
            state="applied" if record.code is None else "refused",
            code=record.code,
            field=record.field,
            message=record.message,
            commit=record.commit,
            time=record.time,
            block=record.block.hex(),
            envelope=_envelope.decode(data),
        )

    def _envelope_of(self, record: TransactionRecord) -> bytes | None:
        if record.envelope is not None:
            return record.envelope
        stored = self._reader.block(record.block)
        return None if stored is None else decode_block(stored.raw).envelopes[record.place]

    def _committee(self, key: str) -> types.Committee | None:
        record = handovers.record_of(self._reader, key)
        if record is None:
            return None
        return types.Committee(
            record.epoch, list(record.committee), list(map(_envelope.decode, record.votes))
        )

    def _block(self, key: str) -> types.Block | None:
        record = self._reader.block(_bytes(key))
        return None if record is None else _shown(decode_block(record.raw), record)

    def _dag(self) -> types.Dag:
        records = self._reader.latest_blocks(_SHOWN)
        blocks = [_shown(decode_block(record.raw), record) for record in records]
        committee = Committee.of(len(self._genesis.rules.committee))
        return types.Dag(
            round=max((block.round for block in blocks), default=0),
            committee=committee.size,
            quorum=committee.quorum,
            decisions=[
                _decision(commit, decode_block(record.raw))
                for commit in self._reader.latest_commits(_SHOWN)
                if (record := self._reader.block(commit.leader)) is not None
            ],
            blocks=blocks,
        )


def _slot_number(key: str, last: int) -> int:
    with suppress(ValueError):
        if (number := whole_number(key)) <= last:
            return number
    raise ProblemError("bad_request", f"{key} is not the number of a slot", "n")


def _bytes(key: str) -> bytes:
    """Return the bytes of an id; of what is none, bytes that no id has."""
    try:
        return bytes.fromhex(key)
    except ValueError:
        return b""


def _shown(block: Block, record: BlockRecord) -> types.Block:
    return types.Block(
        id=block.ref.digest.hex(),
        network=block.network.hex(),
        epoch=block.epoch,
        round=block.round,
        author=block.author,
        timestamp=block.timestamp,
        ancestors=[ref.digest.hex() for ref in block.ancestors],
        transactions=[transaction_id(_envelope.decode(data).payload.encode()) for data in block.envelopes],
        signature=block.signature.hex(),
        commit=record.commit,
    )


def _decision(commit: CommitRecord, leader: Block) -> types.Decision:
    return types.Decision(
        commit=commit.n,
        round=leader.round,
        leader=leader.author,
        block=commit.leader.hex(),
        time=commit.time,
        state_root=commit.root.hex(),
    )
