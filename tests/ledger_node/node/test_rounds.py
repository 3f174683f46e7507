"""Rounds on a real node: matchers that compete through its API, and what it tells a neighbour afterwards."""

import asyncio
import json

import pytest

from energy_ledger.market.book import Book, FixedBid, Offer, Tariff
from energy_ledger.market.solver import solve
from energy_ledger.node.matcher import proposal
from energy_ledger.storage.directory import DataDirectory
from tests.support.client import Street
from tests.support.people import EUR, TARIFF, Person, now_ms

SLOT_MS = 10_000
HOUSE = {"behind": None, "feeder": "", "rated_import_w": 9_000, "rated_export_w": 9_000}


@pytest.fixture
async def market(node, client):
    """A node that proposes nothing itself, and a street on which Bo and Di sell alike and Cy buys less."""
    node.stop()
    node._options = ("--no-matcher",)
    node.start()
    return await Market.found(node, client)


class Market(Street):
    """Sellers, a buyer, and whoever has the node's key as the matcher."""

    @classmethod
    async def found(cls, node, client, **changes):
        market = await super().found(node, client, **changes)
        seed = DataDirectory(node.data).node_key().seed
        market.matcher = Person("node", market.founder.network, seed)
        market.bo, market.cy, market.di = [await market.joins(name, EUR) for name in ("Bo", "Cy", "Di")]
        market.assets = {
            who.name: await market.client.must(
                who.sign("asset.register", asset_type="home", source="solar", name="home", **HOUSE)
            )
            for who in (market.bo, market.cy, market.di)
        }
        market.slot = now_ms() // SLOT_MS + 3
        return market

    async def order(self, who, kind, price, wh):
        terms = {"type": kind, "price": price, "slots": {str(self.slot): wh}}
        return await self.client.must(who.sign("order.place", asset=self.assets[who.name], order=terms))

    async def orders(self):
        """Place the three orders, and return their ids in ledger order."""
        return [
            await self.order(self.bo, "offer", 90_000, 8),
            await self.order(self.di, "offer", 90_000, 8),
            await self.order(self.cy, "fixed", 200_000, 8),
        ]

    async def opened(self, after=0):
        """Wait for the first round that closes after one; return its number and the right proposal for it."""
        async with self.client.session.ws_connect(
            self.client.url + "/v1/events", params={"cursor": 0}, headers=self.client.headers
        ) as stream:
            async with asyncio.timeout(30):
                while True:
                    event = json.loads((await stream.receive()).data)
                    if event["type"] == "round.closed" and event["data"]["round"] > after:
                        break
        row = event["data"]
        at = self.slot - row["first_slot"]
        book = Book(
            row["slots"],
            Tariff.flat(row["slots"], *TARIFF.values()),
            (),
            (Offer("bo", "", 90_000, {at: 8}), Offer("di", "", 90_000, {at: 8})),
            (FixedBid("cy", "", 200_000, {at: 8}),),
        )
        fields = proposal(row["round"], book, solve(book))
        del fields["kind"]
        return row["round"], fields

    def propose(self, fields):
        return self.matcher.sign("clearing.propose", **fields)


