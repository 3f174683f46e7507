"""A home in quick motion: a real core whose clock is moved on, a meter that counts, and a ledger with rules.

Unlike the stand-in alone, this ledger takes nothing twice, nothing too early and nothing too late, settles by
the readings it got, and can lose its quorum or be gone; so what the home did wrong would show in its figures.
"""

import asyncio
import copy
import json
import logging
import time

import freezegun
import pytest
from aiohttp import ClientWSTimeout, web
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from custom_components.energy_marketplace import agent_runner
from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.ledger.transactions import Envelope
from custom_components.energy_marketplace.trading.agent import Cancellation, Plan
from custom_components.energy_marketplace.trading.reconcile import beside, reconcile, standing
from custom_components.energy_marketplace.trading.rules import Decision
from custom_components.energy_marketplace.trading.sentences import Sentence
from custom_components.energy_marketplace.trading.timing import open_slots
from custom_components.energy_marketplace.trading.wishes import SlotWish
from tests.integration.conftest import HOME, WASHER, asset, show
from tests.integration.home.stand_in import StandIn, serving, trade
from tests.integration.home.waiting import until

SLOT_S = 900
ROOF = "d4" * 32
SWITCH = "input_boolean.machine"
OFFERED_WH = 500


GRACE = 2
WINDOW = 32
LOAD_W = 1_210
"""A little more than what is traded, 300 Wh a slot: so much is attested, whatever is rounded."""
TRADED_WH = 300
NO_QUORUM = {
    "problem": "Nothing is ordered now: 2 of 4 validators are here, 3 must be.",
    "in_sync": False,
    "may_fail": -1,
}


def now_s() -> float:
    return dt_util.utcnow().timestamp()


