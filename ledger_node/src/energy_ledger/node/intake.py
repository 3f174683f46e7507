"""The way of a transaction from a client into the mempool: form, signature, order, and the rules of its kind.

Forms are read in one thread, many at a time, signatures checked on all cores, order and rules in the thread
that the ledger belongs to.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import batched, chain
from typing import Final

from msgspec import Struct

from energy_ledger.dag.blocks import MAX_ITEMS, MAX_PAYLOAD_BYTES
from energy_ledger.keys import KeySet, is_hybrid, require_ml_dsa
from energy_ledger.ledger.machine import Ledger
from energy_ledger.member_payloads import KeyRotate
from energy_ledger.mempool import Mempool, Waiting
from energy_ledger.node.chain import Placed
from energy_ledger.node.checking import Checkers, Signed
from energy_ledger.payloads import Join
from energy_ledger.refusals import Refused
from energy_ledger.transactions import TRANSACTION_TAG, Transaction, read_compactly, read_transaction

CHUNK: Final = 128
"""Envelopes that a thread reads at a time."""


MOST_KEYS: Final = 10_000
"""Accounts whose keys are remembered."""


class Turned(Struct, frozen=True, gc=False):
    """A transaction that was not accepted; its id, where it got so far as to have one."""

    refused: Refused
    id: str | None = None


class Taken(Struct, eq=False):
    """A transaction that was accepted, and where it was placed once it is ordered."""

    waiting: Waiting
    placed: Placed | None = None

    @property
    def id(self) -> str:
        """The transaction's id."""
        return self.waiting.transaction.id


type Admission = Turned | Taken


@dataclass(slots=True)
class _Sender:
    """What an account has on its way: sequence numbers in the mempool and in blocks, and all their work."""

    waiting: set[int] = field(default_factory=set)
    moving: set[int] = field(default_factory=set)
    work: int = 0

    def copy(self) -> _Sender:
        return _Sender(set(self.waiting), set(self.moving), self.work)

    def last_before(self, sequence: int) -> int:
        """Return the number that this one must follow.

        What arrives late may still go before what waits, as long as its number is free.
        """
        in_blocks = max(self.moving, default=0)
        last = max(self.waiting, default=in_blocks)
        is_free = sequence > in_blocks and sequence not in self.waiting
        return in_blocks if is_free and sequence < last else last


