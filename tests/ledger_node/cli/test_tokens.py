"""A token that lies on a lost machine is put out of use, and nobody else notices."""

import json

import pytest

from energy_ledger.api.auth import hashed
from tests.support.client import Street, client_of
from tests.support.node import NodeProcess, command
from tests.support.people import Person, invite_to


def tokens(data, *words):
    return command("tokens", "--data", str(data), *words)


async def opens(client, token):
    status, _ = await client.with_token(token).call("GET", "/v1/network")
    return status == 200


@pytest.fixture
async def lost(tmp_path):
    """A node on which Bo joined by an invite: its directory, and everybody's token."""
    data = tmp_path / "node"
    with NodeProcess(data) as node:
        async with client_of(node) as client:
            street = await Street.found(node, client)
            invite = invite_to(street.founder, "Bo")
            status, answer = await client.call("POST", "/v1/setup", {"join": invite["text"]})
            assert status == 200
            await street.client.must(Person("Bo").joins(invite))
            assert "already uses" in tokens(data).stderr
            held = {"founder": street.client.token, "bo": answer["token"], "operator": node.setup_token}
        node.stop()
    return data, held


async def test_a_renewed_token_takes_the_place_of_the_lost_one_and_of_no_other(lost):
    data, before = lost
    shown = {one["holder"]: one["who"] for one in json.loads(tokens(data, "--json").stdout)}
    assert list(shown) == ["operator", "founder", *(one for one in shown if one.startswith("invite "))]
    (bo,) = [holder for holder, who in shown.items() if who == "Bo"]
    assert f"{bo}  Bo" in tokens(data).stdout
    new = tokens(data, "--renew", bo).stdout.strip()
    with NodeProcess(data) as node:
        async with client_of(node) as client:
            found = [await opens(client, one) for one in (new, before["bo"], before["founder"])]
            assert found == [True, False, True]
        node.stop()
    operator = json.loads(tokens(data, "--renew", "operator", "--json").stdout)["token"]
    with NodeProcess(data) as node:
        async with client_of(node) as client:
            found = [await opens(client, one) for one in (operator, before["operator"], new)]
            assert found == [True, False, True]


async def test_who_holds_none_is_given_none(lost, tmp_path):
    data, _ = lost
    ended = tokens(data, "--renew", "nobody")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "nobody called 'nobody'" in ended.stderr
    ended = tokens(tmp_path / "empty")
    assert (ended.returncode, "no ledger" in ended.stderr) == (1, True)


async def test_a_renewed_token_outlives_the_loss_of_the_database(lost):
    """What a backup keeps says the same."""
    data, before = lost
    new = tokens(data, "--renew", "founder").stdout.strip()
    kept = (data / "configuration").read_text()
    assert hashed(new).hex() in kept
    assert hashed(before["founder"]).hex() not in kept
