"""A ledger node for the tests of the Home Assistant part, over real sockets.

It keeps what members submit and answers the paths of docs/protocol.md from it, takes everything for good
unless told otherwise, and pushes the events that a test writes. What a real node makes of it, the main path
shows.
"""

import asyncio
import json
from contextlib import asynccontextmanager

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer
from nacl.signing import SigningKey

from custom_components.energy_marketplace.ledger import genesis, invite
from custom_components.energy_marketplace.ledger.address import Address
from custom_components.energy_marketplace.ledger.audit import chain
from custom_components.energy_marketplace.ledger.digests import digest
from custom_components.energy_marketplace.ledger.genesis import GenesisOptions
from custom_components.energy_marketplace.ledger.transactions import Envelope
from custom_components.energy_marketplace.ledger.wallet import PublicKey, Wallet, account_of, sign

FOUNDER_PHRASE = " ".join(["abandon"] * 23 + ["art"])
SETUP_TOKEN = "setup-token"
TOKEN = "member-token"
_NODE = SigningKey(b"n" * 32)
NODE_KEY = _NODE.verify_key.encode().hex()


class StandIn:
    """The node's memory; tests change it at will."""

    def __init__(
        self, *, empty: bool = False, slot_s: int = 900, readings: str = "traded", feeders=()
    ) -> None:
        self.founder = Wallet.from_phrase(FOUNDER_PHRASE)
        self.tokens = {SETUP_TOKEN, TOKEN}
        self.refuse: dict[str, tuple[str, str]] = {}
        self.refuse_once: dict[str, tuple[str, str]] = {}
        self.lose_answers: tuple[str, ...] = ()
        self.accounts: dict[str, dict] = {}
        self.assets: dict[str, dict] = {}
        self.orders: dict[str, dict] = {}
        self.trades: dict[str, dict] = {}
        self.readings: list[dict] = []
        self.prices: dict[int, dict] = {}
        self.rounds: list[dict] = []
        self.district: dict = {}
        self.green: dict = {"consumed_wh": 0, "green_wh": 0}
        self.asked_green: list[dict] = []
        self.answers: dict[str, object] = {}
        self.network_more: dict[str, object] = {}
        self.rounds: list[dict] = []
        self.events: list[dict] = []
        self.submitted: list[dict] = []
        self.known: dict[str, dict] = {}
        self.time = 1_800_000_000_000
        self.proves = True
        self.genesis: Envelope | None = None
        self.news = asyncio.Condition()
        self.sockets: set[web.WebSocketResponse] = set()
        if not empty:
            options = GenesisOptions(
                name="Sunny Street",
                founder_name="Ada",
                test=True,
                slot_s=slot_s,
                readings=readings,
                feeders=feeders,
            )
            self._found(genesis.build(options, self.founder, node_key=NODE_KEY, created=self.time))

    @property
    def network(self) -> str:
        return genesis.network_id(self.genesis)

    @property
    def rules(self) -> dict:
        return json.loads(self.genesis.payload)

    def invite(self, url: str, expires: int | None = None) -> str:
        made = invite.make(
            self.founder,
            network=self.network,
            name="Sunny Street",
            inviter=self.founder.address(test=True),
            expires=expires or self.time + 1_000_000,
            nodes=(url,),
        )
        return made.text()

    def account(self, address: str, name: str, **more) -> dict:
        row = {
            "account": address,
            "name": name,
            "status": "active",
            "roles": [],
            "keys": [],
            "balance": 0,
            "held": 0,
            "credit": 0,
            "available": 0,
            "sequence": 0,
            "commit": 1,
            "time": self.time,
            **more,
        }
        self.accounts[address] = row
        return row

    async def push(self, type_: str, data: dict, accounts: tuple = (), assets: tuple = ()) -> None:
        event = {
            "cursor": len(self.events) + 1,
            "commit": 1,
            "time": self.time,
            "type": type_,
            "accounts": list(accounts),
            "assets": list(assets),
            "transaction": None,
            "data": data,
        }
        async with self.news:
            self.events.append(event)
            self.news.notify_all()

    async def push_trade(self, trade: dict) -> None:
        self.trades[trade["id"]] = trade
        if trade["state"] == "matched":
            for own, sells in (("seller", True), ("buyer", False)):
                await self.push("trades.matched", order_matches([trade], sells=sells), (trade[own],))
            return
        accounts = (trade["seller"], trade["buyer"])
        await self.push(f"trade.{trade['state']}", trade, accounts, (trade["sell_asset"], trade["buy_asset"]))

    async def hang_up(self) -> None:
        for socket in list(self.sockets):
            await socket.close()

    def _found(self, envelope: Envelope) -> None:
        if self.genesis == envelope:
            return
        assert self.genesis is None, "another network was founded here"
        self.genesis = envelope
        founded = genesis.verify(envelope)
        name = self.rules["founder"]["name"]
        self.account(founded.founder, name, roles=["founder", "treasurer"], keys=founded.founder_keys)

    # -- HTTP -----------------------------------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path.strip("/").split("/")
        if path == ["health"]:
            return web.json_response({"status": "ok", "version": "1"})
        joining = path == ["v1", "setup"] and request.method == "POST"
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not joining and token not in self.tokens:
            return problem(401, "unauthorized", "wrong token")
        if path[0] != "v1":
            return problem(404, "not_found", "nothing here")
        if (fixed := self.answers.get("/".join(path[1:]))) is not None:
            return web.json_response(fixed)
        answer = getattr(self, f"_{request.method.lower()}_{path[1]}", None)
        if answer is None:
            return problem(404, "not_found", "nothing here")
        return await answer(request, path[2:])

    async def _get_setup(self, request, rest):
        state = "ready" if self.genesis else "empty"
        network = self.network if self.genesis else None
        return web.json_response({"state": state, "node_key": NODE_KEY, "network": network})

    async def _post_setup(self, request, rest):
        body = await request.json()
        if "found" in body:
            self._found(Envelope.from_dict(body["found"]))
            if "found" in self.lose_answers:
                request.transport.abort()
        elif "invite" in self.refuse:
            return problem(403, *self.refuse["invite"])
        self.tokens |= {TOKEN}
        return web.json_response({"network": self.network, "genesis": self.genesis.as_dict(), "token": TOKEN})

    async def _get_network(self, request, rest):
        rules = self.rules
        times = ("slot_s", "horizon_slots", "round_s", "proposal_window_s", "gate_s", "grace_slots")
        return web.json_response(
            {
                "network": self.network,
                "name": rules["name"],
                "currency": rules["currency"],
                "test": rules["test"],
                "genesis": self.genesis.as_dict(),
                "parameters": {key: rules[key] for key in (*times, "readings", "approval")},
                "tariff": rules["tariff"],
                "feeders": rules["feeders"],
                "committee": rules["committee"],
                "commit": 1,
                "time": self.time,
                "state_root": "00" * 32,
                "members": len(self.accounts),
                "money": {"issued": 0, "balances": 0, "held": 0, "community": 0},
                "round": None,
                "in_sync": True,
                "problem": None,
                **self.network_more,
            }
        )

    async def _get_accounts(self, request, rest):
        if not rest and "key" not in request.query:
            return web.json_response({"items": list(self.accounts.values()), "next": None})
        if not rest:
            key = PublicKey(type="ed25519", public=request.query["key"])
            row = self.accounts.get(str(Address(account_of([key]), self.rules["test"])))
            return web.json_response({"items": [row] if row else [], "next": None})
        row = self.accounts.get(rest[0])
        if row is None:
            return problem(404, "unknown_account", "no such account")
        return web.json_response(self.proven(row) if request.query.get("proof") == "1" else row)

    def proven(self, row: dict, key: str = "") -> dict:
        """Return a row, an account's unless told otherwise, with the proof of a ledger that has no other."""
        key = key or f"account/{row['account']}"
        value = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        root = digest("leaf", key.encode() + b"\x00" + value.encode())
        numbers = b"".join(number.to_bytes(8) for number in (0, 1, self.time))
        vote = sign(_NODE, "state", bytes.fromhex(self.network) + numbers + root + bytes(32))
        proof = {"key": key, "path": [], "epoch": 0, "commit": 1, "time": self.time, "root": root.hex()}
        proof["leader"] = bytes(32).hex()
        votes = [{"validator": 0, "signature": vote}]
        return {"row": row, "proof": proof | {"votes": votes} if self.proves else None}

    async def _get_assets(self, request, rest):
        if rest[1:] == ["audit"]:
            events = [event for event in self.events if rest[0] in event["assets"]]
            if request.query.get("proof") == "1":
                return web.json_response(self._proven_audit(rest[0], events))
            if request.query.get("export") == "1":
                return web.json_response({"zebra": "☀", "asset": rest[0]})
            return web.json_response({"items": events[: int(request.query["limit"])], "next": None})
        return self._list(self.assets.values(), request)

    def _proven_audit(self, asset: str, events: list[dict]) -> dict:
        row = {"asset": asset, "commit": 1, "count": len(events), "digest": chain(asset, events)}
        items = [event | {"block": None} for event in events]
        return {"items": items, "next": None} | self.proven(row, f"audit/{asset}")

    async def _get_orders(self, request, rest):
        return self._list(self.orders.values(), request)

    async def _get_trades(self, request, rest):
        if rest:
            row = self.trades.get(rest[0])
            return web.json_response(row) if row else problem(404, "not_found", "no such trade")
        account, query = request.query.get("account"), request.query
        rows = [
            trade
            for trade in self.trades.values()
            if account in (None, trade["seller"], trade["buyer"])
            and query.get("asset") in (None, trade["sell_asset"], trade["buy_asset"])
            and query.get("state") in (None, trade["state"])
        ]
        return web.json_response({"items": rows, "next": None})

    async def _get_green(self, request, rest):
        self.asked_green.append(dict(request.query))
        return web.json_response({"by_source": {}, "by_asset": {}, **self.green})

    async def _get_district(self, request, rest):
        span = {"from_day": int(request.query["from"]), "until_day": int(request.query["until"])}
        return web.json_response(self.district | span)

    async def _get_feeders(self, request, rest):
        return web.json_response([{"feeder": "north", "day": int(request.query["from"])}])

    async def _get_rounds(self, request, rest):
        return web.json_response({"items": self.rounds, "next": None})

    async def _get_readings(self, request, rest):
        rows = [row for row in self.readings if str(row["slot"]) == request.query.get("slot")]
        return web.json_response({"items": rows, "next": None})

    async def _get_slots(self, request, rest):
        slot, length = int(rest[0]), self.rules["slot_s"] * 1000
        return web.json_response(
            {
                "slot": slot,
                "start": slot * length,
                "end": (slot + 1) * length,
                "prices": self.prices.get(slot, {}),
                "volume_wh": 0,
                "trades": 0,
            }
        )

    async def _get_rounds(self, request, rest):
        if rest:
            return web.json_response(next(row for row in self.rounds if str(row["round"]) == rest[0]))
        return web.json_response({"items": self.rounds, "next": None})

    async def _get_transactions(self, request, rest):
        known = self.known.get(rest[0])
        return web.json_response(known) if known else problem(404, "not_found", "never seen")

    async def _post_transactions(self, request, rest):
        body = await request.json()
        envelope = Envelope.from_dict(body)
        payload = json.loads(envelope.payload)
        kind = payload["kind"]
        if refusal := self.refuse_once.pop(kind, None) or self.refuse.get(kind):
            code, message = refusal
            return web.json_response(
                {
                    "accepted": True,
                    "id": envelope.id,
                    "state": "refused",
                    "code": code,
                    "field": None,
                    "message": message,
                }
            )
        self.submitted.append(payload)
        await self._apply(envelope.id, payload)
        if kind in self.lose_answers:
            request.transport.abort()
        return web.json_response({"accepted": True, "id": envelope.id, "state": "applied", "commit": 1})

    async def _apply(self, identity: str, payload: dict) -> None:
        account = payload["account"]
        match payload["kind"]:
            case "member.join":
                self.account(account, payload["name"], keys=payload["keys"])
            case "key.rotate":
                self.accounts[account]["keys"] = payload["keys"]
            case "asset.register":
                told = {key: payload.get(key) for key in ("technology", "commissioned", "location")}
                fields = (
                    "account",
                    "asset_type",
                    "name",
                    "rated_import_w",
                    "rated_export_w",
                    "behind",
                    "feeder",
                    "source",
                )
                self.assets[identity] = {
                    "id": identity,
                    "commit": 1,
                    **told,
                    **{f: payload[f] for f in fields},
                }
            case "asset.update":
                changes = {
                    k: v for k, v in payload.items() if k in self.assets[payload["asset"]] and k != "account"
                }
                self.assets[payload["asset"]] |= changes
            case "asset.retire":
                row = self.assets.get(payload["asset"], {}) | {"id": payload["asset"], "state": "retired"}
                await self.push("asset.retired", row, (account,), (payload["asset"],))
            case "order.place":
                order = {
                    "id": identity,
                    "account": account,
                    "asset": payload["asset"],
                    "order": payload["order"],
                    "state": "open",
                    "filled_wh": 0,
                    "held": 7_000_000_000,
                    "placed": self.time,
                    "commit": 1,
                }
                self.orders[identity] = order
                await self.push("order.placed", order, (account,), (payload["asset"],))
            case "order.cancel":
                order = self.orders[payload["order"]] | {"state": "cancelled"}
                self.orders[payload["order"]] = order
                await self.push("order.cancelled", order, (account,), (order["asset"],))
            case "reading.attest":
                fields = ("asset", "slot", "imported_wh", "exported_wh", "commitment", "account")
                self.readings.append({"commit": 1, "transaction": identity} | {f: payload[f] for f in fields})
        self.accounts[account]["sequence"] = payload["sequence"]

    async def _get_events(self, request, rest):
        if int(request.query.get("cursor", 0)) > len(self.events):
            return problem(410, "cursor_unknown", "no such events here")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.add(socket)
        cursor = int(request.query.get("cursor", len(self.events)))
        account, types = request.query.get("account"), request.query.get("types")
        await socket.send_json({"type": "hello", "cursor": len(self.events), "time": self.time})
        sending = asyncio.create_task(self._send(socket, cursor, account, types))
        try:
            while (await socket.receive()).type is WSMsgType.TEXT:
                pass
        finally:
            sending.cancel()
            self.sockets.discard(socket)
        return socket

    async def _send(self, socket, cursor, account, types):
        while True:
            for event in self.events[cursor:]:
                if (account is None or account in event["accounts"]) and (
                    types is None or event["type"] in types.split(",")
                ):
                    await socket.send_json(event)
            cursor = len(self.events)
            async with self.news:
                if len(self.events) == cursor:
                    await self.news.wait()

    def _list(self, rows, request):
        filters = {key: value for key, value in request.query.items() if key in ("account", "asset", "state")}
        found = [row for row in rows if all(row[key] == value for key, value in filters.items())]
        return web.json_response({"items": found, "next": None})