class Ledger(StandIn):
    """The member's node, and the network behind it."""

    def __init__(self) -> None:
        self.is_away = False
        self.stands_since: int | None = None
        self.waiting: list[tuple[str, dict]] = []
        self.in_flight = 0
        self._held: int | None = None
        self.claim_window_s = 0
        self.claims: list[dict] = []
        self.on_order = None
        """What happens when an order arrives whose answer gets lost; it tells whether the order counts."""
        super().__init__()

    @property
    def time(self) -> int:
        if self._held is not None:
            return self._held
        return int(now_s() * 1000) if self.stands_since is None else self.stands_since

    @time.setter
    def time(self, _value: int) -> None:
        """Ledger time is nobody's to set."""

    async def go_away(self) -> None:
        self.is_away = True
        await self.hang_up()

    def come_back(self) -> None:
        self.is_away = False

    async def lose_quorum(self) -> None:
        self.stands_since = self.time
        self.network_more = NO_QUORUM

    async def regain_quorum(self) -> None:
        """Time jumps first, as in a real commit; what waited is ordered then."""
        self.stands_since, self.network_more = None, {}
        await self.pass_time()
        waiting, self.waiting = self.waiting, []
        for identity, payload in waiting:
            await self._order(identity, payload)
        await self.pass_time()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.is_away:
            request.transport.abort()
            return web.Response()
        if "/events" in request.path:
            return await super().handle(request)
        self.in_flight += 1
        try:
            return await super().handle(request)
        finally:
            self.in_flight -= 1

    def proven(self, row: dict, key: str = "") -> dict:
        """Sign one and the same time, however long it takes."""
        self._held = self.time
        try:
            return super().proven(row, key)
        finally:
            self._held = None

    async def _get_network(self, request, rest):
        told = json.loads((await super()._get_network(request, rest)).body)
        told["parameters"]["claim_window_s"] = self.claim_window_s
        return web.json_response(told)

    async def uphold(self) -> None:
        """Let a founder decide for all claims that are open."""
        claims, self.claims = self.claims, []
        for claim in claims:
            for row in [one for one in self.trades.values() if one["slot"] == claim["slot"]]:
                before = {name: row[name] for name in ("settled_wh", "taken_wh", "paid", "received", "state")}
                now = row | _settled(row, claim["imported_wh"])
                self.trades[row["id"]] = now
                sides = (row["seller"], row["buyer"]), (row["sell_asset"], row["buy_asset"])
                await self.push("trade.reviewed", now | {"before": before}, *sides)

    async def _get_accounts(self, request, rest):
        for row in self.accounts.values():
            row["time"] = self.time
        return await super()._get_accounts(request, rest)

    async def _post_transactions(self, request, rest):
        envelope = Envelope.from_dict(await request.json())
        identity, payload = envelope.id, json.loads(envelope.payload)
        if payload["kind"] == "order.place" and self.on_order is not None:
            if self.on_order():
                await self._order(identity, payload)
            request.transport.abort()
            return web.Response()
        if identity in self.known:
            return _no(identity, "replayed")
        if (code := self._envelope_problem(payload)) is not None:
            return _no(identity, code)
        if self.stands_since is None:
            await self._order(identity, payload)
            await self.pass_time()
        else:
            self.waiting.append((identity, payload))
            self._note(identity, "pending")
        return web.json_response({"accepted": True, **self.known[identity]})

    def _envelope_problem(self, payload: dict) -> str | None:
        used = self.accounts[payload["account"]]["sequence"]
        if payload["sequence"] <= used:
            return "sequence_used"
        if payload["sequence"] > used + WINDOW:
            return "sequence_gap"
        return "expired" if payload["expires"] <= self.time else None

    async def _order(self, identity: str, payload: dict) -> None:
        code = self._envelope_problem(payload) or self._problem(payload)
        if code is None:
            self.submitted.append(payload)
            await self._apply(identity, payload)
            if payload["kind"] == "claim.open":
                self.claims.append(payload)
            self._note(identity, "applied", commit=1)
        else:
            self.accounts[payload["account"]]["sequence"] = payload["sequence"]
            self._note(identity, "refused", code=code, message=code)

    def _note(self, identity: str, state: str, **more) -> None:
        empty = {"code": None, "field": None, "message": None, "commit": None}
        self.known[identity] = {"id": identity, "state": state, **empty, **more}

    def _problem(self, payload: dict) -> str | None:
        """Return why the ledger refuses what a payload says."""
        if payload["kind"] in self.refuse:
            return self.refuse[payload["kind"]][0]
        if payload["kind"] == "order.cancel":
            return None if self.orders[payload["order"]]["state"] == "open" else "order_closed"
        if payload["kind"] != "reading.attest":
            return None
        ends = (payload["slot"] + 1) * SLOT_S * 1000
        if self.time < ends:
            return "slot_not_over"
        if self.time >= ends + GRACE * SLOT_S * 1000:
            return "too_late"
        same = [row for row in self.readings if (row["asset"], row["slot"]) == (HOME, payload["slot"])]
        return "reading_exists" if same else None

    async def pass_time(self) -> None:
        """Let trades start, and settle those whose reading is in or whose grace is over."""
        if self.stands_since is not None:
            return
        now = self.time // 1000
        read = {row["slot"]: row["imported_wh"] for row in self.readings}
        for row in sorted(self.trades.values(), key=lambda row: row["slot"]):
            if row["state"] == "matched" and row["slot"] * SLOT_S <= now:
                await self.push_trade(row | {"state": "delivering"})
            over = (row["slot"] + 1 + GRACE) * SLOT_S <= now
            if row["state"] != "settled" and (over or row["slot"] in read):
                await self.push_trade(row | _settled(row, read.get(row["slot"], 0)))

    def settled_wh(self) -> int:
        return sum(row["settled_wh"] or 0 for row in self.trades.values())

    def open_orders(self, asset: str) -> list[dict]:
        rows = self.orders.values()
        return [row for row in rows if row["asset"] == asset and row["state"] == "open"]


