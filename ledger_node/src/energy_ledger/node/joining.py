"""How an empty node comes into a network that others founded: by an invite that names where they are."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import aiohttp
import msgspec

from energy_ledger.genesis import Genesis, read_genesis
from energy_ledger.invites import read_invite, read_invite_text
from energy_ledger.network import frames
from energy_ledger.network.frames import Admission, AskGenesis, Bye
from energy_ledger.network.link import Link, LinkClosedError, LinkFaultError
from energy_ledger.network.links import Links
from energy_ledger.network.peers import Peer, PeerError
from energy_ledger.node.admission import make_admission
from energy_ledger.node.neighbours import PEERS
from energy_ledger.refusals import Refused
from energy_ledger.storage.directory import NodeKey
from energy_ledger.storage.reader import Reader
from energy_ledger.transactions import read_envelope

ADMISSION: Final = "admission"
"""The fact that keeps why this node may listen."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Way:
    """The way into a network: its genesis, and what the node must remember to find and be let in."""

    genesis: Genesis
    facts: dict[str, bytes]


async def find_network(key: NodeKey, text: str) -> Way:
    """Ask the peers that an invite names for the network it leads to.

    Raises Refused when the invite cannot be used or none of them answers well.
    """
    given = read_invite_text(text)
    invite = read_invite(given.invite)
    peers = list(_peers(invite.peers))
    admission = make_admission(given, key.public)
    asking = AskGenesis(bytes.fromhex(invite.network), admission)
    reasons = []
    for peer in peers:
        try:
            genesis = await _ask(key, peer, asking)
        except (
            LinkClosedError,
            LinkFaultError,
            TimeoutError,
            OSError,
            aiohttp.ClientError,
            Refused,
        ) as error:
            if isinstance(error, Refused) and error.code == "hybrid_unavailable":
                raise
            reasons.append(f"{peer.place}: {error or 'no answer'}")
            continue
        known = "\n".join(map(str, peers)).encode()
        return Way(genesis, {PEERS: known, ADMISSION: msgspec.msgpack.encode(admission)})
    raise Refused("invite_invalid", None, f"The network was not found through this invite. {_why(reasons)}")


def stored_peers(reader: Reader) -> list[Peer]:
    """Return the peers this node knew."""
    return list(_peers((reader.fact(PEERS) or b"").decode().split()))


def stored_admission(reader: Reader) -> Admission | None:
    """Return why this node may listen, None when it was never invited."""
    data = reader.fact(ADMISSION)
    return None if data is None else msgspec.msgpack.decode(data, type=Admission)


def _peers(texts: Iterable[str]) -> Iterable[Peer]:
    for text in texts:
        try:
            yield Peer.read(text)
        except PeerError as error:
            _LOG.warning("%s", error)


def _why(reasons: list[str]) -> str:
    return "; ".join(reasons) if reasons else "It names no peers; ask for a new one."


async def _ask(key: NodeKey, peer: Peer, asking: AskGenesis) -> Genesis:
    links = Links(key, _silent, list)
    try:
        link = await links.connect(peer)
        try:
            link.send(asking)
            answer = await link.receive()
        finally:
            await link.close("that is all")
    finally:
        await links.close()
    if isinstance(answer, Bye):
        raise LinkClosedError(answer.reason)
    if not isinstance(answer, frames.Genesis):
        raise LinkFaultError("it answered something else than the genesis")
    genesis = read_genesis(read_envelope(answer.envelope))
    if genesis.network != asking.network.hex():
        raise LinkFaultError("it answered with another network")
    return genesis


async def _silent(_: Link) -> None:
    """Speak with nobody: this end only asks."""
