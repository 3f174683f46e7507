"""A reading that came too late, from the wire to the money: a real core, a real node, a real Modbus meter.

A home buys from its neighbour, and its way to the node is shut until the grace of the reading is over. The
ledger settles without it and takes it no more; the home says so, one click claims it, the founder upholds
the claim, and both accounts come to what would have been.
"""

import time
from http import HTTPStatus

import pytest
from homeassistant.components.repairs import DOMAIN as REPAIRS
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.ledger import events
from custom_components.energy_marketplace.ledger.client import RefusedError
from custom_components.energy_marketplace.ledger.orders import Offer
from custom_components.energy_marketplace.ledger.transactions import Body
from custom_components.energy_marketplace.trading.timing import open_slots
from simulation.devices import FuseBox, Meter, Switched
from simulation.modbus_house import ModbusMeter
from tests.integration.home.test_config_flow import menu, walk
from tests.integration.home.waiting import until
from tests.integration.ledger.test_real_node import EUR, QUICK, now, street_on
from tests.integration.test_main_path import add_asset, ask, shown
from tests.support.door import Door
from tests.support.node import NodeProcess, free_port

SLOT_S, GRACE = QUICK["slot_s"], QUICK["grace_slots"]
LOAD_W = 3_600
"""One watt-hour a second."""
TRADED_WH = SLOT_S
BOUGHT = "sensor.home_bought_from_neighbours"


@pytest.fixture
def node(tmp_path, socket_enabled):
    with NodeProcess(tmp_path / "node") as process:
        yield process


@pytest.fixture
async def door(node):
    async with Door(node.port) as way:
        yield way


@pytest.fixture
async def load():
    """A home that always takes the same, and its meter."""
    meter = Meter([Switched(LOAD_W, is_on=True)], time.time(), 1_000_000, 0)
    async with ModbusMeter(FuseBox([meter]), meter, free_port()) as served:
        yield served


@pytest.fixture
async def repairs(home, hass_client):
    """What a browser asks of the repairs."""
    for one in (REPAIRS, DOMAIN):
        assert await async_setup_component(home, one, {})
    client = await hass_client()

    async def post(path, **body):
        answer = await client.post(f"/api/repairs/issues/fix{path}", json=body)
        assert answer.status == HTTPStatus.OK, await answer.text()
        return await answer.json()

    return post


async def restored(home, street, member, url):
    """Let a home be the member's, at a node of this address."""
    words = {"phrase": member.wallet.phrase}
    at = {"url": url, "token": street.founder_membership.token}
    done = await walk(home, menu("node"), at, menu("restore_wallet"), words)
    assert done["type"] == "create_entry", done
    return done["result"]


async def offers(rosa):
    """Let a member register a roof and offer its energy in the coming slots; return the roof."""
    rated = {"rated_import_w": 0, "rated_export_w": 10_000}
    roof = (await rosa.register_asset(asset_type="solar", name="Roof", source="solar", **rated)).id
    slots = open_slots(now(), (await rosa.client.network()).parameters)[:12]
    await rosa.place_order(roof, Offer(price=100_000, slots=dict.fromkeys(slots, TRADED_WH)))
    return roof


async def bought(home, entry, name):
    """Let an asset buy a slot's energy; return the trade that came of it."""
    devices = dr.async_entries_for_config_entry(dr.async_get(home), entry.entry_id)
    device = next(device for device in devices if device.name == name)
    await ask(home, "place_bid", device_id=device.id, energy=TRADED_WH / 1000, price=0.25)
    book = entry.runtime_data.market.book
    await until(lambda: book.trades, 15, "a trade")
    [trade] = book.trades.values()
    return trade


async def settled(client, trade):
    """Wait until the ledger settled a trade; return it."""

    async def state():
        return (await client.trade(trade.id)).state

    deadline = time.monotonic() + 30
    while await state() != "settled":
        assert time.monotonic() < deadline
    return await client.trade(trade.id)


async def claimed_by_a_click(repairs, entry):
    """Submit the form behind the issue, as a person would."""
    form = await repairs("", handler=DOMAIN, issue_id=f"readings_late_{entry.entry_id}")
    assert (form["step_id"], form["description_placeholders"]["name"]) == ("confirm", "Home")
    done = await repairs(f"/{form['flow_id']}")
    assert done["type"] == "create_entry"


async def test_a_reading_that_came_too_late_is_claimed_upheld_and_paid(
    home, node, door, load, repairs, monkeypatch
):
    monkeypatch.setattr(events, "LONGEST_RETRY_S", 0.5)
    async with street_on(node) as street:
        bo, rosa = await street.joins("Bo", money=5 * EUR), await street.joins("Rosa")
        roof = await offers(rosa)
        entry = await restored(home, street, bo, door.url)
        point = await add_asset(home, entry, load, "Home", "home")
        trade = await bought(home, entry, "Home")
        market = entry.runtime_data.market

        await door.shut()
        await until(lambda: not market.connected)
        await until(lambda: time.time() >= (trade.slot + 1) * SLOT_S + 0.5, 30, "the slot's end")
        await rosa.attest(
            asset=roof, slot=trade.slot, imported_wh=0, exported_wh=TRADED_WH, commitment="00" * 32
        )
        without = await settled(rosa.client, trade)
        assert (without.delivered_wh, without.taken_wh, without.settled_wh) == (TRADED_WH, 0, 0)
        assert time.time() >= (trade.slot + 1 + GRACE) * SLOT_S
        assert market.book.totals_of(point.unique_id).bought_wh == 0
        paid_without = (await rosa.client.account(rosa.address)).balance

        await door.open()
        issue = (DOMAIN, f"readings_late_{entry.entry_id}")
        await until(lambda: issue in ir.async_get(home).issues, 30, "the issue")
        meter = entry.runtime_data.meters[point.subentry_id]
        late = meter.measured(trade.slot)
        assert late.imported_wh == TRADED_WH
        with pytest.raises(RefusedError) as refused:
            await market.member.attest(
                asset=late.asset,
                slot=late.slot,
                imported_wh=late.imported_wh,
                exported_wh=late.exported_wh,
                commitment=late.commitment,
            )
        assert refused.value.code == "too_late"
        assert await rosa.client.readings(asset=late.asset, slot=late.slot) == []

        await claimed_by_a_click(repairs, entry)
        assert issue not in ir.async_get(home).issues
        [claim] = node.ask("/v1/claims?state=open", street.founder_membership.token)["items"]
        assert (claim["account"], claim["asset"], claim["slot"]) == (bo.address, late.asset, late.slot)
        assert (claim["imported_wh"], claim["commitment"]) == (TRADED_WH, late.commitment)
        await street.ada.send(Body("claim.decide", {"claim": claim["id"], "upheld": True}))

        await until(lambda: shown(home, BOUGHT) == pytest.approx(TRADED_WH / 1000), 10, "what was bought")
        upheld = await rosa.client.trade(trade.id)
        assert (upheld.settled_wh, upheld.buyer_penalty) == (TRADED_WH, 0)
        assert upheld.received == TRADED_WH * trade.seller_price
        gained = (await rosa.client.account(rosa.address)).balance - paid_without
        assert gained == upheld.received - without.buyer_penalty
        balance = (await bo.client.account(bo.address)).balance
        assert balance == 5 * EUR - TRADED_WH * (trade.buyer_price + trade.fee)
        assert shown(home, "sensor.home_money_spent") == pytest.approx((5 * EUR - balance) / EUR)
        await home.config_entries.async_unload(entry.entry_id)
