"""The golden vectors that both programs are held against (tests/vectors), from the member's side."""

import json
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from custom_components.energy_marketplace.ledger import (
    commitment,
    genesis,
    invite,
    phrase,
    transactions,
    wallet,
)
from custom_components.energy_marketplace.ledger.address import Address, AddressError, decode, encode
from custom_components.energy_marketplace.ledger.digests import digest, tagged
from custom_components.energy_marketplace.ledger.genesis import GenesisOptions
from custom_components.energy_marketplace.ledger.transactions import Body, Envelope, Header
from custom_components.energy_marketplace.ledger.wallet import Wallet

VECTORS = Path(__file__).parents[2] / "vectors"


def vectors(name: str):
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", vectors("domains"), ids=lambda vector: vector["what"])
def test_tags_digests_and_signatures(vector):
    message = vector["message"].encode()
    assert tagged(vector["what"], b"").hex() == vector["tag"]
    assert digest(vector["what"], message).hex() == vector["digest"]
    key = SigningKey(bytes.fromhex(vector["seed"]))
    assert wallet.sign(key, vector["what"], message) == vector["signature"]


@pytest.mark.parametrize("vector", vectors("wallets"), ids=lambda vector: vector["phrase"].split()[-1])
def test_wallets(vector):
    mine = Wallet.from_phrase(vector["phrase"])
    assert phrase.master_secret(mine.words).hex() == vector["master"]
    assert mine.keys == vector["keys"]
    assert mine.account.hex() == vector["account"]
    assert mine.address(test=False) == vector["address"]
    assert mine.address(test=True) == vector["test_address"]


def test_the_account_of_two_keys():
    vector = vectors("hybrid")
    assert wallet.account_of(vector["keys"]).hex() == vector["account"]


@pytest.mark.parametrize("vector", vectors("addresses")["valid"], ids=lambda vector: vector["text"][:12])
def test_good_addresses(vector):
    data = bytes.fromhex(vector["data"])
    assert decode(vector["text"]) == (vector["human_part"], data)
    assert encode(vector["human_part"], data) == vector["text"].lower()


@pytest.mark.parametrize("vector", vectors("addresses")["invalid"], ids=lambda vector: vector["why"])
def test_bad_addresses(vector):
    with pytest.raises(AddressError):
        Address.parse(vector["text"])


def test_the_genesis_and_its_network():
    vector = vectors("genesis")
    known = genesis.verify(Envelope.from_dict(vector["envelope"]), vector["network"])
    assert known.founder == vector["founder"]
    node = SigningKey(bytes.fromhex(vector["node_seed"])).verify_key.encode().hex()
    account = wallet.account_of([{"type": "ed25519", "public": node}])
    assert str(Address(account, test=True)) == vector["node_account"]


def test_a_genesis_that_is_built_here_has_the_very_same_bytes():
    vector = vectors("genesis")
    founder = Wallet.from_phrase(vectors("wallets")[0]["phrase"])
    payload = json.loads(vector["envelope"]["payload"])
    options = GenesisOptions(
        name="Sunny Street", founder_name="Ada", test=True, feeders=tuple(payload["feeders"])
    )
    built = genesis.build(options, founder, node_key=payload["committee"][0], created=payload["created"])
    assert built.as_dict() == vector["envelope"]


def test_the_invite_and_the_proof_of_who_joins():
    vector = vectors("invite")
    invitation = invite.parse(vector["text"])
    assert invitation.text() == vector["text"]
    assert (invitation.payload, invitation.signature) == (vector["payload"], vector["signature"])
    founder = Wallet.from_phrase(vectors("wallets")[0]["phrase"])
    invitation.verify(founder.keys, now=invitation.expires - 1)
    assert invitation.proof(bytes.fromhex(vector["joiner_account"])) == vector["proof"]
    assert invitation.peers == (f"{vector['node']}@192.0.2.7:8711",)


@pytest.mark.parametrize("vector", vectors("transactions"), ids=lambda vector: vector["kind"])
def test_transactions(vector):
    payload = vector["payload"]
    assert payload.encode().hex() == vector["payload_hex"]
    key = SigningKey(bytes.fromhex(vector["seed"]))
    envelope = Envelope(payload, (wallet.sign(key, "transaction", payload.encode()),))
    assert list(envelope.signatures) == vector["signatures"]
    assert envelope.id == vector["id"]


HEAD = ("network", "account", "sequence", "expires")


@pytest.mark.parametrize("vector", vectors("transactions"), ids=lambda vector: vector["kind"])
def test_a_payload_that_is_built_here_has_the_very_same_bytes(vector):
    """Key order and spelling are each side's own choice; alike, they leave no doubt."""
    content = json.loads(vector["payload"])
    header = Header(*(content.pop(name) for name in HEAD))
    body = Body(content.pop("kind"), content)
    assert transactions.payload_text(header, body) == vector["payload"]


def test_the_commitment_to_registers():
    vector = vectors("commitment")
    registers = vector["registers"]
    start, end = (
        tuple(registers[name][key] for key in ("at", "imported_wh", "exported_wh"))
        for name in ("start", "end")
    )
    text = commitment.registers_text(registers["asset"], registers["slot"], start, end)
    assert text == vector["text"]
    assert commitment.commit(bytes.fromhex(vector["salt"]), text) == vector["commitment"]


HYBRID_NETWORK = vectors("hybrid_network")


def test_the_genesis_of_a_hybrid_network_is_verified_with_both_keys():
    envelope = Envelope.from_dict(HYBRID_NETWORK["genesis"])
    founded = genesis.verify(envelope, HYBRID_NETWORK["network"])
    assert (founded.founder, founded.is_hybrid) == (HYBRID_NETWORK["founder"], True)
    turned = Envelope(envelope.payload, (envelope.signatures[0], "00" * 2420))
    with pytest.raises(genesis.GenesisError):
        genesis.verify(turned)


@pytest.mark.parametrize("vector", HYBRID_NETWORK["transactions"], ids=lambda vector: vector["kind"])
def test_what_both_keys_sign_is_signed_by_the_keys_of_the_phrase(vector):
    mine = Wallet.from_phrase(HYBRID_NETWORK["phrase"], hybrid=True)
    body = vector["payload"].encode()
    alone = len(vector["signatures"]) == 1
    assert mine.sign("transaction", body, alone=alone)[0] == vector["signatures"][0]
    for key, signature in zip(mine.keys, vector["signatures"], strict=False):
        assert wallet.verifies(key, "transaction", body, signature)


def test_new_keys_prove_themselves_over_the_golden_bytes():
    following = Wallet.from_phrase(HYBRID_NETWORK["next_phrase"], hybrid=True)
    account = Address.parse(HYBRID_NETWORK["founder"]).account
    content = json.loads(HYBRID_NETWORK["transactions"][3]["payload"])
    body = transactions.key_rotate(account, content["sequence"], following)
    assert body.fields["keys"] == content["keys"]
    assert body.fields["proofs"][0] == content["proofs"][0]
    message = bytes.fromhex(HYBRID_NETWORK["rotation_message"])
    assert wallet.verifies(following.keys[1], "rotate", message, content["proofs"][1])
