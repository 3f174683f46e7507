"""A street to test the ledger with: people who sign, a clock that is set by hand, and commits as told.

Slots of 100 s, rounds of 50 s with a proposal window of 10 s, a gate of 20 s, one slot of grace. The network
is founded at time 0 of the street, which is a whole number of slots since the epoch.
"""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from msgspec import to_builtins

from energy_ledger import crypto
from energy_ledger.genesis import Genesis, read_genesis
from energy_ledger.invites import INVITE_TAG, PROOF_TAG
from energy_ledger.keys import KeySet, PublicKey, account_of, address_of
from energy_ledger.ledger.machine import Ledger, Outcome, Result
from energy_ledger.ledger.matches import Matches, RoundSides
from energy_ledger.ledger.policy import signers
from energy_ledger.ledger.trading_rows import Trade
from energy_ledger.market.book import Clearing
from energy_ledger.market.solver import solve
from energy_ledger.refusals import Refused
from energy_ledger.transactions import TRANSACTION_TAG, Envelope, Transaction, read_transaction

SLOT_S = 100
FIRST_SLOT = 17_000_000
START = FIRST_SLOT * SLOT_S * 1000
DAY = 86_400_000
EUR = 10**9
COMMITMENT = "c0" * 32

TARIFF = {"price_floor": 80_000, "price_cap": 300_000, "grid_fee": 5_000}


class Person:
    """Somebody with a key, or with one of either type."""

    def __init__(self, name: str, test: bool = True, hybrid: bool = False) -> None:
        self.name = name
        self.seed = crypto.digest(crypto.tag("test"), name.encode())
        self.public = crypto.public_key(self.seed).hex()
        self.keys: KeySet = (PublicKey("ed25519", self.public),)
        if hybrid:
            self.second = MLDSA44PrivateKey.from_seed_bytes(self.seed)
            public = self.second.public_key().public_bytes_raw().hex()
            self.keys = (*self.keys, PublicKey("ml-dsa-44", public))
        self.account = account_of(self.keys)
        self.address = address_of(self.account, test)

    def signatures(self, tag: bytes, body: bytes, number: int) -> tuple[str, ...]:
        """Sign with so many of the keys."""
        first = crypto.sign(self.seed, tag, body).hex()
        return (first,) if number == 1 else (first, self.second.sign(tag + body).hex())

    @property
    def key_fields(self) -> list[dict[str, str]]:
        return [{"type": key.type, "public": key.public} for key in self.keys]


@cache
def person(name: str, hybrid: bool = False) -> Person:
    return Person(name, hybrid=hybrid)


ADA = person("Ada")
NODE = person("node")


def genesis_fields(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "genesis",
        "name": "Sunny Street",
        "created": START,
        "test": True,
        "currency": "EUR",
        "founder": {"name": "Ada", "keys": ADA.key_fields},
        "committee": [NODE.public],
        "slot_s": SLOT_S,
        "horizon_slots": 20,
        "round_s": 50,
        "proposal_window_s": 10,
        "gate_s": 20,
        "grace_slots": 1,
        "tariff": TARIFF,
        "feeders": [],
        "approval": "invite",
        "readings": "traded",
    } | changes


def make_genesis(founder: Person = ADA, **changes: Any) -> Genesis:
    body = json.dumps(genesis_fields(founder={"name": "Ada", "keys": founder.key_fields}, **changes))
    signatures = founder.signatures(crypto.tag("genesis"), body.encode(), len(founder.keys))
    return read_genesis(Envelope(payload=body, signatures=signatures))


def invite_for(genesis: Genesis, joiner: Person, **changes: Any) -> dict[str, str]:
    """Return the invite fields of the joiner's `member.join`."""
    key = changes.pop("key", None) or Person(f"invite key of {joiner.name}")
    inviter = changes.pop("signer", ADA)
    fields = {
        "network": genesis.network,
        "name": "Sunny Street",
        "inviter": genesis.founder,
        "key": key.public,
        "expires": START + DAY,
        "nodes": ["http://127.0.0.1:8710"],
    } | changes
    payload = json.dumps(fields)
    return {
        "invite": payload,
        "invite_signature": crypto.sign(inviter.seed, INVITE_TAG, payload.encode()).hex(),
        "invite_proof": crypto.sign(key.seed, PROOF_TAG, joiner.account).hex(),
    }


