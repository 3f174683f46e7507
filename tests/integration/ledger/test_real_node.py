"""The member against a real node in a process of its own, from founding to settlement."""

import asyncio
import time
from contextlib import aclosing, asynccontextmanager, suppress

import pytest
from aiohttp import ClientSession

from custom_components.energy_marketplace.ledger import membership
from custom_components.energy_marketplace.ledger.answers import Event
from custom_components.energy_marketplace.ledger.client import (
    NodeClient,
    NodeUnreachableError,
    NotAuthorizedError,
    RefusedError,
)
from custom_components.energy_marketplace.ledger.events import EventFollower
from custom_components.energy_marketplace.ledger.genesis import GenesisOptions
from custom_components.energy_marketplace.ledger.invite import InviteError
from custom_components.energy_marketplace.ledger.member import LostAnswerError, Member
from custom_components.energy_marketplace.ledger.membership import Membership, MembershipError
from custom_components.energy_marketplace.ledger.orders import FixedBid, FlexibleBid, Offer
from custom_components.energy_marketplace.ledger.transactions import transfer
from custom_components.energy_marketplace.ledger.wallet import Wallet
from custom_components.energy_marketplace.meter.journal import FileStorage, Journal
from custom_components.energy_marketplace.meter.readings import Sample, SlotReading
from custom_components.energy_marketplace.meter.slots import SlotMeter
from custom_components.energy_marketplace.trading.deliveries import deliveries, traded_at
from custom_components.energy_marketplace.trading.prices import PriceBook
from custom_components.energy_marketplace.trading.timing import open_slots
from tests.support.node import NodeProcess

pytestmark = pytest.mark.usefixtures("socket_enabled")

EUR = 10**9
QUICK = {
    "slot_s": 4,
    "horizon_slots": 60,
    "round_s": 2,
    "proposal_window_s": 1,
    "gate_s": 1,
    "grace_slots": 2,
}


def now() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def node(tmp_path):
    with NodeProcess(tmp_path / "node") as process:
        yield process


class Street:
    """A founded network and a way to let people in."""

    def __init__(self, session, node, founder: Membership, wallet: Wallet) -> None:
        self.session, self.node, self.founder_membership = session, node, founder
        self.ada = founder.member(wallet, NodeClient(session, node.url))

    async def invite(self) -> str:
        return (await self.ada.make_invite(nodes=[self.node.url])).text()

    async def joins(self, name: str, money: int = 0) -> Member:
        wallet = Wallet.generate()
        client = NodeClient(self.session, self.node.url)
        joined = await membership.join(client, wallet, await self.invite(), name)
        if money:
            await self.ada.issue(joined.address, money, "a test")
        return joined.member(wallet, client)


@asynccontextmanager
async def street_on(node, **options):
    async with ClientSession() as session:
        wallet = Wallet.generate()
        chosen = GenesisOptions(name="Sunny Street", founder_name="Ada", test=True, **(QUICK | options))
        client = NodeClient(session, node.url, node.setup_token)
        founded = await membership.found(client, wallet, chosen, now=now())
        yield Street(session, node, founded, wallet)


async def test_a_network_is_founded_joined_and_left_by_its_documents(node):
    async with street_on(node) as street:
        bo = await street.joins("Bo", money=5 * EUR)
        account = await bo.client.account(bo.address)
        assert (account.name, account.status, account.available) == ("Bo", "active", 5 * EUR)
        network = await bo.client.network()
        assert (network.network, network.members, network.money.issued) == (bo.network, 2, 5 * EUR)
        await bo.transfer(street.ada.address, EUR, "thanks")
        with pytest.raises(RefusedError) as caught:
            await bo.transfer(street.ada.address, 100 * EUR)
        assert caught.value.code == "not_enough_money"
        with pytest.raises(RefusedError) as caught:
            await bo.issue(bo.address, EUR, "mine")
        assert caught.value.code == "not_allowed"


async def test_joining_twice_with_one_wallet_is_joining_once(node):
    async with street_on(node) as street:
        wallet, client, text = Wallet.generate(), NodeClient(street.session, node.url), await street.invite()
        admission = await membership.ask_in(client, text)
        first = await membership.enter(client, wallet, admission, "Bo")
        again = await membership.enter(client, wallet, admission, "Bo")
        assert (again.address, again.network) == (first.address, first.network)
        assert (await again.member(wallet, client).client.network()).members == 2
        with pytest.raises(RefusedError) as caught:
            await membership.join(client, Wallet.generate(), text, "Cy")
        assert caught.value.code == "invite_used"


