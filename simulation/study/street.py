"""The study's network: the ledger's own machine with its market in one process, under a clock set by hand."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from custom_components.energy_marketplace.ledger import answers
from custom_components.energy_marketplace.ledger.answers import Parameters, PlacedOrder, Trade
from custom_components.energy_marketplace.ledger.matches import MATCHED, trades_in
from custom_components.energy_marketplace.ledger.orders import Order
from custom_components.energy_marketplace.ledger.tariff import NetworkTariff
from energy_ledger import crypto
from energy_ledger.genesis import GENESIS_TAG, read_genesis
from energy_ledger.invites import INVITE_TAG, PROOF_TAG
from energy_ledger.keys import PublicKey, account_of, address_of
from energy_ledger.ledger.events import Event, canonical
from energy_ledger.ledger.machine import Ledger
from energy_ledger.market.book import Book, Clearing
from energy_ledger.market.solver import solve
from energy_ledger.transactions import Envelope, Transaction, read_transaction, sign_payload
from simulation.study.recordings import SLOT_S

PARAMETERS = Parameters(
    slot_s=SLOT_S,
    horizon_slots=144,
    round_s=900,
    proposal_window_s=30,
    gate_s=60,
    grace_slots=2,
    readings="net",
    approval="invite",
)
TARIFF = NetworkTariff(price_floor=80_000, price_cap=300_000, grid_fee=5_000)
START_SLOT = 1_612_896
"""The first slot of the recordings: 2016 began on a Friday."""
_MONEY = 10**15
_DAY_MS = 86_400_000
_TAG = crypto.tag("study")


class Person:
    """Who signs transactions."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seed = crypto.digest(_TAG, name.encode())
        self.key = PublicKey("ed25519", crypto.public_key(self.seed).hex())
        self.account = account_of((self.key,))
        self.address = address_of(self.account, test=True)
        self.sequence = 0

    @property
    def key_fields(self) -> list[dict[str, str]]:
        """The keys as a transaction states them."""
        return [{"type": self.key.type, "public": self.key.public}]