class World:
    """The core, its meter and its node, and the clock of all."""

    def __init__(self, home, entry, ledger, clock, storage, planner) -> None:
        self.home, self.entry, self.ledger, self.planner = home, entry, ledger, planner
        self._clock, self._storage = clock, storage
        self._began = now_s()
        self.meter_is_silent = False

    # -- time -------------------------------------------------------------------------------------------

    async def run_until(self, end_s: float) -> None:
        """Move the clock on, stopping before, at and after each slot's end, and in its middle."""
        while (now := now_s()) < end_s - 0.5:
            slot_end = (now // SLOT_S + 1) * SLOT_S
            stops = (slot_end - SLOT_S / 2, slot_end - 10, slot_end)
            await self.jump(min(end_s, next(stop for stop in stops if stop > now + 0.5)))

    async def run(self, seconds: float) -> None:
        await self.run_until(now_s() + seconds)

    async def jump(self, moment_s: float) -> None:
        self._clock.move_to(dt_util.utc_from_timestamp(moment_s).replace(tzinfo=None))
        self.show_meter()
        await self.ledger.pass_time()
        await self.settle()

    async def settle(self) -> None:
        """Wait until nobody has anything left to do."""
        quiet = 0
        while quiet < 3:
            await asyncio.sleep(0.005)
            await self.home.async_block_till_done()
            quiet = 0 if self.ledger.in_flight or self._is_busy() else quiet + 1

    def _is_busy(self) -> bool:
        running = getattr(self.entry, "runtime_data", None)
        if running is None:
            return False
        attesters = [meter._attester for meter in running.meters.values() if meter._attester]
        return running.agent._busy.locked() or any(one._busy.locked() for one in attesters)

    # -- the home ---------------------------------------------------------------------------------------

    def register_wh(self) -> float:
        return 100_000 + LOAD_W * (now_s() - self._began) / 3600

    def show_meter(self) -> None:
        if self.meter_is_silent:
            self.home.states.async_set("sensor.register", "unavailable")
        else:
            show(self.home, imported_kwh=self.register_wh() / 1000, watts=LOAD_W)

    async def start(self) -> None:
        self.show_meter()
        await self.home.config_entries.async_setup(self.entry.entry_id)
        await self.settle()
        self.market.member._monotonic = time.monotonic  # the clock that is moved, not the one of the start
        if not self.ledger.is_away:
            await until(lambda: self.market.connected)

    async def stop(self) -> None:
        await self.home.config_entries.async_unload(self.entry.entry_id)

    def on_disk(self) -> dict:
        """Return what would be left if the power failed now."""
        return copy.deepcopy(dict(self._storage))

    async def crash(self, left: dict | None = None) -> None:
        """Stop, so that only what was written before is left; the journal is a file of its own."""
        left = self.on_disk() if left is None else left
        await self.stop()
        self._storage.clear()
        self._storage.update(left)

    @property
    def market(self):
        return self.entry.runtime_data.market

    @property
    def zone(self):
        return dt_util.get_default_time_zone()

    @property
    def journal(self):
        [meter] = [meter for meter in self.entry.runtime_data.meters.values() if meter.journal is not None]
        return meter.journal

    def state(self, entity_id: str) -> str:
        return self.home.states.get(entity_id).state

    def issues(self) -> list[str]:
        """Return the kinds of this integration's repair issues."""
        found = [issue for (domain, _), issue in ir.async_get(self.home).issues.items() if domain == DOMAIN]
        return sorted(issue.translation_key for issue in found if issue.active)

    # -- the market -------------------------------------------------------------------------------------

    def slot(self, offset: int = 0) -> int:
        return int(now_s()) // SLOT_S + offset

    async def agree(self, *slots: int) -> None:
        """Let the washer buy in slots; wait until the home knows."""
        mine = {"buyer": self.entry.data["address"], "buy_asset": WASHER, "buy_point": HOME}
        for slot in slots:
            await self.ledger.push_trade(trade(f"1.{slot}", slot, TRADED_WH, **mine))
        await until(lambda: all(f"1.{slot}" in self.market.book.trades for slot in slots))
        await self.settle()

    def bought_wh(self) -> int:
        return self.market.book.totals_of(WASHER).bought_wh

    def hours_wh(self) -> int:
        return sum(hour.bought_wh for hour in self.market.hours.hours.values())


def _settled(row: dict, read_wh: int) -> dict:
    taken = min(row["wh"], read_wh)
    paid = taken * (row["buyer_price"] + row["fee"])
    figures = {"delivered_wh": row["wh"], "taken_wh": taken, "settled_wh": taken, "paid": paid}
    money = {"received": taken * row["seller_price"], "seller_penalty": 0, "buyer_penalty": 0}
    return {"state": "settled", **figures, **money}


def _no(identity: str, code: str) -> web.Response:
    return web.json_response({"accepted": False, "id": identity, "code": code, "message": code})


@pytest.fixture
def begins():
    return "2026-11-23 06:00:00"


@pytest.fixture
def clock(begins):
    with freezegun.freeze_time(begins, tick=True) as frozen:
        yield frozen


@pytest.fixture
async def home(clock, home):
    assert await async_setup_component(home, "homeassistant", {})
    assert await async_setup_component(home, "input_boolean", {"input_boolean": {"machine": {}}})
    return home


@pytest.fixture
async def node(home):
    ledger = Ledger()
    async with serving(ledger) as url:
        ledger.url = url
        yield ledger


@pytest.fixture
def assets():
    washer = {"asset_type": "appliance", "behind": HOME, "rated_export_w": 0}
    roof = {"asset_type": "solar", "behind": HOME, "rated_import_w": 0, "rated_export_w": 5_000}
    return [
        asset(HOME, "Home"),
        asset(WASHER, "Washer", **washer, control={"entity": SWITCH}),
        asset(ROOF, "Roof", **roof, settings={"automatic": True}),
    ]


class Planner:
    """A plan that wants to sell one and the same energy until it is sold, held against what stands."""

    def __init__(self) -> None:
        self.slot: int | None = None

    def think_again(self) -> None:
        """Want another slot from now on."""
        if self.slot is not None:
            self.slot -= 1

    def __call__(self, home, *, time_ms, parameters, trades, orders, own, **_told):
        window = open_slots(time_ms, parameters)
        self.slot = window.stop - 1 if self.slot is None else self.slot
        if self.slot not in window or any(one.sell_asset == ROOF for one in trades):
            return Plan(time_ms)
        wish = SlotWish(ROOF, True, 100_000, {self.slot: OFFERED_WH}, Sentence("rests"))
        mine = [order for order in orders if order.id in own]
        wanted = beside([wish], orders, trades, own, window.start)
        changes = reconcile(wanted, standing(mine, trades, window.start))
        return Plan(
            time_ms,
            place=tuple(Decision(one.asset, one.order(), one.because) for one in changes.place),
            cancel=tuple(Cancellation(one.id, one.asset, Sentence("rests")) for one in changes.cancel),
        )


@pytest.fixture
async def world(home, node, entry, clock, hass_storage, monkeypatch):
    home_of = "custom_components.energy_marketplace"
    monkeypatch.setattr(f"{home_of}.ledger.events.FIRST_RETRY_S", 0.2)
    monkeypatch.setattr(f"{home_of}.ledger.events.LONGEST_RETRY_S", 0.2)
    monkeypatch.setattr(f"{home_of}.ledger.member._FIRST_WAIT_S", 0)
    # The clock jumps further than a stream may be silent.
    monkeypatch.setattr(f"{home_of}.ledger.client._WEBSOCKET_TIMEOUT", ClientWSTimeout(None, 2))
    planner = Planner()
    monkeypatch.setattr(agent_runner, "plan", planner)
    home.loop.set_debug(False)  # where each step was made costs most of the time otherwise
    monkeypatch.setattr(logging.getLogger("aiohttp.access"), "disabled", True)
    made = World(home, entry, node, clock, hass_storage, planner)
    await made.start()
    await made.run_until((made.slot() + 1) * SLOT_S)
    yield made
    node.come_back()
    await made.stop()
    home.loop.set_debug(True)
