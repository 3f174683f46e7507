"""What the node's tests share: real nodes, as processes of their own on the loopback.

The test kit of Home Assistant blocks sockets for every test; those here need the loopback.
"""

import pytest
import pytest_socket

from tests.support.client import Street, client_of
from tests.support.node import NodeProcess


@pytest.fixture(autouse=True)
def _loopback(socket_enabled):
    """Open the loopback."""


@pytest.fixture
def node(tmp_path):
    """A node that runs, without a network."""
    with NodeProcess(tmp_path / "node") as node:
        yield node


@pytest.fixture
async def client(node):
    """A client of that node with its setup token."""
    async with client_of(node) as client:
        yield client


@pytest.fixture
async def street(node, client):
    """A network on that node, with its founder Ada."""
    return await Street.found(node, client)


@pytest.fixture(scope="module")
def shared_node(tmp_path_factory):
    """One node for the tests of a module that do not disturb each other."""
    pytest_socket.enable_socket()
    with NodeProcess(tmp_path_factory.mktemp("shared") / "node") as node:
        yield node


@pytest.fixture
async def shared(shared_node):
    """A client of the shared node with its setup token."""
    async with client_of(shared_node) as client:
        yield client
