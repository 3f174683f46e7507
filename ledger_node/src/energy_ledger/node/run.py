"""The process of a node: opens its data directory, serves until it is told to stop, and closes in order."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path

import zeroconf
from aiohttp import web

from energy_ledger.api.server import make_app
from energy_ledger.genesis import Genesis
from energy_ledger.network import discovery
from energy_ledger.network.announce import Announcement, Announcer
from energy_ledger.node.milestones import EVERYTHING, Keeping
from energy_ledger.node.rebuilding import rebuild, try_rebuild
from energy_ledger.node.service import NOWHERE, Node, Peering
from energy_ledger.storage import database
from energy_ledger.storage.database import DamagedError
from energy_ledger.storage.directory import DataDirectory, DirectoryLock, NodeKey

_GRACE_S = 5.0

_LOG = logging.getLogger(__name__)


_SWITCH_S = 0.001
"""How long a busy thread keeps the interpreter from the event loop, where clients and neighbours wait."""
_NEW_OBJECTS = 200_000
"""After so many Python looks for cycles of objects that nobody needs; a round makes as many that all stay."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a node runs.

    `supervisor` is the Supervisor's address when the node is an app of Home Assistant; `snapshot` is what a
    missing ledger begins with.
    """

    directory: DataDirectory
    host: str
    port: int
    with_matcher: bool
    with_zeroconf: bool
    supervisor: str | None
    peering: Peering | None = None
    snapshot: Path | None = None
    keeping: Keeping = EVERYTHING


async def serve(options: Options) -> None:
    """Run a node until SIGTERM or SIGINT.

    Raises DirectoryError or StorageError when the data directory cannot be used, OSError when the address
    cannot, DiscoveryRefusedError when the Supervisor is named but this is no app.
    """
    sys.setswitchinterval(_SWITCH_S)
    gc.set_threshold(_NEW_OBJECTS)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    options = await _placed(options)
    async with AsyncExitStack() as stack:
        lock = DirectoryLock.take(options.directory)
        stack.callback(lock.release)
        node, genesis = _open(options)
        stack.push_async_callback(node.close)
        port = await _listen(options, node, stack)
        await node.meet()
        await _announce(options, node, genesis, port, stack)
        await stop.wait()
        _LOG.info("stopping")


async def _placed(options: Options) -> Options:
    """Say where others reach an app's peer port: its own address leads nowhere outside its container."""
    peering = options.peering
    if options.supervisor is None or peering is None or peering.advertised or peering.port is None:
        return options
    supervisor = discovery.Supervisor.of(os.environ, options.supervisor)
    place = await discovery.own_place(supervisor, peering.port)
    return replace(options, peering=replace(peering, advertised=place or NOWHERE))


def _open(options: Options) -> tuple[Node, Genesis | None]:
    """Open the node on what is on the disk.

    A damaged ledger is set aside; a missing one is made anew from the snapshot beside it. Raises
    SnapshotError when the snapshot that was named is not good.
    """
    directory, path = options.directory, options.directory.database
    is_new = not directory.key_exists
    key = directory.node_key()
    if options.snapshot is not None and not path.exists():
        rebuild(directory, options.snapshot, new_key=is_new)
    _open_file(directory)
    node = _node(options, key)
    try:
        return node, node.wake()
    except DamagedError as error:
        _LOG.error("%s", error)
    node.close_disk()
    _warn_of(database.set_aside(path))
    _open_file(directory)
    node = _node(options, key)
    return node, node.wake()


def _node(options: Options, key: NodeKey) -> Node:
    return Node(
        options.directory,
        key,
        with_matcher=options.with_matcher,
        peering=options.peering,
        keeping=options.keeping,
    )


def _open_file(directory: DataDirectory) -> None:
    """Have a ledger's file that is whole: the one there, one made from the snapshot, or an empty one."""
    if directory.database.exists():
        try:
            database.check(directory.database)
        except DamagedError:
            _warn_of(database.set_aside(directory.database))
    if try_rebuild(directory) is not None:
        _LOG.warning("the ledger is made anew from the snapshot beside it; the rest comes from the others")
    database.open_or_set_aside(directory.database)


def _warn_of(set_aside: object) -> None:
    _LOG.error(
        "the ledger was damaged and is set aside as %s; without a snapshot beside it this node has no "
        "network now: stop it, restore the data directory from a backup, and start it again",
        set_aside,
    )


async def _listen(options: Options, node: Node, stack: AsyncExitStack) -> int:
    """Serve the API; return the port, which the system chose when port 0 was asked for."""
    runner = web.AppRunner(make_app(node, node.tokens), access_log=None, shutdown_timeout=_GRACE_S)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, options.host, options.port).start()
    port = int(runner.addresses[0][1])
    host = "127.0.0.1" if ip_address(options.host).is_unspecified else options.host
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    options.directory.say_address(url)
    _LOG.info("listening at %s", url)
    return port


async def _announce(
    options: Options, node: Node, genesis: Genesis | None, port: int, stack: AsyncExitStack
) -> None:
    """Tell the local network and Home Assistant of the node, where that is asked for."""
    if options.with_zeroconf:
        await _announce_nearby(options.host, port, node, genesis, stack)
    if options.supervisor is not None:
        supervisor = discovery.Supervisor.of(os.environ, options.supervisor)
        token = options.directory.setup_token()
        message = discovery.Message(socket.gethostname(), port, token)
        task = asyncio.create_task(_tell_supervisor(supervisor, message))
        stack.push_async_callback(_cancel, task)


async def _tell_supervisor(supervisor: discovery.Supervisor, message: discovery.Message) -> None:
    try:
        await discovery.send_until_taken(supervisor, message)
    except discovery.DiscoveryRefusedError as error:
        _LOG.warning("Home Assistant is not told of this node: %s", error)


async def _announce_nearby(
    host: str, port: int, node: Node, genesis: Genesis | None, stack: AsyncExitStack
) -> None:
    def saying(genesis: Genesis | None) -> Announcement:
        network, name = (genesis.network, genesis.rules.name) if genesis else (None, None)
        return Announcement(host, port, node.key.public.hex(), network, name, node.peer_port)

    def founded(genesis: Genesis) -> None:
        updates.add(asyncio.create_task(announcer.say(saying(genesis))))

    updates: set[asyncio.Task[None]] = set()
    try:
        announcer = Announcer(saying(genesis))
        beginning = asyncio.create_task(announcer.begin())
        node.on_founded = founded
        await beginning
    except (OSError, zeroconf.Error) as error:
        _LOG.warning("the local network is not told of this node: %s", error)
        node.on_founded = None
        return
    stack.push_async_callback(announcer.end)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
