"""Client of a ledger node's HTTP interface: one typed method per path of docs/protocol.md.

Everything that can go wrong ends in one of four errors, so that callers decide by kind and not by text.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    ClientWSTimeout,
)
from yarl import URL

from . import answers
from .answers import AnswerError, Page, Submission
from .digests import canonical
from .transactions import Envelope

REQUEST_TIMEOUT_S = 15
SUBMIT_TIMEOUT_S = 30
"""Longer than the ten seconds that a node waits for the order of a transaction."""

_TRIES_WHEN_BUSY = 4
_LONGEST_WAIT_S = 5.0
SILENCE_S = 65
"""A stream on which not even the node's pings (every 20 seconds) arrive for so long is dead."""
_WEBSOCKET_TIMEOUT = ClientWSTimeout(ws_receive=SILENCE_S, ws_close=2)
_MAX_MESSAGE = 4 * 1024 * 1024


class NodeError(Exception):
    """Something between this member and its node."""


class NodeUnreachableError(NodeError):
    """No answer: the address is wrong, the node is off, or the network is down."""


class NotAuthorizedError(NodeError):
    """The node does not accept the token."""


class RefusedError(NodeError):
    """The node refused: `code` as docs/protocol.md lists, `field` the place, `message` for a person."""

    def __init__(self, code: str, field: str | None, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.field = field
        self.message = message


class CursorUnknownError(NodeError):
    """The node does not know the events after the cursor: it was restored, or began later."""


class NodeProblemError(NodeError):
    """The node answered, but not as a healthy node of this protocol does."""


class NodeClient:
    """A node's HTTP interface under one address and token.

    Args:
        session: an aiohttp session; whoever made it closes it.
        url: the node's address, with or without `/v1`.
        token: bearer token; None only suffices for `health` and for joining.

    """

    def __init__(self, session: ClientSession, url: str, token: str | None = None) -> None:
        self._session = session
        self._base = _base(url)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    @property
    def url(self) -> str:
        """The node's address, without `/v1`."""
        return str(self._base)

    def with_token(self, token: str) -> NodeClient:
        """Return a client of the same node with another token."""
        return NodeClient(self._session, self.url, token)

    async def health(self) -> answers.Health:
        """Return whether the node works; a stopped node answers too."""
        status, body = await self._call("GET", "health", path_base=self._base)
        if status not in (200, 503):
            raise _error(status, body)
        return _read(answers.Health, body)

    async def setup_state(self) -> answers.SetupState:
        """Return whether the node already belongs to a network."""
        return _read(answers.SetupState, await self._get("setup"))

    async def found(self, genesis: Envelope) -> answers.SetupDone:
        """Found a network on an empty node; the client's token must be the setup token."""
        return _read(answers.SetupDone, await self._post("setup", {"found": genesis.as_dict()}))

    async def join(self, invite: str) -> answers.SetupDone:
        """Get access to the network of an invite text; needs no token."""
        return _read(answers.SetupDone, await self._post("setup", {"join": invite}))

    async def network(self) -> answers.Network:
        """Return the network: its parameters, its totals, how the node is."""
        return _read(answers.Network, await self._get("network")).with_later_tariffs()

    async def account(self, address: str) -> answers.Account:
        """Return an account; `RefusedError` with `unknown_account` when there is none."""
        return _read(answers.Account, await self._get(f"accounts/{address}"))

    async def accounts(self, *, key: str | None = None, status: str | None = None) -> list[answers.Account]:
        """Return all accounts that fit; `key` is a present Ed25519 key (hex)."""
        return await self._all(answers.Account, "accounts", key=key, status=status)

    async def proven_account(self, address: str) -> answers.ProvenRow:
        """Return an account's row with its proof, not yet checked; errors as `account`."""
        return _read(answers.ProvenRow, await self._get(f"accounts/{address}", proof=1))

    async def committee(self, epoch: int) -> answers.CommitteeChange:
        """Return how the committee of an epoch after the first was voted in, not yet checked."""
        return _read(answers.CommitteeChange, await self._get(f"committees/{epoch}"))

    async def asset(self, asset: str) -> answers.Asset:
        """Return an asset."""
        return _read(answers.Asset, await self._get(f"assets/{asset}"))

    async def assets(self, *, account: str | None = None) -> list[answers.Asset]:
        """Return all assets, of one account if it is given."""
        return await self._all(answers.Asset, "assets", account=account)

    async def audit(self, asset: str, *, limit: int = 100, cursor: str | None = None) -> Page[answers.Event]:
        """Return one page of the events that concern an asset, oldest first."""
        return await self._page(answers.Event, f"assets/{asset}/audit", limit=limit, cursor=cursor)

    async def proven_audit(self, asset: str, *, cursor: str | None = None) -> answers.AuditPage:
        """Return a page of an asset's events with the proof of all of them, not yet checked."""
        body = await self._get(f"assets/{asset}/audit", proof=1, limit=500, cursor=cursor)
        return _read(answers.AuditPage, body)

    async def exported_audit(self, asset: str) -> str:
        """Return an asset's whole log as the text of a file that proves itself."""
        return canonical(await self._get(f"assets/{asset}/audit", export=1))

    async def order(self, order: str) -> answers.PlacedOrder:
        """Return an order."""
        return _read(answers.PlacedOrder, await self._get(f"orders/{order}"))

    async def orders(
        self, *, account: str | None = None, asset: str | None = None, state: str | None = None
    ) -> list[answers.PlacedOrder]:
        """Return all orders that fit."""
        return await self._all(answers.PlacedOrder, "orders", account=account, asset=asset, state=state)

    async def trade(self, trade: str) -> answers.Trade:
        """Return a trade."""
        return _read(answers.Trade, await self._get(f"trades/{trade}"))

    async def trades(
        self,
        *,
        account: str | None = None,
        asset: str | None = None,
        order: str | None = None,
        slot: int | None = None,
        state: str | None = None,
    ) -> list[answers.Trade]:
        """Return all trades that fit."""
        return await self._all(
            answers.Trade, "trades", account=account, asset=asset, order=order, slot=slot, state=state
        )

    async def rounds(self, *, limit: int = 100, cursor: str | None = None) -> Page[answers.MarketRound]:
        """Return one page of rounds, as the node orders them."""
        return await self._page(answers.MarketRound, "rounds", limit=limit, cursor=cursor)

    async def round(self, number: int) -> answers.MarketRound:
        """Return a round with its prices."""
        return _read(answers.MarketRound, await self._get(f"rounds/{number}"))

    async def slot(self, slot: int) -> answers.SlotSummary:
        """Return what the market made of a slot."""
        return _read(answers.SlotSummary, await self._get(f"slots/{slot}"))

    async def statement(
        self, address: str, *, since: int | None = None, until: int | None = None
    ) -> Mapping[str, Any]:
        """Return what moved an account's money between two times (ms), as docs/protocol.md says."""
        return self._object(
            await self._get(f"accounts/{address}/statement", **{"from": since, "until": until})
        )

    async def district(self, first: int, end: int) -> Mapping[str, Any]:
        """Return how the district did in the days [first, end), counted since the epoch (UTC)."""
        return self._object(await self._get("district", **{"from": first, "until": end}))

    async def feeders(self, first: int, end: int) -> list[Mapping[str, Any]]:
        """Return how the feeders' own meters compare with their members in the days [first, end)."""
        body = await self._get("feeders", **{"from": first, "until": end})
        if not isinstance(body, list):
            raise NodeProblemError("the node answered no list of feeders")
        return [self._object(item) for item in body]

    async def certificates(
        self,
        *,
        holder: str | None = None,
        asset: str | None = None,
        consumer: str | None = None,
        state: str | None = None,
    ) -> list[Mapping[str, Any]]:
        """Return the certificates that fit; `consumer` is the asset whose use they were cancelled for."""
        return await self._rows("certificates", holder=holder, asset=asset, consumer=consumer, state=state)

    async def green(
        self, *, account: str | None, asset: str | None, first: int, end: int
    ) -> Mapping[str, Any]:
        """Return how much of what an account or asset bought in slots [first, end) was certified."""
        return self._object(
            await self._get("green", account=account, asset=asset, **{"from": first, "until": end})
        )

    async def redemptions(
        self, *, account: str | None = None, state: str | None = None
    ) -> list[Mapping[str, Any]]:
        """Return who asked for real money against the ledger's."""
        return await self._rows("redemptions", account=account, state=state)

    async def flexibility(
        self, *, account: str | None = None, slot: int | None = None
    ) -> list[Mapping[str, Any]]:
        """Return the energy that members announced and did not order yet."""
        return await self._rows("flexibility", account=account, slot=slot)

    async def readings(
        self, *, asset: str | None = None, slot: int | None = None
    ) -> list[answers.AttestedReading]:
        """Return the attested readings that fit."""
        return await self._all(answers.AttestedReading, "readings", asset=asset, slot=slot)

    async def transaction(self, transaction: str) -> answers.TransactionStatus:
        """Return what became of a transaction."""
        return _read(answers.TransactionStatus, await self._get(f"transactions/{transaction}"))

    async def submit(self, envelope: Envelope) -> Submission:
        """Submit a transaction; a refusal is an answer here, not an error."""
        body = await self._post("transactions", envelope.as_dict(), timeout_s=SUBMIT_TIMEOUT_S)
        return _read(Submission, body)

    async def submit_all(self, envelopes: Sequence[Envelope]) -> list[Submission]:
        """Submit up to 1,000 transactions; answers come in the same order."""
        body = await self._post(
            "transactions", [envelope.as_dict() for envelope in envelopes], timeout_s=SUBMIT_TIMEOUT_S
        )
        if not isinstance(body, list) or len(body) != len(envelopes):
            raise NodeProblemError("the node answered something else than one result per transaction")
        return [_read(Submission, item) for item in body]

    async def events(
        self,
        *,
        cursor: int | None = None,
        account: str | None = None,
        asset: str | None = None,
        types: Sequence[str] = (),
    ) -> ClientWebSocketResponse:
        """Open the stream of events; `events.EventFollower` is the comfortable way."""
        query = _query(cursor=cursor, account=account, asset=asset, types=",".join(types) or None)
        try:
            return await self._session.ws_connect(
                self._base / "v1" / "events",
                params=query,
                headers=self._headers,
                timeout=_WEBSOCKET_TIMEOUT,
                max_msg_size=_MAX_MESSAGE,
            )
        except (ClientError, TimeoutError, OSError) as error:
            status = getattr(error, "status", None)
            if status in (401, 403):
                raise NotAuthorizedError("the node does not accept the token") from error
            if status == 410:
                raise CursorUnknownError("the node does not know the events after the cursor") from error
            if status is not None:
                raise NodeProblemError(f"the node refuses the stream of events (status {status})") from error
            raise NodeUnreachableError(f"no stream of events from {self.url}: {error}") from error

    async def _get(self, path: str, **query: str | int | None) -> object:
        return _good(*await self._call("GET", path, query=_query(**query)))

    async def _post(self, path: str, body: object, *, timeout_s: float = REQUEST_TIMEOUT_S) -> object:
        return _good(*await self._call("POST", path, json=body, timeout_s=timeout_s))

    async def _page[T](self, kind: type[T], path: str, **query: str | int | None) -> Page[T]:
        body = await self._get(path, **query)
        if not isinstance(body, Mapping) or not isinstance(body.get("items"), list):
            raise NodeProblemError(f"the node answered no list for {path}")
        return Page(tuple(_read(kind, item) for item in body["items"]), body.get("next"))

    async def _all[T](self, kind: type[T], path: str, **query: str | int | None) -> list[T]:
        return [item async for item in self._each(kind, path, **query)]

    async def _rows(self, path: str, **query: str | int | None) -> list[Mapping[str, Any]]:
        """Return all rows of a list, as the node tells them."""
        rows: list[Mapping[str, Any]] = []
        cursor: str | None = None
        while True:
            body = self._object(await self._get(path, limit=500, cursor=cursor, **query))
            rows += [self._object(item) for item in body.get("items", ())]
            if (cursor := body.get("next")) is None:
                return rows

    @staticmethod
    def _object(body: object) -> Mapping[str, Any]:
        if not isinstance(body, Mapping):
            raise NodeProblemError("the node's answer is not an object")
        return body

    async def _each[T](self, kind: type[T], path: str, **query: str | int | None) -> AsyncIterator[T]:
        cursor: str | None = None
        while True:
            page = await self._page(kind, path, limit=500, cursor=cursor, **query)
            for item in page.items:
                yield item
            if (cursor := page.next) is None:
                return

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        json: object = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
        path_base: URL | None = None,
    ) -> tuple[int, object]:
        """Return status and JSON body of one request; a busy node is asked again when it says."""
        url = (path_base or self._base / "v1").joinpath(*path.split("/"))
        timeout = ClientTimeout(total=timeout_s)
        for patience in reversed(range(_TRIES_WHEN_BUSY)):
            try:
                async with self._session.request(
                    method, url, params=query, json=json, headers=self._headers, timeout=timeout
                ) as response:
                    if response.status != 429 or not patience:
                        return response.status, await _body(response)
                    wait_s = _retry_after_s(response)
            except (ClientError, TimeoutError, OSError) as error:
                reason = str(error) or type(error).__name__
                raise NodeUnreachableError(f"no answer from {self.url}: {reason}") from error
            await asyncio.sleep(wait_s)
        raise AssertionError("the last attempt returns or raises")