async def test_a_phrase_brings_a_member_back_and_a_foreign_one_does_not(node):
    async with street_on(node) as street:
        known = street.founder_membership
        client = NodeClient(street.session, node.url)
        back = await membership.restore(
            client, Wallet.from_phrase(street.ada.wallet.phrase), token=known.token
        )
        assert back == known == Membership.from_dict(known.as_dict())
        with pytest.raises(MembershipError, match="no member of Sunny Street"):
            await membership.restore(client, Wallet.generate(), token=known.token)
        with pytest.raises(NotAuthorizedError):
            await membership.restore(client, street.ada.wallet, token="guessed")


async def test_an_invite_to_elsewhere_is_refused_before_anything_is_signed(node, tmp_path):
    with NodeProcess(tmp_path / "other") as other:
        async with street_on(node) as here, street_on(other) as there:
            with pytest.raises((MembershipError, RefusedError, NotAuthorizedError)):
                await membership.join(
                    NodeClient(here.session, node.url), Wallet.generate(), await there.invite(), "Bo"
                )
            with pytest.raises(InviteError):
                await membership.join(
                    NodeClient(here.session, node.url), Wallet.generate(), "kwhinvite1x", "Bo"
                )


async def test_a_set_up_node_cannot_be_founded_again(node):
    async with street_on(node) as street:
        client = NodeClient(street.session, node.url, node.setup_token)
        with pytest.raises(RefusedError) as caught:
            await membership.found(
                client, Wallet.generate(), GenesisOptions(name="x", founder_name="y"), now=now()
            )
        assert caught.value.code == "already_set_up"


async def test_a_member_whose_founder_decides_waits_for_the_approval(node):
    async with street_on(node, approval="manual") as street:
        bo = await street.joins("Bo")
        assert (await bo.client.account(bo.address)).status == "pending"
        with pytest.raises(RefusedError) as caught:
            await bo.register_asset(asset_type="home", name="Home", rated_import_w=1, rated_export_w=1)
        assert caught.value.code == "not_active"
        await street.ada.approve(bo.address)
        assert (await bo.client.account(bo.address)).status == "active"


async def test_orders_are_placed_found_and_taken_back(node):
    async with street_on(node) as street:
        bo = await street.joins("Bo", money=5 * EUR)
        home = await bo.register_asset(
            asset_type="home", name="Home", rated_import_w=9000, rated_export_w=9000, location="south"
        )
        await bo.update_asset(home.id, name="House")
        asset = await bo.client.asset(home.id)
        assert (asset.name, asset.is_connection_point, asset.location) == ("House", True, "south")
        window = open_slots(now(), (await bo.client.network()).parameters)
        bid = await bo.place_order(home.id, FixedBid(price=100_000, slots={window.start + 5: 5}))
        flexible = FlexibleBid(
            price=100_000,
            energy_wh=9,
            earliest=window.start + 3,
            deadline=window.start + 9,
            max_wh_per_slot=5,
        )
        await bo.place_order(home.id, flexible)
        orders = await bo.client.orders(account=bo.address, state="open")
        assert [order.order["type"] for order in orders] == ["fixed", "flexible"]
        assert orders[1].order == flexible.as_dict()
        await bo.cancel_order(bid.id)
        assert (await bo.client.order(bid.id)).state == "cancelled"
        events = (await bo.client.audit(home.id)).items
        assert [event.type for event in events] == [
            "asset.registered",
            "asset.updated",
            "order.placed",
            "order.placed",
            "order.cancelled",
        ]


async def test_a_batch_is_one_round_trip_and_each_item_has_its_own_answer(node):
    async with street_on(node) as street:
        bo = await street.joins("Bo", money=EUR)
        bodies = [transfer(street.ada.address, EUR if number == 7 else 1) for number in range(70)]
        results = await bo.send_all(bodies)
        refused = [number for number, result in enumerate(results) if isinstance(result, RefusedError)]
        assert refused == [7]
        assert (await bo.client.account(bo.address)).balance == EUR - 69


async def test_a_killed_node_costs_no_transaction_and_doubles_none(node):
    async with street_on(node) as street:
        bo = await street.joins("Bo", money=EUR)
        bo._sleep = lambda _: asyncio.sleep(0)
        unknown, known = [], 0

        async def pay_for_ever():
            nonlocal known
            while True:
                try:
                    await bo.transfer(street.ada.address, 1)
                    known += 1
                except LostAnswerError as lost:
                    unknown.append(lost.envelope)
                    return
                except NodeUnreachableError:
                    return

        for _ in range(3):
            paying = asyncio.create_task(pay_for_ever())
            await asyncio.sleep(0.3)
            await asyncio.to_thread(node.kill)
            await paying
            await asyncio.to_thread(node.start)
        happened = 0
        for envelope in unknown:
            with suppress(RefusedError):  # it never arrived, and later ones took its number
                happened += (await bo.finish(envelope)).state == "applied"
        assert known > 3
        assert (await bo.client.account(bo.address)).balance == EUR - known - happened


