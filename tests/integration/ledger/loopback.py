"""A node's HTTP interface on loopback that answers what a test tells it to, over real sockets."""

from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from custom_components.energy_marketplace.ledger.client import NodeClient

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler, token: str | None = "secret"):
    """Serve every path by one handler; gives a client of it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server, ClientSession() as session:
        yield NodeClient(session, str(server.make_url("/")), token)


def problem(status: int, **fields) -> web.Response:
    """Return a problem+json answer."""
    body = {"type": "about:blank", "title": "No", "status": status, **fields}
    return web.json_response(body, status=status, content_type="application/problem+json")
