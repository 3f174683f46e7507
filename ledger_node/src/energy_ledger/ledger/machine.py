"""The ledger as one machine: commits go in, results, events, changed rows and the state root come out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, Self

from msgspec import Struct

from energy_ledger.genesis import Genesis
from energy_ledger.keys import KeySet
from energy_ledger.ledger import (
    assets,
    certificates,
    claims,
    clearings,
    committees,
    day_totals,
    disclosures,
    flexibility,
    issuing,
    members,
    membership,
    money,
    orders,
    policy,
    quotas,
    readings,
    rounds,
    settlement,
    vouchers,
)
from energy_ledger.ledger.events import Event
from energy_ledger.ledger.governing_rows import Policy
from energy_ledger.ledger.rights import NODE, check_right
from energy_ledger.ledger.rows import SEQUENCE_WINDOW, Account
from energy_ledger.ledger.rules import Action, Request
from energy_ledger.ledger.state import Frozen, Leaf, State
from energy_ledger.ledger.tables import Change, Row
from energy_ledger.market.book import Book
from energy_ledger.payloads import Join
from energy_ledger.refusals import Code, Refused
from energy_ledger.tariffs import Schedule
from energy_ledger.transactions import Transaction
from energy_ledger.units import DAY_MS


class Result(Struct, frozen=True, gc=False):
    """What became of an ordered transaction; code, field and message are None when it was applied."""

    id: str
    state: Literal["applied", "refused"]
    code: Code | None = None
    field: str | None = None
    message: str | None = None


class Outcome(Struct, frozen=True, gc=False):
    """What a commit brought about: results in the order of its transactions, events, rows, leaves, root.

    `lines` are the events as canonical JSON.
    """

    results: tuple[Result, ...]
    events: tuple[Event, ...]
    lines: tuple[bytes, ...]
    changes: tuple[Change, ...]
    leaves: tuple[Leaf, ...]
    root: bytes


type Verified = Mapping[str, KeySet]
"""Under which keys the signatures of transactions, by id, were found good."""
NONE: Final[Verified] = MappingProxyType({})


class Money(Struct, frozen=True, gc=False):
    """Where the issued money is: `issued` = `balances` + `community`; `held` is part of `balances`."""

    issued: int
    balances: int
    held: int
    community: int


type _Plan = Callable[[Request, Any], Action]
"""What checks the rules of a kind, and returns what it does."""

_PLANS: Final[Mapping[str, _Plan]] = {
    "member.approve": members.plan_approve,
    "member.leave": membership.plan_leave,
    "member.suspend": membership.plan_suspend,
    "member.role": membership.plan_role,
    "key.rotate": membership.plan_rotate,
    "asset.register": assets.plan_register,
    "asset.update": assets.plan_update,
    "asset.retire": assets.plan_retire,
    "flexibility.announce": flexibility.plan_announce,
    "order.place": orders.plan_place,
    "order.cancel": orders.plan_cancel,
    "reading.attest": readings.plan_attest,
    "claim.open": claims.plan_open,
    "claim.decide": claims.plan_decide,
    "certificate.transfer": certificates.plan_transfer,
    "certificate.cancel": certificates.plan_cancel,
    "certificate.claim": certificates.plan_claim,
    "reading.disclose": disclosures.plan_disclose,
    "reading.total": day_totals.plan_total,
    "clearing.propose": clearings.plan_propose,
    "transfer": money.plan_transfer,
    "voucher.issue": money.plan_issue,
    "voucher.redeem": vouchers.plan_redeem,
    "voucher.settle": vouchers.plan_settle,
    "community.pay": money.plan_community_pay,
    "credit.set": money.plan_credit,
    "tariff.set": policy.plan_tariff,
    "policy.set": policy.plan_policy,
    "committee.vote": committees.plan_vote,
}


class Ledger:
    """The state that an agreed order of transactions leads to. One instance belongs to one thread."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.root = state.root()

    @classmethod
    def found(cls, genesis: Genesis) -> Self:
        """Start a network: its founder and node accounts, no commit yet."""
        state = State(genesis)
        members.found(state, genesis)
        state.close_commit()
        return cls(state)

    @classmethod
    def restore(cls, genesis: Genesis, rows: Iterable[Row]) -> Self:
        """Take up again from the current rows (those that are not final), in any order."""
        state = State(genesis)
        state.load(rows)
        if state.totals.open_round is not None:
            rounds.open_auction(state, state.totals.open_round)
        return cls(state)

    def rows(self) -> Iterator[Row]:
        """Return all current rows: what `restore` needs."""
        return self._state.rows()

    def freeze(self) -> Frozen:
        """Keep hold of the present state while the ledger goes on."""
        return self._state.freeze()

    def leaves(self) -> Iterator[Leaf]:
        """Return all leaves of the tree under the root."""
        return self._state.leaves()

    @property
    def genesis(self) -> Genesis:
        """The founding act."""
        return self._state.genesis

    @property
    def time(self) -> int:
        """Ledger time: that of the latest commit, ms."""
        return self._state.time

    @property
    def commit(self) -> int:
        """The index of the latest commit; 0 before the first."""
        return self._state.commit

    @property
    def cursor(self) -> int:
        """The cursor of the latest event; 0 before the first."""
        return self._state.totals.cursor

    @property
    def last_round(self) -> int:
        """The latest round whose close has passed."""
        return self._state.totals.closed_round

    @property
    def is_punctual(self) -> bool:
        """Whether the rounds that count as closed are those whose close has passed."""
        return self._state.totals.closed_round == self._state.timing.round_at(self.time)

    @property
    def epoch(self) -> int:
        """The epoch that the last commit was in or, if it changed the committee, the one that follows."""
        return self._state.totals.epoch

    @property
    def committee(self) -> tuple[str, ...]:
        """The node keys of the epoch's validators, in their order."""
        return self._state.totals.committee

    @property
    def members(self) -> int:
        """How many members there are, pending ones included."""
        accounts = self._state.accounts.values()
        return sum(NODE not in account.roles and account.status != "left" for account in accounts)

    @property
    def policy(self) -> Policy:
        """What holds now of those rules that may change."""
        return self._state.policy

    @property
    def tariffs(self) -> Schedule:
        """The tariffs, from which slot on each."""
        return self._state.schedule

    @property
    def money(self) -> Money:
        """Add up where all money is."""
        totals, accounts = self._state.totals, self._state.accounts.values()
        return Money(
            issued=totals.issued,
            balances=sum(account.balance for account in accounts),
            held=sum(account.held for account in accounts),
            community=totals.community,
        )

    def keys_of(self, account: str) -> KeySet | None:
        """Return the present keys of an account, None when it is unknown."""
        known = self._state.accounts.get(account)
        return known.keys if known else None

    def last_sequence(self, account: str) -> int:
        """Return the highest sequence number an account has used; 0 when it is unknown."""
        known = self._state.accounts.get(account)
        return known.sequence if known else 0

    def open_book(self) -> tuple[int, Book] | None:
        """Return the round being decided and its book, or None."""
        auction = self._state.auction
        return (auction.round, auction.book) if auction else None

    def next_due(self) -> int | None:
        """Return the ledger time (ms) at which a commit is next needed though nobody sent anything."""
        return min(self._dues(), default=None)

    def _dues(self) -> Iterator[int]:
        state, timing = self._state, self._state.timing
        if state.auction:
            yield timing.decided_by(state.auction.round)
        elif rounds.has_two_sides(state):
            yield timing.close(timing.round_at(state.time) + 1)
        lapse = state.lapses.next_due(state.orders.__contains__)
        if lapse is not None:
            yield lapse + 1
        claim = claims.next_lapse(state)
        if claim is not None:
            yield claim
        for slot in state.index.slots():
            yield timing.next_step(slot, state.time)
        past = flexibility.next_due(state)
        if past is not None:
            yield past
        yield from membership.dues(state)

    def check(self, transaction: Transaction, time: int, verified: Verified = NONE) -> None:
        """Tell whether a transaction could be applied now; changes nothing. Raises Refused.

        `time` is what the submitting node takes for the present (ms); `verified` says by id under which keys
        signatures were found good already.
        """
        now = max(time, self._state.time)
        sender = self._admit_new(transaction, now, verified)
        self._check_sequence(transaction, sender.sequence if sender else 0)
        quotas.check(self._state, transaction, now)
        self._plan(transaction, sender, now)

    def check_waiting(
        self, transaction: Transaction, time: int, last: int, verified: Verified = NONE, ahead: int = 0
    ) -> None:
        """Check a transaction whose account has others on their way, up to the sequence number `last`.

        `ahead` is the work of those. As `check`, but for the rules of the kind: what they say depends on
        those others. Raises Refused.
        """
        now = max(time, self._state.time)
        sender = self._admit_new(transaction, now, verified)
        self._check_sequence(transaction, max(last, sender.sequence if sender else 0))
        quotas.check(self._state, transaction, now, ahead)

    def apply(
        self,
        commit: int,
        time: int,
        transactions: Sequence[Transaction],
        verified: Verified = NONE,
    ) -> Outcome:
        """Apply a commit: first what ledger time brings about until `time` (ms), then the transactions.

        `verified` says by id under which keys signatures were found good already. They count only if these
        are the keys that must have signed now: a transaction before it may have put others in their place.
        """
        state = self._state
        state.count(commit=commit, time=max(time, state.time))
        rounds.end_round(state)
        rounds.close_round(state)
        orders.lapse_due(state, state.time)
        orders.forget_closed(state)
        settlement.start_slots(state)
        settlement.end_slots(state)
        for slot in settlement.end_graces(state):
            issuing.issue(state, slot)
        claims.lapse_due(state)
        claims.finish_slots(state)
        certificates.expire(state)
        flexibility.forget_past(state)
        vouchers.forget_settled(state)
        day_totals.finish_past(state)
        results = tuple(self._apply(transaction, state.time, verified) for transaction in transactions)
        membership.part(state)
        closing = state.close_commit()
        self.root = closing.root
        return Outcome(results, *closing)

    def _apply(self, transaction: Transaction, time: int, verified: Verified) -> Result:
        try:
            sender = self._admit(transaction, time, verified)
        except Refused as refused:
            return _refusal(transaction, refused)
        try:
            self._check_sequence(transaction, sender.sequence if sender else 0)
            if sender is not None:
                payload = transaction.payload
                sender = self._state.use_sequence(payload.account, payload.sequence, transaction.id)
                quotas.draw(self._state, transaction)
            action = self._plan(transaction, sender, time)
        except Refused as refused:
            self._tell(transaction, refused)
            return _refusal(transaction, refused)
        action()
        return Result(transaction.id, "applied")

    def _tell(self, transaction: Transaction, refused: Refused) -> None:
        """Say that an authentic transaction was refused; a replay is no news."""
        if refused.code == "replayed":
            return
        account = transaction.payload.account
        if refused.code == "clearing_wrong":
            rounds.count_refusal(self._state, account, transaction.id, refused)
        data = {
            "id": transaction.id,
            "kind": transaction.kind,
            "code": refused.code,
            "field": refused.field,
            "message": refused.message,
        }
        self._state.emit("transaction.refused", data, accounts=[account], transaction=transaction.id)

    def _admit(self, transaction: Transaction, time: int, verified: Verified) -> Account | None:
        """Check that the sender really sent it, to this network, and for now. Raises Refused."""
        payload = transaction.payload
        if payload.network != self.genesis.network:
            raise Refused("wrong_network", "network", "This transaction is meant for another network.")
        sender = self._state.accounts.get(payload.account)
        keys = transaction.own_keys if sender is None else sender.keys
        if keys is None:
            raise _unknown_account()
        signers = policy.signers(self._state.policy, transaction, keys)
        if verified.get(transaction.id) != signers and not transaction.signed_by(signers):
            message = "The signatures are not those of the account over exactly this payload."
            raise Refused("bad_signature", None, message)
        if payload.expires < time:
            raise Refused("expired", "expires", "The time until which this was meant has passed.")
        return sender

    def _admit_new(self, transaction: Transaction, time: int, verified: Verified) -> Account | None:
        """Admit a transaction that was just submitted. Raises Refused."""
        sender = self._admit(transaction, time, verified)
        if transaction.payload.expires > time + DAY_MS:
            message = "A transaction may be meant for the next 24 hours at most; choose an earlier `expires`."
            raise Refused("expires_too_late", "expires", message)
        return sender

    def _check_sequence(self, transaction: Transaction, last: int) -> None:
        """Refuse a number that is used or too far ahead of the account's last one."""
        payload = transaction.payload
        if payload.sequence > last + SEQUENCE_WINDOW:
            message = f"The next number is {last + 1}; at most {last + SEQUENCE_WINDOW} can be used now."
            raise Refused("sequence_gap", "sequence", message)
        if payload.sequence > last:
            return
        if self._state.was_applied(payload.account, payload.sequence, transaction.id):
            raise Refused("replayed", None, "This very transaction is in the ledger already.")
        raise Refused("sequence_used", "sequence", f"This number is used; the next one is {last + 1}.")

    def _plan(self, transaction: Transaction, sender: Account | None, time: int) -> Action:
        """Check the rules of the kind; return what the transaction does. Raises Refused."""
        payload = transaction.payload
        if isinstance(payload, Join):
            return members.plan_join(self._state, payload, transaction.id, time)
        if sender is None:
            raise _unknown_account()
        check_right(sender, transaction.kind)
        plan = _PLANS[transaction.kind]
        return plan(Request(self._state, transaction.id, sender, time), payload)


def _unknown_account() -> Refused:
    return Refused("unknown_account", "account", "This network has no account with this address.")


def _refusal(transaction: Transaction, refused: Refused) -> Result:
    return Result(transaction.id, "refused", refused.code, refused.field, refused.message)
