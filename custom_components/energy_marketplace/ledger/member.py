"""One member at its node: signs, numbers and submits transactions, and survives lost answers.

**The sequence.** The first transaction after a start takes the number after the one the node reports for
the account; each further one the next. A number that was used up in the meantime (an answer that never came
before a restart, a second device with the same wallet) is refused as `sequence_used`, and what was refused
did not happen: it is signed again under a fresh number.

**Lost answers.** When no answer comes, the very same envelope is sent again: its id is the same, so it can
only happen once, and `replayed` then says that it had arrived. If the node stays away, `LostAnswerError`
carries the envelope; `finish` tries it again later.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import invite, transactions
from .address import Address
from .answers import Submission
from .client import NodeClient, NodeError, NodeUnreachableError, RefusedError
from .hybrid import Hybrid
from .orders import Order
from .transactions import Body, Envelope, Header, payload_text, seal
from .wallet import Wallet

LIFETIME_MS = 3_600_000
"""How long a transaction stays valid: a quiet ledger's time may lag by minutes, so it is not short."""

WINDOW = 32
"""How far a sequence number may be ahead of the last one that counted."""

_TRIES = 4
_FIRST_WAIT_S = 0.5
_SIGN_AGAIN = frozenset({"sequence_used", "sequence_gap", "expired", "expires_too_late"})
"""Refusals of the envelope alone, after which the same body may be signed again."""

type Draft = Callable[[int], Body]
"""Writes a body for the sequence number under which it is sent."""

type Before = Callable[[Envelope], Awaitable[None]]
"""Keeps what is about to be sent, so that its fate can be asked for after a power cut."""


