"""Becoming a member: found a network, join one with an invite, or come back with a restored phrase.

Each way ends in a `Membership`: what has to be kept (besides the phrase) to be the same member tomorrow.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from . import genesis
from .address import Address
from .answers import Account, SetupDone
from .client import NodeClient, NodeProblemError, RefusedError
from .genesis import Genesis, GenesisError, GenesisOptions
from .invite import Invite, join_body, parse
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


@dataclass(frozen=True, slots=True)
class Admission:
    """What a node gives for an invite: who keeps it can join, and try again after an answer that got lost."""

    invite: Invite
    genesis: Genesis
    token: str = field(repr=False)


async def ask_in(client: NodeClient, invite_text: str) -> Admission:
    """Present an invite to a node of its network; works until somebody has joined with it.

    Raises:
        InviteError: the text is no invite, or its founder did not sign it.
        MembershipError: the node belongs to another network than the invite.
        NodeError: no answer, or the node refuses (`RefusedError`: `invite_used`, `invite_expired`, …).

    """
    invitation = parse(invite_text)
    done = await client.join(invite_text)
    founded = _verified(done, invitation.network)
    now = (await client.with_token(done.token).network()).time
    invitation.verify(founded.founder_keys, now)
    return Admission(invitation, founded, done.token)


async def enter(client: NodeClient, wallet: Wallet, admission: Admission, name: str) -> Membership:
    """Join under a name; doing it again with the same wallet changes nothing.

    Raises:
        NodeError: no answer, or the ledger refuses (`RefusedError`: `invite_used`, …).

    """
    founded = admission.genesis
    member = Member(wallet, client.with_token(admission.token), network=founded.network, test=founded.test)
    if await _account(member.client, member.address) is None:
        await member.send(join_body(admission.invite, wallet, name))
    return _membership(
        client, wallet, network=founded.network, token=admission.token, test=founded.test, name=name
    )


async def join(client: NodeClient, wallet: Wallet, invite_text: str, name: str) -> Membership:
    """Join the network of an invite under a name: `ask_in` and `enter`, with their errors."""
    return await enter(client, wallet, await ask_in(client, invite_text), name)


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


def _verified(done: SetupDone, network: str) -> Genesis:
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
