"""Members with a home each, who pay each other and place orders."""

from random import Random
from typing import Any

import msgspec

from energy_ledger import crypto
from energy_ledger.genesis import GENESIS_TAG, Genesis, read_genesis
from energy_ledger.invites import INVITE_TAG, PROOF_TAG
from energy_ledger.keys import PublicKey, account_of, address_of
from energy_ledger.mempool import Waiting
from energy_ledger.storage.directory import NodeKey
from energy_ledger.transactions import Envelope, read_transaction, sign_payload
from energy_ledger.units import DAY_MS, MS_PER_S
from simulation.faults.clock import START

SLOT_S = 20
MONEY = 10**12
"""What everybody gets at the beginning, nano."""
_RATED_W = 100_000
_ROUND_S = 10


class Person:
    """Somebody with a key, who numbers what she signs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seed = crypto.digest(crypto.tag("simulated"), name.encode())
        self.keys = (PublicKey("ed25519", crypto.public_key(self.seed).hex()),)
        self.account = account_of(self.keys)
        self.address = address_of(self.account, test=True)
        self.network = ""
        self.asset = ""
        self.sequence = 0

    @property
    def key_fields(self) -> list[dict[str, str]]:
        """The keys as payloads hold them."""
        return [{"type": key.type, "public": key.public} for key in self.keys]

    def sign(self, kind: str, **fields: Any) -> Waiting:
        """Return a transaction with the next number, as the mempool would give it."""
        self.sequence += 1
        header = {
            "kind": kind,
            "network": self.network,
            "account": self.address,
            "sequence": self.sequence,
            "expires": START + DAY_MS // 2,
        }
        envelope = sign_payload(header | fields, self.seed)
        return Waiting(read_transaction(envelope), envelope.encode())

    def joins(self, founder: Person) -> Waiting:
        """Return the transaction by which she becomes a member."""
        invite = Person(f"invite for {self.name}")
        fields = {
            "network": self.network,
            "name": "Street",
            "inviter": founder.address,
            "key": invite.keys[0].public,
            "expires": START + DAY_MS,
            "nodes": [],
        }
        text = msgspec.json.encode(fields)
        return self.sign(
            "member.join",
            keys=self.key_fields,
            name=self.name,
            invite=text.decode(),
            invite_signature=crypto.sign(founder.seed, INVITE_TAG, text).hex(),
            invite_proof=crypto.sign(invite.seed, PROOF_TAG, self.account).hex(),
        )

    def registers(self) -> Waiting:
        """Return the registration of her home."""
        fields = {"asset_type": "home", "name": "home", "behind": None, "feeder": "", "source": "solar"}
        waiting = self.sign("asset.register", rated_import_w=_RATED_W, rated_export_w=_RATED_W, **fields)
        self.asset = waiting.transaction.id
        return waiting

    def acts(self, random: Random, others: list[Person], now: int) -> Waiting:
        """Return something that she does: mostly a payment, sometimes an order."""
        if random.random() < 0.7:
            return self.sign("transfer", to=random.choice(others).address, amount=random.randint(1, 1_000))
        slot = str(now // MS_PER_S // SLOT_S + random.randint(3, 6))
        kind, price = random.choice([("offer", 90_000), ("fixed", 250_000)])
        order = {"type": kind, "price": price, "slots": {slot: random.randint(1, 20)}}
        return self.sign("order.place", asset=self.asset, order=order)


def found(keys: list[NodeKey], people: list[Person]) -> Genesis:
    """Return the genesis of a street whose first person founds it with all nodes as validators."""
    fields = {
        "kind": "genesis",
        "name": "Street",
        "created": START,
        "test": True,
        "currency": "EUR",
        "founder": {"name": people[0].name, "keys": people[0].key_fields},
        "committee": [key.public.hex() for key in keys],
        "slot_s": SLOT_S,
        "horizon_slots": 20,
        "round_s": _ROUND_S,
        "proposal_window_s": 5,
        "gate_s": 10,
        "grace_slots": 1,
        "tariff": {"price_floor": 80_000, "price_cap": 300_000, "grid_fee": 5_000},
        "feeders": [],
        "approval": "invite",
        "readings": "traded",
    }
    text = msgspec.json.encode(fields)
    signature = crypto.sign(people[0].seed, GENESIS_TAG, text).hex()
    genesis = read_genesis(Envelope(text.decode(), (signature,)))
    for person in people:
        person.network = genesis.network
    return genesis