def problem(status: int, code: str, detail: str) -> web.Response:
    body = {"type": "about:blank", "title": "No", "status": status, "code": code, "detail": detail}
    return web.json_response(body, status=status, content_type="application/problem+json")


@asynccontextmanager
async def serving(node: StandIn, port: int | None = None):
    """Serve a node on loopback; gives its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", node.handle)
    server = TestServer(app, port=port)
    await server.start_server()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        await node.hang_up()
        await server.close()


def trade(identity: str, slot: int, wh: int = 300, state: str = "matched", **more) -> dict:
    """Return a trade's row."""
    return {
        "id": identity,
        "round": 1,
        "slot": slot,
        "wh": wh,
        "seller_price": 150_000,
        "buyer_price": 150_000,
        "fee": 5_000,
        "state": state,
        "seller": "tkwh1seller",
        "buyer": "tkwh1buyer",
        "sell_order": "aa",
        "buy_order": "bb",
        "sell_asset": "a1",
        "buy_asset": "b1",
        "sell_point": "a1",
        "buy_point": "b1",
        "source": "solar",
        "delivered_wh": None,
        "taken_wh": None,
        "settled_wh": None,
        "paid": None,
        "received": None,
        "seller_penalty": None,
        "buyer_penalty": None,
        **more,
    }


def order_matches(trades: list[dict], *, sells: bool) -> dict:
    """Return what a round tells of an order: its trades (rows) of one partner each, seen from one side."""
    own, other = ("sell", "buy") if sells else ("buy", "sell")
    return {
        "own": _side(trades[0], own),
        "partners": [{"other": _side(one, other), "trades": [_terms(one)]} for one in trades],
        "round": trades[0]["round"],
        "sells": sells,
    }


def _side(trade: dict, side: str) -> dict:
    asset, point = trade[f"{side}_asset"], trade[f"{side}_point"]
    return {
        "account": trade["seller" if side == "sell" else "buyer"],
        "asset": asset,
        "behind": None if asset == point else point,
        "order": trade[f"{side}_order"],
        "source": trade["source"] if side == "sell" else None,
    }


def _terms(trade: dict) -> list[int]:
    number = int(trade["id"].rpartition(".")[2])
    return [number, *(trade[name] for name in ("slot", "wh", "seller_price", "buyer_price", "fee"))]
