"""What a home shows others of itself: its log, checked; single readings, if it wants; and for how long."""

import json

import pytest
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util

from custom_components.energy_marketplace.const import DOMAIN
from custom_components.energy_marketplace.ledger.commitment import commit
from custom_components.energy_marketplace.meter.readings import Registers, SlotReading
from tests.integration.conftest import HOME

SLOT_MS = 900_000


@pytest.fixture
def devices(home, member):
    """Device ids by name."""
    entries = dr.async_entries_for_config_entry(dr.async_get(home), member.entry_id)
    return {device.name: device.id for device in entries}


@pytest.fixture
def act(home, member):
    """Perform an action and return its answer."""

    async def perform(action, **data):
        return await home.services.async_call(DOMAIN, action, data, blocking=True, return_response=True)

    return perform


@pytest.fixture
async def journal(member):
    """The home's own readings of five slots."""
    (meter,) = [one for one in member.runtime_data.meters.values() if one.asset.id == HOME]
    for slot in range(100, 105):
        ends = (Registers((slot + end) * SLOT_MS, 1_000 + 7 * (slot + end), 0) for end in (0, 1))
        await meter.journal.add(SlotReading(slot, *ends))
    return meter.journal


def at(slot):
    return dt_util.utc_from_timestamp(slot * SLOT_MS / 1000 + 5).isoformat()


async def test_the_log_of_an_asset_is_checked_on_demand(node, devices, act):
    await node.push("asset.registered", {"id": HOME}, (), (HOME,))
    plain = await act("get_audit_log", device_id=devices["Home"])
    assert "verification" not in plain
    found = (await act("get_audit_log", device_id=devices["Home"], verify=True))["verification"]
    assert (found["verdict"], found["events"], found["reason"]) == ("proven", 1, None)
    node.proves = False
    found = (await act("get_audit_log", device_id=devices["Home"], verify=True))["verification"]
    assert (found["verdict"], found["until"], found["commit"]) == ("unproven", None, None)


async def test_a_committee_that_was_never_pinned_is_a_contradiction(node, member, devices, act):
    member.runtime_data.market.trust.committee = None
    member.runtime_data.market.member.network = "0" * 64
    found = (await act("get_audit_log", device_id=devices["Home"], verify=True))["verification"]
    assert found["verdict"] == "contradicted"


async def test_a_log_is_exported_byte_for_byte(devices, act):
    answer = await act("export_audit", device_id=devices["Home"])
    assert answer["content"] == f'{{"asset":"{HOME}","zebra":"☀"}}'
    assert answer["file_name"] == f"audit-{HOME[:12]}.json"


async def test_a_reading_is_opened_to_one_person_or_to_all(node, devices, act, journal):
    answer = await act("disclose_reading", device_id=devices["Home"], start=at(102))
    shown = json.loads(answer["content"])
    assert shown == {name: answer[name] for name in ("asset", "slot", "registers", "salt")}
    assert (shown["asset"], shown["slot"]) == (HOME, 102)
    assert commit(bytes.fromhex(shown["salt"]), shown["registers"]) == answer["commitment"]
    assert not [one for one in node.submitted if one["kind"] == "reading.disclose"]
    answer = await act("disclose_reading", device_id=devices["Home"], start=at(102), publish=True)
    sent = node.submitted[-1]
    assert {name: sent[name] for name in shown} == shown
    assert "transaction" in answer


async def test_readings_are_deleted_for_good(devices, act, journal):
    assert await act("delete_readings", device_id=devices["Home"], before=at(103)) == {"deleted": 3}
    assert sorted(journal.entries) == [103, 104]
    with pytest.raises(ServiceValidationError, match="no reading"):
        await act("disclose_reading", device_id=devices["Home"], start=at(102))


async def test_only_a_connection_point_has_readings(devices, act):
    with pytest.raises(ServiceValidationError, match="connection point"):
        await act("disclose_reading", device_id=devices["Washer"], start=at(102))


async def test_the_owner_sets_how_long_readings_stay(home, member, journal):
    flow = await home.config_entries.options.async_init(member.entry_id)
    assert (flow["type"], flow["step_id"]) == (FlowResultType.FORM, "init")
    done = await home.config_entries.options.async_configure(flow["flow_id"], {"keep_days": 30})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert member.options["keep_days"] == 30
    (meter,) = [one for one in member.runtime_data.meters.values() if one.asset.id == HOME]
    today = member.runtime_data.market.slot_now() // 96 * 96
    ends = (Registers((today + end) * SLOT_MS, 9_000, 0) for end in (0, 1))
    await meter._attester.async_keep(SlotReading(today, *ends))
    assert sorted(journal.entries) == [today]
