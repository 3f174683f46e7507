"""The node reads the golden hybrid network; each signature holds under the keys that must have made it."""

import json
from pathlib import Path

import pytest

from energy_ledger.genesis import read_genesis
from energy_ledger.keys import check_address
from energy_ledger.ledger.machine import Ledger
from energy_ledger.ledger.membership import proof_of_keys
from energy_ledger.ledger.policy import signers
from energy_ledger.transactions import Envelope, read_transaction

VECTOR = json.loads((Path(__file__).parents[1] / "vectors" / "hybrid_network.json").read_text("utf-8"))


def envelope(case):
    return Envelope(case["payload"], tuple(case["signatures"]))


@pytest.fixture(scope="module")
def genesis():
    return read_genesis(envelope(VECTOR["genesis"]))


def test_the_network_is_named_by_its_genesis_and_its_tariff_follows_the_week(genesis):
    assert (genesis.network, genesis.founder) == (VECTOR["network"], VECTOR["founder"])
    schedule = genesis.rules.schedule()
    monday = 3_944 * 7 * 96  # a Thursday's slot; Monday begins four days later
    fees = {schedule.of(monday + 4 * 96 + slot).grid_fee for slot in (0, 479, 480)}
    assert fees == {4_000, 0}


@pytest.mark.parametrize("case", VECTOR["transactions"], ids=lambda case: case["kind"])
def test_each_transaction_is_signed_by_as_many_keys_as_must_sign(genesis, case):
    transaction = read_transaction(envelope(case))
    ledger = Ledger.found(genesis)
    needed = signers(ledger.policy, transaction, genesis.rules.founder.keys)
    assert transaction.id == case["id"]
    assert len(needed) == len(case["signatures"])
    assert transaction.signed_by(needed)


def test_the_new_keys_prove_themselves_over_the_golden_bytes(genesis):
    rotation = read_transaction(envelope(VECTOR["transactions"][3])).payload
    account = check_address(VECTOR["founder"], "account")
    assert proof_of_keys(account, rotation.sequence, rotation.keys).hex() == VECTOR["rotation_message"]
    ledger = Ledger.found(genesis)
    time = genesis.rules.created
    rotate = read_transaction(envelope(VECTOR["transactions"][3]))
    assert ledger.apply(1, time, [rotate]).results[0].state == "applied"
    assert ledger.keys_of(VECTOR["founder"]) == rotation.keys
