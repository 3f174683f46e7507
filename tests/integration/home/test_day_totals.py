"""A member's day totals: attested once a day, with what was produced behind the meter."""

import pytest

from custom_components.energy_marketplace.day_totals import PART
from custom_components.energy_marketplace.meter.days import DAY_MS
from custom_components.energy_marketplace.meter.readings import Sample
from tests.integration.conftest import HOME, WASHER, asset
from tests.integration.home.waiting import until

ROOF = "d4" * 32
MINUTE = 60_000


@pytest.fixture
def assets():
    roof = asset(ROOF, "Roof", asset_type="solar", behind=HOME, rated_import_w=0)
    return [asset(HOME, "Home"), roof, asset(WASHER, "Washer", asset_type="appliance", behind=HOME)]


async def look(hass, member, at_minutes, **registers):
    """Let meters show something at a moment of day 100."""
    for meter in member.runtime_data.meters.values():
        if meter.asset.name in registers:
            imported, exported = registers[meter.asset.name]
            meter.async_set_updated_data(Sample(100 * DAY_MS + at_minutes * MINUTE, imported, exported))
    await hass.async_block_till_done()


async def a_day(hass, member):
    last = DAY_MS // MINUTE
    await look(hass, member, -1, Home=(1_000, 500), Roof=(0, 9_000))
    await look(hass, member, 1, Home=(1_000, 500), Roof=(0, 9_000))
    await look(hass, member, last - 1, Home=(4_000, 2_500), Roof=(0, 15_000))
    await look(hass, member, last + 1, Home=(4_000, 2_500), Roof=(0, 15_000))


def totals(node):
    return [one for one in node.submitted if one["kind"] == "reading.total"]


async def test_a_day_is_attested_with_what_the_roof_made(hass, member, node):
    await a_day(hass, member)
    (sent,) = await until(lambda: totals(node))
    assert (sent["asset"], sent["day"]) == (HOME, 100)
    assert (sent["imported_wh"], sent["exported_wh"]) == (3_000, 2_000)
    assert (sent["produced_wh"], sent["self_consumed_wh"]) == (6_000, 4_000)


async def test_a_day_waits_for_a_node_that_is_away_and_for_a_restart(hass, member, node, entry):
    tokens, node.tokens = node.tokens, set()
    await a_day(hass, member)
    assert totals(node) == []
    node.tokens = tokens
    await hass.config_entries.async_unload(entry.entry_id)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    next_day = DAY_MS // MINUTE * 2
    await look(hass, entry, next_day - 2, Home=(4_500, 2_500), Roof=(0, 15_000))
    await look(hass, entry, next_day + 1, Home=(5_000, 2_500), Roof=(0, 15_000))
    await until(lambda: 100 in [one["day"] for one in totals(node)])


async def test_a_day_that_the_ledger_refuses_is_not_sent_again(hass, member, node):
    node.refuse["reading.total"] = ("exceeds_rating", "so much in a day?")
    kept = member.runtime_data.market.store.parts[PART]
    await a_day(hass, member)
    await until(lambda: HOME not in [asset for asset, _ in kept()["counts"]])
    assert totals(node) == []
