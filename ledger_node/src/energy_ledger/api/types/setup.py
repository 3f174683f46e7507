"""How a node runs, and how it comes to a network."""

from typing import Literal

import msgspec

from energy_ledger.api.types.transactions import Envelope


class Health(msgspec.Struct, frozen=True):
    """Whether the node runs."""

    status: Literal["ok", "not_set_up", "stopped"]
    version: str


class SetupState(msgspec.Struct, frozen=True):
    """Whether the node has a network already, and where a newcomer's node may link to (`key@host:port`)."""

    state: Literal["empty", "ready"]
    node_key: str
    network: str | None
    peers: list[str] = msgspec.field(default_factory=list)


class SetupRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Found a network with its signed genesis, or ask for a token with an invite; exactly one of the two."""

    found: Envelope | None = None
    join: str | None = None


class SetupAnswer(msgspec.Struct, frozen=True):
    """The network one now belongs to, and the token for everything else."""

    network: str
    genesis: Envelope
    token: str
