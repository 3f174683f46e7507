"""A real node proves what it answers, and still can after it was killed."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from energy_ledger.dag.committee import quorum_of
from energy_ledger.keys import PublicKey, account_of, address_of
from energy_ledger.node.verify import WrongError, verify
from energy_ledger.proofs import Certificate, Electorate, LedgerState, read_certificate
from energy_ledger.storage.directory import DataDirectory
from energy_ledger.transactions import sign_payload
from tests.ledger_node.test_proofs import read_answer
from tests.support.people import as_json, now_ms


def electorate_of(network):
    keys = tuple(map(bytes.fromhex, network["committee"]))
    return Electorate(bytes.fromhex(network["network"]), 0, keys, quorum_of(len(keys)))


async def test_accounts_and_assets_come_with_a_proof_when_asked(street):
    bo = await street.joins("Bo", money=5)
    register = {"name": "Dach ☀", "behind": None, "feeder": "", "source": "solar"}
    rated = {"rated_import_w": 0, "rated_export_w": 7_000}
    asset = await street.client.must(bo.sign("asset.register", asset_type="solar", **register, **rated))
    electorate = electorate_of(await street.client.get("/v1/network"))
    for path in (f"/v1/accounts/{bo.address}", f"/v1/assets/{asset}"):
        answer = await street.client.get(path, proof=1)
        assert read_answer(answer).holds(electorate)
        assert answer["row"] == await street.client.get(path)
        assert await street.client.get(path, proof=0) == answer["row"]
    status, problem = await street.client.call("GET", "/v1/accounts/nobody", proof=1)
    assert (status, problem["code"]) == (404, "unknown_account")
    status, _ = await street.client.call("GET", f"/v1/assets/{asset}", proof=2)
    assert status == 400


async def test_a_killed_node_proves_the_same_again(street, node):
    bo = await street.joins("Bo", money=5)
    before = await street.client.get(f"/v1/accounts/{bo.address}", proof=1)
    node.kill()
    node.start()
    after = await street.client.get(f"/v1/accounts/{bo.address}", proof=1)
    assert after["row"] == before["row"]
    assert read_answer(after).holds(electorate_of(await street.client.get("/v1/network")))


@pytest.mark.parametrize("signed", [True, False])
async def test_a_false_certificate_on_the_disk_is_found(street, node, signed):
    await street.joins("Bo", money=5)
    electorate = electorate_of(await street.client.get("/v1/network"))
    node.stop()
    directory = DataDirectory(node.data)
    verify(directory.database, lambda *_: None)
    with closing(sqlite3.connect(directory.database)) as connection:
        (stored,) = connection.execute("SELECT value FROM facts WHERE name = 'certificate'").fetchone()
        good = read_certificate(stored)
        state = LedgerState(good.state.commit, good.state.time, bytes(32))
        votes = ((0, electorate.sign(directory.node_key().seed, state)),) if signed else good.votes
        false = Certificate(0, state, votes)
        connection.execute("UPDATE facts SET value = ? WHERE name = 'certificate'", (false.encode(),))
        connection.commit()
    with pytest.raises(WrongError, match="another state" if signed else "good votes"):
        verify(directory.database, lambda *_: None)


async def test_after_a_change_of_committee_its_votes_are_shown_and_proofs_are_of_the_new_epoch(street, node):
    key = DataDirectory(node.data).node_key()
    public = PublicKey("ed25519", key.public.hex())
    network = await street.client.get("/v1/network")
    payload = {
        "network": network["network"],
        "account": address_of(account_of([public]), test=True),
        "sequence": 1,
        "expires": now_ms() + 60_000,
        "kind": "committee.vote",
        "epoch": 1,
        "committee": [public.public],
    }
    vote = as_json(sign_payload(payload, key.seed))
    await street.client.must(vote)
    shown = await street.client.get("/v1/committees/1")
    assert shown == {"epoch": 1, "committee": [public.public], "votes": [vote]}
    assert (await street.client.call("GET", "/v1/committees/2"))[0] == 404
    bo = await street.joins("Bo", money=5)
    proof = read_answer(await street.client.get(f"/v1/accounts/{bo.address}", proof=1))
    assert proof.certificate.epoch == 1
    assert proof.holds(replace(electorate_of(network), epoch=1))
