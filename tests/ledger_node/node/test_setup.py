"""How a network begins on a node, and who gets a token to it."""

import json
import sqlite3
from contextlib import closing

import pytest

from energy_ledger.invites import PREFIX
from tests.support.client import Street
from tests.support.node import NodeProcess
from tests.support.people import Person, genesis, invite_to, now_ms


async def try_to_found(client, signed):
    return await client.call("POST", "/v1/setup", {"found": signed})


@pytest.fixture
async def node_key(client):
    return (await client.get("/v1/setup"))["node_key"]


async def test_an_empty_node_says_so(node, client, node_key):
    assert await client.get("/health") == {"status": "not_set_up", "version": "0.1.0"}
    assert await client.get("/v1/setup") == {
        "state": "empty",
        "node_key": node_key,
        "network": None,
        "peers": [],
    }
    for path in ("network", "assets", "dag", "rounds/1", "events"):
        status, answer = await client.call("GET", f"/v1/{path}")
        assert (status, answer["code"]) == (409, "not_set_up"), path
    status, answer = await client.call("POST", "/v1/setup", {"join": "kwhinvite1x"})
    assert (status, answer["code"]) == (422, "invite_invalid")
    status, answer = await client.call("POST", "/v1/transactions", {})
    assert (status, answer["code"]) == (409, "not_set_up")
    assert (
        "energy_ledger_up 1"
        in await (await client.session.get(node.url + "/metrics", headers=client.headers)).text()
    )


async def test_founding_makes_the_network_and_a_token_for_the_founder(node, client, node_key):
    ada = Person("Ada")
    signed = genesis(ada, node_key)
    status, answer = await try_to_found(client, signed)
    assert (status, answer["network"], answer["genesis"]) == (200, ada.network, signed)
    founder = client.with_token(answer["token"])
    assert (await founder.get("/v1/setup"))["state"] == "ready"
    assert (await founder.get("/health"))["status"] == "ok"
    network = await founder.get("/v1/network")
    assert (network["network"], network["genesis"], network["members"]) == (ada.network, signed, 1)
    account = await founder.get(f"/v1/accounts/{ada.address}")
    assert (account["name"], account["roles"], account["balance"]) == ("Ada", ["founder", "treasurer"], 0)


async def test_the_answer_that_got_lost_can_be_asked_for_again(client, node_key):
    ada = Person("Ada")
    signed = genesis(ada, node_key)
    tokens = [(await try_to_found(client, signed))[1]["token"] for _ in range(2)]
    assert (await client.with_token(tokens[1]).get("/v1/network"))["network"] == ada.network
    status, _ = await client.with_token(tokens[0]).call("GET", "/v1/network")
    assert status == 401


async def test_a_second_network_is_refused(client, node_key):
    await try_to_found(client, genesis(Person("Ada"), node_key))
    status, answer = await try_to_found(client, genesis(Person("Bo"), node_key))
    assert (status, answer["code"]) == (409, "already_set_up")


async def test_a_members_token_cannot_found(client, node_key):
    signed = genesis(Person("Ada"), node_key)
    token = (await try_to_found(client, signed))[1]["token"]
    status, answer = await try_to_found(client.with_token(token), signed)
    assert (status, answer["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        (lambda signed: signed | {"signatures": ["00" * 64]}, "bad_signature", None),
        (
            lambda signed: signed | {"payload": signed["payload"].replace("Sunny", "Rainy")},
            "bad_signature",
            None,
        ),
        (lambda signed: signed | {"payload": "{}"}, "missing_field", "kind"),
    ],
    ids=["forged", "changed", "empty"],
)
async def test_a_genesis_that_the_founder_did_not_sign_is_refused(client, node_key, change, code, field):
    status, answer = await try_to_found(client, change(genesis(Person("Ada"), node_key)))
    assert (status, answer["code"], answer.get("field")) == (422, code, field)
    assert (await client.get("/v1/setup"))["state"] == "empty"


@pytest.mark.parametrize("others", [[], ["0" * 64]], ids=["another node", "two nodes"])
async def test_a_committee_that_is_not_this_node_alone_is_refused(client, node_key, others):
    committee = [node_key, *others] if others else ["1" * 64]
    signed = genesis(Person("Ada"), node_key, committee=committee)
    status, answer = await try_to_found(client, signed)
    assert (status, answer["code"], answer["field"]) == (422, "bad_value", "committee")


async def test_an_invite_gives_a_token_to_its_holder(street):
    bo = Person("Bo")
    invite = invite_to(street.founder, "Bo")
    nobody = street.client.with_token("")
    status, answer = await nobody.call("POST", "/v1/setup", {"join": invite["text"]})
    assert (status, answer["network"]) == (200, street.founder.network)
    member = nobody.with_token(answer["token"])
    await member.must(bo.joins(invite))
    assert (await member.get(f"/v1/accounts/{bo.address}"))["status"] == "active"
    await member.must(
        street.founder.sign("voucher.issue", to=bo.address, amount=5, reference="anybody may carry it")
    )


