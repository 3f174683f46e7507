"""The actions of a founder about members, roles and the tariff, and the end of an asset."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util

from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.meter.readings import Registers, SlotReading
from tests.integration.conftest import HOME, WASHER
from tests.integration.home.test_services import act, devices, in_hours
from tests.integration.home.waiting import until

__all__ = ["act", "devices"]
NIGHT = [{"minute": 0, "value": 200_000}, {"minute": 360, "value": 300_000}]


@pytest.fixture
def neighbour(node):
    return node.founder.address(test=True)


@pytest.mark.parametrize("suspended", [True, False])
async def test_a_member_is_suspended_and_let_in_again(node, act, neighbour, suspended):
    answer = await act("suspend_member", member=neighbour, suspended=suspended, reason=" sold thin air ")
    sent = node.submitted[-1]
    assert (sent["kind"], sent["member"], sent["suspended"]) == ("member.suspend", neighbour, suspended)
    assert sent["reason"] == "sold thin air"
    assert answer["state"] == "applied"


async def test_roles_are_given_and_taken(node, act, neighbour):
    for role, granted in (("founder", True), ("treasurer", False), ("auditor", True)):
        answer = await act("set_role", member=neighbour, role=role, granted=granted)
        sent = node.submitted[-1]
        assert (sent["kind"], sent["member"]) == ("member.role", neighbour)
        assert (sent["role"], sent["granted"], answer["state"]) == (role, granted, "applied")


@pytest.fixture
def is_gone(home, member):
    """Wait until an asset is gone from the home, and the member runs again."""

    async def gone(asset):
        await until(lambda: asset not in {one.unique_id for one in member.subentries.values()})
        await until(lambda: member.state is ConfigEntryState.LOADED and member.runtime_data.market.connected)

    return gone


async def test_an_asset_is_retired_for_good(node, devices, act, is_gone):
    assert (await act("retire_asset", device_id=devices["Home"]))["state"] == "applied"
    assert (node.submitted[-1]["kind"], node.submitted[-1]["asset"]) == ("asset.retire", HOME)
    await is_gone(HOME)


async def test_a_retired_asset_goes_with_its_device_and_its_entities(home, devices, act, is_gone):
    await act("retire_asset", device_id=devices["Washer"])
    await is_gone(WASHER)
    assert dr.async_get(home).async_get(devices["Washer"]) is None
    assert not [name for name in home.states.async_entity_ids() if "washer" in name]
    assert home.states.get("sensor.home_power").state == "500.0"


async def test_an_asset_that_another_program_retired_goes_too_and_no_other(node, member, is_gone):
    me = member.data["address"]
    await node.push("asset.retired", {"id": "0f" * 32, "state": "retired"}, (me,))
    await node.push("asset.retired", {"id": WASHER, "state": "retired"}, (me,), (WASHER,))
    await is_gone(WASHER)
    assert [one.unique_id for one in member.subentries.values()] == [HOME]


async def test_what_a_retired_meter_showed_is_kept_for_who_asks_as_long_as_other_readings(
    home, member, devices, act, is_gone, hass_storage
):
    journal = await member.runtime_data.market.store.async_journal(HOME)
    slot = int(time.time()) // 900
    await journal.add(
        SlotReading(slot, Registers(slot * 900_000, 0, 0), Registers((slot + 1) * 900_000, 5, 0))
    )
    kept = Path(home.config.path(".storage", f"{DOMAIN}.{member.entry_id}.readings", f"{HOME}.jsonl"))
    await act("retire_asset", device_id=devices["Home"])
    await is_gone(HOME)
    assert await asyncio.to_thread(kept.exists)
    await home.config_entries.async_reload(member.entry_id)
    assert await asyncio.to_thread(kept.exists)
    await home.config_entries.async_unload(member.entry_id)
    hass_storage[f"{DOMAIN}.{member.entry_id}"]["data"]["retired"][HOME] -= 401 * 86_400
    await home.config_entries.async_setup(member.entry_id)
    assert not await asyncio.to_thread(kept.exists)


async def test_a_tariff_holds_from_the_first_whole_slot_on(node, act):
    start = dt_util.utc_from_timestamp((int(time.time()) // 900 + 400) * 900 + 1)
    answer = await act("set_tariff", start=start.isoformat(), price_floor=0.05, price_cap="0.25", grid_fee=0)
    sent = node.submitted[-1]
    assert (sent["kind"], sent["from_slot"]) == ("tariff.set", int(start.timestamp()) // 900 + 1)
    assert sent["tariff"] == {"price_floor": 50_000, "price_cap": 250_000, "grid_fee": 0}
    assert dt_util.parse_datetime(answer["start"]) == start + timedelta(seconds=899)


async def test_what_a_new_tariff_does_not_name_stays_as_it_will_be_then(home, node, member, act):
    begun = {"price_floor": 80_000, "price_cap": NIGHT, "grid_fee": 5_000}
    later = begun | {"price_floor": 70_000}
    slot = int(time.time()) // 900
    node.network_more = {
        "tariff": begun,
        "tariffs": [{"from_slot": 0, "tariff": begun}, {"from_slot": slot + 200, "tariff": later}],
    }
    await member.runtime_data.market.async_refresh()
    await act("set_tariff", start=in_hours(45), grid_fee=0.01)
    assert node.submitted[-1]["tariff"] == begun | {"grid_fee": 10_000}
    await act("set_tariff", start=in_hours(60), price_floor=0.06, price_cap="")
    assert node.submitted[-1]["tariff"] == later | {"price_floor": 60_000}
    await act("set_tariff", start=in_hours(60), price_cap=0.31)
    assert node.submitted[-1]["tariff"] == later | {"price_cap": 310_000}


@pytest.mark.parametrize(
    ("action", "fields", "says"),
    [
        ("suspend_member", {"suspended": True, "reason": " "}, "must hold 1 to 140 characters"),
        ("suspend_member", {"suspended": True, "reason": "why", "member": "Ada"}, "not a member's address"),
        ("set_role", {"role": "king", "granted": True}, "no such role. Choose one of: founder, treasurer"),
        ("set_tariff", {"start": in_hours(1), "grid_fee": 0.01}, "traded by the present prices already"),
        ("set_tariff", {"start": in_hours(60)}, "at least one price"),
        ("set_tariff", {"start": in_hours(60), "grid_fee": 0.00000001}, "more decimals"),
        ("set_tariff", {"start": "someday", "grid_fee": 0.01}, "must be a date and time"),
        ("retire_asset", {"device_id": "nothing"}, "no asset of the energy marketplace"),
    ],
)
async def test_what_cannot_be_meant_is_explained_and_changes_nothing(
    node, act, neighbour, action, fields, says
):
    named = {"member": neighbour} if action in {"suspend_member", "set_role"} else {}
    with pytest.raises(ServiceValidationError) as caught:
        await act(action, **named | fields)
    assert says in str(caught.value)
    assert node.submitted == []


async def test_a_refusal_is_explained(node, act, neighbour):
    node.refuse["member.role"] = ("not_allowed", "Only a founder.")
    with pytest.raises(ServiceValidationError, match="role does not allow it"):
        await act("set_role", member=neighbour, role="auditor", granted=True)


async def test_governing_is_for_administrators_only(node, devices, act, neighbour, hass_read_only_user):
    context = Context(user_id=hass_read_only_user.id)
    for action, fields in (
        ("suspend_member", {"member": neighbour, "suspended": True, "reason": "why"}),
        ("set_role", {"member": neighbour, "role": "founder", "granted": True}),
        ("set_tariff", {"start": in_hours(60), "grid_fee": 0.01}),
        ("retire_asset", {"device_id": devices["Home"]}),
    ):
        with pytest.raises(Unauthorized):
            await act(action, context=context, **fields)
    assert node.submitted == []
