"""`node`: runs a ledger node."""

import asyncio
import errno
import logging
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from energy_ledger.commands.options import PORT, add_data, directory, whole_number
from energy_ledger.commands.output import CommandError
from energy_ledger.network.discovery import DiscoveryRefusedError
from energy_ledger.network.peers import Peer, PeerError
from energy_ledger.node.milestones import Keeping
from energy_ledger.node.run import Options, serve
from energy_ledger.node.service import SNAPSHOT_AFTER, Peering
from energy_ledger.refusals import Refused
from energy_ledger.storage.database import StorageError
from energy_ledger.storage.directory import DirectoryError
from energy_ledger.storage.snapshot import SnapshotError
from energy_ledger.units import DAY_MS, MS_PER_S

NAME = "node"
HELP = "run a ledger node"
_MEGABYTE = 1_000_000
_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
_LEVELS = ("debug", "info", "warning", "error")


def configure(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_data(parser)
    _configure_links(parser)
    _configure_history(parser)
    parser.add_argument(
        "--clock-offset",
        type=int,
        default=0,
        metavar="SECONDS",
        help="run with a clock that is wrong by so much, to try out what happens then",
    )
    parser.add_argument(
        "--matcher", action=BooleanOptionalAction, default=True, help="compute clearings (default: yes)"
    )
    parser.add_argument(
        "--zeroconf", action=BooleanOptionalAction, default=False, help="announce the node (default: no)"
    )
    parser.add_argument("--supervisor", metavar="URL", help="tell Home Assistant's Supervisor of this app")
    parser.add_argument("--log-level", choices=_LEVELS, default="info", help="(default: %(default)s)")


def _configure_links(parser: ArgumentParser) -> None:
    """Add where clients and other nodes find the node, and it them."""
    parser.add_argument("--host", default="127.0.0.1", help="IP address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=PORT, default=8710, help="port, 0 for any (default: %(default)s)")
    parser.add_argument(
        "--peer-port", type=PORT, default=8711, help="port for links of other nodes (default: %(default)s)"
    )
    parser.add_argument(
        "--dial-only", action="store_true", help="accept no links, as behind a router that lets none in"
    )
    parser.add_argument(
        "--advertise",
        metavar="HOST[:PORT]",
        default="",
        help="where others reach the peer port (default: this machine's address)",
    )
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="KEY@HOST:PORT",
        help="a node to link to; several are fine",
    )


def _configure_history(parser: ArgumentParser) -> None:
    """Add how much of the past the node takes and keeps."""
    parser.add_argument(
        "--snapshot",
        type=Path,
        metavar="FILE",
        help="a certified snapshot with which the ledger begins, where there is none yet",
    )
    history = parser.add_mutually_exclusive_group()
    history.add_argument(
        "--snapshot-after",
        type=whole_number(1, 10**9),
        default=SNAPSHOT_AFTER,
        metavar="COMMITS",
        help="when others are so far ahead, take a certified snapshot and go on from there "
        "(default: %(default)s)",
    )
    history.add_argument(
        "--full-history", action="store_true", help="take no snapshot but all of the history, however long"
    )
    parser.add_argument(
        "--keep-days",
        type=whole_number(0, 36_500),
        default=0,
        metavar="DAYS",
        help="delete history that is older, but for the audit trail of the assets of those who have a token "
        "of this node (default: keep all)",
    )
    parser.add_argument(
        "--disk-cap",
        type=whole_number(0, 10**8),
        default=0,
        metavar="MB",
        help="delete the oldest history, with the same exception, while the database is larger "
        "(default: keep all)",
    )


def run(arguments: Namespace) -> int:
    """Run until the process is told to stop."""
    logging.basicConfig(
        level=arguments.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        ip_address(arguments.host)
    except ValueError:
        raise CommandError(f"--host takes an IP address, not {arguments.host}", 2) from None
    options = Options(
        directory=directory(arguments),
        host=arguments.host,
        port=arguments.port,
        with_matcher=arguments.matcher,
        with_zeroconf=arguments.zeroconf,
        supervisor=arguments.supervisor,
        peering=_peering(arguments),
        snapshot=arguments.snapshot,
        keeping=Keeping(arguments.keep_days * DAY_MS, arguments.disk_cap * _MEGABYTE),
    )
    try:
        asyncio.run(serve(options))
    except Refused as refused:
        raise CommandError(refused.message, 2) from None
    except (DirectoryError, StorageError, SnapshotError, DiscoveryRefusedError) as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        what = f"cannot listen at {arguments.host}:{arguments.port}"
        if error.errno in _DISK:
            what = f"the data directory {options.directory.path} cannot be written"
        raise CommandError(f"{what}: {error.strerror or error}") from None
    return 0


def _peering(arguments: Namespace) -> Peering:
    place = arguments.advertise
    if place and ":" not in place:
        place = f"{place}:{arguments.peer_port}"
    try:
        peers = tuple(map(Peer.read, arguments.peer))
        if place:
            Peer.read(f"{'00' * 32}@{place}")
    except PeerError as error:
        raise CommandError(str(error), 2) from None
    return Peering(
        host=arguments.host,
        port=None if arguments.dial_only else arguments.peer_port,
        advertised=place,
        peers=peers,
        clock_offset=arguments.clock_offset * MS_PER_S,
        snapshot_after=None if arguments.full_history else arguments.snapshot_after,
    )
