"""The actions about what a home shows others of itself: an asset's log, single readings, nothing more."""

from typing import Any

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse

from .ledger.transactions import dump
from .ledger.units import slot_at
from .meter.journal import Journal
from .schema import vol
from .service_input import (
    ATTR_DEVICE_ID,
    Target,
    explained,
    invalid,
    required_moment_ms,
    target_of,
)

ATTR_BEFORE = "before"
ATTR_PUBLISH = "publish"
ATTR_START = "start"
_ASSET: dict[Any, Any] = {vol.Required(ATTR_DEVICE_ID): object}

EXPORT_SCHEMA = vol.Schema(_ASSET)
DISCLOSE_SCHEMA = vol.Schema(
    {**_ASSET, vol.Required(ATTR_START): object, vol.Optional(ATTR_PUBLISH, default=False): bool}
)
DELETE_SCHEMA = vol.Schema({**_ASSET, vol.Required(ATTR_BEFORE): object})


async def export_audit(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Return the whole log of an asset as the text of a file that proves itself."""
    target = target_of(hass, call)
    with explained():
        text = await target.market.member.client.exported_audit(target.asset.id)
    return {"file_name": f"audit-{target.asset.id[:12]}.json", "content": text}


async def disclose_reading(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Return the registers behind a reading with their salt, and open it for everybody if that is wished."""
    target = target_of(hass, call)
    journal = _journal(target)
    slot = slot_at(required_moment_ms(call, ATTR_START), target.market.slot_s)
    if slot not in journal.entries:
        raise invalid("no_reading")
    shown: dict[str, Any] = {
        "asset": journal.asset,
        "slot": slot,
        "registers": journal.registers_text(slot),
        "salt": journal.entries[slot].salt.hex(),
    }
    answer = {**shown, "commitment": journal.commitment(slot), "content": dump(shown)}
    if call.data[ATTR_PUBLISH]:
        with explained():
            receipt = await target.market.member.disclose(**shown)
        answer |= {"transaction": receipt.id}
    return answer


async def delete_readings(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Delete the registers and salts of slots before a time, for good."""
    target = target_of(hass, call)
    journal = _journal(target)
    before = slot_at(required_moment_ms(call, ATTR_BEFORE), target.market.slot_s)
    count = sum(slot < before for slot in journal.entries)
    await journal.forget_before(before)
    return {"deleted": count}


def _journal(target: Target) -> Journal:
    """Return the readings of a connection point that this home measures."""
    meter = target.entry.runtime_data.meters.get(target.asset.subentry_id)
    if meter is None or meter.journal is None:
        raise invalid("not_a_connection_point")
    return meter.journal
