"""A Supervisor that speaks the discovery part of the real one's protocol, for the tests."""

import uuid
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

TOKEN = "the token of this app"


def _error(message: str, status: int = 400) -> web.Response:
    return web.json_response({"result": "error", "message": message}, status=status)


@dataclass
class FakeSupervisor:
    """What the Supervisor knows of one app, and the messages that the app sent.

    `busy` answers are given as the real one gives them while it starts; `broken` ones are no JSON at all.
    """

    discovery: list[str] = field(default_factory=lambda: ["energy_marketplace"])
    busy: int = 0
    broken: int = 0
    kept: dict[str, dict] = field(default_factory=dict)
    told: list[dict] = field(default_factory=list)
    requests: int = 0
    ports: dict[str, int | None] = field(default_factory=lambda: {"8710/tcp": None, "8711/tcp": 8711})
    address: str = "192.0.2.7"

    def server(self) -> TestServer:
        app = web.Application()
        app.router.add_post("/discovery", self._set_discovery)
        app.router.add_get("/addons/self/info", self._get_info)
        app.router.add_get("/network/info", self._get_network)
        return TestServer(app)

    async def _get_info(self, request: web.Request) -> web.Response:
        return web.json_response({"result": "ok", "data": {"network": self.ports, "hostname": "app"}})

    async def _get_network(self, request: web.Request) -> web.Response:
        lan = {"interface": "end0", "primary": True, "ipv4": {"address": [f"{self.address}/24"]}}
        wlan = {"interface": "wlan0", "primary": False, "ipv4": {"address": []}}
        return web.json_response({"result": "ok", "data": {"interfaces": [wlan, lan]}})

    async def _set_discovery(self, request: web.Request) -> web.Response:
        self.requests += 1
        if self.busy:
            self.busy -= 1
            return _error("System is not ready with state: setup")
        if self.broken:
            self.broken -= 1
            return web.Response(text="502: Bad Gateway", status=502)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not token:
            raise web.HTTPUnauthorized
        if (scheme, token) != ("Bearer", TOKEN):
            raise web.HTTPForbidden
        return self._take(await request.json())

    def _take(self, body: dict) -> web.Response:
        if set(body) != {"service", "config"} or not isinstance(body["config"], dict):
            return _error("extra keys not allowed or required key not provided")
        if body["service"] not in self.discovery:
            return _error("Apps must list services they provide via discovery in their config!", 403)
        message = {"uuid": uuid.uuid4().hex, **self.kept.get(body["service"], {})}
        if message.get("config") != body["config"]:
            message |= body
            self.kept[body["service"]] = message
            self.told.append(message)
        return web.json_response({"result": "ok", "data": {"uuid": message["uuid"]}})
