"""A node that lies: a proxy in front of an honest one that tells another balance when it likes."""

import json
from contextlib import asynccontextmanager

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer


class LyingProxy:
    """Passes everything on but the events; `lie` is the balance (nano) it shows instead of the true one."""

    def __init__(self, url: str, session: ClientSession) -> None:
        self.node = url
        self.session = session
        self.lie: int | None = None
        self.strips_proofs = False

    async def handle(self, request: web.Request) -> web.Response:
        body, headers = await request.read(), {"Authorization": request.headers.get("Authorization", "")}
        async with self.session.request(
            request.method, self.node + str(request.rel_url), data=body, headers=headers
        ) as response:
            answer, status = await response.json(content_type=None), response.status
        if "/accounts/" in request.path and status == 200:
            self._falsify(answer)
        return web.Response(body=json.dumps(answer), status=status, content_type="application/json")

    def _falsify(self, answer: dict) -> None:
        row = answer.get("row", answer)
        if self.lie is not None:
            row |= {"balance": self.lie, "available": self.lie}
        if self.strips_proofs:
            answer["proof"] = None


@asynccontextmanager
async def lying_about(url: str):
    """Serve a proxy in front of a node on loopback; gives it, with its own address as `url`."""
    async with ClientSession() as session:
        proxy = LyingProxy(url, session)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", proxy.handle)
        async with TestServer(app) as server:
            proxy.url = f"http://127.0.0.1:{server.port}"
            yield proxy
