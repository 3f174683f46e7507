"""Who may ask, and how often."""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

from aiohttp import web

from energy_ledger.api.problems import Handler, ProblemError


class Role(Enum):
    """What a token stands for."""

    OPERATOR = "operator"
    """The setup token: founds the network once, and may read."""
    MEMBER = "member"


def hashed(token: str) -> bytes:
    """Return what a node keeps of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


@dataclass(slots=True)
class Tokens:
    """The tokens that open this node, by their hashes."""

    operator: bytes
    members: set[bytes] = field(default_factory=set)

    @classmethod
    def of(cls, operator_token: str, member_hashes: Iterable[bytes]) -> Tokens:
        """Make it from the operator's token and the members' stored hashes."""
        return cls(hashed(operator_token), set(member_hashes))

    def role(self, token: str) -> Role | None:
        """Return what the token stands for, or None; takes as long for a wrong one as for a right one."""
        given = hashed(token)
        member = sum(hmac.compare_digest(given, known) for known in self.members)
        operator = hmac.compare_digest(given, self.operator)
        return Role.OPERATOR if operator else Role.MEMBER if member else None


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


@dataclass(slots=True)
class RateLimit:
    """A token bucket per caller; remembers the latest `callers` of them."""

    per_s: float
    burst: int
    clock: Callable[[], float]
    callers: int = 1_000
    _buckets: OrderedDict[bytes | str, _Bucket] = field(default_factory=OrderedDict)

    def take(self, caller: bytes | str) -> None:
        """Count one request of a caller.

        Raises ProblemError `too_many_requests` when the caller has used up its share for now.
        """
        now = self.clock()
        bucket = self._buckets.setdefault(caller, _Bucket(self.burst, now))
        self._buckets.move_to_end(caller)
        if len(self._buckets) > self.callers:
            self._buckets.popitem(last=False)
        bucket.left = min(self.burst, bucket.left + (now - bucket.at) * self.per_s)
        bucket.at = now
        if bucket.left < 1:
            raise ProblemError(
                "too_many_requests", "this is more than the node answers; wait a second", retry_after_s=1
            )
        bucket.left -= 1


def bearer(request: web.Request) -> str | None:
    """Return the token of a request, if it brings one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token else None


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets a request through, or says why not."""

    tokens: Tokens
    known: RateLimit
    unknown: RateLimit

    def role_of(self, request: web.Request) -> Role | None:
        """Return the role behind the request's token, counting the request against its limit."""
        token = bearer(request)
        role = self.tokens.role(token) if token is not None else None
        if role is None or token is None:
            self.unknown.take(request.remote or "")
        else:
            self.known.take(hashed(token))
        return role

    def protect(self, handler: Handler) -> Handler:
        """Return the handler behind the demand for a token of a member or the operator."""

        async def protected(request: web.Request) -> web.StreamResponse:
            if self.role_of(request) is None:
                raise ProblemError(
                    "unauthorized", "send an `Authorization: Bearer` header with this node's token"
                )
            return await handler(request)

        return protected
