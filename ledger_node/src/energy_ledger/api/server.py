"""The HTTP server of a node: its paths, who may use them, and how answers are written."""

import time
from importlib import metadata, resources

import msgspec
from aiohttp import web

from energy_ledger.api import metrics, openapi, routes
from energy_ledger.api.auth import Guard, RateLimit, Tokens
from energy_ledger.api.documents import Document
from energy_ledger.api.events import EventStreams
from energy_ledger.api.paging import read_query
from energy_ledger.api.ports import Call, Node
from energy_ledger.api.problems import Handler, ProblemError, answer_problems
from energy_ledger.api.routes import Route

MAX_BODY_BYTES = 8 * 1024 * 1024
"""Longest body of a request."""
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'",
    "Cache-Control": "no-cache",
}
_FILE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
_STREAMS = web.AppKey("streams", EventStreams)


def make_app(node: Node, tokens: Tokens) -> web.Application:
    """Return the web application in front of a node; `tokens` may grow while it runs."""
    guard = Guard(
        tokens,
        known=RateLimit(per_s=200, burst=1_000, clock=time.monotonic),
        unknown=RateLimit(per_s=20, burst=100, clock=time.monotonic),
    )
    app = web.Application(middlewares=[answer_problems], client_max_size=MAX_BODY_BYTES)
    app[_STREAMS] = EventStreams()
    app.on_shutdown.append(_close_streams)
    for route in routes.ROUTES:
        app.router.add_route(route.method, route.path, _handler(route, node, guard))
    app.router.add_get(routes.OPENAPI_PATH, guard.protect(_openapi()))
    app.router.add_get(routes.METRICS_PATH, guard.protect(_metrics(node, app[_STREAMS])))
    app.router.add_get(routes.EVENTS_PATH, guard.protect(_events(node, app[_STREAMS])))
    app.router.add_get("/", _status_page())
    return app


async def _close_streams(app: web.Application) -> None:
    await app[_STREAMS].close()


def _handler(route: Route, node: Node, guard: Guard) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        role = None if route.free else guard.role_of(request)
        if role is None and not route.open:
            raise ProblemError(
                "unauthorized", "send an `Authorization: Bearer` header with this node's token"
            )
        key = request.match_info.get(route.key, "") if route.key else ""
        query = read_query(request.query, route.query)
        body = await request.read() if route.takes is not None else b""
        answer = await route.answer(Call(node, key, query, body, role))
        if isinstance(answer, Document):
            return _document(answer)
        return _json(answer, route.status(answer))

    return handle


def _document(document: Document) -> web.Response:
    return web.Response(
        body=document.body,
        headers={
            "Content-Type": document.content_type,
            "Content-Disposition": f'inline; filename="{document.name}"',
            **_FILE_HEADERS,
            **({} if document.next is None else {"Link": f'<?cursor={document.next}>; rel="next"'}),
        },
    )


def _json(answer: object, status: int) -> web.Response:
    return web.Response(body=msgspec.json.encode(answer), status=status, content_type="application/json")


def _openapi() -> Handler:
    description = msgspec.json.encode(openapi.describe(metadata.version("energy-ledger")))

    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(body=description, content_type="application/json")

    return handle


def _metrics(node: Node, streams: EventStreams) -> Handler:
    async def handle(_: web.Request) -> web.StreamResponse:
        text = metrics.render({**node.metrics(), "event_streams": len(streams)})
        return web.Response(text=text, content_type="text/plain", charset="utf-8")

    return handle


def _events(node: Node, streams: EventStreams) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await streams.serve(request, node.events)

    return handle


def _status_page() -> Handler:
    page = resources.files("energy_ledger.api").joinpath("status.html").read_text(encoding="utf-8")

    async def handle(_: web.Request) -> web.StreamResponse:
        return web.Response(text=page, content_type="text/html", headers=_PAGE_HEADERS)

    return handle
