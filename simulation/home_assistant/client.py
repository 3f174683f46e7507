"""Speaks to a running Home Assistant over its REST and WebSocket APIs."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse

type Json = dict[str, Any]


class HomeAssistantError(RuntimeError):
    """Home Assistant refused something; the message says what and why."""


@dataclass(frozen=True)
class User:
    """The person who is onboarded."""

    name: str
    username: str
    password: str
    language: str = "en"


@dataclass
class HomeAssistant:
    """A client with the rights of the onboarded user, once ``onboard`` has run."""

    url: str
    session: ClientSession
    token: str = ""
    _socket: ClientWebSocketResponse | None = None
    _last_id: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def is_up(self) -> bool:
        """Tell whether the HTTP server answers."""
        with contextlib.suppress(ClientError, TimeoutError):
            async with self.session.get(f"{self.url}/api/onboarding") as response:
                return response.status == 200
        return False

    async def is_running(self) -> bool:
        """Tell whether everything is set up."""
        return bool((await self.get("/api/config"))["state"] == "RUNNING")

    async def onboard(self, user: User) -> Self:
        """Create the first user, finish the onboarding and log in; what is left to ask is answered too."""
        identity: Json = {"client_id": f"{self.url}/"}
        person = {
            "name": user.name,
            "username": user.username,
            "password": user.password,
            "language": user.language,
        }
        code = await self.post("/api/onboarding/users", identity | person)
        form = identity | {"grant_type": "authorization_code", "code": code["auth_code"]}
        async with self.session.post(f"{self.url}/auth/token", data=form) as response:
            self.token = (await response.json())["access_token"]
        await self.post("/api/onboarding/analytics", {})
        await self.post("/api/onboarding/integration", identity | {"redirect_uri": f"{self.url}/"})
        self.token = await self.command("auth/long_lived_access_token", client_name="demo", lifespan=1)
        return self

    async def get(self, path: str, **query: str) -> Any:
        """GET a path of the REST API."""
        return await self._request("GET", path, params=query)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """POST to a path of the REST API."""
        return await self._request("POST", path, json=body)

    async def delete(self, path: str) -> Any:
        """DELETE a path of the REST API."""
        return await self._request("DELETE", path)

    async def call(self, action: str, data: Mapping[str, Any], *, answers: bool = False) -> Any:
        """Perform an action such as ``switch.turn_on``; with ``answers`` return what it answered."""
        query = "?return_response" if answers else ""
        result = await self.post(f"/api/services/{action.replace('.', '/')}{query}", data)
        return result["service_response"] if answers else None

    async def command(self, kind: str, **fields: Any) -> Any:
        """Send one WebSocket command and return its result."""
        async with self._lock:
            socket = await self._connected()
            self._last_id += 1
            await socket.send_json({"id": self._last_id, "type": kind, **fields})
            while (message := await socket.receive_json()).get("id") != self._last_id:
                pass
        if not message["success"]:
            raise HomeAssistantError(f"{kind}: {message['error']['message']}")
        return message["result"]

    async def close(self) -> None:
        """Close the WebSocket, if one is open."""
        if self._socket:
            await self._socket.close()

    async def _request(self, method: str, path: str, **arguments: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.session.request(method, self.url + path, headers=headers, **arguments) as response:
            if response.status >= 400:
                raise HomeAssistantError(f"{method} {path}: {response.status} {await response.text()}")
            return await response.json()

    async def _connected(self) -> ClientWebSocketResponse:
        if self._socket is None or self._socket.closed:
            self._socket = await self.session.ws_connect(f"{self.url}/api/websocket", max_msg_size=0)
            await self._socket.receive_json()
            await self._socket.send_json({"type": "auth", "access_token": self.token})
            if (answer := await self._socket.receive_json())["type"] != "auth_ok":
                raise HomeAssistantError(f"the WebSocket refused the token: {answer}")
        return self._socket
