"""Where other nodes are, and who is not welcome for a while."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Self

MAX_KNOWN: Final = 256
"""Most addresses remembered; the one heard of longest ago goes first."""
BAN_S: Final = 600.0
MAX_BANS: Final = 1_024


class PeerError(ValueError):
    """A text that names no peer; the message says what it should look like."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A node that accepts connections: its key (32 bytes), host and port."""

    key: bytes
    host: str
    port: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `key@host:port`, the key in hex. Raises PeerError."""
        key, at, place = text.partition("@")
        host, colon, port = place.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        plain = at and colon and host and port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536
        if not plain or len(key) != 64 or any(one not in "0123456789abcdef" for one in key):
            raise PeerError(f"a peer is written as <64 hex digits of its node key>@<host>:<port>, not {text}")
        if not set(host) <= _HOST_CHARACTERS or len(host) > 180:
            raise PeerError(f"{host} is not the name or address of a machine")
        return cls(bytes.fromhex(key), host, int(port))

    @property
    def place(self) -> str:
        """Host and port as one text."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        """Write the peer as `read` takes it."""
        return f"{self.key.hex()}@{self.place}"


_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%")


class AddressBook:
    """The known peers, one address for each key."""

    def __init__(self, own: bytes, peers: Iterable[Peer] = ()) -> None:
        self._own = own
        self._peers: OrderedDict[bytes, Peer] = OrderedDict()
        for peer in peers:
            self.add(peer)

    def add(self, peer: Peer) -> bool:
        """Remember a peer, its newest address; tell whether that is news."""
        if peer.key == self._own or self._peers.get(peer.key) == peer:
            return False
        self._peers[peer.key] = peer
        self._peers.move_to_end(peer.key)
        if len(self._peers) > MAX_KNOWN:
            self._peers.popitem(last=False)
        return True

    def suggest(self, peer: Peer) -> bool:
        """Remember what others say of a peer, unless more is known; tell whether that is news."""
        return peer.key not in self._peers and len(self._peers) < MAX_KNOWN and self.add(peer)

    def get(self, key: bytes) -> Peer | None:
        """Return where a node is, if that is known."""
        return self._peers.get(key)

    def all(self) -> list[Peer]:
        """Return all known peers, the newest address last."""
        return list(self._peers.values())


@dataclass(slots=True)
class Bans:
    """Nodes that broke the rules, each with the reason, until a time on the clock given."""

    clock: Callable[[], float]
    _until: OrderedDict[bytes, tuple[float, str]] = field(default_factory=OrderedDict)

    def add(self, key: bytes, reason: str) -> None:
        """Keep a node out for a while."""
        self._until[key] = (self.clock() + BAN_S, reason)
        self._until.move_to_end(key)
        if len(self._until) > MAX_BANS:
            self._until.popitem(last=False)

    def reason(self, key: bytes) -> str | None:
        """Return why a node is kept out now, None when it is not."""
        until, reason = self._until.get(key, (0.0, ""))
        if until > self.clock():
            return reason
        self._until.pop(key, None)
        return None

    def all(self) -> list[tuple[bytes, float, str]]:
        """Return who is kept out, for how many seconds more, and why."""
        now = self.clock()
        return [(key, until - now, why) for key, (until, why) in self._until.items() if until > now]