class Street:
    """A ledger, and the people who use it."""

    def __init__(self, **genesis: Any) -> None:
        self.genesis = make_genesis(**genesis)
        self.ledger = Ledger.found(self.genesis)
        self.time = START
        self.sequences: dict[str, int] = {}
        self.outcomes: list[Outcome] = []

    @property
    def state(self) -> Any:
        return self.ledger._state

    def write(
        self, who: Person, kind: str, *, sign: bool = True, by: Person | None = None, **fields: Any
    ) -> Transaction:
        """Write a transaction with the sender's next number; header fields may be given to differ.

        It is signed with those of the sender's keys, or of the keys of `by`, that must sign it by now.
        """
        sequence = fields.pop("sequence", None)
        if sequence is None:
            sequence = self.sequences.get(who.address, self.ledger.last_sequence(who.address)) + 1
            self.sequences[who.address] = sequence
        header = {
            "network": self.genesis.network,
            "account": who.address,
            "sequence": sequence,
            "expires": self.time + DAY // 2,
            "kind": kind,
        }
        payload = header | fields
        if sign:
            return self.signed(payload, by or who)
        return read_transaction(Envelope(payload=json.dumps(payload), signatures=("00",)))

    def signed(self, payload: dict[str, Any], who: Person) -> Transaction:
        text = json.dumps(payload)
        unsigned = read_transaction(Envelope(payload=text, signatures=("00",)))
        number = len(signers(self.ledger.policy, unsigned, who.keys))
        signatures = who.signatures(TRANSACTION_TAG, text.encode(), number)
        return read_transaction(Envelope(payload=text, signatures=signatures))

    def commit(self, transactions: Iterable[Transaction] = (), verified: Iterable[str] = ()) -> Outcome:
        """Apply a commit at the present time."""
        transactions = tuple(transactions)
        trusted = self.trust(one for one in transactions if one.id in set(verified))
        outcome = self.ledger.apply(self.ledger.commit + 1, self.time, transactions, trusted)
        self.outcomes.append(outcome)
        return outcome

    def trust(self, transactions: Iterable[Transaction]) -> dict[str, KeySet]:
        """Take the signatures of transactions as those that must be there by now."""
        known = [(one, self.ledger.keys_of(one.payload.account) or one.own_keys) for one in transactions]
        return {one.id: signers(self.ledger.policy, one, keys) for one, keys in known if keys is not None}

    def do(self, who: Person, kind: str, **fields: Any) -> Result:
        """Have somebody do something now, in a commit of its own."""
        (result,) = self.commit([self.write(who, kind, **fields)]).results
        return result

    def must(self, who: Person, kind: str, **fields: Any) -> str:
        """Have somebody do something that is accepted; return its id."""
        result = self.do(who, kind, **fields)
        assert result.state == "applied", result
        return result.id

    def refuses(self, who: Person, kind: str, **fields: Any) -> tuple[str, str | None]:
        """Have somebody do something that is refused, by the dry run as by the commit; return code and field.

        It uses up the sequence number and nothing else.
        """
        transaction = self.write(who, kind, **fields)
        return self.refuses_this(transaction)

    def refuses_this(self, transaction: Transaction) -> tuple[str, str | None]:
        with pytest.raises(Refused) as refused:
            self.ledger.check(transaction, self.time)
        self.commit()
        before = self.snapshot()
        (result,) = self.commit([transaction]).results
        assert self.snapshot() == before
        assert (result.state, result.code, result.field) == (
            "refused",
            refused.value.code,
            refused.value.field,
        )
        assert result.message == refused.value.message
        assert result.message.endswith(".")
        return refused.value.code, refused.value.field

    def snapshot(self) -> list[Any]:
        """Return all rows but the traces that a refused transaction may leave."""
        traces = {"sequence", "commit", "time", "cursor", "history", "refused"}
        rows = sorted(
            (row.table, row.key, row.row) for row in self.ledger.rows() if row.table not in ("used", "work")
        )
        return [(table, key, {k: v for k, v in row.items() if k not in traces}) for table, key, row in rows]

    def at(self, seconds: int | float) -> Outcome:
        """Let an empty commit happen so many seconds after the founding."""
        self.time = START + int(seconds * 1000)
        return self.commit()

    def joins(self, name: str, hybrid: bool = False) -> Person:
        joiner = person(name, hybrid)
        self.must(
            joiner, "member.join", keys=joiner.key_fields, name=name, **invite_for(self.genesis, joiner)
        )
        return joiner

    def gets(self, who: Person, amount: int) -> None:
        self.must(ADA, "voucher.issue", to=who.address, amount=amount, reference="cash")

    def asset(self, who: Person, **fields: Any) -> str:
        """Register an asset; a connection point of 3.6 kW both ways unless told otherwise: 100 Wh a slot."""
        defaults = {
            "asset_type": "home",
            "name": f"{who.name}'s home",
            "rated_import_w": 3_600,
            "rated_export_w": 3_600,
            "behind": None,
            "feeder": "",
            "source": "solar",
        }
        return self.must(who, "asset.register", **(defaults | fields))

    def offers(self, who: Person, asset: str, price: int, slots: dict[int, int], **more: Any) -> str:
        return self.must(who, "order.place", asset=asset, order=offer(price, slots, **more))

    def bids(self, who: Person, asset: str, price: int, slots: dict[int, int], **more: Any) -> str:
        return self.must(who, "order.place", asset=asset, order=fixed(price, slots, **more))

    def proposal(self, clearing: Clearing | None = None, **changes: Any) -> dict[str, Any]:
        """Return the fields of a proposal for the open round; by default the right ones."""
        opened = self.ledger.open_book()
        assert opened is not None
        number, book = opened
        clearing = clearing or solve(book)
        return {
            "round": number,
            "fills": {
                "order": list(clearing.fills.rank),
                "slot": list(clearing.fills.slot),
                "wh": list(clearing.fills.wh),
            },
            "prices": {node: list(clearing.prices[row]) for node, row in book.nodes.items()},
            "node_duals": {node: list(clearing.node_duals[row]) for node, row in book.nodes.items()},
            "flexible_duals": {
                str(rank): dual
                for (rank, _), dual in zip(book.flexible, clearing.flexible_duals, strict=True)
            },
        } | changes

    def clears(self, **changes: Any) -> Outcome:
        """Have the node propose the right clearing, which is applied."""
        outcome = self.commit([self.write(NODE, "clearing.propose", **self.proposal(**changes))])
        assert outcome.results[0].state == "applied", outcome.results
        return outcome

    def reads(self, who: Person, asset: str, slot: int, imported_wh: int = 0, exported_wh: int = 0) -> Result:
        return self.do(
            who,
            "reading.attest",
            asset=asset,
            slot=slot,
            imported_wh=imported_wh,
            exported_wh=exported_wh,
            commitment=COMMITMENT,
        )

    def account(self, who: Person) -> Any:
        return self.state.accounts[who.address]

    def row(self, table: str, key: str) -> dict[str, Any]:
        """Return the last row that any commit wrote."""
        rows = [
            change.row
            for outcome in self.outcomes
            for change in outcome.changes
            if (change.table, change.key) == (table, key)
        ]
        return rows[-1]

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the data of all events of a type so far."""
        found = [event for outcome in self.outcomes for event in outcome.events if event.type == kind]
        return [to_builtins(event.data) for event in found]

    def matched(self) -> list[dict[str, Any]]:
        """Return the trades that rounds made so far, in ledger order, as their rows were then."""
        return [trade.row() for outcome in self.outcomes for trade in matched_in(outcome)]


def matched_in(outcome: Outcome) -> list[Trade]:
    """Return the trades that a commit's round made, in ledger order."""
    values = [change.value for change in outcome.changes]
    sides = [one.sides for one in values if isinstance(one, RoundSides)]
    return [trade for one in values if isinstance(one, Matches) for trade in one.trades(sides[0])]


def offer(price: int, slots: dict[int, int], **more: Any) -> dict[str, Any]:
    """Return an offer; slots are counted from the founding."""
    return {"type": "offer", "price": price, "slots": absolute(slots)} | more


def fixed(price: int, slots: dict[int, int], **more: Any) -> dict[str, Any]:
    return {"type": "fixed", "price": price, "slots": absolute(slots)} | more


def flexible(
    price: int, energy_wh: int, earliest: int, deadline: int, most: int, **more: Any
) -> dict[str, Any]:
    return {
        "type": "flexible",
        "price": price,
        "energy_wh": energy_wh,
        "earliest": FIRST_SLOT + earliest,
        "deadline": FIRST_SLOT + deadline,
        "max_wh_per_slot": most,
    } | more


def absolute(slots: dict[int, int]) -> dict[str, int]:
    return {str(FIRST_SLOT + slot): wh for slot, wh in slots.items()}