class LostAnswerError(NodeUnreachableError):
    """The node took the transaction or not: no answer came. `Member.finish(envelope)` finds out."""

    def __init__(self, envelope: Envelope, cause: NodeUnreachableError) -> None:
        super().__init__(f"it is not known whether the node received the transaction: {cause}")
        self.envelope = envelope


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transaction that the node keeps: `applied` once it counts, `pending` while it waits for its order.

    The id is also that of the asset or order which the transaction made.
    """

    id: str
    state: str
    commit: int | None
    envelope: Envelope


class Member:
    """A wallet at a node; the verbs of the protocol as methods.

    Every verb returns a `Receipt` and raises `RefusedError` (with the ledger's code) when the ledger says no,
    `LostAnswerError` when nobody says anything, and the other errors of `client`.

    Args:
        wallet: signs.
        client: of the member's node, with its token.
        network: id of the network; what is signed counts nowhere else.
        test: whether it is a test network, which shows in the address.
        address: of the account, where it is not named after the wallet's keys as they were rotated since.
        monotonic: seconds of a clock that never jumps; for tests.
        sleep: waits some seconds; for tests.

    """

    def __init__(
        self,
        wallet: Wallet,
        client: NodeClient,
        *,
        network: str,
        test: bool,
        address: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.wallet = wallet
        self.client = client
        self.network = network
        self.test = test
        self.address = address or wallet.address(test=test)
        self._hybrid: Hybrid | None = None
        self._sequence: int | None = None
        self._ledger_time = (0, 0.0)
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = asyncio.Lock()

    async def register_asset(
        self,
        *,
        asset_type: str,
        name: str,
        rated_import_w: int,
        rated_export_w: int,
        behind: str | None = None,
        feeder: str = "",
        source: str | None = None,
        technology: str | None = None,
        commissioned: str | None = None,
        location: str | None = None,
    ) -> Receipt:
        """Register an asset; the receipt's id is the asset's."""
        return await self.send(
            transactions.asset_register(
                asset_type=asset_type,
                name=name,
                rated_import_w=rated_import_w,
                rated_export_w=rated_export_w,
                behind=behind,
                feeder=feeder,
                source=source,
                technology=technology,
                commissioned=commissioned,
                location=location,
            )
        )

    async def update_asset(self, asset: str, **changes: Any) -> Receipt:
        """Change an asset; `changes` as `asset.update` lists them."""
        return await self.send(transactions.asset_update(asset, **changes))

    async def place_order(self, asset: str, order: Order, *, before: Before | None = None) -> Receipt:
        """Place an order; the receipt's id is the order's. `before` as in `send`."""
        return await self.send(transactions.order_place(asset, order), before=before)

    async def cancel_order(self, order: str) -> Receipt:
        """Take back what is left of an order."""
        return await self.send(transactions.order_cancel(order))

    async def attest(
        self, *, asset: str, slot: int, imported_wh: int, exported_wh: int, commitment: str
    ) -> Receipt:
        """Attest a slot's reading of a connection point."""
        return await self.send(
            transactions.reading_attest(
                asset=asset,
                slot=slot,
                imported_wh=imported_wh,
                exported_wh=exported_wh,
                commitment=commitment,
            )
        )

    async def disclose(self, *, asset: str, slot: int, registers: str, salt: str) -> Receipt:
        """Open a slot's reading for everybody; `salt` is hex."""
        body = transactions.reading_disclose(asset=asset, slot=slot, registers=registers, salt=salt)
        return await self.send(body)

    async def transfer(self, to: str, amount: int, memo: str | None = None) -> Receipt:
        """Pay another member (address); amount in nano."""
        return await self.send(transactions.transfer(to, amount, memo))

    async def issue(self, to: str, amount: int, reference: str) -> Receipt:
        """Issue money to a member (address); the treasurer's verb, amount in nano."""
        return await self.send(transactions.voucher_issue(to, amount, reference))

    async def set_credit(self, member: str, limit: int) -> Receipt:
        """Set a member's credit line; the treasurer's verb, limit in nano."""
        return await self.send(transactions.credit_set(member, limit))

    async def approve(self, member: str) -> Receipt:
        """Let a pending member (address) in; a founder's verb."""
        return await self.send(transactions.member_approve(member))

    async def leave(self) -> Receipt:
        """Leave the network as soon as nothing is open any more."""
        return await self.send(transactions.member_leave())

    async def suspend(self, member: str, *, suspended: bool, reason: str) -> Receipt:
        """Stop a member (address) from trading, or let it trade again; a founder's verb."""
        return await self.send(transactions.member_suspend(member, suspended=suspended, reason=reason))

    async def set_role(self, member: str, role: str, *, granted: bool) -> Receipt:
        """Give a member (address) a role or take it; a founder's verb."""
        return await self.send(transactions.member_role(member, role, granted=granted))

    async def retire_asset(self, asset: str) -> Receipt:
        """Take an asset out of the market for good."""
        return await self.send(transactions.asset_retire(asset))

    async def set_tariff(self, from_slot: int, tariff: Mapping[str, Any]) -> Receipt:
        """Let a tariff, as in the genesis, hold from a slot on; a founder's verb."""
        return await self.send(transactions.tariff_set(from_slot, tariff))

    async def rotate(self, new: Wallet) -> Receipt:
        """Give the account the keys of another wallet, which signs from then on.

        Keep both phrases until the receipt says `applied`, or until `membership.holder` has told which of
        them counts: when the answer gets lost nobody else knows.
        """
        account = Address.parse(self.address).account
        receipt = await self.send(lambda sequence: transactions.key_rotate(account, sequence, new))
        if receipt.state == "applied":
            self.wallet = new
        return receipt

    async def make_invite(
        self, *, nodes: Sequence[str], peers: Sequence[str] | None = None, valid_s: int = 7 * 86_400
    ) -> invite.Invite:
        """Return a new invite to this network; a founder's verb.

        `nodes` are URLs at which a member without a node reaches one, `peers` where the new member's own node
        links to the others (`key@host:port`; None: as the node says).
        """
        network = await self.client.network()
        if peers is None:
            peers = (await self.client.setup_state()).peers
        return invite.make(
            self.wallet,
            inviter=self.address,
            network=self.network,
            name=network.name,
            expires=network.time + valid_s * 1000,
            nodes=tuple(nodes),
            peers=tuple(peers),
        )

    async def send(self, body: Body | Draft, *, before: Before | None = None) -> Receipt:
        """Sign and submit one transaction; a draft is written once its number is known.

        `before` is called with each envelope before it leaves, so again if one was refused for its number.
        """
        async with self._lock:
            for attempt in range(_TRIES):
                envelope = await self._sign(body)
                if before is not None:
                    await before(envelope)
                try:
                    return await self._deliver(envelope)
                except RefusedError as error:
                    if error.code not in _SIGN_AGAIN or attempt == _TRIES - 1:
                        raise
                    await self._start_over(attempt)
        raise AssertionError("the last attempt returns or raises")

    async def send_all(self, bodies: Sequence[Body]) -> list[Receipt | NodeError]:
        """Sign and submit many transactions in few round trips; one result for each, in the same order.

        What went wrong is a result too: `RefusedError`, `LostAnswerError`, or another error of `client` for
        those that never left.
        """
        results: list[Receipt | NodeError] = []
        for first in range(0, len(bodies), WINDOW):
            batch = bodies[first : first + WINDOW]
            if isinstance(lost := results[-1] if results else None, NodeUnreachableError):
                results += [NodeUnreachableError(f"not sent: {lost}")] * len(batch)
            else:
                results += await self._send_batch(batch)
        return results

    async def finish(self, envelope: Envelope) -> Receipt:
        """Send an envelope again whose answer got lost; it still happens only once.

        Raises:
            RefusedError: it did not happen and never will; `sequence_used` and `expired` mean that it never
                arrived, so that the same body may be sent anew.

        """
        async with self._lock:
            return await self._deliver(envelope)

    async def look_up(self, receipt: Receipt) -> Receipt:
        """Return what became of a pending transaction; raises `RefusedError` if it was refused in the end."""
        status = await self._status(receipt.id)
        return receipt if status is None else self._outcome(receipt.envelope, status)

    async def _send_batch(self, bodies: Sequence[Body]) -> list[Receipt | NodeError]:
        async with self._lock:
            try:
                envelopes = [await self._sign(body) for body in bodies]
            except NodeError as error:
                return [error] * len(bodies)
            try:
                submissions = await self._insist(lambda: self.client.submit_all(envelopes))
            except NodeUnreachableError as error:
                return [LostAnswerError(envelope, error) for envelope in envelopes]
            except NodeError as error:
                return [error] * len(bodies)
        return [await self._conclude(*item) for item in zip(bodies, envelopes, submissions, strict=True)]

    async def _conclude(self, body: Body, envelope: Envelope, answer: Submission) -> Receipt | NodeError:
        """Return what came of a batch's item; one that only its number stopped is sent again alone."""
        try:
            return await self._receipt(envelope, answer)
        except RefusedError as error:
            if error.code not in _SIGN_AGAIN:
                return error
        except NodeUnreachableError as error:
            return LostAnswerError(envelope, error)
        except NodeError as error:
            return error
        try:
            self._sequence = None
            return await self.send(body)
        except NodeError as error:
            return error

    async def _sign(self, draft: Body | Draft) -> Envelope:
        """Return the body signed under the next number, by as many keys as must sign it."""
        if self._sequence is None:
            self._sequence = await self._last_sequence()
            self._hybrid = await self._rule()
        self._sequence += 1
        seen, at = self._ledger_time
        expires = seen + int((self._monotonic() - at) * 1000) + LIFETIME_MS
        header = Header(self.network, self.address, self._sequence, expires)
        body = draft if isinstance(draft, Body) else draft(self._sequence)
        alone = self._hybrid is not None and not self._hybrid.needs_all(body.kind, body.fields)
        return seal(self.wallet, payload_text(header, body), alone=alone)

    async def _rule(self) -> Hybrid | None:
        """Return what all keys must sign; who has one key signs all there is with it anyway."""
        if not self.wallet.is_hybrid:
            return None
        return (await self.client.network()).parameters.hybrid

    async def _last_sequence(self) -> int:
        """Return the account's last number and note the ledger's time; 0 for an account yet to join."""
        try:
            account = await self.client.account(self.address)
        except RefusedError as error:
            if error.code != "unknown_account":
                raise
            self._note_time((await self.client.network()).time)
            return 0
        self._note_time(account.time)
        return account.sequence

    def _note_time(self, ledger_time: int) -> None:
        self._ledger_time = (ledger_time, self._monotonic())

    async def _start_over(self, attempt: int) -> None:
        """Forget the numbers, give what is under way time to be ordered, and ask anew."""
        self._sequence = None
        if attempt:
            await self._sleep(_FIRST_WAIT_S * 2**attempt)

    async def _deliver(self, envelope: Envelope) -> Receipt:
        """Submit an envelope until an answer comes, and return what it says."""
        try:
            return await self._receipt(envelope, await self._insist(lambda: self.client.submit(envelope)))
        except NodeUnreachableError as error:
            raise LostAnswerError(envelope, error) from error

    async def _insist[T](self, submit: Callable[[], Awaitable[T]]) -> T:
        """Submit the very same again and again until an answer comes or patience ends."""
        for attempt in range(_TRIES - 1):
            try:
                return await submit()
            except NodeUnreachableError:
                await self._sleep(_FIRST_WAIT_S * 2**attempt)
        return await submit()

    async def _receipt(self, envelope: Envelope, answer: Submission) -> Receipt:
        """Return the receipt that an answer stands for, or raise the refusal.

        An envelope that was sent before (its answer got lost) is refused as a repetition; what became of it
        then, the node tells.
        """
        if not answer.accepted and answer.code in ("replayed", "sequence_used"):
            answer = await self._status(envelope.id) or answer
        return self._outcome(envelope, answer)

    async def _status(self, transaction: str) -> Submission | None:
        try:
            status = await self.client.transaction(transaction)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise
        return Submission(
            accepted=True,
            id=status.id,
            state=status.state,
            commit=status.commit,
            code=status.code,
            field=status.field,
            message=status.message,
        )

    def _outcome(self, envelope: Envelope, answer: Submission) -> Receipt:
        if not answer.accepted or answer.state == "refused":
            raise RefusedError(answer.code or "refused", answer.field, answer.message or "the ledger refused")
        return Receipt(envelope.id, answer.state or "pending", answer.commit, envelope)
