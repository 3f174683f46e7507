"""The way of one kilowatt-hour: a real Home Assistant core, a real node process, real Modbus meters.

A neighbour's roof offers, an automation made from the shipped blueprint asks for energy for the washing
machine, a second one switches the machine on in the agreed slots, the meters confirm it and the ledger pays.
"""

import asyncio
import shutil
import time
from pathlib import Path

import pytest
from aiohttp import ClientSession
from homeassistant.config_entries import SOURCE_USER
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component

from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.ledger import membership
from custom_components.energy_marketplace.ledger.client import NodeClient
from custom_components.energy_marketplace.ledger.orders import Offer
from custom_components.energy_marketplace.ledger.wallet import Wallet
from custom_components.energy_marketplace.trading.timing import open_slots
from simulation.devices import FuseBox, Meter, Switched
from simulation.modbus_house import ModbusMeter
from tests.integration.home.waiting import until
from tests.integration.home_papers import certificates_agree, statement_agrees, vouchers_turn_back
from tests.support.node import NodeProcess, free_port

SLOT_S = 10
BLUEPRINTS = Path(__file__).parents[2] / "blueprints"
MACHINE_W = 3_600
"""One watt-hour a second: slots of 10 s carry 10 Wh."""


@pytest.fixture
def node(tmp_path, socket_enabled):
    with NodeProcess(tmp_path / "node") as process:
        yield process


@pytest.fixture
async def house():
    """A washing machine and the house around it, with a meter each."""
    machine = Switched(MACHINE_W)
    started = time.time()
    main, laundry = Meter([machine], started, 1_000_000, 0), Meter([machine], started, 5_000, 0)
    box = FuseBox([main, laundry])
    async with (
        ModbusMeter(box, main, free_port()) as main_meter,
        ModbusMeter(box, laundry, free_port(), machine=machine) as laundry_meter,
    ):
        yield machine, main_meter, laundry_meter


