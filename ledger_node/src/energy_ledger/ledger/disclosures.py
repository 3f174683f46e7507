"""Opening a reading: its owner shows everybody the registers behind a commitment."""

from functools import partial
from typing import Any, Final

from energy_ledger import crypto
from energy_ledger.ledger.assets import own_asset
from energy_ledger.ledger.rules import Action, Request
from energy_ledger.ledger.trading_rows import reading_key
from energy_ledger.payloads import ReadingDisclose
from energy_ledger.refusals import Refused

REGISTERS_TAG: Final = crypto.tag("registers")


def commitment_of(salt: bytes, registers: str) -> str:
    """Return the commitment (hex) to a text of registers under a salt of 32 bytes."""
    return crypto.digest(REGISTERS_TAG, salt + registers.encode("utf-8")).hex()


def plan_disclose(request: Request, payload: ReadingDisclose) -> Action:
    """Check that this is what the reading committed to; then everybody may know it."""
    asset = own_asset(request, payload.asset)
    reading = request.state.readings.get(reading_key(asset.id, payload.slot))
    if reading is None:
        message = (
            "There is no reading of this slot that could still be disputed; show this one off the ledger."
        )
        raise Refused("unknown_reading", "slot", message)
    commitment = commitment_of(bytes.fromhex(payload.salt), payload.registers)
    if commitment != reading.commitment:
        message = "Registers and salt are not those that the reading committed to, to the last character."
        raise Refused("commitment_mismatch", "registers", message)
    data = {
        "asset": asset.id,
        "slot": payload.slot,
        "registers": payload.registers,
        "salt": payload.salt,
        "commitment": commitment,
    }
    return partial(_disclose, request, data)


def _disclose(request: Request, data: dict[str, Any]) -> None:
    request.state.emit(
        "reading.disclosed",
        data,
        accounts=[request.sender.account],
        assets=[data["asset"]],
        transaction=request.id,
    )
