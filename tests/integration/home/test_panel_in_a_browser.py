"""The panel's real files in a real browser, on a real core: every view, in every language, on a phone."""

import json
import re
import time
from pathlib import Path

import pytest
from homeassistant.components.http import StaticPathConfig
from homeassistant.setup import async_setup_component

from custom_components.energy_marketplace.agent_runner import AGENT
from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.ledger.address import Address
from custom_components.energy_marketplace.panel import _async_url
from tests.integration.conftest import HOME, WASHER
from tests.integration.home.stand_in import order_matches, trade
from tests.integration.home.waiting import until
from tests.support.chromium import chromium

HERE = Path(__file__).parent
TRANSLATIONS = HERE.parents[2] / "custom_components" / DOMAIN / "translations"
LANGUAGES = ("de", "en", "es", "fr", "it", "nb", "nl", "pt", "pt-BR")
VIEWS = ("overview", "orders", "statement", "district", "audit", "neighbours")
REDEMPTION = "5e" * 32
ASKING = str(Address(bytes.fromhex("77" * 32), test=True))
PHONE, SLATE, DESK = 390, 820, 1360
SLOT_MS, NANO = 900_000, 1_000_000_000
SEEN = "panel.shadowRoot.querySelector('main').innerText"
KEYS = r"\b(?:[a-z]+_[a-z_]+|undefined|null|NaN|Invalid Date|object Object)\b"
SIGNS = {
    "overview": "Sunny Street",
    "orders": "north",
    "statement": "20",
    "district": "123",
    "audit": "Washer",
    "neighbours": "Bartholomäus",
}
"""What a view shows in every language when all of it is there."""
NAMELESS = """[...panel.shadowRoot.querySelectorAll("input, select, button")]
  .filter((one) => !(one.innerText || one.ariaLabel || one.labels?.[0]?.innerText))
  .map((one) => one.outerHTML)"""
"""What takes input and has no name that can be read aloud."""
STRANGE = f"{SEEN}.replace(/tkwh1\\w+|kwhinvite1\\S+/g, '').match(/{KEYS}/g)"
"""Words that are none in any language; addresses and invites are left out."""
TOO_WIDE = """(() => {
  const all = [document.documentElement, panel, ...panel.shadowRoot.querySelectorAll("main, .card, .scroll")];
  const inner = (one) => one.matches(".scroll") && one.scrollHeight > one.clientHeight + 1;
  const cut = (one) => one.scrollWidth > one.clientWidth + 1 || inner(one);
  return all.filter(cut).map((one) => one.outerHTML.slice(0, 90));
})()"""


def order(identity, asset, me, **more):
    """Return a row of a flexible order."""
    rows = {"id": identity, "account": me, "asset": asset, "state": "open", "filled_wh": 300, "held": NANO}
    asked = {"type": "flexible", "price": 250_000, "energy_wh": 1_500}
    return {**rows, "order": asked, "placed": 0, "commit": 1, **more}


def outcome(identity, me, reason, **more):
    """Return what a round did for an order."""
    return {"order": identity, "account": me, "asked_wh": 1_500, "filled_wh": 300, "reason": reason, **more}


@pytest.fixture
async def street(home, node, member):
    """A home in which all has happened that the panel can show."""
    me, market = member.data["address"], member.runtime_data.market
    now = market.slot_now()
    node.accounts[me]["roles"] = ["founder", "treasurer"]
    node.account(ASKING, "Ada Lovelace-Bartholomäus", status="pending")
    await market.async_refresh()
    await _trade(node, me, now)
    _rounds(node, me, now)
    _papers(node, me, now)
    await node.push("asset.registered", {"id": WASHER, "name": "Washer"}, (me,), (WASHER,))
    await node.push("order.placed", order("0f" * 32, WASHER, me), (me,), (WASHER, HOME))
    agreed = [trade(f"1.{place}", now + place, buyer=me, buy_asset=WASHER) for place in (1, 2)]
    await node.push("trades.matched", order_matches(agreed, sells=False), (), (HOME,))
    market.book.note_origin("0f" * 32, AGENT)
    await until(lambda: market.book.orders and len(market.book.trades) == 5)
    return member


async def _trade(node, me, now):
    paid = {
        "settled_wh": 290,
        "taken_wh": 290,
        "delivered_wh": 300,
        "paid": 44_950_000,
        "buyer_penalty": 1_000,
    }
    states = ("matched", "delivering", "metered", "disputed", "settled")
    for place, state in enumerate(states):
        more = paid if state == "settled" else {}
        bought = {"buyer": me, "buy_asset": WASHER, "state": state, **more}
        await node.push_trade(trade(f"1.{place}", now + 1 - place, **bought))