async def test_a_follower_hears_every_event_over_a_kill_and_a_stop(node):
    async with street_on(node) as street:
        bo = await street.joins("Bo", money=EUR)
        heard: list[Event] = []
        follower = EventFollower(bo.client, cursor=0, sleep=lambda _: asyncio.sleep(0.05))

        async def listen():
            async with aclosing(follower.follow()) as items:
                async for item in items:
                    if isinstance(item, Event):
                        heard.append(item)
                        if item.data.get("memo") == "enough":
                            return

        listening = asyncio.create_task(listen())
        for ending in (node.kill, node.stop):
            await bo.send_all([transfer(street.ada.address, 1) for _ in range(5)])
            await asyncio.to_thread(ending)
            await asyncio.to_thread(node.start)
        await bo.transfer(street.ada.address, 1, "enough")
        await asyncio.wait_for(listening, 20)
    assert [event.cursor for event in heard] == list(range(1, len(heard) + 1))
    assert len([event for event in heard if event.type == "transfer"]) == 11


async def test_a_kilowatt_hour_goes_all_the_way(node, tmp_path):
    """Offer and bid meet, both meters are read and attested, the ledger pays to the unit."""
    async with street_on(node) as street:
        seller, buyer = await street.joins("Bo"), await street.joins("Cy", money=5 * EUR)
        points = {
            member.address: (
                await member.register_asset(
                    asset_type="home",
                    name="Home",
                    rated_import_w=90_000,
                    rated_export_w=90_000,
                    source="solar",
                )
            ).id
            for member in (seller, buyer)
        }
        parameters = (await seller.client.network()).parameters
        slot = open_slots(now(), parameters).start + 1
        await seller.place_order(points[seller.address], Offer(price=90_000, slots={slot: 100, slot + 1: 50}))
        await buyer.place_order(points[buyer.address], FixedBid(price=250_000, slots={slot: 80}))
        await buyer.place_order(
            points[buyer.address],
            FlexibleBid(price=200_000, energy_wh=50, earliest=slot, deadline=slot + 2, max_wh_per_slot=50),
        )
        trades = await until(lambda: buyer.client.trades(account=buyer.address), bool)
        assert sum(trade.wh for trade in trades) == 130
        taking = deliveries(trades, slot_s=parameters.slot_s, asset=points[buyer.address])
        assert [(window.role, window.first, window.end) for window in taking] == [("take", slot, slot + 2)]
        book = PriceBook(slot_s=parameters.slot_s)
        book.learn([await buyer.client.round(trades[0].round)])
        assert book.price(slot) == trades[0].buyer_price
        assert (await buyer.client.slot(slot)).prices[""] == trades[0].buyer_price
        await asyncio.sleep(max(0, (slot + 2) * parameters.slot_s * 1000 - now()) / 1000)
        for member, sign in ((seller, -1), (buyer, 1)):
            await attest(member, points[member.address], trades, parameters.slot_s, slot, sign, tmp_path)
        settled = await until(
            lambda: buyer.client.trades(account=buyer.address, state="settled"),
            lambda found: len(found) == len(trades),
        )
        assert sum(trade.settled_wh for trade in settled) == 130
        paid = sum(trade.paid for trade in settled)
        assert paid == sum(trade.wh * (trade.buyer_price + trade.fee) for trade in trades)
        assert (await buyer.client.account(buyer.address)).available == 5 * EUR - paid
        assert (await seller.client.account(seller.address)).balance == sum(
            trade.received for trade in settled
        )
        money = (await buyer.client.network()).money
        assert money.balances + money.community == money.issued == 5 * EUR


async def attest(member, point, trades, slot_s, slot, sign, folder) -> None:
    """Meter two slots of 200 Wh each in one direction, and attest what was traded."""
    meter = SlotMeter(slot_s=slot_s, rated_w=200_000)
    journal = await Journal.open(point, FileStorage(folder / f"{point}.jsonl"))
    for step in range(5):
        energy = 100 * step
        at = slot * slot_s * 1000 + step * slot_s * 500
        sample = Sample(at, energy if sign > 0 else 0, energy if sign < 0 else 0)
        for reading in meter.feed(sample):
            assert isinstance(reading, SlotReading)
            await journal.add(reading)
    for due in journal.due(traded_at(trades, point), "traded"):
        receipt = await member.attest(
            asset=due.asset,
            slot=due.slot,
            imported_wh=due.imported_wh,
            exported_wh=due.exported_wh,
            commitment=due.commitment,
        )
        await journal.attested(due.slot, receipt.id)
    assert journal.due(traded_at(trades, point), "traded") == []
    [reading, *_] = await member.client.readings(asset=point, slot=slot)
    assert reading.commitment == journal.commitment(slot)


async def until(ask, enough, within_s: float = 25):
    """Return what is asked for as soon as it is enough."""
    deadline = time.monotonic() + within_s
    while not enough(found := await ask()):
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.2)
    return found
