"""The ledger's state: its tables, totals and indexes, and the little that changes many of them at once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

from msgspec import Struct, convert
from msgspec.structs import replace

from energy_ledger.genesis import Genesis, Rules
from energy_ledger.ledger.agenda import Expiries, Lapses, SlotIndex, TradeIndex
from energy_ledger.ledger.audits import Audit, extend_audits
from energy_ledger.ledger.entries import lapse_time
from energy_ledger.ledger.events import (
    Event,
    EventType,
    canonical,
    digest_of_line,
    encode_all,
    extend_history,
)
from energy_ledger.ledger.governing_rows import POLICY, Flexibility, Policy, Redemption, TariffEntry
from energy_ledger.ledger.matches import Matches, RoundSides, Side
from energy_ledger.ledger.merkle import MerkleTree
from energy_ledger.ledger.row_tree import RowTree
from energy_ledger.ledger.rows import (
    Account,
    Asset,
    Entity,
    Handover,
    JsonRow,
    Totals,
    Used,
    UsedInvite,
    Work,
    given,
)
from energy_ledger.ledger.tables import Change, Row, Table
from energy_ledger.ledger.timing import Timing
from energy_ledger.ledger.traced_rows import Certificate, Claim, Tally
from energy_ledger.ledger.trading_rows import ClosedOrder, DayTotal, Order, Proposal, Reading, Round, Trade
from energy_ledger.market.book import Book

HISTORY_KEY = b"history"
ROWS_KEY = b"rows"

type Leaf = tuple[bytes, bytes]
"""Key and value of a leaf of the tree under the root."""


class Closing(NamedTuple):
    """What a commit leaves behind."""

    events: tuple[Event, ...]
    lines: tuple[bytes, ...]
    """The events as canonical JSON, written once for all that need them."""
    changes: tuple[Change, ...]
    leaves: tuple[Leaf, ...]
    root: bytes


@dataclass(frozen=True, slots=True)
class Auction:
    """The round being decided: its number, the highest order number in its book, and the book.

    `judged` has the good proposal that was checked last, by its transaction: who submits one checks it before
    it is ordered, and need not again after.
    """

    round: int
    until: int
    book: Book
    judged: dict[str, Proposal] = field(default_factory=dict)

    def holds(self, order: Order) -> bool:
        """Tell whether an open order is in the book."""
        return order.number <= self.until


@dataclass(frozen=True, slots=True)
class Frozen:
    """A state of the past. All commits with one root have the same rows, but for commit and time."""

    root: bytes
    totals: Totals
    values: tuple[tuple[str, tuple[Entity, ...]], ...]
    timing: Timing

    def rows(self, commit: int, time: int) -> Iterator[Row]:
        """Write the rows as of a commit with this root and its ledger time (ms)."""
        for table, values in self.values:
            yield from (Row(table, value.key, value.row()) for value in values)
        totals = replace(self.totals, commit=commit, time=time, closed_round=self.timing.round_at(time))
        yield Row(Totals.table, totals.key, totals.row())


class State:
    """Everything the ledger knows. The rooms beside this one read and change it; nobody else does."""

    def __init__(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self.timing = Timing.of(genesis.rules)
        self.policy = Policy(
            approval=genesis.rules.approval,
            quota=genesis.rules.quota,
            hybrid=given(genesis.rules.hybrid),
            sharing=genesis.rules.sharing,
        )
        """What holds now of those rules that may change."""
        self.accounts = Table(Account)
        self.assets = Table(Asset)
        self.audits = Table(Audit)
        self.orders = Table(Order)
        self.closed_orders = Table(ClosedOrder)
        self.sides = Table(RoundSides)
        self.matches = Table(Matches)
        self.trades = Table(Trade)
        self.readings = Table(Reading)
        self.claims = Table(Claim)
        self.certificates = Table(Certificate)
        self.tallies = Table(Tally)
        self.day_totals = Table(DayTotal)
        self.rounds = Table(Round)
        self.proposals = Table(Proposal)
        self.invites = Table(UsedInvite)
        self.used = Table(Used)
        self.handovers = Table(Handover)
        self.work = Table(Work)
        self.redemptions = Table(Redemption)
        self.flexibility = Table(Flexibility)
        self.tariffs = Table(TariffEntry)
        self.policies = Table(Policy)
        self.totals = Totals(
            commit=0,
            time=genesis.rules.created,
            cursor=0,
            history=genesis.network,
            issued=0,
            community=0,
            placed=0,
            closed_round=self.timing.round_at(genesis.rules.created),
            committee=genesis.rules.committee,
        )
        self.schedule = genesis.rules.schedule()
        self.leaving: dict[str, None] = {}
        self.lapses = Lapses()
        self.index = TradeIndex()
        self.slots = SlotIndex()
        self.expiries = Expiries()
        self.auction: Auction | None = None
        self._events: list[Event] = []
        self._tree = MerkleTree()
        self._rows = RowTree()
        self._bound_totals = b""

    @property
    def rules(self) -> Rules:
        """What the genesis fixed."""
        return self.genesis.rules

    @property
    def commit(self) -> int:
        """The index of the present commit."""
        return self.totals.commit

    @property
    def time(self) -> int:
        """Ledger time, ms."""
        return self.totals.time

    def count(self, **changes: Any) -> None:
        """Change some of the totals."""
        self.totals = replace(self.totals, **changes)

    def update(self, address: str, **changes: Any) -> Account:
        """Change fields of an account."""
        return self._update(self.accounts[address], **changes)

    def _update(self, account: Account, **changes: Any) -> Account:
        totals = self.totals
        return self.accounts.put(replace(account, commit=totals.commit, time=totals.time, **changes))

    def set_policy(self, policy: Policy) -> None:
        """Let other rules hold from now on."""
        self.policy = self.policies.put(policy)

    def waiting_sides(self) -> Iterator[Side]:
        """Give the sides of the trades whose slot has not started."""
        return chain.from_iterable(map(self.sides_of, self.matches.values()))

    def sides_of(self, matches: Matches) -> Iterator[Side]:
        """Give the sides of trades that wait for their slot."""
        return matches.sides_among(self.sides[str(matches.round)].sides)

    def set_tariff(self, entry: TariffEntry) -> None:
        """Let a tariff hold from a slot on."""
        self.tariffs.put(entry)
        self._fill_schedule()

    def _fill_schedule(self) -> None:
        self.schedule = self.rules.schedule((one.from_slot, one.tariff) for one in self.tariffs.values())

    def change_money(self, address: str, balance: int = 0, held: int = 0) -> None:
        """Add to an account's balance and to what is held of it; either may be negative."""
        account = self.accounts[address]
        self._update(account, balance=account.balance + balance, held=account.held + held)

    def emit(
        self,
        kind: EventType,
        data: JsonRow | Struct,
        *,
        accounts: Iterable[str] = (),
        assets: Iterable[str] = (),
        transaction: str | None = None,
    ) -> None:
        """Say that something happened."""
        totals = self.totals
        event = Event(
            cursor=totals.cursor + 1 + len(self._events),
            commit=totals.commit,
            time=totals.time,
            type=kind,
            accounts=_distinct(accounts),
            assets=_distinct(assets),
            transaction=transaction,
            data=data,
        )
        self._events.append(event)

    def use_sequence(self, account: str, sequence: int, transaction: str) -> Account:
        """Use up a sequence number of an account."""
        used = self.used.get(account) or Used(account=account)
        self.used.put(used.noting(sequence, transaction))
        return self.update(account, sequence=sequence)

    def was_applied(self, account: str, sequence: int, transaction: str) -> bool:
        """Tell whether this very transaction used the number; only a window of numbers is remembered."""
        used = self.used.get(account)
        return used is not None and used.has(sequence, transaction)

    def close_commit(self) -> Closing:
        """Bind the commit's events, return them with the rows and leaves that changed, and the root."""
        events = tuple(self._events)
        self._events.clear()
        lines = tuple(encode_all(events))
        digests = [digest_of_line(line) for line in lines]
        history = extend_history(bytes.fromhex(self.totals.history), digests)
        extend_audits(self.audits, self.commit, events, digests)
        self.count(cursor=self.totals.cursor + len(events), history=history.hex())
        changes = tuple(chain.from_iterable(table.take_changes() for table in self._tables))
        leaves = [_leaf(one.table, one.key, one.text) for one in changes if one.table in _IN_ROOT]
        leaves += self._bind(changes)
        if events:
            leaves.append(self._history_leaf())
        for leaf in leaves:
            self._tree.set(*leaf)
        totals = Change(Totals.table, self.totals.key, self.totals, False)
        return Closing(events, lines, (*changes, totals), tuple(leaves), self.root())

    def _bind(self, changes: Iterable[Change]) -> list[Leaf]:
        """Bind the rows without a leaf of their own; return the leaf over them if it changed."""
        touched = False
        for one in changes:
            if one.table in _IN_ROOT:
                continue
            touched = True
            if one.final:
                self._rows.drop(_row_key(one.table, one.key))
            else:
                self._rows.set(_row_key(one.table, one.key), one.text)
        return [self._rows_leaf()] if self._bind_totals() or touched else []

    def _bind_totals(self) -> bool:
        """Bind the totals, but for what a vote for the state says anyway; tell whether they changed."""
        bound = canonical({name: one for name, one in self.totals.row().items() if name not in _UNBOUND})
        if bound == self._bound_totals:
            return False
        self._bound_totals = bound
        self._rows.set(_row_key(Totals.table, self.totals.key), bound)
        return True

    def root(self) -> bytes:
        """Return the state root."""
        self._tree.set(*self._history_leaf())
        self._tree.set(*self._rows_leaf())
        return self._tree.root()

    def leaves(self) -> Iterator[Leaf]:
        """Return all leaves of the tree under the root, in no particular order."""
        for table in (self.accounts, self.assets, self.audits):
            yield from (_leaf(row.table, row.key, canonical(row.row)) for row in table.rows())
        yield self._history_leaf()
        yield self._rows_leaf()

    def rows(self) -> Iterator[Row]:
        """Write everything that is needed to restore the state."""
        yield from chain.from_iterable(table.rows() for table in self._tables)
        yield Row(Totals.table, self.totals.key, self.totals.row())

    def freeze(self) -> Frozen:
        """Keep hold of the present state: values never change, so that costs one list per table."""
        values = tuple((table.name, tuple(table.values())) for table in self._tables)
        return Frozen(self.root(), self.totals, values, self.timing)

    def load(self, rows: Iterable[Row]) -> None:
        """Take the state from rows, in any order."""
        by_table: dict[str, list[Any]] = {}
        for row in rows:
            by_table.setdefault(row.table, []).append(row.row)
            if row.table in _IN_ROOT:
                self._tree.set(*_leaf(row.table, row.key, canonical(row.row)))
            elif row.table != Totals.table:
                self._rows.set(_row_key(row.table, row.key), canonical(row.row))
        by_table.get(Order.table, []).sort(key=lambda row: row["number"])
        by_table.get(ClosedOrder.table, []).sort(key=lambda row: row["until"])
        for table in self._tables:
            table.load(by_table.get(table.name, ()))
        (totals,) = by_table[Totals.table]
        self.totals = convert(totals, Totals)
        self._bind_totals()
        self._fill_indexes()

    def _fill_indexes(self) -> None:
        self._fill_schedule()
        self.policy = self.policies.get(POLICY) or self.policy
        self.leaving = {one.account: None for one in self.accounts.values() if one.status == "leaving"}
        for order in self.orders.values():
            if order.number <= self.totals.open_until:
                continue  # in the book of the open round
            self.lapses.add(lapse_time(order, self.timing), order.number, order.id)
        for matches in sorted(self.matches.values(), key=lambda one: one.round):
            self.index.await_slot(matches)
            self._note_slot(matches.slot)
        for trade in sorted(self.trades.values(), key=lambda trade: trade.place):
            self.index.add(trade)
            self._note_slot(trade.slot)
        for reading in self.readings.values():
            self.slots.note_reading(reading)
            self._note_slot(reading.slot)
        for claim in self.claims.values():
            self.slots.note_claim(claim)
            self._note_slot(claim.slot)
        for certificate in self.certificates.values():
            if self.slots.is_final(certificate.slot):
                self.expiries.add(certificate)
            else:
                self.slots.note_certificate(certificate)

    def _note_slot(self, slot: int) -> None:
        """Remember a slot that is not final."""
        if self.time < self.timing.grace_over(slot):
            self.slots.note(slot)
        else:
            self.slots.close(slot)

    @property
    def _tables(self) -> tuple[Table[Any], ...]:
        return (
            self.accounts,
            self.assets,
            self.audits,
            self.orders,
            self.closed_orders,
            self.sides,
            self.matches,
            self.trades,
            self.readings,
            self.claims,
            self.certificates,
            self.tallies,
            self.day_totals,
            self.rounds,
            self.proposals,
            self.invites,
            self.used,
            self.handovers,
            self.work,
            self.redemptions,
            self.flexibility,
            self.tariffs,
            self.policies,
        )

    def _history_leaf(self) -> Leaf:
        return HISTORY_KEY, bytes.fromhex(self.totals.history)

    def _rows_leaf(self) -> Leaf:
        return ROWS_KEY, self._rows.root()


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names)) if names else ()


_IN_ROOT = {Account.table: "account", Asset.table: "asset", Audit.table: "audit"}
"""The tables whose rows are leaves, each with the first part of the leaves' keys."""
_UNBOUND = frozenset({"commit", "time", "closed_round"})
"""Totals that every commit may move: votes name the first two, time gives the third."""


def _row_key(table: str, key: str) -> bytes:
    return f"{table}/{key}".encode()


def _leaf(table: str, key: str, text: bytes) -> Leaf:
    return f"{_IN_ROOT[table]}/{key}".encode("ascii"), text
