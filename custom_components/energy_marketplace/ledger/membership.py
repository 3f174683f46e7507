"""Becoming a member: found a network, join one with an invite, or come back with a restored phrase.

Each way ends in a `Membership`: what has to be kept (besides the phrase) to be the same member tomorrow.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from . import genesis, invite
from .address import Address
from .answers import Account, SetupDone
from .client import NodeClient, NodeProblemError, RefusedError
from .genesis import GenesisError, GenesisOptions
from .member import Member
from .wallet import Wallet


class MembershipError(Exception):
    """Not a member, and why; `code` is `other_network`, `not_a_member` or `bad_invite`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Membership:
    """Who the member is and where; the token is a secret."""

    url: str
    token: str
    network: str
    test: bool
    address: str
    name: str

    def as_dict(self) -> dict[str, Any]:
        """Return the membership as it is stored."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Membership:
        """Return the membership as it was stored."""
        return cls(**data)

    def member(self, wallet: Wallet, client: NodeClient) -> Member:
        """Return the member, ready to act, at a client of its node."""
        return Member(wallet, client.with_token(self.token), network=self.network, test=self.test)


async def found(client: NodeClient, wallet: Wallet, options: GenesisOptions, *, now: int) -> Membership:
    """Found a network on an empty node and be its first member.

    Args:
        client: of the node, with its setup token.
        wallet: of the founder.
        options: what the network is like.
        now: the time (ms since the epoch) at which ledger time starts.

    Raises:
        NodeError: no answer, no right, or the node is set up already (`RefusedError`).

    """
    state = await client.setup_state()
    envelope = genesis.build(options, wallet, node_key=state.node_key, created=now)
    done = await client.found(envelope)
    if done.network != genesis.network_id(envelope):
        raise NodeProblemError("the node founded another network than it was asked to")
    return _membership(
        client, wallet, network=done.network, token=done.token, test=options.test, name=options.founder_name
    )


async def join(client: NodeClient, wallet: Wallet, invite_text: str, name: str) -> Membership:
    """Join the network of an invite under a name; joining again with the same wallet changes nothing.

    Raises:
        InviteError: the text is no invite, or the invite does not count.
        MembershipError: the node belongs to another network than the invite.
        NodeError: no answer, or the ledger refuses (`RefusedError`: `invite_used`, `invite_expired`, …).

    """
    invitation = invite.parse(invite_text)
    done = await client.join(invite_text)
    founded = _verified(done, invitation.network)
    member_client = client.with_token(done.token)
    if await _account(member_client, wallet.address(test=founded.test)) is None:
        invitation.verify(founded.founder_keys, (await member_client.network()).time)
        member = Member(wallet, member_client, network=founded.network, test=founded.test)
        await member.send(invite.join_body(invitation, wallet, name))
    return _membership(
        client, wallet, network=founded.network, token=done.token, test=founded.test, name=name
    )


async def restore(client: NodeClient, wallet: Wallet, *, token: str) -> Membership:
    """Be a member again with a restored phrase, at a node that accepts the token.

    Raises:
        MembershipError: the phrase belongs to no member of this network.

    """
    client = client.with_token(token)
    network = await client.network()
    try:
        founded = genesis.verify(network.genesis, network.network)
    except GenesisError as error:
        raise MembershipError("other_network", str(error)) from error
    account = await _account(client, wallet.address(test=founded.test))
    if account is None:
        raise MembershipError("not_a_member", f"this phrase belongs to no member of {network.name}")
    return _membership(
        client, wallet, network=founded.network, token=token, test=founded.test, name=account.name
    )


def _verified(done: SetupDone, network: str) -> genesis.Genesis:
    try:
        return genesis.verify(done.genesis, network)
    except GenesisError as error:
        raise MembershipError("other_network", str(error)) from error


async def _account(client: NodeClient, address: str) -> Account | None:
    try:
        return await client.account(address)
    except RefusedError as error:
        if error.code == "unknown_account" or error.status == 404:
            return None
        raise


def _membership(
    client: NodeClient, wallet: Wallet, *, network: str, token: str, test: bool, name: str
) -> Membership:
    address = str(Address(wallet.account, test))
    return Membership(url=client.url, token=token, network=network, test=test, address=address, name=name)