class Neighbour:
    """A headless member with a roof that gives what it promised."""

    def __init__(self, member, parameters):
        self.member = member
        self.parameters = parameters

    async def register(self):
        receipt = await self.member.register_asset(
            asset_type="solar", name="Roof", rated_import_w=0, rated_export_w=10_000, source="solar"
        )
        self.roof = receipt.id

    async def offer(self, wh):
        slots = open_slots(time.time_ns() // 1_000_000, self.parameters)[:6]
        await self.member.place_order(self.roof, Offer(price=100_000, slots=dict.fromkeys(slots, wh)))

    async def attest_all(self):
        """Attest every slot in which the roof sold, as soon as it is over."""
        done = set()
        while True:
            trades = await self.member.client.trades(account=self.member.address)
            now = time.time()
            for slot in {trade.slot for trade in trades} - done:
                if (slot + 1) * SLOT_S < now:
                    sold = sum(trade.wh for trade in trades if trade.slot == slot)
                    await self.member.attest(
                        asset=self.roof, slot=slot, imported_wh=0, exported_wh=sold, commitment="00" * 32
                    )
                    done.add(slot)
            await asyncio.sleep(0.5)


async def found(home, node):
    """Found the network through the flow and return the entry."""
    words = []
    flow = home.config_entries.flow
    step = await flow.async_init(DOMAIN, context={"source": SOURCE_USER})

    async def answer(data):
        return await flow.async_configure(step["flow_id"], data)

    await answer({"next_step_id": "node"})
    await answer({"url": node.url, "token": node.setup_token})
    shown = await answer({"next_step_id": "new_wallet"})
    words = shown["description_placeholders"]["phrase"].split()
    asked = await answer({})
    await answer({"word": words[int(asked["description_placeholders"]["position"]) - 1]})
    done = await answer(
        {
            "network_name": "Sunny Street",
            "member_name": "Ada",
            "currency": "EUR",
            "price_floor": 0.08,
            "price_cap": 0.3,
            "grid_fee": 0.005,
            "test": True,
            "advanced": {"slot_s": SLOT_S, "approval": "invite", "readings": "traded"},
        }
    )
    assert done["type"] == "create_entry", done
    return done["result"]


async def add_asset(home, entry, meter, name, asset_type, behind="grid"):
    flow = home.config_entries.subentries
    step = await flow.async_init((entry.entry_id, "asset"), context={"source": SOURCE_USER})

    async def answer(data):
        return await flow.async_configure(step["flow_id"], data)

    await answer(
        {
            "name": name,
            "asset_type": asset_type,
            "rated_import_w": 17_000,
            "rated_export_w": 0,
            "behind": behind,
        }
    )
    await answer({"next_step_id": "meter_tcp"})
    await answer({"host": "127.0.0.1", "port": meter.port, "unit_id": 1, "profile": "sdm120"})
    done = await answer({"inverted": False})
    assert done["type"] == "create_entry", done
    await home.async_block_till_done()
    return next(sub for sub in entry.subentries.values() if sub.title == name)


async def automate(home, machine, device_id):
    """Make both automations from the shipped blueprints; a switch stands for the machine's relay."""
    await asyncio.to_thread(shutil.copytree, BLUEPRINTS, home.config.path("blueprints"))
    assert await async_setup_component(home, "homeassistant", {})
    assert await async_setup_component(home, "input_boolean", {"input_boolean": {"machine": {}}})

    async def obey(event):
        if event.data["entity_id"] == "input_boolean.machine":
            machine.is_on = event.data["new_state"].state == "on"

    home.bus.async_listen("state_changed", obey)
    path = "energy_marketplace/{}.yaml"
    automations = [
        {
            "alias": "Ask for the wash",
            "use_blueprint": {
                "path": path.format("request_energy"),
                "input": {
                    "when": [{"trigger": "event", "event_type": "loaded"}],
                    "asset": device_id,
                    "energy": 0.02,
                    "finish_within": {"seconds": 70},
                    "max_power": MACHINE_W,
                    "price_cap": 0.25,
                },
            },
        },
        {
            "alias": "Run the wash",
            "use_blueprint": {
                "path": path.format("run_appliance"),
                "input": {
                    "delivery": "binary_sensor.washing_machine_delivery",
                    "appliance": "input_boolean.machine",
                },
            },
        },
    ]
    assert await async_setup_component(home, "automation", {"automation": automations})


async def ask(home, action, **data):
    return await home.services.async_call(DOMAIN, action, data, blocking=True, return_response=True)


async def test_a_kilowatt_hour_goes_its_whole_way(home, node, house):
    machine, main_meter, laundry_meter = house
    entry = await found(home, node)
    await home.async_block_till_done()
    point = await add_asset(home, entry, main_meter, "Home", "home")
    await add_asset(home, entry, laundry_meter, "Washing machine", "appliance", behind=point.unique_id)
    await ask(home, "issue_voucher", to=entry.data["address"], amount=10, reference="cash")
    invite = await ask(home, "create_invite")
    device = next(
        device
        for device in dr.async_entries_for_config_entry(dr.async_get(home), entry.entry_id)
        if device.name == "Washing machine"
    )
    await automate(home, machine, device.id)
    async with ClientSession() as session:
        client = NodeClient(session, node.url)
        wallet = Wallet.generate()
        rosa = await membership.join(client, wallet, invite["invite"], "Rosa")
        member = rosa.member(wallet, client)
        neighbour = Neighbour(member, (await member.client.network()).parameters)
        await neighbour.register()
        await neighbour.offer(20)
        before = (await member.client.network()).money
        attesting = asyncio.create_task(neighbour.attest_all())
        try:
            home.bus.async_fire("loaded")
            settled = await see_it_through(home, machine, device.id)
        finally:
            attesting.cancel()
        after = (await member.client.network()).money
    assert sum(trade["settled_energy"] for trade in settled) == pytest.approx(0.02)
    assert {trade["placed_by"] for trade in settled} == {"automation.ask_for_the_wash"}
    assert before.issued == after.issued == after.balances + after.held + after.community
    await until(
        lambda: shown(home, "sensor.washing_machine_bought_from_neighbours") == pytest.approx(0.02), 10
    )
    spent = sum(trade["amount"] for trade in settled)
    await until(lambda: shown(home, "sensor.washing_machine_money_spent") == pytest.approx(spent), 10)
    log = await ask(home, "get_audit_log", device_id=device.id)
    steps = [event["type"] for event in log["events"]]
    assert steps[0] == "asset.registered"
    assert {"order.placed", "trades.matched", "trade.delivering", "trade.metered", "trade.settled"} <= set(
        steps
    )
    await statement_agrees(home, entry, settled)
    await certificates_agree(home, device.id, settled, neighbour.roof)
    await vouchers_turn_back(home, entry)
    await home.config_entries.async_unload(entry.entry_id)


def shown(home, entity_id):
    """Return the number that a sensor shows."""
    return float(home.states.get(entity_id).state)


async def see_it_through(home, machine, device_id):
    """Watch the wash from the agreed slots to the payment; return the settled trades."""
    await until(
        lambda: home.states.get("binary_sensor.washing_machine_delivery").state == "on", 90, "a delivery"
    )
    agreed = home.states.get("binary_sensor.washing_machine_delivery").attributes["agreed_power"]
    assert agreed == pytest.approx(MACHINE_W, rel=0.01)
    await until(lambda: machine.is_on, 3, "the machine to be switched on")
    await until(
        lambda: home.states.get("binary_sensor.washing_machine_delivery").state == "off", 90, "its end"
    )
    await until(lambda: not machine.is_on, 3, "the machine to be switched off")
    deadline = time.monotonic() + 60
    while True:
        answer = await ask(home, "get_trades", device_id=device_id)
        if answer["trades"] and all(trade["state"] == "settled" for trade in answer["trades"]):
            return answer["trades"]
        assert time.monotonic() < deadline, answer
        await asyncio.sleep(0.5)