def _rounds(node, me, now):
    reasons = ("price", "feeder", "paradoxical", "priority")
    late = [f"{place:02x}" * 32 for place in range(len(reasons))]
    for identity in late:
        node.answers[f"orders/{identity}"] = order(identity, WASHER, me, state="lapsed")
    told = {"slot": now + 3, "price": 260_000, "feeder": "north"}
    outcomes = [outcome("0f" * 32, me, "no_counterpart")]
    outcomes += [outcome(one, me, reason, **told) for one, reason in zip(late, reasons, strict=True)]
    prices = {"prices": {"": [120_000] * 9}, "least": {"": [90_000] * 9}, "greatest": {"": [150_000] * 9}}
    when = {"round": 7, "closed": int(time.time() * 1000), "first_slot": now, "slots": 9, "orders": 5}
    node.rounds = [{**when, **prices, "state": "cleared", "outcomes": outcomes}]


def _papers(node, me, now):
    line = {"kind": "bought", "wh": 290, "price": 150_000, "fee": 1_450_000, "amount": -44_950_000}
    line |= {"balance": 20 * NANO, "penalty_paid": 1_000, "penalty_received": 0, "time": now * SLOT_MS}
    totals = {"bought_wh": 290, "paid": 43_500_000, "fees": 1_450_000, "issued": 21 * NANO}
    papers = {"currency": "EUR", "opening": 0, "closing": 20 * NANO, "totals": totals, "lines": [line] * 3}
    node.answers[f"accounts/{me}/statement"] = papers
    energy = ("produced", "consumed", "self_consumed", "traded", "shared", "imported", "exported", "balance")
    energy = dict.fromkeys(
        (f"{name}_wh" for name in (*energy, "flexible", "moved", "peak_import")), 123_456_789
    )
    shares = {"self_sufficiency_ppm": 432_100, "self_consumption_ppm": None, "money_kept": 55 * NANO}
    days = {"days_complete": 12, "positive": False, "baseline_peak_import_wh": None}
    node.district = energy | shares | days
    asked = {"account": ASKING, "amount": 5 * NANO, "reference": "IBAN 7", "note": None}
    when = {"requested": now * SLOT_MS, "settled": None, "state": "requested"}
    node.answers["redemptions"] = {"items": [{"id": REDEMPTION, **asked, **when}], "next": None}
    day = {"feeder": "north", "day": now // 96, "metered_wh": 90_000, "members_wh": 80_000}
    more = {"difference_wh": 10_000, "complete": True, "persistent": True}
    node.answers["feeders"] = [day | more, day | more | {"persistent": False, "complete": False}]


@pytest.fixture
async def show(home, street, tmp_path, aiohttp_client, hass_access_token):
    """Open the panel in a browser; gives a function that shows it in a language on a screen of some width."""
    assert await async_setup_component(home, "websocket_api", {})
    await home.http.async_register_static_paths([StaticPathConfig("/host", str(HERE / "browser"), False)])
    client = await aiohttp_client(home.http.app)
    address = f"{client.make_url('/host/host.html')}#token={hass_access_token}&panel={await _async_url(home)}"
    async with chromium(tmp_path / "profile") as page:

        async def shown(language="en", width=PHONE):
            await page.go(f"{address}&language={language}", width)
            await page.until("!!window.panel?.shadowRoot.querySelector('svg.chart')")
            return page

        yield shown
    await client.close()


async def turn(page, view):
    """Turn to a view and wait until everything in it has come."""
    await page.run(f"panel.shadowRoot.querySelector('[data-view={view}]').click()")
    await page.until(f"{SEEN}.includes({json.dumps(SIGNS[view])})")


async def press(page, words):
    """Press the button that says this."""
    await page.run(
        f"[...panel.shadowRoot.querySelectorAll('main button')].find(b => b.innerText === {words!r}).click()"
    )


async def test_every_view_is_whole_in_every_language_on_a_phone(show):
    for language in LANGUAGES:
        page = await show(language)
        for view in VIEWS:
            await turn(page, view)
            assert await page.run(STRANGE) is None, (language, view)
            assert await page.run(TOO_WIDE) == [], (language, view)
            assert await page.run(NAMELESS) == [], (language, view)
        assert page.complaints == [], language


async def test_what_is_wrong_on_a_screen_would_be_seen(show):
    page = await show()
    main = "panel.shadowRoot.querySelector('main')"
    await page.run(
        f"{main}.insertAdjacentHTML('beforeend', '<p style=\"width:500px\">why_feeder</p><input>')"
    )
    await page.run("console.error('oh'), setTimeout(() => missing())")
    assert await page.run(STRANGE) == ["why_feeder"]
    assert await page.run(NAMELESS) == ["<input>"]
    assert await page.run(TOO_WIDE) != []
    await until(lambda: len(page.complaints) == 2)


@pytest.mark.parametrize("width", [SLATE, DESK])
async def test_nothing_is_cut_off_on_wider_screens(show, width):
    page = await show("de", width)
    for view in VIEWS:
        await turn(page, view)
        assert await page.run(TOO_WIDE) == [], view
    assert page.complaints == []


async def test_the_audit_log_is_checked_by_the_home_and_says_what_that_came_to(show, node, street):
    page = await show()
    await turn(page, "audit")
    await page.until(f"{SEEN}.includes('Verified')")
    text = await page.run(SEEN)
    assert "signed for exactly these 2 entries" in text
    assert re.search(r"trades agreed\s.* · 0\.6 kWh", text)
    node.proves = False
    await press(page, "Check it myself")
    await page.until(f"{SEEN}.includes('Not proven')")
    assert "only what it says" in await page.run(SEEN)
    market = street.runtime_data.market
    market.trust.committee, market.member.network, node.proves = None, "0" * 64, True
    await press(page, "Check it myself")
    await page.until(f"{SEEN}.includes('Contradicts')")
    assert "not what the network's committee signed" in await page.run(SEEN)
    assert page.complaints == []


async def test_an_order_says_why_it_did_not_get_more(show):
    page = await show()
    await turn(page, "orders")
    text = await page.run(SEEN)
    assert "Nobody was left to trade with at that time." in text
    assert "automatic trading" in text
    assert "Its limit: with 0.26 EUR/kWh it would have got more" in text
    assert "The line north carries no more" in text


async def test_a_node_that_is_away_is_told_in_the_readers_language(show, node):
    page = await show("de")
    said = json.loads((TRANSLATIONS / "de.json").read_text())["exceptions"]["authentication_failed"][
        "message"
    ]
    node.tokens.clear()
    await page.run(f"window.backendWords = {{authentication_failed: {json.dumps(said)}}}")
    for view in ("orders", "statement", "district", "audit", "neighbours"):
        await page.run(f"panel.shadowRoot.querySelector('[data-view={view}]').click()")
        await page.until(f"{SEEN}.includes({json.dumps(said)})")
        assert "Noch ist nichts geschehen" not in await page.run(SEEN), view


async def test_the_row_of_tabs_is_walked_with_the_arrow_keys(show):
    page = await show()
    await page.run("panel.shadowRoot.querySelector('#chosen').focus()")
    chosen = "panel.shadowRoot.activeElement.innerText"
    for key, code, tab in (("ArrowRight", 39, "Orders and trades"), ("ArrowLeft", 37, "Overview")):
        await page.press(key, code)
        assert await page.run(chosen) == tab
    await page.press("ArrowLeft", 37)
    assert await page.run(chosen) == "Neighbours"


async def test_an_invite_is_made_and_shown_as_text_and_picture(show):
    page = await show()
    await turn(page, "neighbours")
    await press(page, "Make an invite")
    await page.until(f"{SEEN}.includes('kwhinvite1')")
    assert await page.run("panel.shadowRoot.querySelector('img.qr').decode().then(() => true)")
    assert await page.run(TOO_WIDE) == []


async def test_a_founder_lets_in_who_asks(show, node):
    page = await show()
    await turn(page, "neighbours")
    await press(page, "Let a neighbour in")
    await until(lambda: node.submitted and node.submitted[-1]["kind"] == "member.approve")
    assert node.submitted[-1]["member"] == ASKING


async def test_a_treasurer_settles_what_a_member_asked_for(show, node):
    page = await show()
    await turn(page, "neighbours")
    await page.until(f"{SEEN}.includes('IBAN 7') && {SEEN}.includes('€5.00')")
    await press(page, "I have paid it")
    await until(lambda: node.submitted and node.submitted[-1]["kind"] == "voucher.settle")
    assert (node.submitted[-1]["redemption"], node.submitted[-1]["paid"]) == (REDEMPTION, True)


async def test_what_others_write_is_never_read_as_markup(show, node):
    node.account("tkwh1mallory", "<img src=x onerror=alert(1)>")
    page = await show()
    await turn(page, "neighbours")
    await page.until(f"{SEEN}.includes('<img src=x')")
    assert await page.run("panel.shadowRoot.querySelectorAll('main img').length") == 0


async def test_a_panel_without_members_says_where_to_look(show, home, street):
    page = await show()
    await home.config_entries.async_unload(street.entry_id)
    await page.until(f"{SEEN}.includes('No member is running')")
    await home.config_entries.async_setup(street.entry_id)
    await page.until(f"{SEEN}.includes('Sunny Street')")
