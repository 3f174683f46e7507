"""What is signed: transactions, invites, the genesis, commitments."""

import base64
import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_components.energy_marketplace.ledger import commitment, genesis, invite, transactions
from custom_components.energy_marketplace.ledger.genesis import GenesisError, GenesisOptions
from custom_components.energy_marketplace.ledger.invite import InviteError
from custom_components.energy_marketplace.ledger.orders import (
    BlockBid,
    FixedBid,
    FlexibleBid,
    Offer,
    OrderError,
)
from custom_components.energy_marketplace.ledger.transactions import Body, Envelope, Header
from custom_components.energy_marketplace.ledger.wallet import Wallet, verifies

FOUNDER = Wallet.generate()
HEADER = Header("ab" * 32, "tkwh1x", 7, 1_700_000_000_000)
ID = "cd" * 32


def sealed(body: Body) -> Envelope:
    return transactions.seal(FOUNDER, transactions.payload_text(HEADER, body))


def test_the_bytes_that_are_sent_are_the_bytes_that_were_signed():
    envelope = sealed(transactions.transfer("tkwh1y", 5, "für die Kirschen ☀"))
    sent = json.loads(json.dumps(envelope.as_dict()))
    again = Envelope.from_dict(sent)
    assert again == envelope
    assert verifies(FOUNDER.keys[0], "transaction", again.payload.encode(), again.signatures[0])
    assert (
        envelope.id
        == hashlib.sha256(b"energy-ledger/transaction/v1\x00" + envelope.payload.encode()).hexdigest()
    )


@pytest.mark.parametrize(
    ("body", "kind", "fields"),
    [
        (transactions.member_approve("tkwh1y"), "member.approve", {"member"}),
        (
            transactions.asset_register(
                asset_type="solar", name="Roof", rated_import_w=0, rated_export_w=9000, source="solar"
            ),
            "asset.register",
            {"asset_type", "name", "rated_import_w", "rated_export_w", "behind", "feeder", "source"},
        ),
        (transactions.asset_update(ID, name="Barn"), "asset.update", {"asset", "name"}),
        (transactions.order_place(ID, Offer(price=1, slots={3: 4})), "order.place", {"asset", "order"}),
        (transactions.order_cancel(ID), "order.cancel", {"order"}),
        (
            transactions.reading_attest(asset=ID, slot=3, imported_wh=0, exported_wh=4, commitment=ID),
            "reading.attest",
            {"asset", "slot", "imported_wh", "exported_wh", "commitment"},
        ),
        (transactions.transfer("tkwh1y", 5), "transfer", {"to", "amount"}),
        (transactions.transfer("tkwh1y", 5, "thanks"), "transfer", {"to", "amount", "memo"}),
        (transactions.voucher_issue("tkwh1y", 5, "cash"), "voucher.issue", {"to", "amount", "reference"}),
        (transactions.credit_set("tkwh1y", 0), "credit.set", {"member", "limit"}),
    ],
)
def test_each_kind_has_exactly_its_fields_behind_the_common_ones(body, kind, fields):
    payload = json.loads(sealed(body).payload)
    common = {"network", "account", "sequence", "expires", "kind"}
    assert set(payload) == common | fields
    assert (payload["kind"], payload["sequence"]) == (kind, 7)


def test_orders_are_written_as_the_protocol_says():
    assert Offer(price=90_000, slots={12: 5, 2: 7}).as_dict() == {
        "type": "offer",
        "price": 90_000,
        "slots": {"2": 7, "12": 5},
    }
    flexible = FlexibleBid(
        price=2,
        energy_wh=30,
        earliest=4,
        deadline=8,
        max_wh_per_slot=10,
        prefer_sources=("solar",),
        expires=9,
    )
    assert flexible.as_dict() == {
        "type": "flexible",
        "price": 2,
        "energy_wh": 30,
        "earliest": 4,
        "deadline": 8,
        "max_wh_per_slot": 10,
        "min_fill": "any",
        "prefer_sources": ["solar"],
        "expires": 9,
    }
    block = BlockBid(price=2, profile_wh=(5, 5), earliest=4, deadline=6, prefer=(ID,))
    assert block.as_dict()["profile_wh"] == [5, 5]
    assert block.as_dict()["prefer"] == [ID]


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Offer(price=-1, slots={1: 1}), "price"),
        (lambda: FixedBid(price=2**63, slots={1: 1}), "price"),
        (lambda: FlexibleBid(price=-1, energy_wh=1, earliest=1, deadline=2, max_wh_per_slot=1), "price"),
        (lambda: BlockBid(price=-1, profile_wh=(1,), earliest=1, deadline=2), "price"),
        (lambda: Offer(price=1, slots={}), "slots"),
        (lambda: FixedBid(price=1, slots={1: 0}), "slots.1"),
        (lambda: FlexibleBid(price=1, energy_wh=0, earliest=1, deadline=2, max_wh_per_slot=1), "energy_wh"),
        (lambda: FlexibleBid(price=1, energy_wh=5, earliest=2, deadline=2, max_wh_per_slot=5), "deadline"),
        (lambda: FlexibleBid(price=1, energy_wh=5, earliest=1, deadline=3, max_wh_per_slot=2), "deadline"),
        (
            lambda: FlexibleBid(price=1, energy_wh=1, earliest=1, deadline=2, max_wh_per_slot=0),
            "max_wh_per_slot",
        ),
        (lambda: BlockBid(price=1, profile_wh=(), earliest=1, deadline=3), "profile_wh"),
        (lambda: BlockBid(price=1, profile_wh=(1, 0), earliest=1, deadline=3), "profile_wh.1"),
        (lambda: BlockBid(price=1, profile_wh=(1, 1), earliest=1, deadline=2), "deadline"),
    ],
)
def test_an_order_that_cannot_be_meant_names_its_field(make, field):
    with pytest.raises(OrderError) as caught:
        make()
    assert caught.value.field == field


