"""Nodes that come late or lost their ledger: they start from a snapshot while the others go on."""

import asyncio
import json

import pytest

from simulation.ledger_street import Street

FEW = ("--no-matcher", "--snapshot-after", "20")


@pytest.fixture
async def street(tmp_path, request):
    async with Street(tmp_path, getattr(request, "param", 5)) as street:
        yield street


async def opened(street, count):
    """Open the street with its first houses only; the others have not come yet."""
    later, street.houses = street.houses[count:], street.houses[:count]
    await street.open()
    street.houses += later
    return later


async def traffic(street, houses, amounts):
    for amount in amounts:
        answer = await street.submit(houses[amount % len(houses)], amount)
        assert answer["accepted"], answer


def agree(seen):
    there = [one for one in seen if one]
    return all(one["in_sync"] for one in there) and len({one["state_root"] for one in there}) == 1


async def test_a_newcomer_starts_from_a_snapshot_while_traffic_goes_on_and_becomes_a_validator(street):
    (newcomer,) = await opened(street, 4)
    four = street.houses[:4]
    await traffic(street, four, range(1, 40))
    going_on = asyncio.create_task(traffic(street, four, range(40, 90)))
    await newcomer.start(*FEW)
    await newcomer.ask("/v1/setup", {"join": street.founder.invite([one.peer for one in four])})
    await going_on
    seen = await street.until(agree)
    known = seen[4]["known_from"]
    assert known["commit"] > 20
    assert known["cursor"] > 0
    assert seen[0]["known_from"] == {"commit": 0, "time": 0, "cursor": 0}
    assert "taking the snapshot of commit" in newcomer.log.read_text()
    assert (await newcomer.ask("/v1/committees/1")) == (await four[0].ask("/v1/committees/1"))

    keys = [await house.key() for house in street.houses]
    await street.vote(four[:3], keys)
    await street.until(lambda seen: all(one["epoch"] == 2 and one["in_sync"] for one in seen))
    answer = await street.submit(newcomer, 1_000)
    assert (answer["accepted"], answer["state"]) == (True, "applied")
    block = (await newcomer.ask(f"/v1/transactions/{answer['id']}"))["block"]
    assert (await four[0].ask(f"/v1/blocks/{block}"))["author"] == 4

    await newcomer.stop()
    status, output = await newcomer.command("verify", "--json")
    assert (status, json.loads(output)["valid"]) == (0, True), output


@pytest.mark.parametrize("street", [2], indirect=True)
async def test_a_newcomer_may_take_the_whole_history(street):
    (newcomer,) = await opened(street, 1)
    await traffic(street, street.houses[:1], range(1, 40))
    await newcomer.start("--no-matcher", "--full-history")
    await newcomer.ask("/v1/setup", {"join": street.founder.invite([street.houses[0].peer])})
    seen = await street.until(agree)
    assert seen[1]["known_from"]["commit"] == 0


@pytest.mark.parametrize("street", [1], indirect=True)
async def test_a_sole_validator_without_its_database_has_all_from_its_snapshot_and_waits(street):
    """As after a restored backup, which holds keys, configuration and the snapshot of a clean stop."""
    (alone,) = street.houses
    await street.open()
    await traffic(street, [alone], range(1, 10))
    before = await alone.ask("/v1/network")
    await alone.stop()
    for part in alone.data.glob("ledger.*"):
        part.unlink()
    await alone.start()
    after = await alone.ask("/v1/network")
    assert after["state_root"] == before["state_root"]
    await street.until(lambda seen: seen[0]["problem"])  # it waits for those who may know more
