"""Readings: what a connection point's meter showed for a slot."""

from functools import partial

from energy_ledger.ledger.assets import trading_asset
from energy_ledger.ledger.rows import Asset
from energy_ledger.ledger.rules import Action, Request
from energy_ledger.ledger.settlement import meter, trades_at
from energy_ledger.ledger.shares import Meter
from energy_ledger.ledger.state import State
from energy_ledger.ledger.trading_rows import Reading, reading_key
from energy_ledger.payloads import ReadingAttest
from energy_ledger.refusals import Refused


def plan_attest(request: Request, payload: ReadingAttest) -> Action:
    """Check that the slot is over and its reading awaited; then it counts towards the slot's trades."""
    trading_asset(request, payload.asset)
    connection_point(request.state, payload.asset)
    _check_slot(request, payload)
    reading = Reading(
        asset=payload.asset,
        slot=payload.slot,
        imported_wh=payload.imported_wh,
        exported_wh=payload.exported_wh,
        commitment=payload.commitment,
        quality=payload.quality,
        account=request.sender.account,
        commit=request.state.commit,
        transaction=request.id,
    )
    return partial(_attest, request, reading)


def connection_point(state: State, name: str) -> Asset:
    """Return an asset that is a connection point. Raises Refused."""
    asset = state.assets.get(name)
    if asset is None:
        raise Refused("unknown_asset", "asset", "There is no asset with this id.")
    if asset.behind is not None:
        message = f"{asset.name} is not on the public grid itself; name its connection point instead."
        raise Refused("not_a_connection_point", "asset", message)
    return asset


def _check_slot(request: Request, payload: ReadingAttest) -> None:
    state, slot = request.state, payload.slot
    if request.time < state.timing.end(slot):
        raise Refused("slot_not_over", "slot", f"Slot {slot} is not over yet; attest it when it is.")
    if request.time >= state.timing.grace_over(slot):
        raise Refused("too_late", "slot", f"Slot {slot} is settled; its readings are no longer taken.")
    if reading_key(payload.asset, slot) in state.readings:
        raise Refused("reading_exists", "slot", f"There is a reading for slot {slot} already; it stands.")
    if state.rules.readings == "traded" and not trades_at(state, payload.asset, slot):
        message = f"Nothing was traded here in slot {slot}; in this network only traded slots are attested."
        raise Refused("bad_value", "slot", message)


def _attest(request: Request, reading: Reading) -> None:
    state = request.state
    state.readings.put(reading)
    state.slots.note(reading.slot)
    state.slots.note_reading(reading)
    state.emit(
        "reading.attested",
        reading.row(),
        accounts=[reading.account],
        assets=[reading.asset],
        transaction=request.id,
    )
    meter(state, reading.asset, reading.slot, Meter(reading.imported_wh, reading.exported_wh))
