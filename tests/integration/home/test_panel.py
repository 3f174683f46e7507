"""The panel: its files, its place in the sidebar, and what it is told."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from homeassistant.components.frontend import DATA_PANELS
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.ledger.proof import Finding, Verdict
from custom_components.energy_marketplace.panel import URL_PATH
from custom_components.energy_marketplace.panel_orders import ROUNDS_LOOKED_AT
from energy_ledger.api.types import AccountStatus, ProblemCode, Reason, RedemptionState, TradeState
from energy_ledger.ledger.events import EventType
from energy_ledger.ledger.postings import LineKind
from tests.integration.conftest import WASHER
from tests.integration.home.stand_in import trade

FRONTEND = Path(__file__).parents[3] / "custom_components" / "energy_marketplace" / "frontend"
OF_ASSETS = ("asset.", "flexibility.", "order.", "trade.", "trades.", "reading.", "claim.", "certificate.")
"""What the audit log of an asset can hold."""
LANGUAGES = ("de", "en", "es", "fr", "it", "nb", "nl", "pt", "pt-BR")


@pytest.fixture
async def socket(member, hass, hass_ws_client):
    assert await async_setup_component(hass, "websocket_api", {})
    return await hass_ws_client(hass)


async def subscribe(socket):
    await socket.send_json_auto_id({"type": "energy_marketplace/subscribe"})
    assert (await socket.receive_json(timeout=10))["success"]
    return (await socket.receive_json(timeout=10))["event"]["homes"]


async def test_a_panel_that_opens_is_told_of_every_member(socket):
    (home,) = await subscribe(socket)
    assert home["network"]["name"] == "Sunny Street"
    assert (home["wallet"]["balance"], home["wallet"]["held"]) == (20.0, 5.0)
    assert [asset["name"] for asset in home["assets"]] == ["Home", "Washer"]
    assert all(asset["device_id"] for asset in home["assets"])


async def test_an_agreed_trade_shows_in_the_panel_without_asking(socket, node, member):
    await subscribe(socket)
    await node.push_trade(trade("7.1", 4_000_000, buyer=member.data["address"], buy_asset=WASHER))
    homes = []
    while not homes or not homes[0]["trades"]:
        homes = (await socket.receive_json(timeout=10))["event"]["homes"]
    (agreed,) = homes[0]["assets"][1]["deliveries"]
    assert (agreed["direction"], agreed["energy"], agreed["price"]) == ("import", 0.3, 0.155)


async def test_what_the_node_lied_about_is_not_in_the_panel(socket, member):
    market = member.runtime_data.market
    market.async_set_updated_data(replace(market.data, proof=Finding(Verdict.CONTRADICTED)))
    (home,) = await subscribe(socket)
    assert home["wallet"]["verdict"] == "contradicted"
    assert "balance" not in home["wallet"]


async def test_prices_ahead_are_those_last_traded_and_the_newest_ends(socket, node, member):
    now = member.runtime_data.market.slot_now()
    common = {"closed": 1, "orders": 2, "state": "cleared", "slots": 2}
    ends = {"least": {"": [90_000, 95_000]}, "greatest": {"": [110_000, 115_000]}}
    newest = {"round": 9, "first_slot": now + 1, "prices": {"": [None, 105_000]}, **common, **ends}
    older = {"round": 8, "first_slot": now, "prices": {"": [80_000, 100_000]}, **common}
    node.rounds = [{**newest, "state": "void", "round": 10}, newest, older]
    await socket.send_json_auto_id({"type": "energy_marketplace/prices", "entry_id": member.entry_id})
    slots = (await socket.receive_json(timeout=10))["result"]["slots"]
    assert [slot["price"] for slot in slots] == [0.08, 0.1, 0.105]
    assert [slot["least"] for slot in slots] == [None, 0.09, 0.095]
    assert [slot["greatest"] for slot in slots] == [None, 0.11, 0.115]


async def test_a_node_that_is_away_leaves_a_sentence_in_place_of_the_prices(socket, node, member):
    await socket.send_json_auto_id({"type": "energy_marketplace/prices", "entry_id": member.entry_id})
    assert (await socket.receive_json(timeout=10))["result"]["slots"] == []
    node.tokens.clear()
    await socket.send_json_auto_id({"type": "energy_marketplace/prices", "entry_id": member.entry_id})
    error = (await socket.receive_json(timeout=10))["error"]
    assert error["code"] == "node_unreachable"
    assert (error["translation_domain"], error["translation_key"]) == (DOMAIN, "authentication_failed")


ORDER = {"type": "flexible", "price": 250_000, "energy_wh": 1_500}


def order_row(identity, account, state):
    row = {"id": identity, "account": account, "asset": WASHER, "order": ORDER, "state": state}
    return row | {"filled_wh": 300, "held": 0, "placed": 0, "commit": 1}


def decided(number, outcomes, state="cleared"):
    when = {"closed": number * 1000, "first_slot": 1, "slots": 1, "orders": 2}
    return {"round": number, "state": state, "outcomes": outcomes, **when}


async def ask(socket, type_, member):
    await socket.send_json_auto_id({"type": f"energy_marketplace/{type_}", "entry_id": member.entry_id})
    return (await socket.receive_json(timeout=10))["result"]


async def test_of_each_order_the_newest_round_that_had_it_says_why_not_more(socket, node, member):
    me = member.data["address"]
    for identity, state in (("aa", "lapsed"), ("bb", "open")):
        node.answers[f"orders/{identity}"] = order_row(identity, me, state)

    def said(order, account, reason, **more):
        return {
            "order": order,
            "account": account,
            "asked_wh": 1_200,
            "filled_wh": 0,
            "reason": reason,
            **more,
        }

    newest = [said("bb", me, "price", slot=4, price=260_000), said("cc", "tkwh1else", "priority", slot=4)]
    newest.append(said("dd", me, "filled"))
    older = [said("bb", me, "no_counterpart"), said("aa", me, "feeder", slot=3, feeder="north")]
    node.rounds = [decided(9, None, "open"), decided(8, newest), decided(7, older, "void")]
    outcomes = {one["order"]: one for one in (await ask(socket, "outcomes", member))["outcomes"]}
    assert outcomes.keys() == {"aa", "bb"}
    assert (outcomes["bb"]["reason"], outcomes["bb"]["better_price"]) == ("price", 0.26)
    assert dt_util.parse_datetime(outcomes["bb"]["start"]).timestamp() == 4 * 900
    assert (outcomes["aa"]["reason"], outcomes["aa"]["feeder"], outcomes["aa"]["state"]) == (
        "feeder",
        "north",
        "lapsed",
    )
    assert (outcomes["aa"]["energy"], outcomes["aa"]["filled_energy"]) == (1.5, 0.3)
    assert outcomes["aa"]["better_price"] is None


async def test_only_so_many_rounds_are_asked_why(socket, node, member):
    node.rounds = [decided(number, []) for number in range(20, 0, -1)]
    last = node.rounds[ROUNDS_LOOKED_AT]
    last["outcomes"] = [{"order": "aa", "account": member.data["address"], "asked_wh": 1, "filled_wh": 1}]
    last["outcomes"][0]["reason"] = "filled"
    assert (await ask(socket, "outcomes", member))["outcomes"] == []


async def test_the_members_are_told_by_name_and_nothing_of_their_money(socket, node, member):
    node.account("tkwh1zoe", "Zoe", balance=7, status="pending")
    node.account("tkwh1node", "Node 1", roles=["node"])
    members = (await ask(socket, "members", member))["members"]
    assert [one["name"] for one in members] == ["Ada", "Bo", "Zoe"]
    assert members[2] == {"account": "tkwh1zoe", "name": "Zoe", "status": "pending", "roles": []}


async def test_the_districts_figures_are_those_of_the_last_whole_days(socket, node, member):
    node.district = {"local_wh": 7}
    ask = {"type": "energy_marketplace/district", "entry_id": member.entry_id, "days": 30}
    await socket.send_json_auto_id(ask)
    told = (await socket.receive_json(timeout=10))["result"]
    assert told["district"]["local_wh"] == 7
    assert told["district"]["until_day"] - told["district"]["from_day"] == 30
    assert [one["feeder"] for one in told["feeders"]] == ["north"]
    await socket.send_json_auto_id(ask | {"days": 0})
    assert not (await socket.receive_json(timeout=10))["success"]


async def test_a_panel_follows_members_that_come_and_go(socket, hass, member):
    assert [home["entry_id"] for home in await subscribe(socket)] == [member.entry_id]
    await hass.config_entries.async_unload(member.entry_id)
    while homes := (await socket.receive_json(timeout=10))["event"]["homes"]:
        pass
    assert homes == []
    await hass.config_entries.async_setup(member.entry_id)
    while not (homes := (await socket.receive_json(timeout=10))["event"]["homes"]):
        pass
    assert [home["entry_id"] for home in homes] == [member.entry_id]


async def test_prices_of_a_member_that_does_not_run_are_refused(socket):
    await socket.send_json_auto_id({"type": "energy_marketplace/prices", "entry_id": "nobody"})
    answer = await socket.receive_json(timeout=10)
    assert answer["error"]["code"] == "not_found"


async def test_the_panel_goes_with_the_last_member(member, hass):
    assert URL_PATH in hass.data[DATA_PANELS]
    await hass.config_entries.async_remove(member.entry_id)
    assert URL_PATH not in hass.data[DATA_PANELS]


def words(language):
    return json.loads((FRONTEND / "locales" / f"{language}.json").read_text())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_word_with_the_same_places(language):
    def places(texts):
        return {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in texts.items()}

    assert places(words(language)) == places(words("en"))


def test_every_word_that_the_panel_asks_for_is_there():
    source = "".join(file.read_text() for file in FRONTEND.rglob("*.js"))
    asked = set(re.findall(r'texts\("(\w+)"', source))
    asked |= {f"total_{name}" for name in listed("statement", "TOTALS")}
    asked |= {f"district_{name}" for name in listed("district", "ENERGY")}
    asked |= {f"{kind}_{verdict.value}" for kind in ("audit", "verdict") for verdict in Verdict}
    asked |= set(re.findall(r"^  (\w+): \w+,$", (FRONTEND / "panel.js").read_text(), re.MULTILINE))
    assert len(asked) > 80
    assert asked <= words("en").keys()


@pytest.mark.parametrize(
    ("kind", "words_of_the_node"),
    [
        ("why", Reason),
        ("trade", TradeState),
        ("member", AccountStatus),
        ("line", LineKind),
        ("payout", RedemptionState),
        ("event", EventType),
        ("problem", ProblemCode),
    ],
)
def test_the_panel_has_a_word_for_whatever_the_node_says(kind, words_of_the_node):
    said = {
        word
        for word in get_args(words_of_the_node.__value__)
        if kind != "event" or word.startswith(OF_ASSETS)
    }
    assert len(said) >= 3
    assert {f"{kind}_{word.replace('.', '_')}" for word in said} <= words("en").keys()


def listed(view, name):
    """Return the words of a list in a view's source."""
    source = (FRONTEND / "views" / f"{view}.js").read_text()
    return re.findall(r'"(\w+)"', re.search(rf"const {name} = \[(.*?)\];", source, re.DOTALL)[1])