class StudyStreet:
    """The ledger, its people, and what each of them has in the market."""

    def __init__(self, start_ms: int) -> None:
        self.time = start_ms
        self.founder, self.node = Person("founder"), Person("node")
        self.people: dict[str, Person] = {}
        self.orders: dict[str, dict[str, PlacedOrder]] = {}
        self.trades: dict[str, dict[str, Trade]] = {}
        self.settled: list[Trade] = []
        self.prices: dict[int, int] = {}
        self.refusals: list[str] = []
        self.genesis = read_genesis(self._genesis(start_ms))
        self.ledger = Ledger.found(self.genesis)

    def _genesis(self, start_ms: int) -> Envelope:
        fields = {
            "kind": "genesis", "name": "Study Street", "created": start_ms, "test": True, "currency": "EUR",
            "founder": {"name": "founder", "keys": self.founder.key_fields},
            "committee": [self.node.key.public], "slot_s": SLOT_S,
            "horizon_slots": PARAMETERS.horizon_slots, "round_s": PARAMETERS.round_s,
            "proposal_window_s": PARAMETERS.proposal_window_s, "gate_s": PARAMETERS.gate_s,
            "grace_slots": PARAMETERS.grace_slots, "readings": PARAMETERS.readings, "approval": "invite",
            "tariff": {"price_floor": TARIFF.price_floor, "price_cap": TARIFF.price_cap,
                       "grid_fee": TARIFF.grid_fee},
            "feeders": [],
        }  # fmt: skip
        body = json.dumps(fields)
        return Envelope(body, (crypto.sign(self.founder.seed, GENESIS_TAG, body.encode()).hex(),))

    def join(self, name: str) -> None:
        """Let a home join, with all the money it may need."""
        person, key = Person(name), Person(f"invite of {name}")
        invite = json.dumps(
            {
                "network": self.genesis.network, "name": "Study Street", "inviter": self.founder.address,
                "key": key.key.public, "expires": self.time + _DAY_MS, "nodes": ["http://127.0.0.1:8710"],
            }
        )  # fmt: skip
        self.people[name] = person
        self.orders[person.address], self.trades[person.address] = {}, {}
        signed = crypto.sign(self.founder.seed, INVITE_TAG, invite.encode()).hex()
        proof = crypto.sign(key.seed, PROOF_TAG, person.account).hex()
        self.send(
            self.write(
                person, "member.join", keys=person.key_fields, name=name, invite=invite,
                invite_signature=signed, invite_proof=proof,
            )
        )  # fmt: skip
        self.send(
            self.write(self.founder, "voucher.issue", to=person.address, amount=_MONEY, reference="study")
        )

    def register(self, name: str, asset_type: str, behind: str | None, import_w: int, export_w: int) -> str:
        """Register an asset; return its id."""
        sent = self.write(
            self.people[name], "asset.register", asset_type=asset_type, name=f"{name}, {asset_type}",
            rated_import_w=import_w, rated_export_w=export_w, behind=behind, feeder="",
            source="solar" if asset_type == "solar" else "storage" if asset_type == "battery" else None,
        )  # fmt: skip
        self.send(sent)
        return sent.id

    def place(self, name: str, asset: str, order: Order) -> Transaction:
        """Write an order."""
        return self.write(self.people[name], "order.place", asset=asset, order=order.as_dict())

    def cancel(self, name: str, order: str) -> Transaction:
        """Write the end of an order."""
        return self.write(self.people[name], "order.cancel", order=order)

    def attest(self, name: str, point: str, slot: int, net_wh: int) -> Transaction:
        """Write what a connection point's meter showed for a slot."""
        return self.write(
            self.people[name], "reading.attest", asset=point, slot=slot, imported_wh=max(0, net_wh),
            exported_wh=max(0, -net_wh), commitment="00" * 32,
        )  # fmt: skip

    def write(self, who: Person, kind: str, **fields: Any) -> Transaction:
        """Write a transaction with its sender's next number."""
        who.sequence += 1
        header = {
            "network": self.genesis.network, "account": who.address, "sequence": who.sequence,
            "expires": self.time + _DAY_MS // 2, "kind": kind,
        }  # fmt: skip
        return read_transaction(sign_payload(header | fields, who.seed))

    def send(self, *transactions: Transaction) -> None:
        """Commit transactions now, and take in what the ledger says of it."""
        outcome = self.ledger.apply(self.ledger.commit + 1, self.time, transactions)
        for result in outcome.results:
            if result.state == "refused":
                self.refusals.append(f"{result.code}: {result.message}")
        for event in outcome.events:
            self._learn(event)

    def hold_round(self) -> Book | None:
        """Clear the round that closes now, as the street's matcher does; return its book."""
        self.send()
        opened = self.ledger.open_book()
        if opened is None:
            return None
        number, book = opened
        self.time += 1_000
        self.send(self.write(self.node, "clearing.propose", round=number, **proposal(book, solve(book))))
        self.time += PARAMETERS.proposal_window_s * 1000
        self.send()
        return book

    def _learn(self, event: Event) -> None:
        kind = event.type.partition(".")[0]
        if event.type == MATCHED:
            for trade in trades_in(_plain(event.data)):
                self._learn_trade(trade)
        elif kind == "trade":
            self._learn_trade(answers.read(Trade, _plain(event.data)))
        elif kind == "order":
            order = answers.read(PlacedOrder, _plain(event.data))
            book = self.orders[order.account]
            book[order.id] = order
            if order.state != "open":
                del book[order.id]

    def _learn_trade(self, trade: Trade) -> None:
        self.prices[trade.slot] = trade.seller_price
        for side in {trade.seller, trade.buyer}:
            self.trades[side][trade.id] = trade
            if trade.state == "settled":
                del self.trades[side][trade.id]
        if trade.state == "settled":
            self.settled.append(trade)


def proposal(book: Book, clearing: Clearing) -> dict[str, Any]:
    """Return a clearing as a transaction proposes it."""
    fills = clearing.fills
    nodes: Sequence[str] = list(book.nodes)
    return {
        "fills": {"order": list(fills.rank), "slot": list(fills.slot), "wh": list(fills.wh)},
        "prices": dict(zip(nodes, map(list, clearing.prices), strict=True)),
        "node_duals": dict(zip(nodes, map(list, clearing.node_duals), strict=True)),
        "flexible_duals": {
            str(rank): dual for (rank, _), dual in zip(book.flexible, clearing.flexible_duals, strict=True)
        },
    }


def _plain(data: Any) -> Mapping[str, Any]:
    """Return an event's data as a client receives it."""
    plain: Mapping[str, Any] = json.loads(canonical(data))
    return plain
