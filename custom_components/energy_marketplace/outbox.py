"""Orders that left the home and of which it is not known yet what became.

An order is written down with its signature before it is sent, so that neither a lost answer, nor a network in
which nothing is agreed for a while, nor a power cut makes anybody order the same again: whoever trades by
itself asks here first, and waits while a fate is open. What is sent again is the very same transaction, which
can only happen once.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from .book import OPEN, Book
from .ledger.answers import PlacedOrder
from .ledger.client import NotAuthorizedError, RefusedError
from .ledger.member import Member, Receipt
from .ledger.orders import Order
from .ledger.transactions import Envelope
from .storage import MemberStore

APPLIED: Final = "applied"
REFUSED: Final = "refused"
NOT_FOUND: Final = 404
_PART: Final = "outbox"
_NOT_TAKEN: Final = (RefusedError, NotAuthorizedError)


@dataclass(frozen=True, slots=True)
class Sent:
    """An order as it was sent; `insist`: send it again if it never arrived."""

    envelope: Envelope
    insist: bool

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {"envelope": self.envelope.as_dict(), "insist": self.insist}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Sent:
        """Return it as it was stored."""
        return cls(Envelope.from_dict(data["envelope"]), data["insist"])

    def placed(self, now_ms: int, commit: int | None) -> PlacedOrder:
        """Return the order as it stands when the ledger has just taken it."""
        payload = json.loads(self.envelope.payload)
        return PlacedOrder(
            id=self.envelope.id,
            account=payload["account"],
            asset=payload["asset"],
            order=payload["order"],
            state=OPEN,
            filled_wh=0,
            held=0,
            placed=now_ms,
            commit=commit or 0,
        )


class Outbox:
    """The orders of one member whose fate is open, by id; kept on disk with the book."""

    def __init__(self, member: Member, book: Book, store: MemberStore, now_ms: Callable[[], int]) -> None:
        """Take up what an earlier run did not hear of any more."""
        self._member = member
        self._book = book
        self._store = store
        self._now_ms = now_ms
        kept = [Sent.from_dict(data) for data in store.loaded.get(_PART, ())]
        self._sent = {sent.envelope.id: sent for sent in kept}
        store.parts[_PART] = lambda: [sent.as_dict() for sent in self._sent.values()]

    def __len__(self) -> int:
        """Return how many fates are open."""
        return len(self._sent)

    def heard(self, order: object) -> None:
        """Note that the ledger told of an order (its id): the book knows it now."""
        self._sent.pop(str(order), None)

    async def async_place(self, asset: str, order: Order, *, placed_by: str, insist: bool = False) -> Receipt:
        """Write an order down and place it.

        Raises:
            NodeError: as `Member.place_order`; what may have arrived in spite of it stays here.

        """
        sent: list[str] = []

        async def write_down(envelope: Envelope) -> None:
            self._forget(sent)  # the attempt before was refused
            sent.append(envelope.id)
            self._sent[envelope.id] = Sent(envelope, insist)
            self._book.note_origin(envelope.id, placed_by)
            await self._store.async_write_through()

        try:
            receipt = await self._member.place_order(asset, order, before=write_down)
        except _NOT_TAKEN:
            self._forget(sent)
            self._store.async_save_within(0)
            raise
        self._conclude(receipt.id, receipt.state, receipt.commit)
        return receipt

    async def async_clear(self) -> bool:
        """Find out what became of each; return whether no fate is open any more.

        Raises:
            NodeError: the node does not say.

        """
        for identity, sent in list(self._sent.items()):
            try:
                await self._find_out(identity, sent)
            except RefusedError:
                self._forget([identity])
        return not self._sent

    async def _find_out(self, identity: str, sent: Sent) -> None:
        """Ask what became of an order; raises RefusedError if it never happens."""
        try:
            status = await self._member.client.transaction(identity)
        except RefusedError as error:
            if error.status != NOT_FOUND or not sent.insist:
                raise
            receipt = await self._member.finish(sent.envelope)
            self._conclude(identity, receipt.state, receipt.commit)
            return
        if status.state == REFUSED:
            self._forget([identity])
        self._conclude(identity, status.state, status.commit)

    def _conclude(self, identity: str, state: str, commit: int | None) -> None:
        """Put an order that counts into the book, where what comes of it will be told."""
        if state != APPLIED or (sent := self._sent.pop(identity, None)) is None:
            return
        self._book.orders.setdefault(identity, sent.placed(self._now_ms(), commit))
        self._store.async_save_within(0)

    def _forget(self, identities: list[str]) -> None:
        for identity in identities:
            self._sent.pop(identity, None)
        identities.clear()