class Intake:
    """Checks what clients send, and remembers it until it is ordered."""

    def __init__(
        self,
        ledger: Ledger,
        in_ledger_thread: Executor,
        in_threads: Executor,
        checkers: Checkers,
        now: Callable[[], int],
    ) -> None:
        self._ledger = ledger
        self._in_ledger_thread = in_ledger_thread
        self._in_threads = in_threads
        self._checkers = checkers
        self._now = now
        self._keys: dict[str, KeySet] = {}
        self._mempool = Mempool()
        self._senders: dict[str, _Sender] = {}
        self._pending: dict[str, Taken] = {}
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()
        self._failure: Exception | None = None

    def __len__(self) -> int:
        """Return how many transactions wait for a block."""
        return len(self._mempool)

    def pending(self, identity: str) -> Taken | None:
        """Return an accepted transaction that is not ordered yet, by its id."""
        return self._pending.get(identity)

    async def submit(self, envelopes: Sequence[bytes]) -> list[Admission]:
        """Check envelopes and let the good ones wait for a block; answers in the same order.

        Raises MempoolFullError when too much waits already; what came before in the list is then taken.
        """
        read = await self._read(envelopes)
        async with self._turn:
            all_read = {one.transaction.id: one for one in read if isinstance(one, Waiting)}
            answers: dict[str, Admission] = {
                known: self._pending[known] for known in all_read if known in self._pending
            }
            new = [one for identity, one in all_read.items() if identity not in answers]
            refusals = await self._in_ledger(self._judge, new, self._copy_senders(new))
            for one in new:
                identity = one.transaction.id
                refused = refusals.get(identity)
                answers[identity] = self._accept(one) if refused is None else Turned(refused, identity)
        return [one if isinstance(one, Turned) else answers[one.transaction.id] for one in read]

    async def check(self, envelopes: Sequence[bytes]) -> list[Waiting]:
        """Return what of others' blocks is of good form and signed by its account's keys, as far as known."""
        read = await self._read(envelopes, known_by_joining=True)
        pairs = zip(read, envelopes, strict=True)
        return [
            one if one.data == data else Waiting(one.transaction, data, one.signers)
            for one, data in pairs
            if isinstance(one, Waiting) and one.signers
        ]

    def take(self) -> list[Waiting]:
        """Take what goes into the next block out of the mempool."""
        taken = self._mempool.take(MAX_PAYLOAD_BYTES, MAX_ITEMS)
        for one in taken:
            payload = one.transaction.payload
            sender = self._senders[payload.account]
            sender.waiting.discard(payload.sequence)
            sender.moving.add(payload.sequence)
        return taken

    async def ordered(self, taken: Sequence[Taken]) -> None:
        """Wait until all of these are ordered. Raises the error with which the ordering ended before."""
        done = 0
        while True:
            while done < len(taken) and taken[done].placed is not None:
                done += 1
            if done == len(taken):
                return
            if self._failure is not None:
                raise self._failure
            await self._news.wait()

    def settle(self, placed: Iterable[Placed]) -> None:
        """Tell those who wait that their transactions are ordered, which is on disk by now."""
        for one in placed:
            taken = self._pending.pop(one.result.id, None)
            if taken is None:
                continue
            taken.placed = one
            transaction = taken.waiting.transaction
            payload = transaction.payload
            sender = self._senders[payload.account]
            sender.moving.discard(payload.sequence)
            sender.work -= transaction.work
            if not sender.waiting and not sender.moving:
                del self._senders[payload.account]
        self._tell()

    def forget(self, void: Iterable[Waiting]) -> None:
        """Forget transactions whose time has passed without anybody ordering them."""
        for one in void:
            self._pending.pop(one.transaction.id, None)
            sender = self._senders.get(one.account)
            if sender is not None:
                sender.moving.discard(one.sequence)
                sender.work -= one.transaction.work

    def fail(self, error: Exception) -> None:
        """Tell those who wait that nothing more will be ordered."""
        self._failure = error
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    # --- form and signature ---------------------------------------------------------------------------------

    async def _read(
        self, envelopes: Sequence[bytes], *, known_by_joining: bool = False
    ) -> list[Waiting | Turned]:
        """Read envelopes and check their signatures under the keys that their accounts had when last seen.

        Accounts can be `known_by_joining`, when that is in the envelopes too but not in the ledger yet: an
        address is that of the keys it began with, so nobody else's can come with it.
        """
        read = await self._in_chunks(_read_one, envelopes)
        if known_by_joining:
            self._learn(one.transaction for one in read if isinstance(one, Waiting))
        await self._check(read)
        strangers = {
            one.transaction.payload.account for one in read if isinstance(one, Waiting) and not one.signers
        }
        if not strangers:
            return read
        found = await self._in_ledger(self._look_up, strangers)
        if any(self._keys.get(account) != keys for account, keys in found.items()):
            self._keys.update(found)
            await self._check(read)
        return read

    def _learn(self, transactions: Iterable[Transaction]) -> None:
        """Note the keys that accounts begin with."""
        for one in transactions:
            if one.own_keys is not None:
                self._keys.setdefault(one.payload.account, one.own_keys)
        while len(self._keys) > MOST_KEYS:
            del self._keys[next(iter(self._keys))]  # it is looked up again

    async def _in_chunks[I, O](self, function: Callable[[I], O], items: Sequence[I]) -> list[O]:
        loop = asyncio.get_running_loop()
        chunks = batched(items, CHUNK, strict=False)
        parts = (loop.run_in_executor(self._in_threads, _each, function, chunk) for chunk in chunks)
        return list(chain.from_iterable(await asyncio.gather(*parts)))

    async def _check(self, read: list[Waiting | Turned]) -> None:
        """Note who signed what was not found signed yet, as far as the accounts' keys are known."""
        places: list[int] = []
        signed: list[Signed] = []
        for place, one in enumerate(read):
            if isinstance(one, Turned) or one.signers or not (keys := self._signers(one.transaction)):
                continue
            places.append(place)
            signed.append(Signed(keys, one.transaction.body, one.transaction.signatures))
        good = await self._checkers.check(TRANSACTION_TAG, signed) if signed else []
        for place, by, is_good in zip(places, signed, good, strict=True):
            one = read[place]
            if is_good and isinstance(one, Waiting):
                read[place] = Waiting(one.transaction, one.data, by.keys)

    def _signers(self, transaction: Transaction) -> KeySet:
        """Return the keys that should have signed, one for each signature; none where they are not known."""
        keys = self._keys.get(transaction.payload.account) or transaction.own_keys or ()
        number = len(transaction.signatures)
        return keys[:number] if len(keys) >= number else ()

    # --- order and rules, in the ledger's thread ------------------------------------------------------------

    async def _in_ledger[**P, T](self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(
            self._in_ledger_thread, lambda: function(*args, **kwargs)
        )

    def _look_up(self, accounts: Iterable[str]) -> dict[str, KeySet]:
        found = ((account, self._ledger.keys_of(account)) for account in accounts)
        return {account: keys for account, keys in found if keys is not None}

    def _judge(self, read: Sequence[Waiting], senders: Mapping[str, _Sender]) -> dict[str, Refused]:
        """Return why transactions cannot be taken, by their ids; those that can are not in it."""
        refusals: dict[str, Refused] = {}
        verified = {one.transaction.id: one.signers for one in read if one.signers}
        now = self._now()
        for one in read:
            payload = one.transaction.payload
            sender = senders[payload.account]
            try:
                if sender.waiting or sender.moving:
                    last = sender.last_before(payload.sequence)
                    self._ledger.check_waiting(one.transaction, now, last, verified, sender.work)
                else:
                    self._ledger.check(one.transaction, now, verified)
                sender.waiting.add(payload.sequence)
                sender.work += one.transaction.work
            except Refused as refused:
                refusals[one.transaction.id] = refused
        return refusals

    # --- what is on its way ---------------------------------------------------------------------------------

    def _copy_senders(self, read: Iterable[Waiting]) -> dict[str, _Sender]:
        accounts = {one.transaction.payload.account for one in read}
        return {account: self._senders.get(account, _Sender()).copy() for account in accounts}

    def _accept(self, one: Waiting) -> Taken:
        self._mempool.add(one)
        account = one.account
        sender = self._senders.get(account)
        if sender is None:
            sender = self._senders[account] = _Sender()
        sender.waiting.add(one.sequence)
        sender.work += one.transaction.work
        taken = self._pending[one.transaction.id] = Taken(one)
        return taken


_BRINGING_KEYS: Final = (Join, KeyRotate)


def _read_one(data: bytes) -> Waiting | Turned:
    """Read an envelope and the transaction in it."""
    try:
        envelope, compact = read_compactly(data)
        transaction = read_transaction(envelope)
    except Refused as refused:
        return Turned(refused)
    beyond = _beyond_us(transaction, len(compact))
    return Waiting(transaction, compact) if beyond is None else Turned(beyond, transaction.id)


def _beyond_us(transaction: Transaction, size: int) -> Refused | None:
    """Return why an envelope of good form and so many bytes can neither be ordered nor checked here."""
    if size > MAX_PAYLOAD_BYTES:
        return Refused("too_large", None, f"A block has room for {MAX_PAYLOAD_BYTES} bytes.")
    payload = transaction.payload
    try:
        if isinstance(payload, _BRINGING_KEYS) and is_hybrid(payload.keys):
            require_ml_dsa("keys")
        if len(transaction.signatures) > 1:
            require_ml_dsa(None)
    except Refused as refused:
        return refused
    return None


def _each[I, O](function: Callable[[I], O], items: Iterable[I]) -> list[O]:
    return [function(item) for item in items]
