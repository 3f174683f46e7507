"""Becoming a member: found a network, join one with an invite, or come back with a restored phrase.

Each way ends in a `Membership`: what has to be kept (besides the phrase) to be the same member tomorrow.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from . import genesis
from .address import Address
from .answers import Account, SetupDone
from .client import NodeClient, NodeProblemError, RefusedError
from .genesis import Genesis, GenesisError, GenesisOptions
from .hybrid import HybridUnavailableError
from .invite import Invite, join_body, parse
from .member import Member
from .wallet import PublicKey, Wallet


class MembershipError(Exception):
    """Not a member, and why.

    `code` is `other_network`, `not_a_member`, `bad_invite` or `hybrid_unavailable`.
    """

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
    hybrid: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the membership as it is stored."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Membership:
        """Return the membership as it was stored."""
        return cls(**data)

    def member(self, wallet: Wallet, client: NodeClient) -> Member:
        """Return the member, ready to act, at a client of its node.

        Raises:
            HybridUnavailableError: it needs a second key, of which this machine knows nothing.

        """
        return Member(
            wallet.as_hybrid() if self.hybrid else wallet,
            client.with_token(self.token),
            network=self.network,
            test=self.test,
            address=self.address,
        )


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
    if options.hybrid is not None:
        wallet = _with_second_key(wallet)
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
    hybrid: bool = False


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
    client = client.with_token(done.token)
    network = await client.network()
    invitation.verify(await _founder_keys(client, founded, invitation), network.time)
    return Admission(invitation, founded, done.token, network.parameters.hybrid is not None)


async def _founder_keys(client: NodeClient, founded: Genesis, invitation: Invite) -> list[PublicKey]:
    """Return the present keys of who signed an invite, none unless it is an active founder.

    A node may lie about them; the network's name and genesis are checked all the same.
    """
    inviter = await _account(client, invitation.inviter)
    if inviter is None:
        return founded.founder_keys if invitation.inviter == founded.founder else []
    if "founder" not in inviter.roles or inviter.status != "active":
        return []
    return [PublicKey(type=str(key["type"]), public=str(key["public"])) for key in inviter.keys]


async def enter(client: NodeClient, wallet: Wallet, admission: Admission, name: str) -> Membership:
    """Join under a name; doing it again with the same wallet changes nothing.

    Raises:
        NodeError: no answer, or the ledger refuses (`RefusedError`: `invite_used`, …).

    """
    founded = admission.genesis
    if admission.hybrid:
        wallet = _with_second_key(wallet)
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
    account = await _held_by(client, wallet)
    if account is None:
        raise MembershipError("not_a_member", f"this phrase belongs to no member of {network.name}")
    if len(account.keys) > 1:
        _with_second_key(wallet)
    return Membership(
        url=client.url,
        token=token,
        network=founded.network,
        test=founded.test,
        address=account.account,
        name=account.name,
        hybrid=len(account.keys) > 1,
    )


async def holder(client: NodeClient, address: str, wallets: Iterable[Wallet]) -> Wallet | None:
    """Return the wallet whose keys an account has now: who was interrupted while rotating them asks this.

    Raises:
        NodeError: no answer, or no such account.

    """
    keys = (await client.account(address)).keys
    return next((wallet for wallet in wallets if wallet.keys[0] == keys[0]), None)


async def _held_by(client: NodeClient, wallet: Wallet) -> Account | None:
    """Return the account that has a wallet's key now, whatever keys it once was named after."""
    found = await client.accounts(key=wallet.keys[0]["public"])
    return next((account for account in found if "node" not in account.roles), None)


def _with_second_key(wallet: Wallet) -> Wallet:
    try:
        return wallet.as_hybrid()
    except HybridUnavailableError as error:
        raise MembershipError("hybrid_unavailable", str(error)) from error


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
    return Membership(
        url=client.url,
        token=token,
        network=network,
        test=test,
        address=address,
        name=name,
        hybrid=wallet.is_hybrid,
    )
