"""The actions about readings that need a hand: claiming what one should have been, and exchanging a meter."""

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse

from .ledger import transactions
from .ledger.units import slot_at
from .schema import vol
from .service_input import ATTR_DEVICE_ID, explained, given, invalid, moment_ms, target_of, text, wh

ATTR_REASON = "reason"
ATTR_SLOT_START = "start"
ATTR_OLD_EXPORTED = "old_exported"
ATTR_OLD_IMPORTED = "old_imported"
ATTR_NEW_EXPORTED = "new_exported"
ATTR_NEW_IMPORTED = "new_imported"
_LONGEST_TEXT = 140
_BEGINS = (ATTR_NEW_IMPORTED, ATTR_NEW_EXPORTED)
_ENDED = (ATTR_OLD_IMPORTED, ATTR_OLD_EXPORTED)

CLAIM_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_DEVICE_ID): object,
        vol.Required(ATTR_SLOT_START): object,
        vol.Required(ATTR_REASON): object,
    }
)
EXCHANGE_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_DEVICE_ID): object,
        **{vol.Required(name): object for name in _BEGINS},
        **{vol.Optional(name): object for name in _ENDED},
    }
)


async def open_claim(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Claim that a slot's reading of one's own meter should be what the journal at home says."""
    target = target_of(hass, call)
    market = target.market
    at = moment_ms(call, ATTR_SLOT_START)
    slot = slot_at(at or 0, market.slot_s)
    attestation = target.entry.runtime_data.meters[target.asset.subentry_id].measured(slot)
    if attestation is None:
        raise invalid("no_reading_kept")
    reason = text(call, ATTR_REASON, _LONGEST_TEXT)
    with explained():
        receipt = await market.member.send(
            transactions.claim_open(
                asset=attestation.asset,
                slot=slot,
                imported_wh=attestation.imported_wh,
                exported_wh=attestation.exported_wh,
                reason=reason,
                commitment=attestation.commitment,
            )
        )
    return {
        "claim": receipt.id,
        "state": receipt.state,
        "imported": attestation.imported_wh / 1000,
        "exported": attestation.exported_wh / 1000,
    }


async def exchange_meter(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Go on with another meter, without its figures becoming energy."""
    target = target_of(hass, call)
    meter = target.entry.runtime_data.meters[target.asset.subentry_id]
    ended = _energies(call, _ENDED) if any(given(call, name) for name in _ENDED) else None
    try:
        await meter.async_exchange(_energies(call, _BEGINS), ended)
    except ValueError as error:
        raise invalid("old_meter_showed_more") from error
    return None


def _energies(call: ServiceCall, names: tuple[str, str]) -> tuple[int, int]:
    """Return two figures of a meter, given in kWh, in Wh."""
    imported, exported = (_figure(call, name) for name in names)
    return imported, exported


def _figure(call: ServiceCall, name: str) -> int:
    """Return a figure of a meter in Wh; one that was left out, or is 0, is 0."""
    if not given(call, name) or str(call.data[name]).strip() in {"0", "0.0"}:
        return 0
    return wh(call, name)
