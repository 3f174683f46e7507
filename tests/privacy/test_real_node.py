"""A real node, a process with a directory of its own, holds no register and no salt of its neighbours."""

import asyncio

import pytest

from custom_components.energy_marketplace.meter.journal import Journal, Traded
from custom_components.energy_marketplace.meter.readings import Registers, SlotReading
from tests.ledger_node.node.test_way import follow
from tests.privacy.attack import holds
from tests.privacy.street import Memory
from tests.support.client import Street, client_of
from tests.support.killing import house
from tests.support.node import NodeProcess
from tests.support.people import EUR, now_ms

SLOT_MS = 2_000
TIMES = {"slot_s": 2, "round_s": 2, "proposal_window_s": 1, "gate_s": 1, "grace_slots": 5}
BASE = 71_234_567
"""What the meters had counted before, Wh."""


async def settle_in(street, name, kind, price):
    person = await street.joins(name, EUR)
    asset = await street.client.must(person.sign("asset.register", **house(name)))
    first = now_ms() // SLOT_MS + 4
    order = {"type": kind, "price": price, "slots": {str(slot): 4 for slot in range(first, first + 3)}}
    await street.client.must(person.sign("order.place", asset=asset, order=order))
    return person, asset, await Journal.open(asset, Memory())


async def attest(client, person, asset, journal):
    """Attest every slot that was traded and is over, as the integration does; return how many there were."""
    trades = (await client.get("/v1/trades", asset=asset))["items"]
    traded = {}
    for trade in trades:
        sold = trade["wh"] if trade["sell_point"] == asset else 0
        traded[trade["slot"]] = Traded(sold, trade["wh"] - sold)
    for slot in sorted(traded):
        await asyncio.sleep(max(0, (slot + 1) * SLOT_MS + 30 - now_ms()) / 1_000)
        ends = (Registers((slot + end) * SLOT_MS, BASE + 813 * (slot + end), BASE) for end in (0, 1))
        start, end = ends
        moved = Registers(end.at, end.imported_wh, end.exported_wh + 977)
        await journal.add(SlotReading(slot, start, moved))
    for one in journal.due(traded, "traded"):
        reading = {"imported_wh": one.imported_wh, "exported_wh": one.exported_wh}
        fields = {"asset": asset, "slot": one.slot, "commitment": one.commitment} | reading
        await client.must(person.sign("reading.attest", **fields))
        await journal.attested(one.slot, "there")
    return len(traded)


@pytest.mark.usefixtures("socket_enabled")
async def test_a_real_node_holds_what_was_attested_and_none_of_what_lies_behind_it(tmp_path):
    with NodeProcess(tmp_path / "node") as node:
        async with client_of(node) as client:
            street = await Street.found(node, client, **TIMES)
            homes = [await settle_in(street, "Bo", "offer", 90_000)]
            homes.append(await settle_in(street, "Cy", "fixed", 200_000))
            await follow(street.client, [], lambda event: event["type"] == "trades.matched")
            attested = [await attest(street.client, *home) for home in homes]
        node.stop()
    assert min(attested) >= 1
    for _, asset, journal in homes:
        assert holds(tmp_path, [asset.encode()])
        for slot, entry in journal.entries.items():
            assert holds(tmp_path, [journal.commitment(slot).encode()])
            start, end = entry.reading.start, entry.reading.end
            numbers = (start.imported_wh, end.imported_wh, end.exported_wh)
            secrets = [entry.salt, entry.salt.hex().encode(), journal.registers_text(slot).encode()]
            secrets += [str(number).encode() for number in numbers]
            secrets += [number.to_bytes(8, order) for number in numbers for order in ("big", "little")]
            assert holds(tmp_path, secrets) == []