def _retry_after_s(response: ClientResponse) -> float:
    """Return how many seconds a busy node wants to be left alone."""
    wanted = response.headers.get("Retry-After", "")
    return min(float(wanted), _LONGEST_WAIT_S) if wanted.isdecimal() else 1.0


async def _body(response: ClientResponse) -> object:
    try:
        return await response.json(content_type=None)
    except (ValueError, RecursionError) as error:
        if response.status == 401:
            return None
        raise NodeProblemError(
            f"{response.url.origin()} is not a ledger node: it answers no JSON (status {response.status})"
        ) from error


def _good(status: int, body: object) -> object:
    if status >= 400:
        raise _error(status, body)
    return body


def _error(status: int, body: object) -> NodeError:
    """Return the error that a problem+json answer stands for."""
    problem = body if isinstance(body, Mapping) else {}
    message = str(problem.get("detail") or problem.get("title") or f"the node answered with status {status}")
    if status == 401:
        return NotAuthorizedError(message)
    code = problem.get("code")
    if status < 500 and isinstance(code, str):
        field = problem.get("field")
        return RefusedError(code, field if isinstance(field, str) else None, message, status=status)
    return NodeProblemError(message)


def _read[T](kind: type[T], body: object) -> T:
    try:
        return answers.read(kind, body)
    except AnswerError as error:
        raise NodeProblemError(f"the node's answer does not fit the protocol: {error}") from error


def _query(**values: str | int | None) -> dict[str, str]:
    return {key: str(value) for key, value in values.items() if value is not None}


def _base(url: str) -> URL:
    """Return a node's address without trailing `/v1`; raises ValueError when it is no http address."""
    base = URL(url.strip().rstrip("/").removesuffix("/v1"))
    if base.scheme not in ("http", "https") or not base.host:
        raise ValueError(f"{url!r} is not an address: it looks like http://192.168.1.20:8710")
    return base