async def join(street, text):
    status, answer = await street.client.with_token("").call("POST", "/v1/setup", {"join": text})
    return status, answer.get("code")


async def test_the_same_invite_again_gives_a_new_token_in_place_of_the_old(street):
    text = invite_to(street.founder, "Bo")["text"]
    tokens = []
    for _ in range(2):
        _, answer = await street.client.with_token("").call("POST", "/v1/setup", {"join": text})
        tokens.append(answer["token"])
    statuses = [(await street.client.with_token(token).call("GET", "/v1/network"))[0] for token in tokens]
    assert statuses == [401, 200]


async def test_an_invite_that_is_not_good_gives_nothing(street):
    ada, eve = street.founder, Person("Eve", street.founder.network)
    good = invite_to(ada, "Bo")["text"]
    other = Person("Ada", "0" * 64)
    assert await join(street, "hello") == (422, "invite_invalid")
    assert await join(street, PREFIX) == (422, "invite_invalid")
    assert await join(street, good[:-9]) == (422, "invite_invalid")
    assert await join(street, invite_to(eve, "Bo")["text"]) == (422, "invite_invalid")
    assert await join(street, invite_to(eve, "Bo", inviter=ada.address)["text"]) == (422, "invite_invalid")
    assert await join(street, invite_to(other, "Bo")["text"]) == (422, "invite_invalid")
    assert await join(street, invite_to(ada, "Bo", key="1" * 64)["text"]) == (422, "invite_invalid")
    assert await join(street, invite_to(ada, "Bo", expires=now_ms() - 60_000)["text"]) == (
        422,
        "invite_expired",
    )
    await street.joins("Bo")
    assert await join(street, good) == (422, "invite_used")


async def test_tokens_and_network_outlive_a_restart(node, street):
    await street.joins("Bo", money=7)
    before = await street.client.get("/v1/network")
    node.restart()
    after = await street.client.get("/v1/network")
    assert after | {"database_bytes": 0} == before | {"database_bytes": 0}
    assert before["money"] == {"issued": 7, "balances": 7, "held": 0, "community": 0}


async def test_a_node_stops_cleanly_and_at_once_when_it_is_asked(node, street):
    async with street.client.session.ws_connect(
        node.url + "/v1/events", headers=street.client.headers
    ) as events:
        await events.receive_json()
        assert node.stop() == 0
        message = await events.receive(5)
        assert (events.close_code, message.extra) == (1001, "the node stops; connect again later")
    assert "Traceback" not in node.log.read_text()


async def test_two_nodes_do_not_share_a_directory(node, tmp_path):
    with pytest.raises(AssertionError, match="already uses"):
        NodeProcess(node.data).start()
    assert node.ask("/health")["status"] == "not_set_up"


async def test_a_damaged_ledger_is_set_aside_and_made_anew_from_the_snapshot_beside_it(node, street):
    bo = await street.joins("Bo", money=1_000)
    node.stop()
    path = node.data / "ledger.db"
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    node.start()
    account = await street.client.get(f"/v1/accounts/{bo.address}")
    assert account["balance"] == 1_000
    assert (await street.client.get("/v1/network"))["known_from"]["cursor"] > 0
    assert "set aside" in node.log.read_text()
    assert (node.data / "ledger.db.damaged-1").stat().st_size == len(data)


async def test_a_damaged_ledger_without_a_snapshot_leaves_the_node_empty_and_it_says_so(node, street):
    await street.joins("Bo")
    node.stop()
    path = node.data / "ledger.db"
    path.write_bytes(path.read_bytes()[:5000])
    (node.data / "snapshot").unlink()
    node.start()
    assert node.ask("/health")["status"] == "not_set_up"
    assert "restore the data directory from a backup" in node.log.read_text()


async def test_rows_that_do_not_lead_to_the_written_root_are_damage_too(node, street):
    bo = await street.joins("Bo", money=1_000)
    node.stop()
    with closing(sqlite3.connect(node.data / "ledger.db")) as connection:
        connection.execute("UPDATE accounts SET row = replace(row, '1000', '9000')")
        connection.commit()
    node.start()
    assert "was written with root" in node.log.read_text()
    assert (await street.client.get(f"/v1/accounts/{bo.address}"))["balance"] == 1_000


async def test_a_genesis_may_ask_for_approval_of_new_members(node, client):
    street = await Street.found(node, client, approval="manual")
    bo = await street.joins("Bo")
    assert (await street.client.get(f"/v1/accounts/{bo.address}"))["status"] == "pending"
    answer = await street.client.submit(bo.sign("transfer", to=street.founder.address, amount=1))
    assert answer["code"] == "not_active"
    await street.client.must(street.founder.sign("member.approve", member=bo.address))
    assert (await street.client.get(f"/v1/accounts/{bo.address}"))["status"] == "active"
    assert json.loads((await street.client.get("/v1/network"))["genesis"]["payload"])["approval"] == "manual"
