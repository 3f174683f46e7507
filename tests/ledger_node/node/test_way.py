"""The way of a kilowatt-hour through a real node: offer, bid, clearing, delivery, readings, money."""

import asyncio
import json

from tests.support.client import Street
from tests.support.people import EUR, now_ms

SLOT_MS = 2_000
TIMES = {"slot_s": 2, "round_s": 2, "proposal_window_s": 1, "gate_s": 1, "grace_slots": 1}
HOUSE = {"behind": None, "feeder": "", "rated_import_w": 9_000, "rated_export_w": 9_000}


async def follow(client, seen, until):
    """Listen from the beginning until an event for which `until` says so."""
    async with client.session.ws_connect(
        client.url + "/v1/events", params={"cursor": 0}, headers=client.headers
    ) as stream:
        await stream.receive_json()
        async with asyncio.timeout(30):
            while not (seen and until(seen[-1])):
                seen.append(json.loads((await stream.receive()).data))


async def test_what_was_agreed_is_delivered_metered_and_paid_though_the_node_dies_meanwhile(node, client):
    street = await Street.found(node, client, **TIMES)
    client = street.client
    bo, cy = await street.joins("Bo", EUR), await street.joins("Cy", EUR)
    roof = await client.must(
        bo.sign("asset.register", asset_type="solar", source="solar", name="roof", **HOUSE)
    )
    washer = await client.must(
        cy.sign("asset.register", asset_type="home", source=None, name="home", **HOUSE)
    )
    first = now_ms() // SLOT_MS + 4
    offer = {"type": "offer", "price": 90_000, "slots": {str(slot): 4 for slot in range(first, first + 3)}}
    flexible = {"type": "flexible", "price": 200_000, "energy_wh": 6, "max_wh_per_slot": 3, "min_fill": "any"}
    bid = flexible | {"earliest": first, "deadline": first + 3}
    seen = []
    await client.must(bo.sign("order.place", asset=roof, order=offer))
    placed = await client.must(cy.sign("order.place", asset=washer, order=bid))
    await follow(client, seen, lambda event: event["type"] == "trade.delivering")
    trades = (await client.get("/v1/trades", order=placed))["items"]
    assert sum(trade["wh"] for trade in trades) == 6
    node.kill()
    node.start()
    await asyncio.sleep(0.1)  # in which the client notices that its old connection is over
    for trade in trades:
        await asyncio.sleep(max(0, (trade["slot"] + 1) * SLOT_MS + 30 - now_ms()) / 1_000)
        for who, asset, flow in ((bo, roof, "exported_wh"), (cy, washer, "imported_wh")):
            reading = {"imported_wh": 0, "exported_wh": 0, flow: trade["wh"], "commitment": "0" * 64}
            await client.must(who.sign("reading.attest", asset=asset, slot=trade["slot"], **reading))
    seen.clear()
    last = trades[-1]["id"]
    await follow(client, seen, lambda one: one["type"] == "trade.settled" and one["data"]["id"] == last)
    assert [event["cursor"] for event in seen] == list(range(1, len(seen) + 1))
    settled = [event["data"] for event in seen if event["type"] == "trade.settled"]
    assert sum(trade["settled_wh"] for trade in settled) == 6
    paid, received = (sum(trade[name] for trade in settled) for name in ("paid", "received"))
    balances = [(await client.get(f"/v1/accounts/{who.address}"))["balance"] for who in (bo, cy)]
    assert balances == [EUR + received, EUR - paid]
    money = (await client.get("/v1/network"))["money"]
    assert money == {"issued": 2 * EUR, "balances": sum(balances), "held": 0, "community": paid - received}
    story = [event["type"] for event in (await client.get(f"/v1/assets/{washer}/audit"))["items"]]
    assert story[0] == "asset.registered"
    assert story.index("order.placed") < story.index("trades.matched") < story.index("trade.settled")


async def test_a_round_that_this_node_does_not_match_is_void(node, client):
    node.stop()
    node._options = ("--no-matcher",)
    node.start()
    street = await Street.found(node, client, **TIMES)
    bo = await street.joins("Bo", EUR)
    asset = await street.client.must(
        bo.sign("asset.register", asset_type="home", source="solar", name="home", **HOUSE)
    )
    slots = {str(now_ms() // SLOT_MS + 5): 4}
    for kind, price in (("offer", 90_000), ("fixed", 200_000)):
        order = {"type": kind, "price": price, "slots": slots}
        await street.client.must(bo.sign("order.place", asset=asset, order=order))
    seen = []
    await follow(street.client, seen, lambda event: event["type"] == "round.void")
    rounds = (await street.client.get("/v1/rounds"))["items"]
    assert [one["state"] for one in rounds][-1] == "void"
