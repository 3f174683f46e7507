"""A tiny client of a node for tests: JSON in, JSON out, nothing hidden."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

from aiohttp import ClientSession, ClientTimeout

from tests.support.node import NodeProcess
from tests.support.people import Person, genesis, invite_to


class Client:
    """Speaks to one node with one token."""

    def __init__(self, session: ClientSession, url: str, token: str | None = None) -> None:
        self.session = session
        self.url = url
        self.token = token

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def with_token(self, token: str) -> Client:
        return Client(self.session, self.url, token)

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        """Return status and JSON of a request; a body of bytes is sent as it is."""
        content = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with self.session.request(
            method,
            self.url + path,
            params=query,
            headers=self.headers,
            **(content if body is not None else {}),
        ) as response:
            return response.status, await response.json(content_type=None)

    async def get(self, path: str, **query: Any) -> Any:
        """Return what a path answers, which must be well."""
        status, body = await self.call("GET", path, **query)
        assert status == 200, body
        return body

    async def submit(self, envelopes: Any) -> Any:
        """Return what became of an envelope, or of a list of them."""
        status, body = await self.call("POST", "/v1/transactions", envelopes)
        assert status == 200, body
        return body

    async def must(self, envelope: Any) -> str:
        """Submit an envelope that must be applied, and return the transaction's id."""
        answer = await self.submit(envelope)
        assert answer["accepted"], answer
        assert answer["state"] == "applied", answer
        return str(answer["id"])


@asynccontextmanager
async def client_of(node: NodeProcess, token: str | None = None) -> AsyncIterator[Client]:
    """Give a client of a node; without a token it takes the node's setup token."""
    async with ClientSession(timeout=ClientTimeout(total=30)) as session:
        yield Client(session, node.url, token or node.setup_token)


class Street:
    """A founded network on a node, and the people in it."""

    def __init__(self, client: Client, founder: Person) -> None:
        self.client = client
        self.founder = founder

    @classmethod
    async def found(cls, node: NodeProcess, client: Client, **changes: Any) -> Self:
        """Found a network on an empty node; the client speaks with the founder's token afterwards."""
        founder = Person("Ada")
        state = await client.get("/v1/setup")
        status, answer = await client.call(
            "POST", "/v1/setup", {"found": genesis(founder, state["node_key"], **changes)}
        )
        assert status == 200, answer
        assert answer["network"] == founder.network
        return cls(client.with_token(answer["token"]), founder)

    async def joins(self, name: str, money: int = 0) -> Person:
        """Let somebody join, and give her money."""
        person = Person(name)
        await self.client.must(person.joins(invite_to(self.founder, name)))
        if money:
            issue = {"to": person.address, "amount": money, "reference": "a test"}
            await self.client.must(self.founder.sign("voucher.issue", **issue))
        return person