def test_what_just_can_be_meant_is_an_order():
    assert Offer(price=0, slots={1: 1}).slots == {1: 1}
    assert FlexibleBid(price=0, energy_wh=4, earliest=1, deadline=3, max_wh_per_slot=2).energy_wh == 4
    assert BlockBid(price=0, profile_wh=(1, 1), earliest=1, deadline=3).profile_wh == (1, 1)


def founded(**options) -> Envelope:
    chosen = GenesisOptions(name="Sunny Street", founder_name="Ada", test=True, **options)
    return genesis.build(chosen, FOUNDER, node_key="ef" * 32, created=1_700_000_000_000)


def test_a_genesis_is_signed_by_its_founder_and_names_the_network():
    envelope = founded()
    known = genesis.verify(envelope, genesis.network_id(envelope))
    assert (known.test, known.founder) == (True, FOUNDER.address(test=True))
    assert known.payload["committee"] == ["ef" * 32]


def test_a_foreign_or_changed_genesis_is_refused():
    envelope = founded()
    with pytest.raises(GenesisError, match="another network"):
        genesis.verify(envelope, "00" * 32)
    with pytest.raises(GenesisError, match="not signed"):
        genesis.verify(replace(envelope, payload=envelope.payload.replace("Sunny", "Rainy")))
    with pytest.raises(GenesisError, match="not signed"):
        genesis.verify(replace(envelope, signatures=()))
    for payload in (
        "[]",
        "{",
        "[" * 100_000,
        "{}",
        '{"kind":"genesis","test":true,"founder":{"keys":[{"type":"x"}]}}',
    ):
        with pytest.raises(GenesisError):
            genesis.verify(replace(envelope, payload=payload))


def invited() -> invite.Invite:
    return invite.make(
        FOUNDER,
        network=ID,
        name="Sunny Street",
        inviter=FOUNDER.address(test=True),
        expires=1000,
        nodes=("http://node.local:8600",),
    )


def test_an_invite_survives_being_passed_on():
    made = invited()
    text = made.text()
    assert text.startswith("kwhinvite1")
    wrapped = "\n".join(text[place : place + 40] for place in range(0, len(text), 40))
    assert invite.parse(f" {wrapped} ") == made
    assert (made.network, made.inviter, made.test) == (ID, FOUNDER.address(test=True), True)
    assert made.secret not in repr(made)


def test_an_invite_counts_until_it_expires_and_only_from_the_founder():
    made = invited()
    made.verify(FOUNDER.keys, now=999)
    with pytest.raises(InviteError, match="expired"):
        made.verify(FOUNDER.keys, now=1000)
    with pytest.raises(InviteError, match="not signed"):
        made.verify(Wallet.generate().keys, now=999)


def test_a_joining_member_proves_that_the_invite_is_meant_for_its_account():
    made, wallet = invited(), Wallet.generate()
    fields = invite.join_body(made, wallet, "Bo").fields
    assert verifies(made.key, "invite-proof", wallet.account, fields["invite_proof"])
    assert not verifies(made.key, "invite-proof", FOUNDER.account, fields["invite_proof"])
    assert verifies(FOUNDER.keys[0], "invite", fields["invite"].encode(), fields["invite_signature"])


@given(st.data())
def test_a_damaged_invite_is_refused_in_words(data):
    text = invited().text()
    cut = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(InviteError):
        invite.parse(text[:cut])


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"[" * 100_000, b"\xff"])
def test_what_only_begins_like_an_invite_is_refused(content):
    with pytest.raises(InviteError, match="incomplete"):
        invite.parse("kwhinvite1" + base64.urlsafe_b64encode(content).decode().rstrip("="))


def test_an_invite_with_a_foreign_key_is_refused():
    content = {"invite": invited().payload, "signature": invited().signature, "secret": "11" * 32}
    text = "kwhinvite1" + base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
    with pytest.raises(InviteError, match="key does not fit"):
        invite.parse(text)


def test_a_commitment_is_the_salted_digest_of_the_canonical_text():
    text = commitment.registers_text(ID, 3, (1, 2, 3), (4, 5, 6))
    assert text == (
        f'{{"asset":"{ID}","slot":3,"start":{{"at":1,"imported_wh":2,"exported_wh":3}},'
        '"end":{"at":4,"imported_wh":5,"exported_wh":6}}'
    )
    salt = bytes(range(32))
    expected = hashlib.sha256(b"energy-ledger/registers/v1\x00" + salt + text.encode()).hexdigest()
    assert commitment.commit(salt, text) == expected
    with pytest.raises(ValueError, match="32 bytes"):
        commitment.commit(b"", text)
