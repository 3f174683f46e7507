"""Tells the local network over mDNS that a node is here, as `_energy-ledger._tcp`."""

import asyncio
import ipaddress
import socket
from dataclasses import dataclass

from zeroconf import IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

SERVICE = "_energy-ledger._tcp.local."


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is said: where the node listens, its key (hex) and, once it has one, its network.

    `peer_port` is where it accepts links of other nodes, None while it does not.
    """

    host: str
    port: int
    node_key: str
    network: str | None
    name: str | None
    peer_port: int | None = None

    def service(self, addresses: list[str]) -> ServiceInfo:
        """Return it as an mDNS service at these addresses."""
        label = f"Energy ledger {self.node_key[:8]}"
        texts = {
            "api": "v1",
            "node_key": self.node_key,
            "state": "empty" if self.network is None else "ready",
            "network": self.network or "",
            "name": self.name or "",
            "peer_port": str(self.peer_port or ""),
        }
        return ServiceInfo(
            SERVICE,
            f"{label}.{SERVICE}",
            port=self.port,
            properties=texts,
            server=f"energy-ledger-{self.node_key[:8]}.local.",
            parsed_addresses=addresses,
        )


def reachable_addresses(host: str) -> list[str]:
    """Return the addresses under which others reach a server bound to `host`."""
    if not ipaddress.ip_address(host).is_unspecified:
        return [host]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # No packet is sent: connecting a UDP socket only asks the routing table for the own address.
        probe.connect(("224.0.0.251", 5353))
        return [str(probe.getsockname()[0])]


class Announcer:
    """Keeps an announcement in the air, from `begin` to `end`; says one thing after the other."""

    def __init__(self, announcement: Announcement) -> None:
        self._addresses = reachable_addresses(announcement.host)
        self._service = announcement.service(self._addresses)
        self._zeroconf = AsyncZeroconf(ip_version=IPVersion.V4Only, interfaces=self._addresses)
        self._turn = asyncio.Lock()

    async def begin(self) -> None:
        """Announce the node; returns when it was said."""
        async with self._turn:
            await (await self._zeroconf.async_register_service(self._service))

    async def say(self, announcement: Announcement) -> None:
        """Announce the node anew, as when it got its network."""
        async with self._turn:
            self._service = announcement.service(self._addresses)
            await (await self._zeroconf.async_update_service(self._service))

    async def end(self) -> None:
        """Take the announcement back."""
        async with self._turn:
            await (await self._zeroconf.async_unregister_service(self._service))
            await self._zeroconf.async_close()
