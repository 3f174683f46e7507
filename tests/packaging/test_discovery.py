"""The message that makes the app known to Home Assistant, against the answers of a real Supervisor."""

import asyncio
import logging

import pytest

from energy_ledger.network import discovery
from energy_ledger.network.discovery import DiscoveryError, DiscoveryRefusedError, Message, Supervisor

from .supervisor import TOKEN, FakeSupervisor

MESSAGE = Message("a0b1c2d3-energy-ledger", 8710, "the node's secret")

pytestmark = pytest.mark.usefixtures("socket_enabled")


async def send(fake, message=MESSAGE, token=TOKEN, how=discovery.send):
    async with fake.server() as server:
        return await how(Supervisor(token, str(server.make_url("/"))), message)


class Patience:
    """Sends until the message is taken; takes the pauses down instead of waiting for them."""

    def __init__(self):
        self.pauses = []

    async def __call__(self, supervisor, message):
        return await discovery.send_until_taken(supervisor, message, sleep=self.pause)

    async def pause(self, seconds):
        self.pauses.append(seconds)


async def test_home_assistant_learns_address_and_token():
    fake = FakeSupervisor()
    message_id = await send(fake)
    assert fake.told == [
        {
            "uuid": message_id,
            "service": "energy_marketplace",
            "config": {"host": "a0b1c2d3-energy-ledger", "port": 8710, "token": "the node's secret"},
        }
    ]


async def test_the_same_message_again_disturbs_nobody():
    fake = FakeSupervisor()
    assert await send(fake) == await send(fake)
    assert len(fake.told) == 1


async def test_a_new_token_replaces_the_old_one_under_the_same_id():
    fake = FakeSupervisor()
    first = await send(fake)
    assert await send(fake, Message(MESSAGE.host, MESSAGE.port, "another secret")) == first
    assert fake.kept["energy_marketplace"]["config"]["token"] == "another secret"


@pytest.mark.parametrize("token", ["", "of another app"])
async def test_a_wrong_token_is_not_tried_again(token):
    fake, patience = FakeSupervisor(), Patience()
    with pytest.raises(DiscoveryRefusedError, match=r"status 40[13]: either its token .* is wrong"):
        await send(fake, token=token, how=patience)
    assert (fake.requests, patience.pauses) == (1, [])


async def test_an_app_that_does_not_declare_the_service_is_told_so():
    with pytest.raises(DiscoveryRefusedError, match="does not list 'energy_marketplace'"):
        await send(FakeSupervisor(discovery=["mqtt"]))


async def test_a_supervisor_that_still_starts_is_asked_again_until_it_answers():
    fake, patience = FakeSupervisor(busy=3), Patience()
    assert await send(fake, how=patience) == fake.told[0]["uuid"]
    assert patience.pauses == [1, 2, 4]


async def test_pauses_grow_to_a_minute_and_no_further():
    patience = Patience()
    await send(FakeSupervisor(busy=10), how=patience)
    assert patience.pauses[-3:] == [60, 60, 60]


async def test_the_supervisors_own_words_are_passed_on():
    with pytest.raises(DiscoveryError, match="answered: System is not ready with state: setup"):
        await send(FakeSupervisor(busy=1))


async def test_an_unreadable_answer_is_an_error_and_not_a_crash():
    with pytest.raises(DiscoveryError, match=r"cannot be read \(status 502\)"):
        await send(FakeSupervisor(broken=1))


async def test_a_supervisor_that_is_not_there_is_named():
    server = FakeSupervisor().server()
    await server.start_server()
    url = str(server.make_url("/"))
    await server.close()
    with pytest.raises(DiscoveryError, match=f"the Supervisor at {url} did not answer"):
        await discovery.send(Supervisor(TOKEN, url), MESSAGE)


async def test_sending_can_be_given_up():
    task = asyncio.create_task(send(FakeSupervisor(busy=100), how=discovery.send_until_taken))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_no_secret_reaches_the_log(caplog):
    caplog.set_level(logging.DEBUG, "energy_ledger")
    await send(FakeSupervisor(busy=1), how=Patience())
    said = caplog.text + repr(MESSAGE) + repr(Supervisor(TOKEN))
    assert "Home Assistant knows of this node at a0b1c2d3-energy-ledger:8710" in said
    assert MESSAGE.token not in said
    assert TOKEN not in said


def test_the_token_comes_from_the_apps_environment():
    assert Supervisor.of({"SUPERVISOR_TOKEN": TOKEN}) == Supervisor(TOKEN, "http://supervisor")


@pytest.mark.parametrize("environment", [{}, {"SUPERVISOR_TOKEN": ""}])
def test_outside_an_app_the_node_says_what_to_do(environment):
    with pytest.raises(DiscoveryRefusedError, match="start it without --supervisor"):
        Supervisor.of(environment)


async def place_of(fake, port=8711, token=TOKEN):
    async with fake.server() as server:
        return await discovery.own_place(Supervisor(token, str(server.make_url("/"))), port)


async def test_the_app_learns_where_the_house_reaches_its_port():
    assert await place_of(FakeSupervisor()) == "192.0.2.7:8711"
    assert await place_of(FakeSupervisor(ports={"8711/tcp": 9000})) == "192.0.2.7:9000"


async def test_a_closed_port_or_a_supervisor_that_does_not_tell_is_no_place(caplog):
    assert await place_of(FakeSupervisor(ports={"8711/tcp": None})) is None
    assert await place_of(FakeSupervisor(), port=8710) is None
    assert await discovery.own_place(Supervisor(TOKEN, "http://127.0.0.1:1"), 8711) is None
    assert "does not say where this app is reached" in caplog.text
