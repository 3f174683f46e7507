"""Streets of real nodes: some are off, one has a wrong clock or no memory, one is voted out."""

import asyncio
import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from energy_ledger.node.voice import GRACE_S
from simulation.ledger_street import Street, StreetError


@pytest.fixture
async def street(tmp_path, request):
    async with Street(tmp_path, getattr(request, "param", 4)) as street:
        yield street


async def applied(street, house, amount):
    """Submit at a house, and return the id of what was ordered."""
    answer = await street.submit(house, amount)
    assert answer["accepted"], answer
    assert answer["state"] == "applied", answer
    return answer["id"]


async def ordered_everywhere(street, identities, seconds=40):
    """Wait until every house that runs has all transactions in the same commits."""
    async with asyncio.timeout(seconds):
        while True:
            places = [await places_of(house, identities) for house in street.houses if house.is_running]
            if all(None not in one for one in places) and len(set(places)) == 1:
                return
            await asyncio.sleep(0.2)


async def places_of(house, identities):
    return tuple([await place_of(house, identity) for identity in identities])


async def place_of(house, identity):
    try:
        return (await house.ask(f"/v1/transactions/{identity}"))["commit"]
    except StreetError:  # not here yet
        return None


def agree(seen):
    there = [one for one in seen if one]
    return all(one["in_sync"] for one in there) and len({one["state_root"] for one in there}) == 1


async def test_ordering_goes_on_without_one_of_four_and_stops_without_two_and_nothing_is_lost(street):
    await street.open()
    one, two, three, four = street.houses
    done = [await applied(street, house, 1) for house in street.houses]

    await four.kill()
    done += [await applied(street, house, 2) for house in (one, two, three)]

    await three.kill()
    answer = await street.submit(one, 3)
    assert (answer["accepted"], answer["state"]) == (True, "pending")
    seen = await street.until(lambda seen: seen[0]["problem"] and "Nothing is ordered" in seen[0]["problem"])
    assert "2 of 4 validators are here, 3 must be" in seen[0]["problem"]
    assert seen[0]["problem_code"] == "no_quorum"
    assert seen[0]["may_fail"] == -1
    await one.kill()
    await one.start()

    await four.start()
    await three.start()
    await ordered_everywhere(street, [*done, answer["id"]])
    await street.until(agree)
    for house in street.houses:
        await house.stop()
        status, output = await house.command("verify", "--json")
        assert (status, json.loads(output)["valid"]) == (0, True), output


async def test_validators_that_fell_silent_are_named_though_their_links_still_stand(street):
    """As when their power fails: nobody says goodbye, and the connections stay open."""
    await street.open()
    frozen = street.houses[2:]
    for house in frozen:
        os.kill(house.pid, signal.SIGSTOP)
    try:
        watching, street.houses = street.houses, street.houses[:2]
        waiting = await street.submit(street.houses[0], 1)
        seen = await street.until(lambda seen: all(one["problem_code"] == "no_quorum" for one in seen))
    finally:
        for house in frozen:
            os.kill(house.pid, signal.SIGCONT)
    assert [one["may_fail"] for one in seen] == [-1, -1]
    keys = [await house.key() for house in frozen]
    assert all(key[:8] in one["problem"] for key in keys for one in seen)
    street.houses = watching
    await street.until(agree)
    await ordered_everywhere(street, [waiting["id"]])


async def test_a_clock_an_hour_wrong_does_no_harm_and_its_node_says_so(street):
    await street.open()
    fast = street.houses[3]
    for seconds, way in ((3_600, "ahead"), (-3_600, "behind")):
        await fast.stop()
        await fast.start("--no-matcher", "--clock-offset", str(seconds))
        seen = await street.until(lambda seen, way=way: way in (seen[3]["problem"] or ""))
        assert [one["in_sync"] for one in seen] == [True, True, True, False]
        done = [await applied(street, house, 1) for house in street.houses[:3]]
        await ordered_everywhere(street, done)
        times = [one["time"] for one in await street.look()]
        assert max(times) - min(times) < 30_000


async def test_a_home_that_accepts_no_link_is_a_full_validator(street):
    await street.open()
    hidden, others = street.houses[3], street.houses[:3]
    await hidden.stop()
    await hidden.start("--no-matcher", "--dial-only")
    await street.until(agree)
    await others[0].kill()  # now the other two need the hidden one
    done = [await applied(street, house, 1) for house in (hidden, *others[1:])]
    await ordered_everywhere(street, done)


