"""A ledger in a few lines for the member's tests: the sequence rule, late orders, and answers that get lost.

It stands in for the transport between member and node, so that every pattern of losses can be drawn; the
rules of the kinds play no part.
"""

import json
from collections.abc import Iterator

from custom_components.energy_marketplace.ledger.answers import (
    Account,
    Submission,
    TransactionStatus,
)
from custom_components.energy_marketplace.ledger.client import NodeUnreachableError, RefusedError

WINDOW = 32
DELIVER, LOSE_ANSWER, LOSE_REQUEST, ORDER_LATER = "deliver", "lose answer", "lose request", "order later"


class StreetLedger:
    """Applies envelopes in order of arrival; `fates` says what happens to each request."""

    def __init__(self, fates: Iterator[str]) -> None:
        self.fates = fates
        self.last = 0
        self.now = 1_700_000_000_000
        self.known: dict[str, Submission] = {}
        self.waiting: list[tuple[str, dict]] = []
        self.applied: list[dict] = []

    async def account(self, address: str) -> Account:
        self._fate()
        return Account(
            account=address, name="Bo", status="active", roles=(), keys=(), balance=0, held=0, credit=0,
            available=0, sequence=self.last, commit=0, time=self.now,
        )  # fmt: skip

    async def submit(self, envelope) -> Submission:
        fate = self._fate()
        answer = self._take(envelope, later=fate == ORDER_LATER)
        if fate == LOSE_ANSWER:
            raise NodeUnreachableError("the answer got lost")
        return answer

    async def submit_all(self, envelopes) -> list[Submission]:
        fate = self._fate()
        answers = [self._take(envelope, later=fate == ORDER_LATER) for envelope in envelopes]
        if fate == LOSE_ANSWER:
            raise NodeUnreachableError("the answer got lost")
        return answers

    async def transaction(self, transaction: str) -> TransactionStatus:
        known = self.known.get(transaction)
        if known is None:
            raise RefusedError("unknown_transaction", None, "never seen", status=404)
        return TransactionStatus(
            id=transaction, state=known.state, code=known.code, message=known.message, commit=known.commit
        )

    def catch_up(self) -> None:
        """Order what waits."""
        for identity, payload in self.waiting:
            self.known[identity] = self._order(identity, payload)
        self.waiting = []

    def _fate(self) -> str:
        fate = next(self.fates, DELIVER)
        if fate != ORDER_LATER:
            self.catch_up()
        if fate == LOSE_REQUEST:
            raise NodeUnreachableError("the request got lost")
        return fate

    def _take(self, envelope, *, later: bool) -> Submission:
        identity, payload = envelope.id, json.loads(envelope.payload)
        if identity in self.known:
            return _no("replayed")
        if payload["expires"] <= self.now:
            return _no("expired")
        if payload["sequence"] <= self.last:
            return _no("sequence_used")
        if payload["sequence"] > self.last + WINDOW:
            return _no("sequence_gap")
        if later:
            self.waiting.append((identity, payload))
            self.known[identity] = Submission(accepted=True, id=identity, state="pending")
        else:
            self.known[identity] = self._order(identity, payload)
        return self.known[identity]

    def _order(self, identity: str, payload: dict) -> Submission:
        if payload["sequence"] <= self.last:
            return Submission(accepted=True, id=identity, state="refused", code="sequence_used")
        self.last = payload["sequence"]
        self.applied.append(payload)
        return Submission(accepted=True, id=identity, state="applied", commit=len(self.applied))


def _no(code: str) -> Submission:
    return Submission(accepted=False, code=code, message=code)
