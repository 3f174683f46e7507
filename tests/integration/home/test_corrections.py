"""Readings that need a hand: a late one is claimed with what is kept at home, a meter is exchanged."""

import pytest
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util

from custom_components.energy_marketplace.meter.readings import Registers, Sample
from tests.integration.conftest import HOME
from tests.integration.home.test_metering import buy, reading
from tests.integration.home.test_services import act, devices

__all__ = ["act", "devices"]
SLOT_MS = 900_000


@pytest.fixture
def slot(node):
    return node.time // SLOT_MS - 9


@pytest.fixture
def meter(member):
    """Return the meter of the connection point."""
    return next(one for one in member.runtime_data.meters.values() if one.asset.id == HOME)


def within(slot):
    return dt_util.utc_from_timestamp(slot * 900 + 60).isoformat()


async def test_a_late_reading_is_claimed_as_it_would_have_been_attested(
    node, member, devices, act, meter, slot
):
    buy(member, slot, 300)
    await meter._attester.async_keep(reading(slot, 2_000))
    fields = {"device_id": devices["Home"], "start": within(slot), "reason": "my router was off"}
    answer = await act("open_claim", **fields)
    claim = node.submitted[-1]
    assert (claim["kind"], claim["asset"], claim["slot"]) == ("claim.open", HOME, slot)
    assert (claim["imported_wh"], claim["exported_wh"]) == (300, 0)
    assert claim["commitment"] == meter._attester._journal.commitment(slot)
    assert (answer["imported"], answer["exported"]) == (0.3, 0)


async def test_what_nobody_read_cannot_be_claimed(devices, act, slot):
    for name in ("Home", "Washer"):
        fields = {"device_id": devices[name], "start": within(slot), "reason": "I think so"}
        with pytest.raises(ServiceValidationError) as refused:
            await act("open_claim", **fields)
        assert refused.value.translation_key == "no_reading_kept"


async def test_an_exchanged_meter_counts_on_and_its_figures_are_no_energy(member, home, devices, meter):
    last = meter.slots.last
    figures = {"new_imported": 0.003, "new_exported": 0, "old_imported": 100.005}
    await home.services.async_call(
        "energy_marketplace", "exchange_meter", {"device_id": devices["Home"], **figures}, blocking=True
    )
    meter.slots.feed(Sample(last.at + 60_000, 13, 0))
    assert meter.slots.last == Registers(last.at + 60_000, 100_015, 0)


async def test_an_old_meter_that_ended_below_what_it_showed_is_refused(home, devices, member):
    figures = {"new_imported": 0, "new_exported": 0, "old_imported": 1, "old_exported": 0}
    with pytest.raises(ServiceValidationError) as refused:
        await home.services.async_call(
            "energy_marketplace", "exchange_meter", {"device_id": devices["Home"], **figures}, blocking=True
        )
    assert refused.value.translation_key == "old_meter_showed_more"