async def test_a_validator_without_its_database_is_silent_until_all_others_have_spoken(street):
    await street.open()
    await applied(street, street.houses[0], 1)
    lost, absent = street.houses[3], street.houses[2]
    await lost.kill()
    for part in lost.data.glob("ledger.db*"):
        part.unlink()
    await absent.kill()
    await lost.start()
    await lost.ask("/v1/setup", {"join": street.founder.invite([street.houses[0].peer])})
    seen = await street.until(lambda seen: "lost its database" in (seen[3]["problem"] or ""))
    assert seen[3]["problem_code"] == "database_lost"
    answer = await street.submit(street.houses[0], 2)
    assert answer["state"] == "pending"
    await absent.start()
    await street.until(agree)
    await ordered_everywhere(street, [answer["id"], await applied(street, lost, 3)])
    peers = (await street.houses[0].ask("/v1/peers"))["items"]
    assert all(peer["linked"] for peer in peers)


@pytest.mark.parametrize("street", [3], indirect=True)
async def test_an_old_copy_of_a_validators_database_never_makes_it_say_something_else(street, tmp_path):
    """The copy is of an epoch that is over, and all that it would say now has been said before."""
    await street.open()
    one, absent, copied = street.houses
    await copied.kill()
    shutil.copytree(copied.data, tmp_path / "copy")
    await copied.start()
    await street.until(agree)
    await street.vote(street.houses, [await house.key() for house in street.houses])
    await street.until(lambda seen: all(house["epoch"] == 2 for house in seen) and agree(seen))
    done = [await applied(street, house, 1) for house in street.houses]
    await copied.kill()
    await absent.kill()
    shutil.rmtree(copied.data)
    shutil.copytree(tmp_path / "copy", copied.data)

    await copied.start()
    await street.until(lambda seen: seen[2]["problem_code"] == "database_old")
    waiting = await street.submit(one, 2)
    assert waiting["state"] == "pending"
    await copied.kill()
    await copied.start()  # it has not forgotten that it forgot
    await street.until(lambda seen: seen[2]["problem_code"] == "database_lost")
    await asyncio.sleep(GRACE_S + 1)
    assert await place_of(one, waiting["id"]) is None
    await absent.start()
    await street.until(agree)
    await ordered_everywhere(street, [*done, waiting["id"], await applied(street, copied, 3)])
    for house in street.houses:
        assert "two different blocks" not in house.log.read_text()


async def test_an_observer_takes_the_history_and_passes_transactions_on(street):
    founder_house, *_, late = street.houses
    validators = street.houses[:3]
    street.houses = validators
    await street.open()
    done = [await applied(street, house, 1) for house in validators * 5]
    street.houses = [*validators, late]
    await late.start("--no-matcher", "--dial-only")
    await late.ask("/v1/setup", {"join": street.founder.invite([founder_house.peer])})
    await ordered_everywhere(street, done)
    await ordered_everywhere(street, [await applied(street, late, 2)])
    await founder_house.kill()  # the only one whom the invite named
    await ordered_everywhere(street, [await applied(street, late, 3)])


@pytest.mark.parametrize("street", [7], indirect=True)
async def test_seven_nodes_vote_an_absent_one_out_and_may_lose_more(street):
    await street.open()
    absent = street.houses[6]
    await absent.kill()
    keys = [await house.key() for house in street.houses[:6]]
    await street.vote(street.houses[:5], keys)
    seen = await street.until(lambda seen: all(one["epoch"] == 2 and one["in_sync"] for one in seen if one))
    assert {len(one["committee"]) for one in seen if one} == {6}
    done = [await applied(street, house, 1) for house in street.houses[:6]]
    await absent.start()
    await street.until(lambda seen: agree(seen) and seen[6]["epoch"] == 2)
    await ordered_everywhere(street, done)


async def test_the_street_command_ends_by_itself_and_says_where_every_node_stands():
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulation.ledger_street",
        "2",
        "--json",
        "--seconds",
        "3",
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    output, _ = await process.communicate()
    said = json.loads(output)
    assert process.returncode == 0
    assert said["transactions"] >= 1
    assert [one["epoch"] for one in said["nodes"]] == [1, 1]
    assert len({one["state_root"] for one in said["nodes"]}) == 1
