"""Hybrid networks on real nodes, and nodes on machines whose cryptography has no ML-DSA.

There the classes are present and say, when they are used, that the library below does not know the algorithm.
"""

import json

import pytest

from energy_ledger import crypto
from energy_ledger.keys import require_ml_dsa
from energy_ledger.refusals import Refused
from tests.support.client import client_of
from tests.support.node import NodeProcess, command, free_port
from tests.support.people import EUR, Person, genesis, invite_to

HYBRID = {"kinds": ["voucher.issue", "key.rotate"], "transfer_above": 50}
OLD_MACHINE = """
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import mldsa


def unsupported(*_):
    raise UnsupportedAlgorithm("ML-DSA-44 is not supported by this version of OpenSSL.")


mldsa.MLDSA44PrivateKey.from_seed_bytes = unsupported
mldsa.MLDSA44PublicKey.from_public_bytes = unsupported
"""


@pytest.fixture
def without(tmp_path, monkeypatch):
    """Return what switches ML-DSA off and on for processes that are started from now on."""
    place = tmp_path / "old-machine"
    place.mkdir()
    (place / "sitecustomize.py").write_text(OLD_MACHINE)

    def switch(on: bool = True) -> None:
        monkeypatch.setenv("PYTHONPATH", str(place)) if on else monkeypatch.delenv("PYTHONPATH")

    return switch


def hybrid_genesis(node_key, **changes):
    founder = Person("Ada", hybrid=True)
    return founder, genesis(founder, node_key, hybrid=HYBRID, **changes)


def found(data, tmp_path):
    """Found a hybrid network in a data directory by the command line."""
    key = json.loads(command("keys", "--data", str(data), "--json").stdout)["node_key"]
    file = tmp_path / "genesis.json"
    file.write_text(json.dumps(hybrid_genesis(key)[1]))
    return command("found", "--data", str(data), "--genesis", str(file), "--json")


def is_said(ended):
    """Tell whether a command ended with one line about what is missing."""
    return (
        ended.returncode == 2
        and not ended.stdout
        and ended.stderr.count("\n") == 1
        and "ML-DSA" in ended.stderr
    )


def test_a_network_that_needs_ml_dsa_is_not_founded_without(tmp_path, without):
    without()
    assert is_said(found(tmp_path / "node", tmp_path))


def test_a_node_does_not_start_in_a_network_that_needs_it(tmp_path, without):
    data = tmp_path / "node"
    assert found(data, tmp_path).returncode == 0
    without()
    assert is_said(command("node", "--data", str(data), "--port", str(free_port()), "--peer-port", "0"))
    assert is_said(command("verify", "--data", str(data)))
    without(False)
    with NodeProcess(data) as node:  # nothing was lost or set aside meanwhile
        assert node.ask("/health")["status"] == "ok"


async def test_a_running_node_says_so_to_who_wants_to_found_or_act(tmp_path, without):
    without()
    with NodeProcess(tmp_path / "node") as node:
        async with client_of(node) as client:
            key = (await client.get("/v1/setup"))["node_key"]
            status, answer = await client.call("POST", "/v1/setup", {"found": hybrid_genesis(key)[1]})
            assert (status, answer["code"]) == (409, "hybrid_unavailable")
            assert "ML-DSA" in answer["detail"]
            founder = Person("Ada")
            status, answer = await client.call("POST", "/v1/setup", {"found": genesis(founder, key)})
            assert status == 200
            ours = client.with_token(answer["token"])
            bo = Person("Bo", hybrid=True)
            turned = await ours.submit(bo.joins(invite_to(founder, "Bo")))
            assert (turned["accepted"], turned["code"]) == (False, "hybrid_unavailable")
            await ours.must(founder.sign("voucher.issue", to=founder.address, amount=5, reference="x"))


async def test_an_invite_to_such_a_network_is_refused_by_a_node_that_lacks_it(tmp_path, without):
    with NodeProcess(tmp_path / "first") as first:
        async with client_of(first) as client:
            key = (await client.get("/v1/setup"))["node_key"]
            founder, founding = hybrid_genesis(key)
            status, _ = await client.call("POST", "/v1/setup", {"found": founding})
            assert status == 200
        peer = (tmp_path / "first" / "peer").read_text().strip()
        text = invite_to(founder, "Bo", peers=[peer])["text"]
        without()
        assert is_said(command("join", "--data", str(tmp_path / "second"), text))
        with NodeProcess(tmp_path / "third") as third:
            async with client_of(third) as client:
                status, answer = await client.call("POST", "/v1/setup", {"join": text})
        assert (status, answer["code"]) == (409, "hybrid_unavailable")


async def test_members_of_a_hybrid_network_sign_twice_what_matters_and_once_the_rest(tmp_path):
    with NodeProcess(tmp_path / "node") as node:
        async with client_of(node) as client:
            key = (await client.get("/v1/setup"))["node_key"]
            ada, founding = hybrid_genesis(key)
            _, answer = await client.call("POST", "/v1/setup", {"found": founding})
            ours = client.with_token(answer["token"])
            bo = Person("Bo", hybrid=True)
            await ours.must(bo.joins(invite_to(ada, "Bo")))
            issue = {"to": bo.address, "amount": EUR, "reference": "cash"}
            once = await ours.submit(ada.sign("voucher.issue", **issue))
            assert once["code"] == "bad_signature"
            ada.sequence -= 1
            await ours.must(ada.sign("voucher.issue", twice=True, **issue))
            await ours.must(bo.sign("transfer", to=ada.address, amount=50))
            await ours.must(bo.sign("transfer", twice=True, to=ada.address, amount=51))
            network = await ours.get("/v1/network")
            assert network["parameters"]["hybrid"] == HYBRID
            found = await ours.get("/v1/accounts", key=bo.key.public)
            assert [one["account"] for one in found["items"]] == [bo.address]
        node.kill()
        node.start()
        assert command("verify", "--data", str(tmp_path / "node")).returncode == 0


def test_what_cannot_be_checked_is_never_taken_for_wrong(monkeypatch):
    monkeypatch.setattr(crypto, "has_ml_dsa", lambda: False)
    with pytest.raises(crypto.HybridUnavailableError, match="ML-DSA"):
        crypto.verify_ml_dsa(bytes(1312), crypto.tag("test"), b"", bytes(2420))
    with pytest.raises(Refused) as refused:
        require_ml_dsa("hybrid")
    assert refused.value.code == "hybrid_unavailable"


def test_this_machine_has_it():
    assert crypto.has_ml_dsa()
