"""A node is found by those who listen for it on the local network."""

import asyncio

from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from energy_ledger.network.announce import SERVICE, Announcement, reachable_addresses
from tests.support.client import Street, client_of
from tests.support.node import NodeProcess

EMPTY = Announcement("127.0.0.1", 8710, "ab" * 32, None, None)
READY = Announcement("127.0.0.1", 8710, "ab" * 32, "cd" * 32, "Sunny Street", 8711)


def texts(service):
    return {key.decode(): (value or b"").decode() for key, value in service.properties.items()}


def test_it_says_where_the_node_is_and_whether_it_has_a_network():
    service = READY.service(["192.0.2.7"])
    assert service.type == SERVICE == "_energy-ledger._tcp.local."
    assert (service.port, service.parsed_addresses()) == (8710, ["192.0.2.7"])
    assert texts(service) == {
        "api": "v1",
        "node_key": "ab" * 32,
        "state": "ready",
        "network": "cd" * 32,
        "name": "Sunny Street",
        "peer_port": "8711",
    }
    assert texts(EMPTY.service(["192.0.2.7"]))["state"] == "empty"


def test_a_node_bound_to_one_address_is_reached_there():
    assert reachable_addresses("127.0.0.1") == ["127.0.0.1"]


def test_two_nodes_of_one_house_have_different_names():
    other = Announcement("127.0.0.1", 8711, "ef" * 32, None, None)
    assert EMPTY.service([]).name != other.service([]).name
    assert EMPTY.service([]).server != other.service([]).server


async def test_who_listens_hears_of_the_node_and_of_its_network(tmp_path):
    heard = asyncio.Event()

    def changed(zeroconf, service_type, name, state_change):
        heard.set()

    listener = AsyncZeroconf(interfaces=["127.0.0.1"])
    browser = AsyncServiceBrowser(listener.zeroconf, SERVICE, handlers=[changed])
    with NodeProcess(tmp_path / "node", "--zeroconf") as node:
        async with client_of(node) as client, asyncio.timeout(20):
            key = (await client.get("/v1/setup"))["node_key"]
            name = Announcement("127.0.0.1", node.port, key, None, None).service([]).name
            await heard.wait()
            assert await read(listener, name) == {"state": "empty", "port": node.port}
            heard.clear()
            await Street.found(node, client)
            await heard.wait()
            assert await read(listener, name) == {"state": "ready", "port": node.port}
    await browser.async_cancel()
    await listener.async_close()


async def read(listener, name):
    found = AsyncServiceInfo(SERVICE, name)
    assert await found.async_request(listener.zeroconf, 3_000)
    return {"state": texts(found)["state"], "port": found.port}