async def test_the_node_takes_the_honest_clearing_and_tells_who_was_refused_and_why(market):
    bo, di, cy = await market.orders()
    number, honest = await market.opened()
    fills = honest["fills"]
    for_di = honest | {"fills": fills | {"order": [1 if rank == 0 else rank for rank in fills["order"]]}}
    garbage = honest | {"fills": {"order": [99], "slot": [0], "wh": [5]}}
    alone = await market.client.submit(market.propose(for_di))
    assert (alone["accepted"], alone["code"]) == (False, "clearing_wrong")
    market.matcher.sequence -= 1
    weak = honest | {"node_duals": {"": [0] * len(honest["node_duals"][""])}}
    answers = await market.client.submit([market.propose(one) for one in (weak, for_di, garbage)])
    assert [one["state"] for one in answers] == ["applied", "refused", "refused"]
    row = await market.client.get(f"/v1/rounds/{number}")
    assert (row["state"], row["outcomes"], row["least"]) == ("open", None, None)
    winner = await market.client.must(market.propose(honest))
    row = await market.client.get(f"/v1/rounds/{number}")
    assert (row["state"], row["transaction"], row["gap_ppm"]) == ("cleared", winner, 0)
    assert [one["account"] for one in row["refused"]] == [market.matcher.address] * 2
    assert "earlier orders" in row["refused"][0]["message"]
    assert "not in the book" in row["refused"][1]["message"]
    (trade,) = (await market.client.get("/v1/trades"))["items"]
    assert (trade["sell_order"], trade["buy_order"], trade["wh"]) == (bo, cy, 8)
    at = market.slot - row["first_slot"]
    assert (row["least"][""][at], row["greatest"][""][at]) == (90_000, 90_000)
    assert row["outcomes"] == [
        outcome(bo, market.bo, 8, "filled"),
        outcome(di, market.di, 0, "price", slot=market.slot, price=89_999),
        outcome(cy, market.cy, 8, "filled"),
    ]


def outcome(order, who, filled_wh, reason, slot=None, price=None):
    return {
        "order": order, "account": who.address, "asked_wh": 8, "filled_wh": filled_wh, "reason": reason,
        "slot": slot, "price": price, "feeder": None,
    }  # fmt: skip


async def test_a_silent_matcher_leaves_the_orders_to_the_next_round_and_the_slot_tells_its_curves(market):
    bo, di, cy = await market.orders()
    first, _ = await market.opened()
    second, honest = await market.opened(first)
    void = await market.client.get(f"/v1/rounds/{first}")
    assert (void["state"], void["refused"], void["least"]) == ("void", [], None)
    assert [one["reason"] for one in void["outcomes"]] == ["not_cleared"] * 3
    waiting = await market.client.get(f"/v1/slots/{market.slot}")
    assert (waiting["round"], waiting["least"], waiting["welfare"]) == (first, None, None)
    await market.client.must(market.propose(honest))
    rows = [await market.client.get(f"/v1/orders/{order}") for order in (bo, di, cy)]
    assert [row["filled_wh"] for row in rows] == [8, 0, 8]
    slot = await market.client.get(f"/v1/slots/{market.slot}")
    assert slot["tariff"] == TARIFF
    assert (slot["round"], slot["prices"], slot["volume_wh"]) == (second, {"": 90_000}, 8)
    assert (slot["least"], slot["greatest"]) == ({"": 90_000}, {"": 90_000})
    assert slot["welfare"] == slot["bound"] == 8 * (195_000 - 90_000)
    assert slot["supply"] == [{"price": 90_000, "wh": 16, "movable_wh": 0}]
    assert slot["demand"] == [{"price": 195_000, "wh": 8, "movable_wh": 0}]
    far = await market.client.get(f"/v1/slots/{market.slot + 10_000}")
    assert (far["round"], far["supply"], far["demand"], far["least"]) == (None, [], [], None)


async def test_a_tariff_of_the_week_is_shown_as_it_was_founded(node, client):
    week = [{"minute": 0, "value": 1_000}, {"minute": 420, "value": 6_000}]
    street = await Street.found(node, client, tariff=TARIFF | {"grid_fee": week})
    assert (await street.client.get("/v1/network"))["tariff"] == TARIFF | {"grid_fee": week}
    monday = 1_795_392_000 // 10  # 2026-11-23 00:00 UTC
    fees = [
        (await street.client.get(f"/v1/slots/{monday + after}"))["tariff"]["grid_fee"]
        for after in (-1, 0, 420 * 6 - 1, 420 * 6)
    ]
    assert fees == [6_000, 1_000, 1_000, 6_000]
